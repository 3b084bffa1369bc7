"""A sheet: a piece of the face's skin that moves without a cut, as displacements on a coarse grid.

The face is cut along the lips and the lids, so each side of a cut is a sheet of its own that reaches a little past the
cut; what is drawn where is decided by the sheets' alpha. Motion is given forwards (where does this bit of skin go?), a
picture is drawn backwards (which bit of skin is seen here?), so each frame inverts the field on its coarse grid by
fixed-point iteration, b(y) = y - d(b(y)), which converges where the field's gradient is below 1 and fast where it
is small. A lid that shuts stretches its skin by more, and a turn of the head comes near: then Newton's method does it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.field import Grid
from txt2vid.engines.rig.geometry import Array

_STILL = 0.02  # pixels: shapes that move nothing on a sheet by more are left out of it
_GENTLE = 0.25  # slope up to which the iteration is within a hundredth of a pixel
_THROW = 7.0  # nodes that Newton's method finds its way over in one go
_LEAP = 4.0  # nodes: the longest step of Newton's method
_INVERSION_STEPS = 4  # each shrinks the error by the field's gradient (at most about 0.5): 4 leave under 0.2 px of 5


@dataclass(frozen=True, slots=True)
class Pose:
    """A rigid movement of the head in the picture: p goes to p + turn @ (p - pivot) + shift.

    turn: float32 (3, 3), rotation minus identity. pivot, shift: float32 (3,), pixels.
    """

    turn: Array
    pivot: Array
    shift: Array

    @property
    def is_rest(self) -> bool:
        """Whether nothing moves."""
        return not (self.turn.any() or self.shift.any())

    def affine(self, depth: float) -> Array:
        """float32 (2, 3): the movement of a plane at one depth, as an affine map of the picture."""
        matrix = self.turn[:2, :2] + np.eye(2, dtype=np.float32)
        offset = self.shift[:2] - self.turn[:2, :2] @ self.pivot[:2] + self.turn[:2, 2] * (depth - self.pivot[2])
        return np.column_stack([matrix, offset]).astype(np.float32)

    def carried(self, point: Array, depth: float) -> Array:
        """(2,) whole pixels by which the pose moves a point: how far a rectangle around it goes along."""
        matrix = self.affine(depth)
        return np.asarray(np.rint(matrix[:, :2] @ point + matrix[:, 2] - point), np.float32)


class Sheet:
    """One piece of skin.

    grid: where its field is known.
    basis: float32 (n, rows, columns, 2), pixels: displacement for each of the engine's n shapes.
    depth: float32 (rows, columns), pixels, as landmarks have it. head: float32 (rows, columns), how far the head's pose
        applies: 1 on the head, 0 on the shoulders.
    origin: the texture's corner in the picture. detail: pixels of the texture for one of the picture.
    """

    def __init__(self, grid: Grid, basis: Array, depth: Array, head: Array,
                 origin: tuple[int, int], detail: int) -> None:  # fmt: skip
        self.grid = grid
        flat = basis.reshape(len(basis), -1)
        self._shapes = np.flatnonzero(np.abs(flat).max(axis=1) > _STILL)  # a lid's sheet needs no lips
        self._basis = np.ascontiguousarray(flat[self._shapes])
        self._x, self._y = (np.ascontiguousarray(plane) for plane in np.moveaxis(grid.nodes(), -1, 0))
        self._depth = depth
        self._head = head
        columns, rows = np.meshgrid(np.arange(grid.columns), np.arange(grid.rows))
        self._nodes = np.stack([columns, rows], axis=-1).astype(np.float32)
        pixels = grid.pixels()
        self.detail = detail
        self._pixels = (pixels - np.array(origin, np.float32) + 0.5) * np.float32(detail) - 0.5

    def displacement(self, weights: Array, pose: Pose) -> Array:
        """float32 (rows, columns, 2), pixels: where each node's skin goes."""
        moved = (weights[self._shapes] @ self._basis).reshape(self.grid.rows, self.grid.columns, 2)
        if pose.is_rest:
            return moved
        x, y = (plane + moved[..., axis] - pose.pivot[axis] for axis, plane in enumerate((self._x, self._y)))
        z = self._depth - pose.pivot[2]
        for axis in (0, 1):
            a, b, c = pose.turn[axis]
            moved[..., axis] += self._head * (a * x + b * y + c * z + pose.shift[axis])
        return moved

    def backward(self, displacement: Array) -> Array:
        """float32 (height, width, 2): for each pixel of the grid's rectangle the place in the texture."""
        step = np.float32(self.grid.step)
        field = displacement / step
        slopes = imaging.slopes(field)
        gentle = max(float(slopes.max()), -float(slopes.min())) < _GENTLE
        seen = self._by_iteration(field) if gentle else self._by_newton(field, slopes)
        shift = (seen - self._nodes) * (step * self.detail)
        where = imaging.enlarge(shift, self.grid.width, self.grid.height)
        where += self._pixels
        return where

    def _by_iteration(self, field: Array) -> Array:
        seen = self._nodes - field
        for _ in range(_INVERSION_STEPS):
            seen = self._nodes - imaging.sample_field(field, seen)
        return np.asarray(seen, np.float32)

    def _by_newton(self, field: Array, slopes: Array) -> Array:
        # A far throw is inverted in stages: each starts from what the one before found.
        stages = 1 + int(np.abs(field).max() / _THROW)
        seen: Array = self._nodes - field * np.float32(0.5 / stages)
        for stage in range(1, stages + 1):
            self._refine(seen, field, slopes, np.float32(stage / stages))
        return seen

    def _refine(self, seen: Array, field: Array, slopes: Array, share: np.float32) -> None:
        """Newton's steps towards where `share` of the field leads to the nodes, in place."""
        for _ in range(_INVERSION_STEPS):
            missed = self._nodes - seen
            missed -= share * imaging.sample_field(field, seen)
            slope = share * imaging.sample_field(slopes, seen)
            a, c, b, d = (slope[..., i] for i in range(4))
            determinant = np.maximum((1 + a) * (1 + d) - b * c, 0.15)
            x = ((1 + d) * missed[..., 0] - b * missed[..., 1]) / determinant
            y = ((1 + a) * missed[..., 1] - c * missed[..., 0]) / determinant
            seen[..., 0] += np.clip(x, -_LEAP, _LEAP)
            seen[..., 1] += np.clip(y, -_LEAP, _LEAP)
