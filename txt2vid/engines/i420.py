"""Pictures as encoders want them: I420, BT.601 with limited range, as H.264 takes it without a further conversion."""

from __future__ import annotations

from typing import Any

import cv2 as _cv2

from txt2vid.core.media import Pixels

_cv: Any = _cv2  # its stubs do not know what type comes back
_LIMITED = 224 / 255  # of full range: chroma from 16 to 240 (ITU-R BT.601)


def to_i420(pixels: Pixels) -> Pixels:
    """A BGR picture (h, w, 3) as I420 planes (h * 3 // 2, w), in new memory; h and w are even.

    Colour is that of four pixels on average: OpenCV's own conversion takes one of them, and edges fray (2.5 dB).
    """
    height, width = pixels.shape[:2]
    result: Pixels = _cv.cvtColor(pixels, _cv.COLOR_BGR2YUV_I420)
    half = _cv.resize(pixels, (width // 2, height // 2), interpolation=_cv.INTER_AREA)
    chroma = _cv.cvtColor(half, _cv.COLOR_BGR2YCrCb)
    chroma = _cv.convertScaleAbs(chroma, None, _LIMITED, 128 * (1 - _LIMITED))
    blue, red = result[height:].reshape(2, height // 2, width // 2)
    _cv.extractChannel(chroma, 2, blue)
    _cv.extractChannel(chroma, 1, red)
    return result


def from_i420(planes: Pixels) -> Pixels:
    """I420 planes (h * 3 // 2, w) as a BGR picture (h, w, 3)."""
    result: Pixels = _cv.cvtColor(planes, _cv.COLOR_YUV2BGR_I420)
    return result


def patch_i420(frame: Pixels, patch: Pixels, corner: tuple[int, int]) -> None:
    """Lays a smaller I420 picture onto another, its corner at x and y, both even."""
    x, y = corner
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    rows, columns = patch.shape[0] * 2 // 3, patch.shape[1]
    frame[y : y + rows, x : x + columns] = patch[:rows]
    planes = frame[height:].reshape(2, height // 2, width // 2)
    chroma = patch[rows:].reshape(2, rows // 2, columns // 2)
    planes[:, y // 2 : (y + rows) // 2, x // 2 : (x + columns) // 2] = chroma
