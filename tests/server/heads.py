"""A camera of the tests' own: the samples' drawn face, moved by the mesh engine, as a file that Chromium plays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.options import FaceOptions
from txt2vid.engines.base import Job
from txt2vid.engines.mesh import MeshEngine
from txt2vid.faces.prepare import prepare_face

WIDTH, HEIGHT = 640, 480


def moving_head(picture: Path, count: int = 30) -> list[Pixels]:
    """Frames of 640x480: a head that turns, nods and opens its mouth once, so that the last goes on with the first."""
    engine, face = MeshEngine(), prepare_face(FaceOptions(picture, size=HEIGHT))
    prepared = engine.prepare(face)
    frames = []
    for at in np.arange(count) / count * 2 * np.pi:
        pose = np.array([0.12 * np.sin(2 * at), 0.3 * np.sin(at), 0.08 * np.sin(at)], np.float32)
        motion = Motion(coefficients(jawOpen=0.3 - 0.3 * np.cos(2 * at)), pose)
        drawn = engine.render([Job(prepared, 0, motion)])[0]
        frames.append(_placed(drawn, 25 * np.sin(at)))
    return frames


def nobody() -> Pixels:
    """The same size, and no face in it."""
    return np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


def camera_file(path: Path, frames: Sequence[Pixels], fps: int = 15) -> Path:
    """A Y4M (uncompressed), again and again as Chromium plays it."""
    with path.open("wb") as file:
        height, width = frames[0].shape[:2]
        file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
    return path


def _placed(drawn: Pixels, right: float) -> Pixels:
    frame = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    scale = HEIGHT / drawn.shape[0]
    move = np.array([[scale, 0, (WIDTH - drawn.shape[1] * scale) / 2 + right], [0, scale, 0]], np.float32)
    return np.asarray(
        cv2.warpAffine(drawn, move, (WIDTH, HEIGHT), dst=frame, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
