"""What a face does at one frame: ARKit's 52 blendshape coefficients, head pose and gaze.

The names are Apple's (ARFaceAnchor.BlendShapeLocation), in the order of Live Link Face's CSV files, so that what drives
Unreal, Blender or MediaPipe drives this. "Left" is the subject's left: the right side of an unmirrored picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

BLENDSHAPES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawRight", "jawLeft", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthRight", "mouthLeft", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
TURN_LIMITS = tuple(math.radians(degrees) for degrees in (24, 28, 25))  # a picture turned further shows its edge
SHIFT_LIMITS = (0.10, 0.08, 0.12)  # the same for translations, face widths

INDEX: Mapping[str, int] = {name: i for i, name in enumerate(BLENDSHAPES)}

Coefficients = NDArray[np.float32]


def coefficients(**values: float) -> Coefficients:
    """A vector of 52 coefficients from names; unnamed ones are 0. Raises KeyError on a name that ARKit does not have.

    A name that exists only as a Left/Right pair may be given without its side, and sets both.
    """
    vector = np.zeros(len(BLENDSHAPES), np.float32)
    for name, value in values.items():
        for full in (name,) if name in INDEX else (f"{name}Left", f"{name}Right"):
            vector[INDEX[full]] = value
    return vector


def _zeros(n: int) -> NDArray[np.float32]:
    return np.zeros(n, np.float32)


@dataclass(frozen=True, slots=True)
class Motion:
    """What a face does at one frame. Zero everywhere is the face at rest: mouth closed, eyes open, head as prepared.

    blendshapes: float32 (52,), in [0, 1], ordered as BLENDSHAPES.
    rotation: float32 (3,) pitch, yaw, roll in radians, of the head against its prepared pose. Positive pitch nods
        down, positive yaw turns to the picture's right, positive roll tilts clockwise as the viewer sees it.
    translation: float32 (3,) in face widths: to the picture's right, down, towards the viewer.
    gaze: float32 (2,) in [-1, 1]: to the picture's right, down; 1 is as far as eyes turn (about 35 degrees).
    """

    blendshapes: Coefficients = field(default_factory=lambda: _zeros(len(BLENDSHAPES)))
    rotation: NDArray[np.float32] = field(default_factory=lambda: _zeros(3))
    translation: NDArray[np.float32] = field(default_factory=lambda: _zeros(3))
    gaze: NDArray[np.float32] = field(default_factory=lambda: _zeros(2))

    def __getitem__(self, name: str) -> float:
        return float(self.blendshapes[INDEX[name]])

    def __add__(self, other: Motion) -> Motion:
        """Both at once: coefficients add and are clipped to [0, 1], gaze to [-1, 1]; poses add (they are small)."""
        return Motion(
            np.clip(self.blendshapes + other.blendshapes, 0, 1),
            self.rotation + other.rotation,
            self.translation + other.translation,
            np.clip(self.gaze + other.gaze, -1, 1),
        )

    def faded(self, share: float) -> Motion:
        """So much of it: 0 is the face at rest, 1 all of it."""
        if share == 1.0:
            return self
        by = np.float32(share)
        return Motion(self.blendshapes * by, self.rotation * by, self.translation * by, self.gaze * by)

    def with_blendshapes(self, **values: float) -> Motion:
        """A copy in which the named coefficients have the given values."""
        blendshapes = self.blendshapes.copy()
        for name, value in values.items():
            blendshapes[INDEX[name]] = value
        return replace(self, blendshapes=blendshapes)
