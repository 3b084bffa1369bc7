"""Frames and landmarks of a video on disk, read in any order: memory does not grow with its length.

The files have no name from the start: whatever ends the process, nothing is left.
"""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from array import array
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.errors import OutputError
from txt2vid.faces.face import LANDMARKS, Frames, Landmarks

_JPEG = (
    cv2.IMWRITE_JPEG_QUALITY,
    97,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)  # about 45 dB: no loss that is seen, at a tenth of the bytes
_ROW = LANDMARKS * 3 * np.dtype(np.float32).itemsize


class Spool(Frames):
    """Written in order, then read in any; `landmarks` may be rewritten. Reading is safe from several threads."""

    def __init__(self) -> None:
        self._pictures: IO[bytes] = tempfile.TemporaryFile(prefix="txt2vid-")  # noqa: SIM115  # lives with the spool
        self._points: IO[bytes] = tempfile.TemporaryFile(prefix="txt2vid-")  # noqa: SIM115
        for file in (self._pictures, self._points):
            weakref.finalize(self, file.close)
        self._ends = array("Q", [0])
        self._last: tuple[int, Pixels] | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, pixels: Pixels) -> None:
        """Adds the next picture. Raises OutputError where the disk is full."""
        done, data = cv2.imencode(".jpg", pixels, _JPEG)
        if not done:
            raise OutputError(f"frame {len(self)} cannot be stored as JPEG: give a smaller --size")
        _write(self._pictures, data.tobytes(), self._ends[-1])
        self._ends.append(self._ends[-1] + len(data))

    def pixels(self, index: int) -> Pixels:
        """Picture `index`. The latest one is kept, since engines ask for the same frame more than once."""
        with self._lock:
            if self._last is not None and self._last[0] == index:
                return self._last[1]
        start, end = self._ends[index], self._ends[index + 1]
        data = os.pread(self._pictures.fileno(), end - start, start)
        picture = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        picture.flags.writeable = False
        with self._lock:
            self._last = (index, picture)
        return picture

    def landmarks(self, index: int) -> Landmarks:
        """Landmarks of picture `index`."""
        points: Landmarks = self.track(index, index + 1)[0]
        return points

    def track(self, start: int, stop: int) -> NDArray[np.float32]:
        """(stop - start, 478, 3): the landmarks of consecutive pictures."""
        data = os.pread(self._points.fileno(), (stop - start) * _ROW, start * _ROW)
        return np.frombuffer(data, np.float32).reshape(-1, LANDMARKS, 3)

    def put_track(self, start: int, points: NDArray[np.float32]) -> None:
        """Writes the landmarks of consecutive pictures, from `start`. Raises OutputError where the disk is full."""
        _write(self._points, np.ascontiguousarray(points, np.float32).tobytes(), start * _ROW)


def _write(file: IO[bytes], data: bytes, at: int) -> None:
    view = memoryview(data)
    try:
        while view:
            written = os.pwrite(file.fileno(), view, at)
            view, at = view[written:], at + written
    except OSError as err:
        folder = tempfile.gettempdir()
        raise OutputError(
            f"the face video's frames cannot be kept in {folder} ({err.strerror}): set TMPDIR to a folder with space"
        ) from err
