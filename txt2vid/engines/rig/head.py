"""The whole head as one sheet in front of its background."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.core.motion import SHIFT_LIMITS, TURN_LIMITS, Motion
from txt2vid.engines.i420 import patch_i420, to_i420
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.anatomy import Anatomy, Solid, head_weight, held, neck_weight, roundness, sheets_of, spline_of
from txt2vid.engines.rig.canvas import Canvas
from txt2vid.engines.rig.field import Grid
from txt2vid.engines.rig.inverse import Plane
from txt2vid.engines.rig.inverse import nodes as nodes_of
from txt2vid.engines.rig.pack import Pack
from txt2vid.engines.rig.patch import Patch, Patched
from txt2vid.engines.rig.plate import background, split_layers
from txt2vid.engines.rig.pose import Pose, pivot_of, pose_of
from txt2vid.faces import landmarks as lm
from txt2vid.faces.geometry import Array, smoothstep

_SMOOTH = 0.045  # of the face's width
_STIFF = 0.15  # of a turn: where the neck goes along with less of it, it moves less by itself, too
_STILL = 0.01  # of a node's steepest step: depths that change by less are done
_SEEN = 8  # of 255: what a matte shows of a person by less is left where it is
_NODES = 56  # along the longer side of the head at rest
_STEEPEST = 1.2  # pixels of depth in one of the picture: a turn as far as drivers go folds nothing that is less steep
_FACE = 1.72  # of the face's outline: as far as the head has a face's shapes
_BAND = 4  # rows of nodes

_Nodes = tuple[slice, slice]
"""Rows and columns of a grid's nodes."""


