"""What each named expression does to a face: moods that last and gestures that pass, as vectors.

Which muscles make which face is Ekman and Friesen's (Facial Action Coding System, 1978), as ARKit's coefficients; how
far they go was set by looking at photographs and drawings that the mesh engine moved.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.expressions import NEUTRAL
from txt2vid.core.motion import BLENDSHAPES, coefficients
from txt2vid.drivers.phonemes import smoothstep

Array = NDArray[np.float32]
SHAPES = slice(0, len(BLENDSHAPES))
POSE = slice(SHAPES.stop, SHAPES.stop + 3)  # pitch, yaw, roll in radians
GAZE = slice(POSE.stop, POSE.stop + 2)
OPACITY = GAZE.stop  # 1 hides what lies under it
LENGTH = OPACITY + 1
NOTHING = np.zeros(LENGTH, np.float32)


def _face(pitch: float = 0, yaw: float = 0, roll: float = 0, gaze: tuple[float, float] = (0, 0),
          **shapes: float) -> Array:  # fmt: skip
    """A pose as one vector: coefficients by name (pairs at once), the head in degrees, gaze, opacity 1."""
    vector = np.zeros(LENGTH, np.float32)
    vector[SHAPES] = coefficients(**shapes)
    vector[POSE] = np.radians([pitch, yaw, roll])
    vector[GAZE] = gaze
    vector[OPACITY] = 1
    return vector


@dataclass(frozen=True, slots=True)
class Mood:
    """A face at strength 1. sustain: the share of it that is held once its height has passed."""

    face: Array
    sustain: float = 0.85


MOODS: Mapping[str, Mood] = {
    NEUTRAL: Mood(_face(), 1.0),
    "joy": Mood(
        _face(
            pitch=-1.5, mouthSmile=0.95, mouthDimple=0.25, mouthUpperUp=0.35, mouthLowerDown=0.2, jawOpen=0.1,
            cheekSquint=0.75, eyeSquint=0.4, browOuterUp=0.25,
        )
    ),
    "smile": Mood(_face(mouthSmile=0.78, mouthDimple=0.25, cheekSquint=0.55, eyeSquint=0.32, browOuterUp=0.15), 0.9),
    "sadness": Mood(
        _face(
            pitch=4.5, roll=-2, gaze=(0, 0.3), mouthFrown=0.75, mouthShrugLower=0.4, browInnerUp=0.95, eyeBlink=0.12,
            eyeSquint=0.2,
        ),
        0.95,
    ),
    "anger": Mood(
        _face(
            pitch=4.5, gaze=(0, -0.1), browDown=1.0, browOuterUp=0.22, eyeSquint=0.65, eyeBlink=0.08, noseSneer=0.5,
            mouthFrown=0.55, mouthPress=0.8, mouthRollUpper=0.25, mouthShrugLower=0.3, jawForward=0.3,
        ),
        0.95,
    ),
    "surprise": Mood(
        _face(pitch=-3, browInnerUp=0.9, browOuterUp=0.9, eyeWide=0.85, jawOpen=0.34, mouthFunnel=0.25), 0.7
    ),
    "fear": Mood(
        _face(
            pitch=-2, browInnerUp=1.0, browOuterUp=0.35, browDown=0.2, eyeWide=0.9, mouthStretch=0.7,
            mouthLowerDown=0.3, jawOpen=0.1, mouthFrown=0.3,
        )
    ),
    "disgust": Mood(
        _face(
            pitch=-2, yaw=2.5, noseSneer=1.0, mouthUpperUp=0.55, browDown=0.85, cheekSquint=0.55, eyeSquint=0.6,
            eyeBlink=0.05, mouthFrown=0.5, mouthShrugLower=0.25,
        )
    ),
    "contempt": Mood(
        _face(
            pitch=-2.5, yaw=2, roll=2, mouthSmileLeft=0.9, mouthDimpleLeft=0.6, mouthPressLeft=0.3, eyeBlink=0.18,
            cheekSquintLeft=0.35, eyeSquintLeft=0.25, browOuterUpRight=0.3,
        )
    ),
    "thinking": Mood(
        _face(
            pitch=-2.5, yaw=3.5, roll=3.5, gaze=(0.45, -0.45), mouthPucker=0.35, mouthLeft=0.35, mouthPress=0.2,
            browDownRight=0.3, browOuterUpLeft=0.55, browInnerUp=0.15,
        ),
        0.9,
    ),
    "confusion": Mood(
        _face(
            roll=-4.5, yaw=-1.5, browDownRight=0.85, browOuterUpLeft=0.9, browInnerUp=0.15, eyeSquintRight=0.4,
            mouthFrownLeft=0.35, mouthFrownRight=0.2, mouthShrugLower=0.2, mouthRight=0.2,
        ),
        0.9,
    ),
    "tired": Mood(
        _face(pitch=5, roll=2.5, gaze=(0, 0.2), eyeBlink=0.42, browInnerUp=0.25, mouthFrown=0.2, jawOpen=0.02), 1.0
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gesture:
    """What passes.

    path: (seconds, face) points that are eased between; the first and the last are the face without it.
    holds: whether it can be held longer or shorter than it is by itself: after its second point.
    """

    path: tuple[tuple[float, Array], ...]
    holds: bool = False

    @property
    def seconds(self) -> float:
        """From its start to its end."""
        return self.path[-1][0]

    def lasting(self, seconds: float | None) -> Gesture:
        """The same, so long from start to end where it can be held."""
        if seconds is None or not self.holds:
            return self
        more = max(seconds - self.seconds, self.path[1][0] - self.path[2][0])  # no less than without any hold
        return Gesture((*self.path[:2], *((at + more, face) for at, face in self.path[2:])), holds=True)

    def at(self, time: float) -> Array:
        """The face, so many seconds after the start."""
        for (before, start), (after, end) in itertools.pairwise(self.path):
            if before <= time < after:
                return start + (end - start) * np.float32(smoothstep((time - before) / (after - before)))
        return NOTHING


def _there(face: Array, rise: float, hold: float, fall: float) -> Gesture:
    return Gesture(((0.0, NOTHING), (rise, face), (rise + hold, face), (rise + hold + fall, NOTHING)), holds=True)


def _looks(x: float, y: float) -> Gesture:
    return _there(_face(pitch=7.5 * y, yaw=8.5 * x, gaze=(0.75 * x, 0.65 * y)), 0.28, 1.1, 0.4)


GESTURES: Mapping[str, Gesture] = {
    "wink": _there(
        _face(
            roll=2.5, eyeBlinkLeft=1.0, cheekSquintLeft=0.8, mouthSmileLeft=0.5, mouthDimpleLeft=0.3, browDownLeft=0.25,
            mouthSmileRight=0.12,
        ),
        0.16, 0.22, 0.26,
    ),
    "blink": _there(_face(eyeBlink=1.0), 0.09, 0.05, 0.16),
    "nod": Gesture((
        (0.0, NOTHING), (0.14, _face(pitch=-2.0)), (0.38, _face(pitch=6.5)), (0.6, _face(pitch=-1.0)),
        (0.82, _face(pitch=4.5)), (1.1, NOTHING),
    )),
    "shake": Gesture((
        (0.0, NOTHING), (0.22, _face(yaw=8.0, gaze=(-0.23, 0))), (0.5, _face(yaw=-8.0, gaze=(0.23, 0))),
        (0.78, _face(yaw=6.5, gaze=(-0.18, 0))), (1.02, _face(yaw=-4.0, gaze=(0.11, 0))), (1.3, NOTHING),
    )),
    "tilt": _there(_face(roll=7.0, browInnerUp=0.15), 0.35, 0.9, 0.45),
    "brows": _there(_face(browInnerUp=0.8, browOuterUp=0.8, eyeWide=0.35), 0.16, 0.35, 0.3),
    "look left": _looks(1, 0),
    "look right": _looks(-1, 0),
    "look up": _looks(0, -1),
    "look down": _looks(0, 1),
}  # fmt: skip
