"""A face taken apart for the rig: points, depth, shapes, and smooth fields of them over the picture."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.field import Grid, Spline
from txt2vid.engines.rig.plate import FAINT
from txt2vid.engines.rig.sheet import Sheets
from txt2vid.faces import landmarks as lm
from txt2vid.faces.face import Landmarks
from txt2vid.faces.geometry import Array, FaceAxes, facing, smoothstep

Indices = NDArray[np.intp]

# Smoothing of the splines: landmarks are met exactly, but those at the head's edge and behind it, which crowd in few
# pixels and would fold the skin, only about.
_EXACT, _LOOSE = 1e-4, 0.1
_EDGE = 0.16  # of the face's width: so near the picture's edge skin begins to stay where it is


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What building the sheets needs, all in the picture's pixels (middles at integers)."""

    picture: Pixels
    points: Array  # (478, 2)
    depth: Array  # (478,)
    axes: FaceAxes
    shapes: Array  # (n, 478, 2)
    anchors: Array  # (k, 2), where nothing moves
    centre: Array  # (2,) of the face's outline
    across: Array  # (2,) unit vector along the picture, to the right of the upright face
    down: Array  # (2,) unit vector, from the forehead to the chin
    radii: Array  # (2,) of the outline, across and down
    hidden: Array  # (478,) 0 to 1: how near a landmark is to the edge of the head, behind which it is a guess
    still: bool  # made once and drawn often; of a video it is made anew for each frame, and everything is coarser
    matte: Pixels | None  # (height, width), what is the person's, and nothing else; None where that is not known
    cut: Array  # (2, 2) of 0 and 1: whether there is more of what moves beyond the left, upper; right, lower edge


def anatomy_of(
    picture: Pixels, landmarks: Landmarks, axes: FaceAxes, shapes: Array, matte: Pixels | None = None, *, still: bool
) -> Anatomy:
    """Takes a face apart. shapes: (n, 478, 3), what each weight moves. matte: (height, width), of the person."""
    points = np.asarray(landmarks[:, :2] - 0.5, np.float32)
    oval = points[list(lm.OVAL)]
    centre = np.asarray((points[lm.FOREHEAD_TOP] + points[lm.CHIN]) / 2, np.float32)
    relative = oval - centre
    # Anchors hold still what lies around the face; below the chin they leave the jaw its room, and beside a half
    # profile, whose far outline is near its middle, as much room as on the other side.
    down = points[lm.CHIN] - points[lm.FOREHEAD_TOP]
    down = np.asarray(down / max(float(np.linalg.norm(down)), 1e-6), np.float32)
    below = np.clip(relative @ down / max(float(np.linalg.norm(relative, axis=1).max()), 1.0), 0, 1)
    length = np.maximum(np.linalg.norm(relative, axis=1, keepdims=True), 1)
    outwards, room = relative / length, np.maximum(length, 0.42 * axes.width)
    rings = [oval + outwards * room * (gap + 0.55 * below[:, None] ** 2) for gap in (0.42, 0.75)]
    across = np.array((down[1], -down[0]), np.float32)
    radii = np.array((np.abs(relative @ across).max(), np.abs(relative @ down).max()), np.float32)
    anatomy = Anatomy(
        picture=picture,
        points=points,
        depth=landmarks[:, 2].astype(np.float32),
        axes=axes,
        shapes=np.asarray(shapes[..., :2], np.float32),
        anchors=np.concatenate(rings).astype(np.float32),
        centre=centre,
        across=across,
        down=down,
        radii=radii,
        hidden=smoothstep(0.4, 0.0, facing(landmarks, axes)),
        still=still,
        matte=None if matte is None else np.where(matte > FAINT, matte, 0).astype(np.uint8),
        cut=np.ones((2, 2), np.float32),
    )
    return replace(anatomy, cut=_cut(anatomy))