class Head:
    """The whole head: one sheet, without its slits, in front of the background."""

    def __init__(self, anatomy: Anatomy) -> None:
        """Of a video's frame only the lower face: nothing else is moved in it."""
        picture, matte = anatomy.picture, anatomy.matte
        height, width = picture.shape[:2]
        self._picture = picture
        self._has_matte = matte is not None
        grid = _grid(anatomy)
        self.grid = grid
        origin = (grid.x, grid.y)
        near = (anatomy.points[lm.NOSE_BASE], 0.58 * anatomy.axes.width) if not anatomy.still else (None, 0.0)
        inner = {i for rows in (lm.UPPER_LIP, lm.LOWER_LIP) for row in rows[1:] for i in row}
        inner |= {i for lids in (lm.UPPER_LID_LEFT, lm.UPPER_LID_RIGHT) for i in lids[0][1:-1]}
        nodes = grid.nodes()
        rounds = roundness(anatomy, nodes)
        face = rounds < _FACE
        found = spline_of(anatomy, inner, *near).at(nodes[face])
        values = np.zeros((*face.shape, found.shape[1]), np.float32)
        values[face] = found
        values[..., :-1] = held(anatomy, nodes, values[..., :-1]) * smoothstep(_FACE, 1.3, rounds)[..., None]
        if matte is not None:  # nor does speech move more of the body than turns do
            values[..., :-1] *= smoothstep(0.0, _STIFF, neck_weight(anatomy, nodes))[..., None]
        # Smoothed, so that no flank is so steep that a turn folds it; flat beyond the face.
        rim = np.median(anatomy.depth[list(lm.OVAL)])
        relief = (values[..., -1] - rim) * smoothstep(1.6, 1.0, rounds)
        relief = imaging.soften(relief.astype(np.float32), max(0.5, _SMOOTH * anatomy.axes.width / grid.step))
        depth = rim + _gentle(relief, _STEEPEST * grid.step)
        head = head_weight(anatomy, nodes)
        self.solid = Solid(grid, depth.astype(np.float32), head)
        detail = imaging.detail_of(picture[: grid.height, : grid.width]) if anatomy.still else 1
        self._sheets = sheets_of(grid, [values], origin, self.solid, detail)
        left, top = max(grid.x, 0), max(grid.y, 0)
        right, bottom = min(grid.x + grid.width, width), min(grid.y + grid.height, height)
        # What is drawn is even, as I420 wants it; at the edge nothing moves, so that a pixel less is not missed.
        self._inside = (left + 1 & ~1, top + 1 & ~1, right & ~1, bottom & ~1)
        pads = (top - grid.y, grid.y + grid.height - bottom, left - grid.x, grid.x + grid.width - right)
        patch = picture[top:bottom, left:right]
        if matte is not None:
            behind = background(picture, matte)[top:bottom, left:right]
            alpha = np.ascontiguousarray(matte[top:bottom, left:right])
            front, alpha = split_layers(patch, alpha, behind)
            patch = np.dstack([imaging.shade(front, imaging.repeat(alpha)), alpha])
            self._behind, self._alpha = imaging.pad(behind, *pads), imaging.pad(alpha, *pads)
            self._near = _near(self._alpha, grid)
            moves = (head > 0) | values[..., :-1].any(axis=-1)
            self._stays, self._moving = _stays(grid, moves), np.flatnonzero((self._near > 0) & moves)
            self._rest: Plane = np.asarray(nodes_of(grid.rows, grid.columns).ravel()[self._moving])
        texture = imaging.magnify(imaging.pad(np.ascontiguousarray(patch), *pads), detail)
        self._texture = Patched(texture, origin, detail)

    def begin(self, weights: Array, pose: Pose, patch: Patch | None = None) -> Canvas:
        """The head moved, without its slits, and drawn where it is, and where it is at rest.

        patch: is on the picture before it moves.
        """
        displacement = self._sheets.displacement(weights, pose)
        rows, columns = within = self._within(displacement[0])
        (shift,) = self._sheets.shifts(displacement[:, rows, columns])
        corner = (rows.start, columns.start)
        texture, seen = self._texture.with_patch(patch), self._sheets.places(shift, corner)
        x, y = self.grid.x + columns.start * self.grid.step, self.grid.y + rows.start * self.grid.step
        if not self._has_matte:
            return Canvas(imaging.sample(texture, seen), np.empty(0, np.uint8), x, y)
        drawn = np.zeros((*seen.shape[:2], 4), np.uint8)
        for part in self._bands(shift, within):
            imaging.sample(texture, seen[part], drawn[part])
        return Canvas(imaging.colours(drawn), imaging.plane(drawn, 3), x, y)

    def _within(self, moved: Plane) -> _Nodes:
        """The nodes between which all of the head is that moves: where it is, and where it is at rest."""
        if not self._has_matte or not len(self._moving):
            return slice(0, self.grid.rows), slice(0, self.grid.columns)
        places = moved.ravel()[self._moving] * np.float32(1 / self.grid.step) + self._rest
        rows, columns = self.grid.rows, self.grid.columns
        return _span(self._rest.imag, places.imag, rows), _span(self._rest.real, places.real, columns)

    def _bands(self, shift: Plane, within: _Nodes) -> Iterator[tuple[slice, slice]]:
        """The parts of what lies between some nodes, row by row of them, outside which there is nothing of the head."""
        step = self.grid.step
        own = nodes_of(self.grid.rows, self.grid.columns)[within]
        shown = imaging.nearest(self._near, own + shift * np.float32(1 / (step * self._sheets.detail)))
        for top in range(0, len(shown), _BAND):
            columns = np.flatnonzero(shown[max(0, top - 1) : top + _BAND + 1].any(axis=0))
            if len(columns):
                left, right = max(0, int(columns[0]) - 1) * step, (int(columns[-1]) + 2) * step
                yield slice(top * step, (top + _BAND) * step), slice(left, right)

    def finish(self, canvas: Canvas) -> Pixels:
        """The head laid over the background, in a copy of the picture."""
        frame = self._picture.copy()
        laid, left, top = self._laid(canvas)
        frame[top : top + laid.shape[0], left : left + laid.shape[1]] = laid
        return frame

    def finish_i420(self, canvas: Canvas) -> Pixels:
        """As `finish`, but I420 (height * 3 // 2, width): what never moves is converted once."""
        frame = self._still.copy()
        laid, left, top = self._laid(canvas)
        patch_i420(frame, to_i420(laid), (left, top))
        return frame

    def _laid(self, canvas: Canvas) -> tuple[Pixels, int, int]:
        """The head over the background, as far as it is inside the picture, and that rectangle's corner, x and y."""
        height, width = canvas.colours.shape[:2]
        # What is drawn is even, as I420 wants it; at the edge nothing moves, so that a pixel less is not missed.
        left, top = (
            max(corner, least) + 1 & ~1 for corner, least in zip((canvas.x, canvas.y), self._inside, strict=False)
        )
        right, bottom = min(canvas.x + width, self._inside[2]) & ~1, min(canvas.y + height, self._inside[3]) & ~1
        part = np.s_[top - canvas.y : bottom - canvas.y, left - canvas.x : right - canvas.x]
        colours = canvas.colours[part]
        if self._has_matte:
            of_grid = np.s_[top - self.grid.y : bottom - self.grid.y, left - self.grid.x : right - self.grid.x]
            through = imaging.repeat(imaging.invert(canvas.alpha[part]))
            colours = imaging.add(colours, imaging.shade(self._behind[of_grid], through))
            imaging.lay(colours, self._picture[top:bottom, left:right], self._stays[of_grid])
        return colours, left, top

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


