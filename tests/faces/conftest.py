from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from txt2vid.core.media import Pixels
from txt2vid.core.options import FaceOptions
from txt2vid.faces.face import Face, Landmarks
from txt2vid.faces.prepare import prepare_face

SAMPLES = Path(__file__).parents[2] / "sample_data"
GROUND = (90, 120, 140)  # BGR, around pictures that are laid on something


@pytest.fixture(scope="session")
def astronaut() -> Path:
    return SAMPLES / "astronaut.png"


@pytest.fixture(scope="session")
def portrait(astronaut: Path) -> Pixels:
    """The photograph, 512x512, BGR."""
    return np.ascontiguousarray(np.asarray(Image.open(astronaut).convert("RGB"))[:, :, ::-1])


@pytest.fixture(scope="session")
def truth(astronaut: Path) -> Landmarks:
    """Its landmarks, found in the untouched picture."""
    return prepare_face(FaceOptions(astronaut)).frames.landmarks(0)


Save = Callable[[Pixels], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a BGR picture to a PNG file."""

    def write(pixels: Pixels) -> Path:
        path = tmp_path / "picture.png"
        Image.fromarray(pixels[:, :, ::-1]).save(path)
        return path

    return write


Film = Callable[[Sequence[Pixels]], Path]


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Writes BGR pictures to a nearly lossless video of 25 frames a second."""

    def write(frames: Sequence[Pixels]) -> Path:
        height, width = frames[0].shape[:2]
        path = tmp_path / "film.mp4"
        command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}"]
        command += ["-r", "25", "-i", "-", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "10"]
        command += ["-pix_fmt", "yuv444p", str(path)]
        subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), check=True, timeout=60)
        return path

    return write


def turned(picture: Pixels, points: Landmarks, degrees: float) -> tuple[Pixels, Landmarks]:
    """A picture turned clockwise on a canvas that holds it all, and its landmarks."""
    height, width = picture.shape[:2]
    side = int(np.hypot(width, height))
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1), np.float64)
    matrix[:, 2] += ((side - width) / 2, (side - height) / 2)
    drawn = np.asarray(cv2.warpAffine(picture, matrix, (side, side), borderValue=GROUND), np.uint8)
    moved = points.copy()
    moved[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return drawn, moved


def laid(picture: Pixels, width: int, height: int, x: int, y: int) -> Pixels:
    """A picture on a larger canvas."""
    canvas = np.full((height, width, 3), GROUND, np.uint8)
    canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return canvas


def shrunk(picture: Pixels, factor: float) -> Pixels:
    """A picture made smaller."""
    return np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def error(found: Landmarks, expected: Landmarks) -> float:
    """Mean distance between landmarks, in face widths."""
    width = np.linalg.norm(expected[234, :2] - expected[454, :2])
    return float(np.linalg.norm(found[:, :2] - expected[:, :2], axis=1).mean() / width)


def landmarks_of(face: Face, index: int = 0) -> Landmarks:
    """The landmarks of one frame."""
    return face.frames.landmarks(index)