def _cut(anatomy: Anatomy) -> Array:
    """Which edges of the picture cut what moves: where a person ends before an edge, there is no more of them."""
    matte = anatomy.matte
    if matte is None:
        return anatomy.cut

    def moves(x: Indices, y: Indices) -> bool:
        there = matte[y, x] > 0
        points = np.stack([x, y], axis=-1).astype(np.float32)
        return bool((neck_weight(anatomy, points)[there] > 0).any())

    height, width = matte.shape
    rows, columns = np.arange(height), np.arange(width)
    corners = ((0, 0), (width - 1, height - 1))
    edges = [[moves(np.full_like(rows, x), rows), moves(columns, np.full_like(columns, y))] for x, y in corners]
    return np.array(edges, np.float32)


def spline_of(
    anatomy: Anatomy,
    left_out: set[int],
    near: Array | None = None,
    reach: float = 0,
    rims: tuple[lm.Row, ...] = (),
) -> Spline:
    """All displacements and the depth as one spline over the landmarks but some, and the anchors.

    near, reach: only landmarks within so many pixels of a point. rims: rows along which the skin moves exactly as the
    straight pieces between their landmarks do.
    """
    keep = np.array([i for i in range(len(anatomy.points)) if i not in left_out and i < 468])
    if near is not None:
        keep = keep[np.linalg.norm(anatomy.points[keep] - near, axis=1) < reach]
    known = np.column_stack([anatomy.shapes.transpose(1, 0, 2).reshape(len(anatomy.points), -1), anatomy.depth])
    ends = [pair for rim in rims for pair in itertools.pairwise(rim)]
    between = [(first, last, share) for first, last in ends for share in (0.25, 0.5, 0.75)]

    def along(values: Array) -> Array:
        return np.array([values[a] + share * (values[b] - values[a]) for a, b, share in between]).reshape(
            len(between), values.shape[1]
        )

    still = np.zeros((len(anatomy.anchors), known.shape[1]), np.float32)
    still[:, -1] = np.median(anatomy.depth[list(lm.OVAL)])
    centres = np.concatenate([anatomy.points[keep], along(anatomy.points), anatomy.anchors])
    smoothing = np.full(len(centres), _EXACT, np.float32)
    smoothing[: len(keep)] += _LOOSE * anatomy.hidden[keep]
    return Spline(centres, np.concatenate([known[keep], along(known), still]), anatomy.axes.width, smoothing)


def roundness(anatomy: Anatomy, nodes: Array) -> Array:
    """How far out points are: 1 on the face's outline taken as an ellipse; below the chin it counts less."""
    relative = nodes - anatomy.centre
    u, v = relative @ anatomy.across / anatomy.radii[0], relative @ anatomy.down / anatomy.radii[1]
    return np.asarray(np.hypot(u, np.where(v > 0, v * 0.75, v)), np.float32)


def head_weight(anatomy: Anatomy, points: Array) -> Array:
    """How far points go with the head: the neck bends, the shoulders stay; without a matte the background stays too."""
    weight = neck_weight(anatomy, points)
    if anatomy.matte is None:
        weight = weight * smoothstep(1.9, 1.15, roundness(anatomy, points))
    first, last = _frame(anatomy, points)
    weight = weight * np.minimum(first, last).min(axis=-1)
    return np.asarray(weight, np.float32)


def neck_weight(anatomy: Anatomy, points: Array) -> Array:
    """The same of a head that no edge cuts, and that has no background."""
    relative = (points - anatomy.points[lm.CHIN]) / np.float32(anatomy.axes.width)
    below, aside = relative @ anatomy.down, np.abs(relative @ anatomy.across)
    shoulder = smoothstep(0.05, 0.25, below) * smoothstep(0.45, 0.75, aside)
    return np.asarray(smoothstep(0.42, 0.0, below) * (1 - shoulder), np.float32)


