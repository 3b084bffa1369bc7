"""A sheet: a piece of the face's skin that moves without a cut, as displacements on a coarse grid.

The face is cut along the lips and the lids, so each side of a cut is a sheet of its own that reaches a little past the
cut; what is drawn where is decided by the sheets' alpha. Motion is given forwards (where does this bit of skin go?), a
picture is drawn backwards (which bit of skin is seen here?), so each frame inverts the field on its coarse grid.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.field import Grid
from txt2vid.engines.rig.inverse import Plane, inverted, nodes
from txt2vid.engines.rig.pack import Pack
from txt2vid.engines.rig.pose import Pose
from txt2vid.faces.geometry import Array, smoothstep

_STILL = 0.02  # pixels: shapes that move nothing on a sheet by more are left out of it
_BEYOND = 0.5  # nodes beyond a grid's edge from which on what is seen there is taken for unknown
_FINE = 256  # steps of a node's size in which displacements are exported: 1/32 of a pixel at 512x512


class Sheets:
    """Pieces of skin that lie over one another: both sides of a slit, or the whole head alone.

    They share their grid, so that what is small enough to be dear for its calls alone is computed for all at once.
    """

    def __init__(self, grid: Grid, bases: list[Array], depth: Array, head: Array,
                 origin: tuple[int, int], detail: int) -> None:  # fmt: skip
        """grid: where their fields are known.

        bases: float32 (n, rows, columns, 2) each, pixels: displacement for each of the engine's n shapes.
        depth: float32 (rows, columns), pixels, as landmarks have it. head: float32 (rows, columns), how far the head's
            pose applies: 1 on the head, 0 on the shoulders.
        origin: the textures' corner in the picture. detail: pixels of a texture for one of the picture.
        """
        self.grid, self.detail = grid, detail
        flat = np.concatenate([basis.reshape(len(basis), -1) for basis in bases], axis=1)
        self._shapes = np.flatnonzero(np.abs(flat).max(axis=1) > _STILL)  # a lid's sheet needs no lips
        self._basis = np.ascontiguousarray(flat[self._shapes])
        self._size = (len(bases), grid.rows, grid.columns)
        self._places = _plane(grid.nodes())
        self._depth = depth.astype(np.complex64)
        self._head = head.astype(np.complex64)  # what it is multiplied with is complex
        # One node more to each side, so that the enlargement reaches the rectangle's edge.
        wide = Grid(grid.x - grid.step, grid.y - grid.step, grid.columns + 2, grid.rows + 2, grid.step)
        self._wide = _plane((wide.nodes() - np.array(origin, np.float32) + 0.5) * np.float32(detail) - 0.5)

    def displacement(self, weights: Array, pose: Pose) -> Plane:
        """(sheets, rows, columns), pixels: where each node's skin goes."""
        own = weights[self._shapes]
        used = np.flatnonzero(own)
        moved: Plane = (own[used] @ self._basis[used]).view(np.complex64).reshape(self._size)
        if pose.is_rest:
            return moved
        straight, mirrored, deep, shift = (np.complex64(factor) for factor in pose.factors())
        place = self._places + moved
        turned = place * straight
        turned += mirrored * np.conjugate(place, out=place)
        turned += self._depth * deep + shift
        turned *= self._head
        moved += turned
        return moved

    def export(self, pack: Pack) -> dict[str, Any]:
        """What another needs to move them as `displacement` does: fields are (layers or more, rows, columns)."""
        layers, rows, columns = self._size
        basis = self._basis.reshape(-1, layers, rows, columns, 2).transpose(0, 1, 4, 2, 3)
        grid = self.grid
        return {
            "grid": [grid.x, grid.y, grid.columns, grid.rows, grid.step],
            "layers": layers,
            "shapes": self._shapes.tolist(),
            "basis": pack.array(np.asarray(basis, np.float32), grid.step / _FINE),
            "depth": pack.array(np.asarray(self._depth.real, np.float32), grid.step / _FINE * 4),
            "head": pack.array(np.asarray(self._head.real, np.float32), 1 / 4096),
            "detail": self.detail,
        }

    def shifts(self, displacement: Plane) -> Plane:
        """(sheets, rows, columns): where what is seen at each node comes from, from there, in pixels of a texture."""
        step = self.grid.step
        shift = inverted(displacement * np.float32(1 / step))
        shift -= nodes(*shift.shape[1:])
        shift *= np.float32(step * self.detail)
        return shift

    def known(self, shift: Plane, margin: float) -> Array | None:
        """(rows, columns), 0 to 1: how much of what is seen at each node comes from well inside the grid.

        Beyond the grid's edge no field is known: a turn shows at its far side what lies there, at a wrong place.
        margin: pixels from the edge on which all is known. None where the edges show no more than what lies at them.
        """
        own = nodes(*shift.shape[1:])
        margin /= self.grid.step
        inside = self._inside(own + shift * np.float32(1 / (self.grid.step * self.detail))).min(axis=0)
        if (inside - np.minimum(self._own_inside, margin)).min() > -_BEYOND:
            return None
        return np.asarray(smoothstep(0.0, margin, inside), np.float32)

    @functools.cached_property
    def _own_inside(self) -> Array:
        return self._inside(nodes(self.grid.rows, self.grid.columns))

    def _inside(self, places: Plane) -> Array:
        """How many nodes places are from the edge of the grid; below 0 they are outside."""
        across = np.minimum(places.real, self.grid.columns - 1 - places.real)
        return np.asarray(np.minimum(across, np.minimum(places.imag, self.grid.rows - 1 - places.imag)) + 0.5)

    def places(self, shift: Plane, first: tuple[int, int] = (0, 0)) -> Array:
        """For each pixel of a rectangle the place in one sheet's texture: float32 (height, width, 2).

        shift: of the nodes of the rectangle. first: which row and column of the grid it begins with.
        """
        top, left = first
        rows, columns = shift.shape
        wide = self._wide[top : top + rows + 2, left : left + columns + 2]
        return imaging.enlarge_places(wide + _widened(shift), self.grid.step)

    def rows_within(self, shift: Plane, first: float, last: float) -> tuple[int, int]:
        """From which pixel's row of the rectangle up to which nothing is left out of a texture's rows first to last."""
        seen = (self._wide[1:-1, 1:-1] + shift).imag
        rows = np.flatnonzero((seen.min(axis=1) < last + 1) & (seen.max(axis=1) > first - 1))
        if not len(rows):
            return 0, 0
        step = self.grid.step
        return max(0, int(rows[0]) - 1) * step, min(self.grid.rows, int(rows[-1]) + 2) * step


def _plane(pairs: Array) -> Plane:
    """Pairs of x and y (rows, columns, 2) as x + iy (rows, columns)."""
    return np.ascontiguousarray(pairs, np.float32).view(np.complex64)[..., 0]


def _widened(plane: Plane) -> Plane:
    """The plane (rows, columns) with its edge repeated once on every side."""
    wide = np.empty((plane.shape[0] + 2, plane.shape[1] + 2), np.complex64)
    wide[1:-1, 1:-1] = plane
    wide[1:-1, 0], wide[1:-1, -1] = plane[:, 0], plane[:, -1]
    wide[0], wide[-1] = wide[1], wide[-2]
    return wide
