"""Square, turned views of a picture: where a face is looked at, and the way back to the picture's pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.faces.face import Landmarks

_EYES = (33, 263)  # outer corners: the line between them tells how the head is tilted
_DIM, _MOST_GAIN = 40.0, 20.0  # mean of 255 below which a crop is too dark for the networks; of what gain
_MARGIN = 1.5  # crop's side over the face's: what the mesh was trained with (MediaPipe's face_landmark graph)


@dataclass(frozen=True, slots=True)
class View:
    """A square of a picture.

    x, y: its middle, in pixels of the picture (0.5, 0.5 is the middle of the first pixel).
    side: its side in pixels of the picture.
    angle: radians that the picture's content is turned clockwise there, so that the view shows it upright.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    def matrix(self, pixels: int) -> NDArray[np.float64]:
        """(2, 3): from the picture's coordinates to those of the view drawn with `pixels` a side."""
        k = pixels / self.side
        c, s = k * np.cos(self.angle), k * np.sin(self.angle)
        half = pixels / 2
        return np.array([[c, s, half - c * self.x - s * self.y], [-s, c, half + s * self.x - c * self.y]])

    def draw(self, picture: Pixels, pixels: int, border: int = cv2.BORDER_REPLICATE) -> Pixels:
        """The view at `pixels` a side, without aliasing; beyond the picture its edge goes on."""
        matrix = self.matrix(pixels)
        shrink = int(self.side / pixels)
        if shrink >= 2:
            picture, matrix = _shrunk(picture, self, matrix, shrink)
        shifted = matrix.copy()  # cv2 puts 0, 0 into the first pixel's middle
        shifted[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
        drawn = cv2.warpAffine(
            picture, shifted, (pixels, pixels), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=(128, 128, 128)
        )
        return np.asarray(drawn, np.uint8)

    def to_picture(self, points: Landmarks, pixels: int) -> Landmarks:
        """Landmarks in pixels of the drawn view, as pixels of the picture."""
        k = self.side / pixels
        c, s = k * math.cos(self.angle), k * math.sin(self.angle)
        u, v = rows(points).astype(np.float64) - pixels / 2
        placed = np.empty((len(points), 3), np.float32)
        placed[:, 0] = self.x + c * u - s * v
        placed[:, 1] = self.y + s * u + c * v
        placed[:, 2] = k * points[:, 2]
        return placed

    def moved(self, dx: float = 0, dy: float = 0, scale: float = 1, turn: float = 0) -> View:
        """A view a little beside this one: shifts in sides, turn in radians."""
        return View(self.x + dx * self.side, self.y + dy * self.side, self.side * scale, self.angle + turn)


def _shrunk(
    picture: Pixels, view: View, matrix: NDArray[np.float64], factor: int
) -> tuple[Pixels, NDArray[np.float64]]:
    """The part of the picture under the view, averaged over blocks of `factor` pixels, and the matrix from there."""
    height, width = picture.shape[:2]
    reach = view.side * (abs(np.cos(view.angle)) + abs(np.sin(view.angle))) / 2 + 2 * factor
    left, right = _whole(*_clamp(view.x - reach, view.x + reach, width, factor), width, factor)
    top, bottom = _whole(*_clamp(view.y - reach, view.y + reach, height, factor), height, factor)
    part = picture[top:bottom, left:right]
    small_size = (max(1, (right - left) // factor), max(1, (bottom - top) // factor))
    small = np.asarray(cv2.resize(part, small_size, interpolation=cv2.INTER_AREA), np.uint8)
    sx, sy = (right - left) / small_size[0], (bottom - top) / small_size[1]
    inner = matrix.copy()
    inner[:, 2] += matrix[:, :2] @ (left, top)
    inner[:, 0] *= sx
    inner[:, 1] *= sy
    return small, inner


def _clamp(low: float, high: float, end: int, least: int) -> tuple[int, int]:
    start = int(np.clip(low, 0, max(0, end - least)))
    return start, int(np.clip(high, min(end, start + least), end))


def _whole(start: int, end: int, limit: int, factor: int) -> tuple[int, int]:
    """The range made longer, up to `limit`, to so many whole blocks: averages over those take a quarter of the time.

    Where the picture has no room for that it stays as it is: nothing of what is looked at is cut off.
    """
    missing = -(end - start) % factor
    after = min(missing, limit - end)
    before = missing - after
    return (start - before, end + after) if before <= start else (start, end)


def view_of(points: Landmarks) -> View:
    """The view in which the mesh sees these landmarks best: upright, in the middle, two thirds of the side."""
    angle = tilt(points)
    c, s = math.cos(angle), math.sin(angle)
    upright = np.array([[c, s], [-s, c]]) @ rows(points)
    (left, top), (right, bottom) = upright.min(axis=1).tolist(), upright.max(axis=1).tolist()
    u, v = (left + right) / 2, (top + bottom) / 2
    return View(c * u - s * v, s * u + c * v, _MARGIN * max(right - left, bottom - top), angle)


def rows(points: Landmarks) -> NDArray[np.float32]:
    """(2, n): x and y, each in one piece, over which numpy adds and compares ten times as fast."""
    return np.ascontiguousarray(points[:, :2].T)


def tilt(points: Landmarks) -> float:
    """How far the head is turned clockwise in the picture, radians, by the line between the eyes' outer corners."""
    right, left = points[_EYES[0]].tolist(), points[_EYES[1]].tolist()
    return math.atan2(left[1] - right[1], left[0] - right[0])


def lifted(crop: Pixels) -> Pixels:
    """A dark crop as bright as usual: at a mean of 4 of 255 the mesh's error is halved by that, and faces are found."""
    mean = sum(cv2.mean(crop)[:3]) / 3
    if mean >= _DIM:
        return crop
    return np.asarray(cv2.convertScaleAbs(crop, alpha=min(1.5 * _DIM / max(mean, 1.0), _MOST_GAIN)), np.uint8)
