"""The eyeballs behind the lids: the picture's own eyes, grown past the lids and turned with the gaze."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.pack import Pack
from txt2vid.engines.rig.slit import Contour
from txt2vid.faces.geometry import Array, smoothstep
from txt2vid.faces.landmarks import Row

Mask = NDArray[np.bool_]

# An iris is 11.7 mm wide on a ball of 12 mm radius: at 35 degrees its middle has moved by 1.18 of its radius.
_REACH = (1.15, 0.75)  # iris radii at gaze 1: sideways, up and down
_STRAY, _WIDER = 0.2, 0.5  # of its radius: how far an iris may be from where landmarks have it, and how much wider
_EDGE = 0.04  # of its radius: a step of the search
_SEEN, _CLEAR = 0.25, 25.0  # the part of an iris' edge that is to be seen, and by how many levels the ball is lighter
_RIM = (0.5, 1.5)  # pixels into the opening: up to where the picture's own rim is kept, so that no seam shows there
OPEN = 0.13  # height over width from which an eye counts as open


class Eye:
    """One eye's ball over a rectangle of the picture."""

    def __init__(self, contour: Contour, iris: Array, patch: Pixels, offset: tuple[int, int]) -> None:
        """iris: (5, 2) the iris' middle and rim in the picture. patch: BGR of the rectangle at `offset`."""
        height, width = patch.shape[:2]
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        pixels = np.stack([xs, ys], axis=-1)
        self._offset = np.array(offset, np.float32)
        along, across = contour.places(pixels + self._offset)
        upper, lower = contour.rim("upper", along), contour.rim("lower", along)
        inset = max(1.0, 0.05 * contour.half)
        depth = np.asarray(np.minimum(across - upper, lower - across), np.float32)
        inside = (depth > inset) & (np.abs(along) < 0.97 * contour.half)
        told, radius = iris[0] - self._offset, float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        self.is_seen = _is_an_eye(patch, inside, _distance(pixels, told) / np.float32(max(radius, 1.0)))
        middle, self._radius = _round(patch.min(axis=2).astype(np.float32), inside, told, radius)
        self._axes = np.stack([contour.along, contour.across])
        distance = _distance(pixels, middle)
        within = distance / np.float32(max(self._radius, 1.0))
        self._white, self._iris = self._parted(self._completed(patch, inside, depth, within), distance)
        edge = smoothstep(_RIM[1], _RIM[0], depth)[..., None]
        self._rim = np.concatenate([np.rint(patch * edge), np.rint(255 * edge)], axis=-1).astype(np.uint8)
        self._lower = self._rim * np.asarray(across > 0, np.uint8)[..., None]
        self._upper = self._rim - self._lower

    def _completed(self, patch: Pixels, inside: Mask, depth: Array, distance: Array) -> Pixels:
        """The ball where lids hide it: the iris goes on as round as it is, the white as it is beside the iris.

        depth: pixels into the opening, negative under the lids. distance: from the iris' middle, in its radii.
        """
        bins = np.clip((distance * 12).astype(int), 0, 13)  # 14 rings: 12 in the iris, its edge, and the white
        rings = np.zeros((14, 3), np.float32)
        known = inside & (np.abs(depth) > 0.5)
        for ring in range(13, -1, -1):
            chosen = patch[known & (bins == ring)].astype(np.float32)
            if len(chosen) >= 3:
                rings[ring] = np.median(chosen, axis=0)
            else:
                rings[ring] = rings[min(ring + 1, 13)]
        white = patch[known & (distance > 1.2)].astype(np.float32)
        if len(white) >= 6:
            level = white.sum(axis=1)
            rings[13] = white[level >= np.percentile(level, 35)].mean(axis=0)
        place = np.clip(distance * 12 - 0.5, 0, 13)
        model = np.stack([np.interp(place, np.arange(14), rings[:, channel]) for channel in range(3)], axis=-1)
        model *= (0.94 - 0.30 * smoothstep(0.0, -0.45 * self._radius, depth))[..., None]
        seen = smoothstep(-0.5, 2.0, depth)[..., None]
        return np.asarray(np.rint(patch * seen + model * (1 - seen)), np.uint8)

    def _parted(self, ball: Pixels, distance: Array) -> tuple[Pixels, Pixels]:
        """The white without the iris, and the iris as a layer of its own (premultiplied BGRA).

        distance: from the iris' middle, in pixels.
        """
        soft = max(1.0, 0.06 * self._radius)
        disc = smoothstep(1.08 * self._radius + soft, 1.08 * self._radius - soft, distance)
        hidden = (distance < 1.08 * self._radius + 2 * soft).astype(np.uint8)
        white = imaging.heal(ball, hidden, 3)
        iris = np.dstack([np.rint(ball * disc[..., None]), np.rint(255 * disc)]).astype(np.uint8)
        return white, iris

    def export(self, pack: Pack) -> dict[str, Any]:
        """The white, the iris before it, and how a gaze moves the iris: pixels (2, 2) of its two parts, row by row."""
        turn = np.diag(np.array(_REACH) * self._radius) @ self._axes
        layers = {"white": self._white, "iris": self._iris, "rim": self._rim}
        return {**{name: pack.levels(layer) for name, layer in layers.items()}, "turn": turn.tolist()}

    def draw(self, gaze: Array, skull: Array, box: imaging.Box, wide: float) -> Pixels:
        """The ball as BGR in a box of the rectangle.

        gaze: (2,) in [-1, 1], to the picture's right and down. skull: (2, 3) how the head moves. wide: 0 to 1, how far
        the upper lid is open beyond where it is in the picture, whose rim then is not shown where it was.
        """
        matrix = skull.copy()
        matrix[:, 2] += matrix[:, :2] @ self._offset - self._offset - box[:2]
        ball = imaging.move(self._white, matrix, box[2:], edges=True)
        rim = imaging.add(imaging.scaled(self._upper, 1 - wide), self._lower) if wide else self._rim
        rim = imaging.move(rim, matrix, box[2:], edges=True)
        matrix[:, 2] += matrix[:, :2] @ ((gaze * _REACH * self._radius) @ self._axes)
        ball = imaging.over(imaging.move(self._iris, matrix, box[2:]), ball)
        return imaging.over(rim, ball)


