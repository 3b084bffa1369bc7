"""Landmarks as files that people and other programs can write: CSV, JSON or NPY."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from txt2vid.errors import FaceError, MediaError, OutputError
from txt2vid.faces.canonical import canonical
from txt2vid.faces.face import LANDMARKS, Landmarks

WITHOUT_IRISES = 468
_MAX_BYTES = 4_000_000  # 478 numbers in any notation are far smaller
_EYES = ((33, 133, 159, 145, 468), (362, 263, 386, 374, 473))  # corners, lids, and the iris' first landmark
_HEADERS = frozenset({"x", '"x"', "#", "#x"})  # how a first line that names the columns begins
_WHAT = "give 478 (or 468) rows of x,y or x,y,z in pixels of the picture"


def read_landmarks(path: Path) -> Landmarks:
    """(478, 3) from a file of 478 or 468 rows of x, y and perhaps z; irises and depth that are missing are estimated.

    CSV: a row a line, with or without a header line. JSON: a list of rows, or an object with the list under
    "landmarks". NPY: NumPy's array file. Raises MediaError where the file cannot be read, FaceError where it holds
    no landmarks.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else b""
    except FileNotFoundError as err:
        raise MediaError(f"landmark file {path} does not exist: check the name") from err
    except OSError as err:
        raise MediaError(f"landmark file {path} cannot be read ({err.strerror}): give a CSV, JSON or NPY file") from err
    try:
        array = _parsed(data, path)
    except (ValueError, TypeError, KeyError, EOFError, UnicodeDecodeError) as err:
        raise FaceError(f"landmark file {path} is neither CSV, JSON nor NPY: {_WHAT}") from err
    if array.ndim != 2 or array.shape[0] not in (LANDMARKS, WITHOUT_IRISES) or array.shape[1] not in (2, 3):
        shape = "x".join(map(str, array.shape)) or "one number"
        raise FaceError(f"landmark file {path} holds {shape} numbers: {_WHAT}")
    if not np.isfinite(array).all():
        raise FaceError(f"landmark file {path} holds numbers that are not finite: {_WHAT}")
    if np.ptp(array[:, :2], axis=0).min() < 2:
        raise FaceError(f"landmark file {path} puts all landmarks on one spot or line: {_WHAT}")
    return completed(array)


def write_landmarks(path: Path, points: Landmarks) -> None:
    """Writes landmarks for `read_landmarks`, as JSON or NPY by the extension, else as CSV. Raises OutputError."""
    try:
        if path.suffix.lower() == ".npy":
            with path.open("wb") as file:
                np.save(file, points.astype(np.float32))
        elif path.suffix.lower() == ".json":
            rows = [[round(float(v), 3) for v in row] for row in points]
            path.write_text(json.dumps({"landmarks": rows}), encoding="utf-8")
        else:
            lines = [",".join(f"{v:.3f}" for v in row) for row in points]
            path.write_text("\n".join(["x,y,z", *lines]) + "\n", encoding="utf-8")
    except OSError as err:
        raise OutputError(f"landmarks cannot be written to {path}: {err.strerror}") from err


def _parsed(data: bytes, path: Path) -> NDArray[np.float64]:
    if data.startswith(b"\x93NUMPY"):
        loaded: Any = np.load(path, allow_pickle=False)
        return np.asarray(loaded, np.float64)
    text = data.decode("utf-8-sig").strip()
    if text.startswith(("[", "{")):
        rows = json.loads(text)
        return np.array(rows["landmarks"] if isinstance(rows, dict) else rows, np.float64)
    lines = [line.replace(",", " ").replace(";", " ").split() for line in text.splitlines() if line.strip()]
    if lines and lines[0][0].lower() in _HEADERS:
        lines = lines[1:]
    return np.array([[float(v) for v in line] for line in lines], np.float64)


def completed(array: NDArray[np.float64]) -> Landmarks:
    """(478, 3) from (478 or 468, 2 or 3): depth from the average face, irises in the middle of the eyes."""
    points = np.zeros((LANDMARKS, 3), np.float64)
    points[: len(array), : array.shape[1]] = array
    if array.shape[1] == 2:
        width = np.linalg.norm(array[234] - array[454])
        average = canonical()
        points[:, 2] = average[:, 2] * width / np.linalg.norm(average[234, :2] - average[454, :2])
    if len(array) < LANDMARKS:
        _place_irises(points)
    return points.astype(np.float32)


def _place_irises(points: NDArray[np.float64]) -> None:
    """An iris is about 0.4 of the eye's width across; the average face tells where on its rim the landmarks lie."""
    average = canonical()
    for outer, inner, upper, lower, first in _EYES:
        middle = (points[outer] + points[inner]) / 4 + (points[upper] + points[lower]) / 4
        scale = np.linalg.norm(points[outer, :2] - points[inner, :2]) / np.linalg.norm(
            average[outer, :2] - average[inner, :2]
        )
        rim = average[first : first + 5] - average[first]
        points[first : first + 5] = middle + rim * (scale, scale, 0)
