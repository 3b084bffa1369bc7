"""The mouth and the eyes: a slit each, with what is behind it."""

from __future__ import annotations

from typing import Any

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.core.motion import BLENDSHAPES, INDEX, coefficients
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.anatomy import Anatomy, Solid, held, sheets_of, spline_of
from txt2vid.engines.rig.canvas import Canvas
from txt2vid.engines.rig.eyes import OPEN, Eye, opening
from txt2vid.engines.rig.field import Grid, Spline
from txt2vid.engines.rig.light import Light
from txt2vid.engines.rig.mouth import MouthInterior
from txt2vid.engines.rig.pack import Pack
from txt2vid.engines.rig.pose import Pose
from txt2vid.engines.rig.slit import Contour, Slit, begun, side_fields
from txt2vid.faces import landmarks as lm
from txt2vid.faces.geometry import Array

_MOUTH_NODES, _EYE_NODES = 36, 22  # along the longer side of each grid
_PAD = 0.35  # of the mouth's (the eye's) width: how much more of the picture a slit's texture holds than it draws


def _slit(anatomy: Anatomy, solid: Solid, contour: Contour, splines: dict[str, Spline],
          reach: tuple[float, float, float], nodes: int) -> tuple[Slit, Pixels, Grid]:  # fmt: skip
    """A slit, the patch of the picture under its rectangle, and that rectangle.

    reach: how far it draws to either side, above and below the slit's middle, in halves of its width.
    """
    aside, above, below = reach
    corners = np.array([(-aside, -above), (aside, -above), (aside, below), (-aside, below)], np.float32) * contour.half
    around = contour.point(corners[:, 0], corners[:, 1])
    (left, top), (right, bottom) = around.min(axis=0), around.max(axis=0)
    grid = Grid.over(left, top, right, bottom, nodes)
    pad = round(_PAD * 2 * contour.half)
    origin = (grid.x - pad, grid.y - pad)
    source = patch_of(anatomy.picture, origin, (grid.width + 2 * pad, grid.height + 2 * pad))
    nodes_at = grid.nodes()
    fields = side_fields(contour, nodes_at, splines)
    for field in fields.values():
        field[..., :-1] = held(anatomy, nodes_at, field[..., :-1])
    detail = imaging.detail_of(source) if anatomy.still else 1
    sheets = sheets_of(grid, [fields["upper"], fields["lower"]], origin, solid, detail)
    patch = np.ascontiguousarray(source[pad : pad + grid.height, pad : pad + grid.width])
    return Slit(contour, sheets, source, origin), patch, grid


def patch_of(picture: Pixels, origin: tuple[int, int], size: tuple[int, int]) -> Pixels:
    """A rectangle of the picture; what lies outside repeats the edge."""
    xs = np.clip(np.arange(origin[0], origin[0] + size[0]), 0, picture.shape[1] - 1)
    ys = np.clip(np.arange(origin[1], origin[1] + size[1]), 0, picture.shape[0] - 1)
    return np.ascontiguousarray(picture[ys][:, xs])


class Mouth:
    """The lips and what is behind them."""

    def __init__(self, anatomy: Anatomy, solid: Solid, light: Light) -> None:
        contour = Contour.through(anatomy.points, lm.UPPER_SEAM, lm.LOWER_SEAM)
        lips = {
            name: {i for row in rows for i in row[1:-1]}
            for name, rows in (("upper", lm.UPPER_LIP), ("lower", lm.LOWER_LIP))
        }
        middle, reach = contour.origin, (4.2 if anatomy.still else 2.6) * contour.half
        rims = {"upper": (lm.UPPER_LIP[0], lm.UPPER_LIP[-1]), "lower": (lm.LOWER_LIP[0], lm.LOWER_LIP[-1])}
        splines = {
            side: spline_of(anatomy, lips[other], middle, reach, rims[side] if anatomy.still else ())
            for side, other in (("upper", "lower"), ("lower", "upper"))
        }
        nodes = _MOUTH_NODES if anatomy.still else _MOUTH_NODES * 2 // 3
        self._slit, patch, grid = _slit(anatomy, solid, contour, splines, (1.5, 1.0, 2.5), nodes)
        between = np.asarray(anatomy.points[[lm.UPPER_SEAM[5], lm.LOWER_SEAM[5]]].mean(axis=0), np.float32)
        self._interior = MouthInterior(
            contour, anatomy.axes, between, light, patch, (grid.x, grid.y), own_teeth=anatomy.still
        )
        self._middle, self._depth = contour.origin, solid.depth(contour.origin)
        self._jaw = anatomy.shapes[:, lm.CHIN].copy()
        self._mouth_shapes = np.abs(anatomy.shapes[:, sorted(lips["upper"] | lips["lower"])]).max(axis=(1, 2)) > 0.02

    def draw(self, canvas: Canvas, weights: Array, pose: Pose) -> None:
        """Draws the mouth onto the head's canvas."""
        share = begun(weights[self._mouth_shapes])
        if not share:
            return  # the lips are as in the picture, and the head's own sheet shows them
        carried, skull = pose.carry(self._middle, self._depth)
        lips, fade = self._slit.skin(weights, pose, carried)
        cover = imaging.plane(lips, 3)
        picture, box = imaging.colours(lips), imaging.opening(cover)
        if box[2]:
            jaw, tongue = weights @ self._jaw, float(weights[INDEX["tongueOut"]])
            inside = self._interior.draw(skull, jaw, tongue, _protrusion(weights), cover, box)
            _show(picture, lips, inside, box)
        self._slit.blend(canvas, picture, fade, carried, share)

    def export(self, pack: Pack) -> dict[str, Any]:
        """All of it. jaw: (n, 2) pixels that each shape moves the jaw by."""
        slit = _exported(self._slit, self._middle, self._depth, self._mouth_shapes, pack)
        return {**slit, **self._interior.export(pack), "jaw": np.round(self._jaw, 3).tolist()}


