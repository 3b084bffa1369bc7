"""The whole head as one sheet in front of its background."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.i420 import patch_i420, to_i420
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.anatomy import Anatomy, Solid, head_weight, held, roundness, sheets_of, spline_of
from txt2vid.engines.rig.field import Grid
from txt2vid.engines.rig.inverse import Plane, nodes
from txt2vid.engines.rig.pack import Pack
from txt2vid.engines.rig.patch import Patch, Patched
from txt2vid.engines.rig.plate import FAINT, background, split_layers
from txt2vid.engines.rig.sheet import Pose
from txt2vid.faces import landmarks as lm
from txt2vid.faces.geometry import Array, smoothstep

_SMOOTH = 0.045  # of the face's width
_NODES = 60  # along the longer side of the grid
_BAND = 4  # rows of nodes


class Head:
    """The whole head: one sheet, without its slits, in front of the background."""

    def __init__(self, anatomy: Anatomy, matte: Pixels | None) -> None:
        """Of a video's frame only the lower face: nothing else is moved in it."""
        picture = anatomy.picture
        height, width = picture.shape[:2]
        box = _head_box(anatomy, matte, width, height)
        self._picture = picture
        self._has_matte = matte is not None
        grid = Grid.over(*box, _NODES if anatomy.still else _NODES // 2)
        self.grid = grid
        self.origin = (grid.x, grid.y)
        near = (anatomy.points[lm.NOSE_BASE], 0.58 * anatomy.axes.width) if not anatomy.still else (None, 0.0)
        inner = {i for rows in (lm.UPPER_LIP, lm.LOWER_LIP) for row in rows[1:] for i in row}
        inner |= {i for lids in (lm.UPPER_LID_LEFT, lm.UPPER_LID_RIGHT) for i in lids[0][1:-1]}
        nodes = grid.nodes()
        values = spline_of(anatomy, inner, *near).at(nodes)
        rounds = roundness(anatomy, nodes)
        values[..., :-1] = held(anatomy, nodes, values[..., :-1]) * smoothstep(1.72, 1.3, rounds)[..., None]
        # Smoothed, so that no flank is so steep that a turn folds it; flat beyond the face.
        rim = np.median(anatomy.depth[list(lm.OVAL)])
        relief = (values[..., -1] - rim) * smoothstep(1.6, 1.0, rounds)
        depth = rim + imaging.soften(relief.astype(np.float32), max(0.5, _SMOOTH * anatomy.axes.width / grid.step))
        self.solid = Solid(grid, depth.astype(np.float32), head_weight(anatomy, nodes, self._has_matte))
        detail = imaging.detail_of(picture[: grid.height, : grid.width]) if anatomy.still else 1
        self._sheets = sheets_of(grid, [values], self.origin, self.solid, detail)
        left, top = max(grid.x, 0), max(grid.y, 0)
        right, bottom = min(grid.x + grid.width, width), min(grid.y + grid.height, height)
        # What is drawn is even, as I420 wants it; at the edge nothing moves, so that a pixel less is not missed.
        self._inside = (left + 1 & ~1, top + 1 & ~1, right & ~1, bottom & ~1)
        pads = (top - grid.y, grid.y + grid.height - bottom, left - grid.x, grid.x + grid.width - right)
        patch = picture[top:bottom, left:right]
        if matte is not None:
            matte = np.where(matte > FAINT, matte, 0).astype(np.uint8)
            behind = background(picture, matte)[top:bottom, left:right]
            alpha = np.ascontiguousarray(matte[top:bottom, left:right])
            front, alpha = split_layers(patch, alpha, behind)
            patch = np.dstack([imaging.shade(front, imaging.repeat(alpha)), alpha])
            self._behind, self._alpha = imaging.pad(behind, *pads), imaging.pad(alpha, *pads)
            self._near = _near(self._alpha, grid)
        texture = imaging.magnify(imaging.pad(np.ascontiguousarray(patch), *pads), detail)
        self._texture = Patched(texture, self.origin, detail)

    def begin(self, weights: Array, pose: Pose, patch: Patch | None = None) -> tuple[Pixels, Pixels]:
        """The head moved, without its slits: its colours (BGR, premultiplied) and its alpha (empty without a matte).

        patch: is on the picture before it moves.
        """
        (shift,) = self._sheets.shifts(self._sheets.displacement(weights, pose))
        texture, seen = self._texture.with_patch(patch), self._sheets.places(shift)
        if not self._has_matte:
            return imaging.sample(texture, seen), np.empty(0, np.uint8)
        canvas = np.zeros((*seen.shape[:2], 4), np.uint8)
        for part in self._bands(shift):
            imaging.sample(texture, seen[part], canvas[part])
        return imaging.colours(canvas), imaging.plane(canvas, 3)

    def _bands(self, shift: Plane) -> Iterator[tuple[slice, slice]]:
        """The parts of the rectangle, row by row of some nodes, outside which there is nothing of the head."""
        step = self.grid.step
        shown = imaging.nearest(self._near, nodes(*shift.shape) + shift * np.float32(1 / (step * self._sheets.detail)))
        for top in range(0, self.grid.rows, _BAND):
            columns = np.flatnonzero(shown[max(0, top - 1) : top + _BAND + 1].any(axis=0))
            if len(columns):
                left, right = max(0, int(columns[0]) - 1) * step, (int(columns[-1]) + 2) * step
                yield slice(top * step, (top + _BAND) * step), slice(left, right)

    def finish(self, canvas: Pixels, alpha: Pixels) -> Pixels:
        """The head laid over the background, in a copy of the picture."""
        frame = self._picture.copy()
        left, top, right, bottom = self._inside
        frame[top:bottom, left:right] = self._laid(canvas, alpha)
        return frame

    def finish_i420(self, canvas: Pixels, alpha: Pixels) -> Pixels:
        """As `finish`, but I420 (height * 3 // 2, width): what never moves is converted once."""
        frame = self._still.copy()
        patch_i420(frame, to_i420(self._laid(canvas, alpha)), self._inside[:2])
        return frame

    def _laid(self, canvas: Pixels, alpha: Pixels) -> Pixels:
        """The head over the background, in the rectangle that is inside the picture."""
        if self._has_matte:
            canvas = imaging.add(canvas, imaging.shade(self._behind, imaging.repeat(imaging.invert(alpha))))
        left, top, right, bottom = self._inside
        x, y = self.origin
        return canvas[top - y : bottom - y, left - x : right - x]

    def export(self, pack: Pack) -> dict[str, Any]:
        """The picture, the head's sheet, and where there is a matte the head's alpha and what is behind it.

        Colours of the head are told by the three: what the picture has through the alpha, over the background.
        """
        height, width = self._picture.shape[:2]
        head = {
            "size": [width, height],
            "picture": pack.picture(self._picture),
            "sheets": self._sheets.export(pack),
            "inside": list(self._inside),
        }
        if self._has_matte:
            head["alpha"] = pack.levels(self._alpha)
            head["behind"] = pack.picture(self._behind)
        return head

    @functools.cached_property
    def _still(self) -> Pixels:
        return to_i420(self._picture)


def _near(alpha: Pixels, grid: Grid) -> Pixels:
    """(rows, columns): not 0 where anything of the head is nearer to a node than the one after the next."""
    cells = alpha.reshape(grid.rows, grid.step, grid.columns, grid.step).max(axis=(1, 3))
    return imaging.grow(np.ascontiguousarray(cells), 1)


def _head_box(anatomy: Anatomy, matte: Pixels | None, width: int, height: int) -> tuple[float, float, float, float]:
    """The part of the picture in which the head moves: left, top, right, bottom."""
    if not anatomy.still:
        around = np.concatenate([anatomy.points[list(lm.OVAL[9:28])], anatomy.anchors[9:28]])
        (left, top), (right, bottom) = around.min(axis=0), around.max(axis=0)
        return max(float(left), 0), max(float(top), 0), min(float(right), width), min(float(bottom), height)
    reach = 1.95 * float(anatomy.radii.max())
    left, top = anatomy.centre - reach
    right, bottom = anatomy.centre + reach
    if matte is not None:
        rows, columns = np.nonzero(matte > 8)
        margin = 0.06 * anatomy.axes.width
        weight = head_weight(anatomy, np.stack([columns, rows], axis=-1).astype(np.float32), True)
        rows, columns = rows[weight > 0], columns[weight > 0]
        if len(rows):
            left, right = columns.min() - margin, columns.max() + margin
            top, bottom = rows.min() - margin, rows.max() + margin
    return max(float(left), 0), max(float(top), 0), min(float(right), width), min(float(bottom), height)