def held(anatomy: Anatomy, points: Array, field: Array) -> Array:
    """Displacements (..., 2n) at points (..., 2), of which none leads away from a near edge that cuts the head.

    Nothing is known beyond it: skin that came from there would be streaks of the edge's own pixels.
    """
    first, last = _frame(anatomy, points)
    if min(float(first.min()), float(last.min())) == 1:
        return field
    pairs = field.reshape(*field.shape[:-1], -1, 2)
    kept = pairs * np.where(pairs > 0, first[..., None, :], last[..., None, :])
    return np.asarray(kept.reshape(field.shape), np.float32)


def _frame(anatomy: Anatomy, points: Array) -> tuple[Array, Array]:
    """(..., 2) each: 0 on the left and upper edge that cuts, on the right and lower one; 1 well inside."""
    size = np.array(anatomy.picture.shape[1::-1], np.float32)
    margin = _EDGE * anatomy.axes.width
    first, last = smoothstep(0.0, margin, points), smoothstep(0.0, margin, size - 1 - points)
    return np.maximum(first, 1 - anatomy.cut[0]), np.maximum(last, 1 - anatomy.cut[1])


class Solid:
    """The head as a body: how deep each place is, and how far it goes with the head's pose."""

    def __init__(self, grid: Grid, depth: Array, head: Array) -> None:
        """depth: (rows, columns) pixels, as landmarks have it. head: (rows, columns), 1 on the head, 0 on the body."""
        self._grid = grid
        self._planes = np.stack([depth, head], axis=-1)

    def at(self, points: Array) -> tuple[Array, Array]:
        """Depth and head weight at picture points (h, w, 2)."""
        corner = np.array((self._grid.x, self._grid.y), np.float32)
        found = imaging.sample_field(self._planes, (points - corner + 0.5) / np.float32(self._grid.step) - 0.5)
        return np.ascontiguousarray(found[..., 0]), np.ascontiguousarray(found[..., 1])

    def depth(self, point: Array) -> float:
        """Depth at one picture point (2,)."""
        return float(self.at(point.reshape(1, 1, 2))[0][0, 0])


def sheets_of(grid: Grid, fields: list[Array], origin: tuple[int, int], solid: Solid, detail: int) -> Sheets:
    """Sheets of field values (rows, columns, 2n + 1) each, whose textures' corner is at `origin`."""
    bases = [field[..., :-1].reshape(grid.rows, grid.columns, -1, 2).transpose(2, 0, 1, 3) for field in fields]
    return Sheets(grid, bases, *solid.at(grid.nodes()), origin, detail)


def samples(anatomy: Anatomy) -> tuple[Array, Array, Array]:
    """Colours of the cheeks' skin, of the whites of the eyes and of the skin around the mouth, (n, 3) each, BGR."""
    height, width = anatomy.picture.shape[:2]

    def inside(mask: Pixels) -> Array:
        return np.asarray(anatomy.picture[mask > 0], np.float32)

    skin = np.zeros((height, width), np.uint8)
    for cheek in ((50, 205, 187, 123), (280, 425, 411, 352)):
        imaging.polygon(skin, imaging.hull(anatomy.points[list(cheek)]))
    white = np.zeros((height, width), np.uint8)
    for upper, lower, iris in ((lm.UPPER_LID_LEFT[0], lm.LOWER_LID_LEFT[0], lm.IRIS_LEFT),
                               (lm.UPPER_LID_RIGHT[0], lm.LOWER_LID_RIGHT[0], lm.IRIS_RIGHT)):  # fmt: skip
        ring = anatomy.points[[*upper, *reversed(lower)]]
        imaging.polygon(white, ring)
        radius = float(np.linalg.norm(anatomy.points[list(iris[1:])] - anatomy.points[iris[0]], axis=1).mean())
        imaging.erase_disc(white, anatomy.points[iris[0]], 1.1 * radius)
    picked = inside(skin)
    if len(picked) < 4:
        picked = np.asarray(anatomy.picture.reshape(-1, 3), np.float32)
    around = np.zeros((height, width), np.uint8)
    imaging.polygon(around, imaging.hull(anatomy.points[[lm.NOSE_BASE, 57, 287, 200]]))
    return picked, inside(white), inside(around)