def _exported(slit: Slit, middle: Array, depth: float, moves: Array, pack: Pack) -> dict[str, Any]:
    """moves: (n,), which shapes move the slit. middle, depth: the place that is carried along."""
    return {
        **slit.export(pack),
        "middle": middle.tolist(),
        "depth": depth,
        "moves": np.flatnonzero(moves).tolist(),
    }


def _show(picture: Pixels, cover: Pixels, behind: Pixels, box: imaging.Box) -> None:
    """Shows in a box of a picture what is behind the premultiplied BGRA cover."""
    left, top, width, height = box
    within = np.s_[top : top + height, left : left + width]
    picture[within] = imaging.over(cover[within], behind)


def _protrusion(weights: Array) -> float:
    """How far the lips are pushed out, 0 to 1: they keep the light off the teeth."""
    return min(1.0, float(weights[INDEX["mouthPucker"]] + 0.8 * weights[INDEX["mouthFunnel"]]))


class EyeLids:
    """One eye: its lids and its ball."""

    def __init__(self, anatomy: Anatomy, solid: Solid, upper: tuple[lm.Row, ...], lower: tuple[lm.Row, ...],
                 iris: lm.Row, side: str) -> None:  # fmt: skip
        contour = Contour.through(anatomy.points, upper[0], lower[0])
        middle, reach = contour.origin, 5.0 * contour.half
        splines = {
            "upper": spline_of(anatomy, set(lower[0][1:-1]), middle, reach),
            "lower": spline_of(anatomy, set(upper[0][1:-1]), middle, reach),
        }
        self._slit, patch, grid = _slit(anatomy, solid, contour, splines, (1.35, 1.15, 1.0), _EYE_NODES)
        self.ball = Eye(contour, anatomy.points[list(iris)], patch, (grid.x, grid.y))
        self._middle, self._depth = contour.origin, solid.depth(contour.origin)
        rims = [*upper[0], *lower[0]]
        self._moves = np.abs(anatomy.shapes[:, rims]).max(axis=(1, 2)) > 0.02
        self._look = _look_matrix(side)
        self._widens = coefficients(**{f"eyeWide{side}": 4.0, f"eyeLookUp{side}": 2.0})

    def draw(self, canvas: Canvas, weights: Array, pose: Pose) -> None:
        """Draws the eye onto the head's canvas."""
        gaze = self._look @ weights[: len(BLENDSHAPES)]
        share = begun(weights[self._moves], gaze)
        if not share:
            return
        carried, skull = pose.carry(self._middle, self._depth)
        lids, fade = self._slit.skin(weights, pose, carried)
        picture, box = imaging.colours(lids), imaging.opening(imaging.plane(lids, 3))
        if box[2]:
            _show(picture, lids, self.ball.draw(gaze, skull, box, self._wide(weights)), box)
        self._slit.blend(canvas, picture, fade, carried, share)

    def _wide(self, weights: Array) -> float:
        """0 to 1: how much of the upper lid's rim is gone from where the picture has it."""
        return min(1.0, float(self._widens @ weights[: len(BLENDSHAPES)]))

    def export(self, pack: Pack) -> dict[str, Any]:
        """All of it. look: (2, 52), what coefficients make of the gaze; widens: (52,), what they open it."""
        slit = _exported(self._slit, self._middle, self._depth, self._moves, pack)
        return {**slit, **self.ball.export(pack), "look": self._look.tolist(), "widens": self._widens.tolist()}


def _look_matrix(side: str) -> Array:
    """(2, 52): gaze to the picture's right and down from the four eyeLook coefficients of one eye."""
    matrix = np.zeros((2, len(BLENDSHAPES)), np.float32)
    right, left = ("Out", "In") if side == "Left" else ("In", "Out")
    for row, name, sign in ((0, right, 1), (0, left, -1), (1, "Down", 1), (1, "Up", -1)):
        matrix[row, INDEX[f"eyeLook{name}{side}"]] = sign
    return matrix


def eyes_of(anatomy: Anatomy, solid: Solid) -> list[EyeLids]:
    """The eyes that can move: open ones with an iris to be seen."""
    eyes = []
    for side, upper, lower, iris in (("Left", lm.UPPER_LID_LEFT, lm.LOWER_LID_LEFT, lm.IRIS_LEFT),
                                     ("Right", lm.UPPER_LID_RIGHT, lm.LOWER_LID_RIGHT, lm.IRIS_RIGHT)):  # fmt: skip
        if opening(anatomy.points, upper[0], lower[0]) > OPEN:
            eye = EyeLids(anatomy, solid, upper, lower, iris, side)
            if eye.ball.is_seen:
                eyes.append(eye)
    return eyes if len(eyes) == 2 else []