def _distance(pixels: Array, middle: Array) -> Array:
    """(h, w): how far pixels (h, w, 2) are from a point (2,)."""
    return np.asarray(np.sqrt(((pixels - middle) ** 2).sum(axis=-1)), np.float32)


def _round(white: Array, inside: Mask, middle: Array, radius: float) -> tuple[Array, float]:
    """The iris' middle and radius as they are in the picture, where landmarks miss them, as those of drawn eyes do.

    The circle across which it becomes whiter most, among those near what landmarks tell (Daugman 1993). white: (h, w),
    float32, the least of each pixel's colours. inside: where the ball is seen. middle: (2,) pixels, and radius, as
    landmarks have them; they are kept where no circle is clear.
    """
    shifts = np.array(list(itertools.product(np.linspace(-_STRAY, _STRAY, 7), repeat=2)), np.float32) * radius
    radii = np.arange(1 - 2 * _EDGE, 1 + _WIDER + _EDGE, _EDGE, dtype=np.float32) * radius
    angles = np.arange(0, 2 * np.pi, np.pi / 32, dtype=np.float32)
    spokes = radii[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    places = (middle + shifts)[:, None, None] + spokes  # (shifts, radii, angles, 2)
    flat = np.asarray(places.reshape(len(shifts), -1, 2), np.float32)
    seen = imaging.sample_field(inside.astype(np.float32), flat).reshape(places.shape[:-1]) > 0.99
    level = imaging.sample_field(white, flat).reshape(places.shape[:-1])
    # From two steps within to two without, where both ends are seen: an edge is as wide as that. On either side: light
    # that falls on one of an iris makes an edge of its own there.
    both = seen[:, 4:] & seen[:, :-4]
    rises = np.where(both, level[:, 4:] - level[:, :-4], 0)
    least = _SEEN * len(angles) / 2
    sides = (np.cos(angles) > 0, np.cos(angles) < 0)
    steps = np.minimum(*((rises * side).sum(axis=-1) / np.maximum((both & side).sum(axis=-1), least) for side in sides))
    shift, ring = np.unravel_index(int(steps.argmax()), steps.shape)
    if steps[shift, ring] < _CLEAR:
        return middle, radius
    return np.asarray(middle + shifts[shift], np.float32), float(radii[ring + 2])


def _is_an_eye(patch: Pixels, inside: Mask, distance: Array) -> bool:
    """Whether there is an iris in a lighter ball: not behind dark glasses, not on a statue."""
    grey = imaging.grey(patch)
    iris, ball = inside & (distance < 0.9), inside & (distance > 1.15)
    if iris.sum() < 6 or ball.sum() < 6:
        return bool(inside.sum() >= 12)  # too small to tell, or an iris that fills the eye
    return float(np.median(grey[iris])) < 0.88 * float(np.median(grey[ball]))


def opening(landmarks: Array, upper: Row, lower: Row) -> float:
    """Height over width of an eye."""
    width = np.linalg.norm(landmarks[upper[0]] - landmarks[upper[-1]])
    height = np.linalg.norm(landmarks[list(upper[3:6])] - landmarks[list(lower[3:6])], axis=1).max()
    return float(height / max(float(width), 1e-6))
