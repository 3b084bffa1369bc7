"""The short driving video: a performance in keyframes, which the mesh engine plays on the astronaut's picture."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion
from txt2vid.core.options import FaceOptions
from txt2vid.engines.base import Job
from txt2vid.faces.prepare import prepare_face
from txt2vid.ffmpeg.encode import Encoder
from txt2vid.registry import load

FPS = Fraction(25)
SECONDS = 5
FRAMES = int(SECONDS * FPS)
BOX = (84, 0, 320, 320)  # x, y, width, height of what is shown of the picture: head and shoulders
CRF = 24  # of x264: a tenth of a megabyte for five seconds

# Each curve: (second, value) pairs, the same at both ends so that the video can be looped. Blendshapes by ARKit's names
# (a pair's name without its side is both sides), angles in radians, gaze in [-1, 1].
CURVES: dict[str, tuple[tuple[float, float], ...]] = {
    "pitch": ((0, 0), (0.7, 0.10), (1.1, -0.04), (1.5, 0.08), (2.0, 0), (4.2, 0), (4.6, 0.07), (5, 0)),
    "yaw": ((0, 0), (1.4, 0), (2.1, 0.24), (2.6, 0.24), (3.4, -0.24), (3.9, -0.22), (4.6, 0), (5, 0)),
    "roll": ((0, 0), (1.6, 0), (2.3, 0.06), (3.0, 0), (3.6, -0.08), (4.5, 0), (5, 0)),
    "gaze_x": ((0, 0), (1.7, 0), (1.9, 0.45), (2.7, 0.3), (2.9, -0.45), (3.9, -0.3), (4.2, 0), (5, 0)),
    "gaze_y": ((0, 0), (0.6, 0), (0.75, 0.3), (1.2, 0), (5, 0)),
    "eyeBlink": ((0, 0), (0.36, 0), (0.44, 1), (0.50, 1), (0.64, 0), (2.64, 0), (2.72, 1), (2.78, 1), (2.92, 0),
                 (4.30, 0), (4.38, 1), (4.42, 1), (4.56, 0), (5, 0)),
    "browInnerUp": ((0, 0), (0.9, 0), (1.2, 0.7), (1.7, 0.6), (2.1, 0), (5, 0)),
    "browOuterUp": ((0, 0), (0.9, 0), (1.2, 0.6), (1.7, 0.5), (2.1, 0), (5, 0)),
    "browDown": ((0, 0), (2.9, 0), (3.2, 0.5), (3.6, 0.5), (3.9, 0), (5, 0)),
    "mouthSmile": ((0, 0), (1.9, 0), (2.3, 0.7), (2.9, 0.6), (3.3, 0), (4.4, 0.3), (5, 0)),
    "cheekSquint": ((0, 0), (1.9, 0), (2.3, 0.4), (2.9, 0.3), (3.3, 0), (5, 0)),
    "jawOpen": ((0, 0), (0.5, 0), (0.62, 0.35), (0.76, 0.05), (0.92, 0.45), (1.08, 0.10), (1.3, 0.30), (1.5, 0),
                (3.3, 0), (3.45, 0.40), (3.6, 0.10), (3.78, 0.5), (3.95, 0.05), (4.1, 0.25), (4.25, 0), (5, 0)),
    "mouthFunnel": ((0, 0), (1.05, 0), (1.25, 0.5), (1.45, 0), (3.65, 0), (3.82, 0.5), (4.0, 0), (5, 0)),
    "mouthPucker": ((0, 0), (3.95, 0), (4.1, 0.5), (4.25, 0), (5, 0)),
}  # fmt: skip
_POSE = ("pitch", "yaw", "roll")
_GAZE = ("gaze_x", "gaze_y")


@dataclass(frozen=True)
class _Still:
    """Where a curve is at a time."""

    curves: dict[str, PchipInterpolator]

    def __call__(self, name: str, second: float) -> float:
        return float(self.curves[name](second))


def performance() -> list[Motion]:
    """The motion of every frame, FRAMES of them. The curves between keyframes never overshoot (PCHIP)."""
    at = _Still({name: PchipInterpolator(*zip(*keys, strict=True)) for name, keys in CURVES.items()})
    return [_motion(at, float(i / FPS)) for i in range(FRAMES)]


def _motion(at: _Still, second: float) -> Motion:
    shapes = np.zeros(len(BLENDSHAPES), np.float32)
    for name in CURVES:
        if name not in _POSE + _GAZE:
            for full in (name,) if name in INDEX else (f"{name}Left", f"{name}Right"):
                shapes[INDEX[full]] = at(name, second)
    return Motion(shapes, rotation=_vector(at, _POSE, second), gaze=_vector(at, _GAZE, second))


def _vector(at: _Still, names: tuple[str, ...], second: float) -> NDArray[np.float32]:
    return np.array([at(name, second) for name in names], np.float32)


def render(picture: Path, output: Path) -> None:
    """Plays the performance on a still picture into a silent video."""
    face = prepare_face(FaceOptions(picture))
    engine = load("engine", "mesh")()
    prepared = engine.prepare(face)
    left, top, width, height = BOX
    with Encoder(output, width, height, FPS, preset="veryslow", crf=CRF) as encoder:
        for motion in performance():
            frame = engine.render([Job(prepared, 0, motion)])[0]
            encoder.write_frame(frame[top : top + height, left : left + width])
