"""What was seen of a person, as a drawn head has to be asked for it: measured on what is drawn, it is the same again.

The mesh engine turns a picture's head as a relief, which the face mesh sees as a smaller turn, and lids that are half
shut on a picture look less shut to it. Both were measured: heroes drawn at known motions, tracked again.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from txt2vid.core.motion import BLENDSHAPES, INDEX, SHIFT_LIMITS, TURN_LIMITS, Coefficients, Motion

TURN_GAIN = (1.44, 1.75, 1.05)  # pitch, yaw, roll: what is asked for over what is seen of it
SHIFTED = 0.35  # of the person's own way through the picture
SHUT_SEEN = (0.0, 0.08, 0.17, 0.28, 0.37, 0.47, 0.62, 0.93, 1.0)  # of lids, as the mesh sees them drawn …
SHUT_DRAWN = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)  # … at these values of eyeBlink

DOWN_SHUTS, UP_SHUTS = 0.20, 0.09  # of an eye's opening, that a drawn look down, and up, shuts as the mesh sees it
WIDE_GAIN = 2.5  # of eyes that are opened wide: drawn at 1 they are a third wider, which the mesh sees as an eighth
LOWER_MOST = 0.8  # of mouthLowerDown and jawOpen together: more folds the lower lip over the skin that stays
LOWER_AS_JAW = 0.22  # of jawOpen opens the lips as far as mouthLowerDown does
FOLDING = 0.7  # by which corners that are drawn down, and rolled lips, are less where the jaw is wide open
KEPT_SMILE = 0.7  # of the corners of the person's mouth, while speech moves the rest of it

_MOUTH = np.array([i for i, name in enumerate(BLENDSHAPES) if name.startswith(("jaw", "mouth", "tongue"))])
_CORNERS = np.array([i for i, name in enumerate(BLENDSHAPES) if name.startswith(("mouthSmile", "mouthFrown"))])
_JAW = INDEX["jawOpen"]
_LOWER = np.array([INDEX["mouthLowerDownLeft"], INDEX["mouthLowerDownRight"]])
_FOLDING = np.array([i for i, name in enumerate(BLENDSHAPES) if name.startswith(("mouthFrown", "mouthRoll"))])
_BLINKS = np.array([INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]])
_WIDES = np.array([INDEX["eyeWideLeft"], INDEX["eyeWideRight"]])


def for_hero(seen: Motion, pose: float = 1.0) -> Motion:
    """The motion that a hero is drawn with. pose: strength of the head's movement, 0 to 2; limits hold."""
    blendshapes = seen.blendshapes.copy()
    down = float(seen.gaze[1])
    looking = np.float32(max(DOWN_SHUTS * down, -UP_SHUTS * down))
    # A look shuts by its share of what is still open: of shut lids, behind which eyes look down, nothing is taken.
    shut = (blendshapes[_BLINKS] - looking) / (1 - looking)
    blendshapes[_BLINKS] = np.interp(shut, SHUT_SEEN, SHUT_DRAWN)
    blendshapes[_WIDES] = np.minimum(1, WIDE_GAIN * blendshapes[_WIDES])
    _untorn(blendshapes)
    turns = zip(seen.rotation, TURN_GAIN, TURN_LIMITS, strict=True)
    shifts = zip(seen.translation, SHIFT_LIMITS, strict=True)
    return replace(
        seen,
        blendshapes=blendshapes,
        rotation=np.array([soft(pose * gain * float(turn), limit) for turn, gain, limit in turns], np.float32),
        translation=np.array([soft(pose * SHIFTED * float(shift), limit) for shift, limit in shifts], np.float32),
    )


def _untorn(blendshapes: Coefficients) -> None:
    """Takes back, in place, what would fold a drawn lip where the jaw is open; the gap between the lips stays."""
    jaw = float(blendshapes[_JAW])
    lower = blendshapes[_LOWER]
    kept = np.minimum(lower, np.float32(max(0.0, LOWER_MOST - jaw)))
    blendshapes[_LOWER] = kept
    blendshapes[_JAW] = min(1.0, jaw + LOWER_AS_JAW * float((lower - kept).mean()))
    blendshapes[_FOLDING] *= np.float32(1 - FOLDING * jaw)


def without_mouth(motion: Motion) -> Motion:
    """The motion where somebody else moves the mouth: what is left of it there is a smile, or its opposite."""
    blendshapes = motion.blendshapes.copy()
    blendshapes[_MOUTH] = 0
    blendshapes[_CORNERS] = np.float32(KEPT_SMILE) * motion.blendshapes[_CORNERS]
    return replace(motion, blendshapes=blendshapes)


def soft(value: float, limit: float) -> float:
    """The value, unchanged up to half the limit, then bent so that it never passes it."""
    half = limit / 2
    size = abs(value)
    return value if size <= half else math.copysign(half + half * math.tanh((size - half) / half), value)