def _gentle(depth: Array, step: float) -> Array:
    """The depth (rows, columns) with what lies beside a flank brought forward, so that none falls by more a node."""
    near = depth
    while True:
        wide = np.pad(near, 1, mode="edge")
        rows, columns = near.shape
        beside = [
            wide[1 + down : 1 + down + rows, 1 + across : 1 + across + columns]
            + np.float32(step * math.hypot(down, across))
            for down, across in itertools.product((-1, 0, 1), repeat=2)
        ]
        gentler = np.minimum.reduce(beside)
        if np.abs(gentler - near).max() < _STILL * step:
            return np.asarray(gentler, np.float32)
        near = gentler


def _near(alpha: Pixels, grid: Grid) -> Pixels:
    """(rows, columns): not 0 where anything of the head is nearer to a node than the one after the next."""
    cells = alpha.reshape(grid.rows, grid.step, grid.columns, grid.step).max(axis=(1, 3))
    return imaging.grow(np.ascontiguousarray(cells), 1)


def _stays(grid: Grid, moves: NDArray[np.bool_]) -> Pixels:
    """(height, width) of the grid's rectangle: 255 where nothing ever moves, and the picture is shown as it is."""
    near = imaging.grow(moves.astype(np.uint8), 1)
    return np.where(near == 0, np.uint8(255), np.uint8(0)).repeat(grid.step, axis=0).repeat(grid.step, axis=1)


def _span(rest: Array, moved: Array, count: int) -> slice:
    """The nodes of a row of so many between which places are, and have been."""
    return slice(max(0, int(min(rest.min(), moved.min()))), min(count, int(max(rest.max(), moved.max())) + 2))


def _grid(anatomy: Anatomy) -> Grid:
    """Over the part of the picture in which the head moves."""
    height, width = anatomy.picture.shape[:2]

    def inside(corners: Array) -> tuple[float, float, float, float]:
        """Of the box around points (n, 2)."""
        (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return max(left, 0), max(top, 0), min(right, width), min(bottom, height)

    if not anatomy.still:
        around = np.concatenate([anatomy.points[list(lm.OVAL[9:28])], anatomy.anchors[9:28]])
        return Grid.over(*inside(around), _NODES // 2)
    outline = None if anatomy.matte is None else _outline(anatomy, anatomy.matte)
    if outline is None:
        reach = 1.95 * float(anatomy.radii.max())
        return Grid.over(*inside(np.stack([anatomy.centre - reach, anatomy.centre + reach])), _NODES)
    step = Grid.over(*inside(outline), _NODES).step
    weight = head_weight(anatomy, outline)[:, None]
    rim = float(np.median(anatomy.depth[list(lm.OVAL)]))
    turned = [outline + weight * pose.moved(outline, rim) for pose in _farthest(anatomy)]
    margin = 2 * step
    box = np.concatenate([outline, *turned])
    return Grid.spaced(*inside(np.stack([box.min(axis=0) - margin, box.max(axis=0) + margin])), step)


def _outline(anatomy: Anatomy, matte: Pixels) -> Array | None:
    """(n, 2): the first and the last pixel in each row of what moves of a person, None where there is none."""
    rows, columns = np.nonzero(matte > _SEEN)
    points = np.stack([columns, rows], axis=-1).astype(np.float32)
    points = points[head_weight(anatomy, points) > 0]
    if not len(points):
        return None
    first = np.flatnonzero(np.diff(points[:, 1], prepend=-1))  # of each row: they come row by row
    return np.asarray(points[np.concatenate([first, np.append(first[1:], len(points)) - 1])], np.float32)


def _farthest(anatomy: Anatomy) -> Iterator[Pose]:
    """Poses as far as drivers turn and shift a head, each way."""
    axes = anatomy.axes
    for signs in itertools.product((-1, 0, 1), repeat=3):
        turn = np.array(TURN_LIMITS, np.float32) * signs
        for shift in itertools.product((-1, 1), repeat=2):
            motion = Motion(rotation=turn, translation=np.array(SHIFT_LIMITS, np.float32) * (*shift, 0))
            yield pose_of(motion, axes, pivot_of(axes))
