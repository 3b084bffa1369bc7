"""What was seen of a person, as a drawn head has to be asked for it: measured on what is drawn, it is the same again.

The mesh engine turns a picture's head as a relief, which the face mesh sees as a smaller turn, and lids that are half
shut on a picture look less shut to it. Both were measured: heroes drawn at known motions, tracked again.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from txt2vid.core.motion import INDEX, Motion

TURN_GAIN = (1.5, 1.65, 1.05)  # pitch, yaw, roll: what is asked for over what is seen of it
TURN_LIMITS = tuple(math.radians(degrees) for degrees in (24, 28, 25))  # a picture turned further shows its edge
SHIFT_LIMITS = (0.10, 0.08, 0.12)  # face widths: to the right, down, nearer
SHIFTED = 0.35  # of the person's own way through the picture
SHUT_SEEN = (0.0, 0.08, 0.17, 0.28, 0.37, 0.47, 0.62, 0.93, 1.0)  # of lids, as the mesh sees them drawn …
SHUT_DRAWN = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)  # … at these values of eyeBlink
MOST_POSE = 2.0  # strength of the head's movement that may be asked for

_BLINKS = (INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"])


def for_hero(seen: Motion, pose: float = 1.0) -> Motion:
    """The motion that a hero is drawn with. pose: strength of the head's movement, 0 to MOST_POSE; limits hold."""
    blendshapes = seen.blendshapes.copy()
    blendshapes[list(_BLINKS)] = np.interp(blendshapes[list(_BLINKS)], SHUT_SEEN, SHUT_DRAWN)
    turns = zip(seen.rotation, TURN_GAIN, TURN_LIMITS, strict=True)
    shifts = zip(seen.translation, SHIFT_LIMITS, strict=True)
    return replace(
        seen,
        blendshapes=blendshapes,
        rotation=np.array([soft(pose * gain * float(turn), limit) for turn, gain, limit in turns], np.float32),
        translation=np.array([soft(pose * SHIFTED * float(shift), limit) for shift, limit in shifts], np.float32),
    )


def soft(value: float, limit: float) -> float:
    """The value, unchanged up to half the limit, then bent so that it never passes it."""
    half = limit / 2
    size = abs(value)
    return value if size <= half else math.copysign(half + half * math.tanh((size - half) / half), value)
