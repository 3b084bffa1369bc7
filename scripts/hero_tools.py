"""Painting tools for the hero: smooth shapes, soft masks, tapered strokes, on pictures drawn twice too large."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import splev, splprep

SIZE = 1024  # pixels of the finished picture's side; every coordinate in these scripts is in these pixels
SCALE = 2  # drawn so many times larger, then averaged down
CANVAS = SIZE * SCALE
MIDDLE = 512.0  # x of the face's axis of symmetry

Plane = NDArray[np.float32]
"""(CANVAS, CANVAS), mostly in [0, 1]."""
Picture = NDArray[np.float32]
"""(CANVAS, CANVAS, 3), RGB in [0, 1], sRGB transfer."""
Points = NDArray[np.float64]
"""(n, 2), x right and y down."""
Pairs = Sequence[tuple[float, float]]
Colour = tuple[float, float, float]

_SHIFT = 4  # cv2's fixed-point bits: shapes are placed to a sixteenth of a drawn pixel


def grid() -> tuple[Plane, Plane]:
    """The coordinates x and y of every drawn pixel's middle."""
    line = ((np.arange(CANVAS) + 0.5) / SCALE).astype(np.float32)
    x, y = np.meshgrid(line, line)
    return x, y


X, Y = grid()


def rgb(code: str) -> Colour:
    """A colour from its six hexadecimal digits."""
    red, green, blue = bytes.fromhex(code)
    return red / 255, green / 255, blue / 255


def curve(pairs: Pairs | Points, closed: bool = False, count: int = 240) -> Points:
    """A smooth line of `count` points through the given ones (a cubic B-spline that interpolates)."""
    points = np.asarray(pairs, np.float64)
    if closed:
        points = np.vstack([points, points[:1]])
    knots, _ = splprep(points.T, s=0, k=min(3, len(points) - 1), per=closed)
    return np.stack(splev(np.linspace(0, 1, count), knots), axis=1)


def sided(pairs: Pairs | Points, side: int) -> Points:
    """Points given as (distance from the middle, y), on the picture's right (side 1) or left (-1)."""
    points = np.asarray(pairs, np.float64)
    return np.stack([MIDDLE + side * points[:, 0], points[:, 1]], axis=1)


def moved(points: Points, dx: float, dy: float) -> Points:
    """The points, shifted."""
    return np.asarray(points + np.array([dx, dy]))


def symmetric(pairs: Pairs) -> Points:
    """A closed outline from its right half, given from top to bottom as (distance from the middle, y)."""
    right, left = sided(pairs, 1), sided(pairs, -1)[::-1]
    keep = slice(None if pairs[-1][0] else 1, None if pairs[0][0] else -1)
    return np.vstack([right, left[keep]])


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.asarray(np.round((points * SCALE - 0.5) * (1 << _SHIFT)), np.int32)


def fill(outline: Points, soft: float = 0.0) -> Plane:
    """1 inside the outline, 0 outside, its edge blurred by `soft` pixels."""
    plane = np.zeros((CANVAS, CANVAS), np.uint8)
    cv2.fillPoly(plane, [_fixed(outline)], (255,), cv2.LINE_AA, _SHIFT)
    return blur(plane.astype(np.float32) / 255, soft)


def blur(plane: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur; `sigma` in pixels of the finished picture. Wide ones are done on a smaller copy."""
    if sigma <= 0:
        return plane
    shrink = int(np.clip(sigma * SCALE / 9, 1, 16))
    small = cv2.resize(plane, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA) if shrink > 1 else plane
    small = cv2.GaussianBlur(small, (0, 0), sigma * SCALE / shrink, borderType=cv2.BORDER_REPLICATE)
    if shrink > 1:
        small = cv2.resize(small, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC)
        small = cv2.GaussianBlur(small, (0, 0), shrink)  # without it the lit relief shows the coarse grid
    return np.asarray(small, np.float32)


def bump(cx: float, cy: float, sx: float, sy: float, turn: float = 0.0) -> Plane:
    """A Gaussian hill of height 1, `turn` degrees clockwise."""
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    dx, dy = X - cx, Y - cy
    across, along = (dx * cos + dy * sin) / sx, (-dx * sin + dy * cos) / sy
    return np.asarray(np.exp(-0.5 * (across**2 + along**2)), np.float32)


def both(dx: float, cy: float, sx: float, sy: float, turn: float = 0.0) -> Plane:
    """Two such hills, mirrored at the middle."""
    return bump(MIDDLE + dx, cy, sx, sy, turn) + bump(MIDDLE - dx, cy, sx, sy, -turn)


def ramp(values: Plane, start: float, stop: float) -> Plane:
    """0 at `start`, 1 at `stop`, smooth between (either may be the larger)."""
    t = np.clip((values - start) / (stop - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def lay(picture: Picture, colour: Colour | Picture, alpha: Plane) -> None:
    """Paints a colour, or another picture, over the picture where `alpha` says so; in place."""
    picture += (np.asarray(colour, np.float32) - picture) * np.clip(alpha, 0, 1)[..., None]


def shade(picture: Picture, colour: Colour, alpha: Plane) -> None:
    """Multiplies by a colour where `alpha` says so; in place. Shadows keep what is under them."""
    picture *= 1 - np.clip(alpha, 0, 1)[..., None] * (1 - np.asarray(colour, np.float32))


def glow(picture: Picture, colour: Colour, alpha: Plane) -> None:
    """Screens light over the picture; in place."""
    picture += (1 - picture) * np.asarray(colour, np.float32) * np.clip(alpha, 0, 1)[..., None]


def ribbon(line: Points, widths: NDArray[np.float64]) -> Points:
    """The outline of a stroke along a line, `widths` wide (one for each point)."""
    ahead = np.gradient(line, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    out = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) * widths[:, None] / 2
    return np.vstack([line + out, (line - out)[::-1]])


def taper(count: int, start: float, middle: float, stop: float) -> NDArray[np.float64]:
    """Widths of a stroke that swells and thins."""
    return np.interp(np.linspace(0, 1, count), [0, 0.4, 1], [start, middle, stop])


def stroke(plane: NDArray[np.uint8], line: Points, widths: NDArray[np.float64], value: Sequence[float]) -> None:
    """Draws one tapered stroke into an 8-bit plane or picture; in place."""
    cv2.fillPoly(plane, [_fixed(ribbon(line, widths))], tuple(float(v) for v in value), cv2.LINE_AA, _SHIFT)


def noise(rng: np.random.Generator, sigma: float) -> Plane:
    """Smooth noise of standard deviation 1, its grain `sigma` pixels."""
    plane = blur(rng.standard_normal((CANVAS, CANVAS), dtype=np.float32), sigma)
    return np.asarray(plane / plane.std(), np.float32)
