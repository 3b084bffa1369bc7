"""A slit: an opening in the skin (the mouth, an eye) with a sheet on either side and something behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.canvas import Canvas
from txt2vid.engines.rig.field import Grid, Spline
from txt2vid.engines.rig.inverse import Plane
from txt2vid.engines.rig.pack import Pack
from txt2vid.engines.rig.pose import Pose
from txt2vid.engines.rig.sheet import Sheets
from txt2vid.faces.geometry import Array, smoothstep
from txt2vid.faces.landmarks import Row

_OVERLAP = 1.6  # pixels that the lower side reaches under the upper one, so that a shut slit shows no gap
_KEPT, _GONE = 0.15, 1.1  # halves of the slit: up to where a sheet goes on past its rim, and from where it is the other
_BEGINS = 0.05  # of a coefficient, up to which a slit that begins to move passes into its own picture
_FADE = 0.10  # of the rectangle's shorter side: where the slit's picture passes into the face's


@dataclass(frozen=True, slots=True)
class Contour:
    """The two rims of a slit in coordinates along and across it, so that each is a function.

    origin: (2,) the middle between the corners. along, across: (2,) unit vectors. half: pixels from the middle to a
    corner. upper, lower: (n, 2) places along and across of the rims' points, from corner to corner.
    """

    origin: Array
    along: Array
    across: Array
    half: float
    upper: Array
    lower: Array

    @staticmethod
    def through(points: Array, upper: Row, lower: Row) -> Contour:
        """From landmarks (478, 2); the rows share their first and last landmarks: the corners."""
        first, last = points[upper[0]], points[upper[-1]]
        along = (last - first) / max(float(np.linalg.norm(last - first)), 1e-6)
        across = np.array((-along[1], along[0]), np.float32)
        origin = (first + last) / 2
        axes = np.stack([along, across])

        def rim(row: Row) -> Array:
            places = (points[list(row)] - origin) @ axes.T
            return np.asarray(places[np.argsort(places[:, 0])], np.float32)

        return Contour(origin, along, across, float(np.linalg.norm(last - first) / 2), rim(upper), rim(lower))

    def places(self, points: Array) -> tuple[Array, Array]:
        """How far along and across the slit picture points (..., 2) are, in pixels."""
        relative = points - self.origin
        return relative @ self.along, relative @ self.across

    def rim(self, side: str, along: Array) -> Array:
        """How far across the rim is at places along the slit; level beyond the corners."""
        rim = self.upper if side == "upper" else self.lower
        return np.asarray(np.interp(along, rim[:, 0], rim[:, 1]), np.float32)

    def point(self, along: Array, across: Array) -> Array:
        """Picture points (..., 2) of places along and across."""
        return np.asarray(self.origin + along[..., None] * self.along + across[..., None] * self.across, np.float32)


def side_fields(contour: Contour, points: Array, splines: dict[str, Spline]) -> dict[str, Array]:
    """The displacement of both sides' sheets at picture points, (..., m) each.

    Between the corners a sheet goes on past its rim as it is at the rim, and farther on, where it is never seen, it
    passes into the other side, or it would jump, and fold, where the cut ends. Beyond the corners there is no cut, and
    one side passes smoothly into the other.
    """
    flat = points.reshape(-1, 2)
    along, across = contour.places(flat)
    middle = (contour.rim("upper", along) + contour.rim("lower", along)) / 2
    width, gap = 0.16 * contour.half, float((contour.lower[:, 1] - contour.upper[:, 1]).max())
    below = smoothstep(-width, width, across - middle)[:, None]
    beyond = smoothstep(0.96, 1.04, np.abs(along) / contour.half)[:, None]
    out, within = np.flatnonzero(beyond > 0), np.flatnonzero(beyond < 1)
    both = splines["upper"].at(flat[out]) * (1 - below[out]) + splines["lower"].at(flat[out]) * below[out]
    fields = {}
    for side, other in (("upper", "lower"), ("lower", "upper")):
        rim = contour.rim(side, along[within])
        kept = np.minimum(across[within], rim) if side == "upper" else np.maximum(across[within], rim)
        far = smoothstep(_KEPT * contour.half, _GONE * contour.half + 1.6 * gap, np.abs(across[within] - kept))[:, None]
        field = np.zeros((len(flat), both.shape[1]), np.float32)
        field[within] = splines[side].at(contour.point(along[within], kept)) * (1 - far)
        gone = np.flatnonzero(far > 0)
        field[within[gone]] += splines[other].at(flat[within[gone]]) * far[gone]
        field[within] *= 1 - beyond[within]
        field[out] += both * beyond[out]
        fields[side] = field.reshape(*points.shape[:-1], -1)
    return fields


class Slit:
    """Both sheets of a slit with their textures, drawn over what is behind it."""

    def __init__(self, contour: Contour, sheets: Sheets, source: Pixels, origin: tuple[int, int]) -> None:
        """sheets: the upper and the lower one.

        source: a patch of the picture whose corner is at `origin`, larger than the grid by what moves.
        """
        self.grid = sheets.grid
        self._sheets, self._origin = sheets, origin
        source = imaging.magnify(source, sheets.detail)
        mask_upper, mask_lower = rim_masks(contour, (source.shape[0], source.shape[1]), origin, sheets.detail)
        self._textures = [_premultiplied(source, mask) for mask in (mask_upper, mask_lower)]
        shown = [np.flatnonzero(texture[..., 3].any(axis=1)) for texture in self._textures]
        self._end = float(shown[0][-1]) if len(shown[0]) else -np.inf  # of the upper one's texture: its last row
        self._start = float(shown[1][0]) if len(shown[1]) else np.inf  # of the lower one's: its first
        self._fade = imaging.repeat(_border_fade(self.grid.width, self.grid.height))

    def skin(self, weights: Array, pose: Pose, carried: Array) -> tuple[Pixels, Pixels]:
        """Both sides, the upper over the lower, over the grid's rectangle carried along: BGRA, premultiplied.

        And how much of it is shown, 0 to 255, three equal channels: less at the edge, and where it is not known.
        """
        displacement = self._sheets.displacement(weights, pose)
        displacement -= np.complex64(complex(*carried.tolist()))
        shifts = self._sheets.shifts(displacement)
        upper, lower = shifts
        end = self._sheets.rows_within(upper, -np.inf, self._end)[1]
        start = self._sheets.rows_within(lower, self._start, np.inf)[0]
        over, under = (self._sheets.places(shift) for shift in (upper, lower))
        skin = np.zeros((*under.shape[:2], 4), np.uint8)
        if start < len(skin):
            imaging.sample(self._textures[1], under[start:], skin[start:])
        if end:
            top = imaging.sample(self._textures[0], over[:end])
            skin[:start][:end] = top[:start]
            if start < end:
                skin[start:end] = imaging.over(top[start:], skin[start:end])
        return skin, self._shown(shifts)

    def _shown(self, shifts: Plane) -> Pixels:
        width, height = self.grid.width, self.grid.height
        known = self._sheets.known(shifts, _margin(width, height))
        if known is None:
            return self._fade
        levels = np.asarray(imaging.enlarge(255 * known, width, height), np.uint8)
        return np.minimum(self._fade, imaging.repeat(levels))

    def export(self, pack: Pack) -> dict[str, Any]:
        """Its sheets, where its textures lie in the picture, their alpha (upper, lower), how wide its edge fades."""
        masks = np.dstack([texture[..., 3] for texture in self._textures])
        height, width = (side // self._sheets.detail for side in masks.shape[:2])
        return {
            "sheets": self._sheets.export(pack),
            "source": [*self._origin, width, height],
            "masks": pack.levels(masks),
            "margin": _margin(self.grid.width, self.grid.height),
        }

    def blend(self, canvas: Canvas, picture: Pixels, fade: Pixels, carried: Array, share: float) -> None:
        """Lays the slit's picture, carried along, softly onto a canvas.

        fade: as `skin` gives it. share: 0 to 1, how much of the slit is shown: see `begun`.
        """
        x, y = self.grid.x + int(carried[0]) - canvas.x, self.grid.y + int(carried[1]) - canvas.y
        height, width = canvas.colours.shape[:2]
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + self.grid.width, width), min(y + self.grid.height, height)
        if right <= left or bottom <= top:
            return
        under = canvas.colours[top:bottom, left:right]
        part = np.s_[top - y : bottom - y, left - x : right - x]
        shown = picture[part]
        if canvas.alpha.size and int((head := canvas.alpha[top:bottom, left:right]).min()) < 255:
            shown = imaging.shade(shown, imaging.repeat(head))
        shares = fade[part] if share == 1 else imaging.scaled(fade[part], share)
        canvas.colours[top:bottom, left:right] = imaging.mix(shown, under, shares)


def begun(*moved: Array) -> float:
    """0 to 1: how much of a slit is shown that is moved so far, each coefficient in [-1, 1]; 0 where nothing moves it.

    A slit is drawn of pieces that are not quite the picture: lashes, teeth. Shown at once they would jump.
    """
    return min(1.0, max(float(np.abs(each).max(initial=0)) for each in moved) / _BEGINS)


def rim_masks(
    contour: Contour, shape: tuple[int, int], origin: tuple[int, int], detail: int = 1
) -> tuple[Array, Array]:
    """Alpha of the upper and of the lower side, float32 in [0, 1], over a patch of the picture, magnified."""
    places = Grid(0, 0, shape[1], shape[0], 1).pixels()
    corner = np.array(origin, np.float32)
    along, across = contour.places((places + 0.5) / np.float32(detail) - 0.5 + corner)
    upper_rim, lower_rim = contour.rim("upper", along), contour.rim("lower", along)
    shut = smoothstep(2.5, 0.5, lower_rim - upper_rim)  # 1 where nothing shows between the rims
    upper = smoothstep(0.7, -0.7, across - upper_rim)
    lower = smoothstep(-0.7, 0.7, across - (lower_rim - shut * _OVERLAP))
    return upper, lower


def _premultiplied(source: Pixels, alpha: Array) -> Pixels:
    bgra = np.empty((*source.shape[:2], 4), np.uint8)
    bgra[..., :3] = np.rint(source * alpha[..., None])
    bgra[..., 3] = np.rint(alpha * 255)
    return bgra


def _margin(width: int, height: int) -> float:
    return max(2.0, _FADE * min(width, height))


def _border_fade(width: int, height: int) -> Pixels:
    margin = _margin(width, height)
    across, down = (np.minimum(np.arange(n) + 1, n - np.arange(n)) / margin for n in (width, height))
    edge = np.clip(np.minimum(down[:, None], across[None]), 0, 1)
    return np.asarray(np.rint(255 * edge * edge * (3 - 2 * edge)), np.uint8)
