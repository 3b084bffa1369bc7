"""Smooth fields from scattered values: thin-plate splines (Duchon 1977), solved once per face.

A field is evaluated on the nodes of a coarse grid; pictures are warped by its bilinear enlargement, whose error is far
below a pixel since the splines are smooth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from txt2vid.faces.geometry import Array

Real = TypeVar("Real", np.float32, np.float64)


@dataclass(frozen=True, slots=True)
class Grid:
    """A rectangle of a picture and the nodes in it: node (i, j) is in the middle of its cell of step x step pixels.

    x, y: the rectangle's corner in the picture, may be negative. columns, rows: nodes. step: pixels, an integer so that
    the enlargement of a field is aligned with the pixels.
    """

    x: int
    y: int
    columns: int
    rows: int
    step: int

    @staticmethod
    def over(left: float, top: float, right: float, bottom: float, nodes: int) -> Grid:
        """A grid over a box with about `nodes` nodes along its longer side."""
        return Grid.spaced(left, top, right, bottom, max(1, round(max(right - left, bottom - top) / nodes)))

    @staticmethod
    def spaced(left: float, top: float, right: float, bottom: float, step: int) -> Grid:
        """A grid over a box, its nodes so many pixels apart."""
        x, y = int(np.floor(left)), int(np.floor(top))
        columns, rows = (max(2, int(np.ceil(side / step))) for side in (right - x, bottom - y))
        return Grid(x, y, columns, rows, step)

    @property
    def width(self) -> int:
        """Pixels."""
        return self.columns * self.step

    @property
    def height(self) -> int:
        """Pixels."""
        return self.rows * self.step

    def nodes(self) -> Array:
        """float32 (rows, columns, 2): x and y of the nodes in the picture, pixel middles at integers."""
        xs = self.x + (np.arange(self.columns) + 0.5) * self.step - 0.5
        ys = self.y + (np.arange(self.rows) + 0.5) * self.step - 0.5
        return np.asarray(np.stack(np.meshgrid(xs, ys), axis=-1), np.float32)

    def pixels(self) -> Array:
        """float32 (height, width, 2): x and y of the pixels in the picture."""
        xs, ys = self.x + np.arange(self.width), self.y + np.arange(self.height)
        return np.asarray(np.stack(np.meshgrid(xs, ys), axis=-1), np.float32)


class Spline:
    """A thin-plate spline through scattered values, smoothed a little.

    centres: (n, 2) pixels. values: (n, m). scale: pixels, a typical size of the face, for the numbers' sake.
    smoothing: 0 passes through every value; small positive numbers, one for all or one for each, trade exactness for
        smoothness.
    """

    def __init__(self, centres: Array, values: Array, scale: float, smoothing: Array | float = 1e-4) -> None:
        self._origin = centres.mean(axis=0)
        self._scale = scale
        self._centres = ((centres - self._origin) / scale).astype(np.float64)
        n = len(centres)
        system = np.zeros((n + 3, n + 3))
        system[:n, :n] = _kernel(self._centres, self._centres)
        system[np.arange(n), np.arange(n)] += smoothing
        system[:n, n] = system[n, :n] = 1
        system[:n, n + 1 :] = self._centres
        system[n + 1 :, :n] = self._centres.T
        right = np.zeros((n + 3, values.shape[1]))
        right[:n] = values
        self._moving = np.flatnonzero(np.abs(values).max(axis=0) > 0)  # most shapes move nothing around one slit
        self._values = values.shape[1]
        self._weights = np.linalg.solve(system, right[:, self._moving]).astype(np.float32)
        self._fine = self._centres.astype(np.float32)

    def at(self, points: Array) -> Array:
        """float32 (..., m): the spline at points (..., 2)."""
        flat = ((points.reshape(-1, 2) - self._origin) / self._scale).astype(np.float32)
        n = len(self._fine)
        result = np.zeros((len(flat), self._values), np.float32)
        result[:, self._moving] = (
            _kernel(flat, self._fine) @ self._weights[:n] + self._weights[n] + flat @ self._weights[n + 1 :]
        )
        return result.reshape(*points.shape[:-1], -1)


def _kernel(points: NDArray[Real], centres: NDArray[Real]) -> NDArray[Real]:
    """r^2 log r between all pairs, (len(points), len(centres))."""
    across = points[:, 0, None] - centres[None, :, 0]
    down = points[:, 1, None] - centres[None, :, 1]
    across *= across
    down *= down
    across += down
    np.maximum(across, 1e-12, out=across)
    np.log(across, out=down)
    down *= across
    down *= 0.5
    return down
