"""Eyes, brows and lips, painted over the skin."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from hero_tools import (
    CANVAS,
    MIDDLE,
    Picture,
    Plane,
    Points,
    X,
    Y,
    blur,
    bump,
    curve,
    fill,
    glow,
    lay,
    moved,
    noise,
    ramp,
    ribbon,
    shade,
    sided,
    stroke,
    taper,
)
from numpy.typing import NDArray

# Each as (distance from the middle, y), from the inner to the outer end.
UPPER_LID = [(42, 415), (49, 404), (63, 392), (84, 385), (105, 388), (120, 396), (131, 406)]
LOWER_LID = [(42, 415), (53, 418.5), (68, 423), (87, 425), (106, 422), (120, 415), (131, 406)]
CREASE = [(44, 400), (58, 383.5), (82, 372.5), (107, 374.5), (127, 386), (141, 399)]
IRIS = (86.0, 404.5)
IRIS_RADIUS = 22.0
BROW_TOP = [(38, 344), (60, 338), (86, 333), (112, 332), (136, 340), (160, 359)]
BROW_BOTTOM = [(38, 359), (60, 353), (86, 347.5), (112, 345.5), (136, 350), (160, 360.5)]
LIP_TOP = [(0, 566), (7, 562.5), (15, 561), (28, 564.5), (44, 571.5), (58, 580), (67, 583.5)]
SEAM = [(0, 587), (10, 585.5), (22, 585.5), (38, 586.5), (54, 585.8), (67, 583.5)]
LIP_BOTTOM = [(0, 613), (16, 612.3), (34, 607), (50, 597), (61, 588), (67, 583.5)]


def _across(half: Sequence[tuple[float, float]]) -> Points:
    """A line from the left end to the right end of something symmetric, from its right half."""
    right = curve(np.array([(-x, y) for x, y in half[1:4]][::-1] + list(half), np.float64), count=400)
    right = right[right[:, 0] >= 0]
    line = np.vstack([right[::-1] * [-1, 1], right])
    return moved(line, MIDDLE, 0)


def paint_eyes(picture: Picture, rng: np.random.Generator) -> None:
    """Both eyes, with lids and lashes; in place."""
    for side in (-1, 1):
        upper, lower = sided(curve(UPPER_LID), side), sided(curve(LOWER_LID), side)
        outline = np.vstack([upper, lower[::-1]])
        _lid_shadows(picture, side, upper)
        opening = fill(outline, 0.6)
        lay(picture, _eyeball(side, upper, rng), opening)
        _rims(picture, side, upper, lower)
        _lashes(picture, side, upper, lower, rng)


def _lid_shadows(picture: Picture, side: int, upper: Points) -> None:
    """The crease above the lid, the soft colour on it, and the light on it."""
    crease = sided(curve(CREASE), side)
    shade(picture, (0.62, 0.36, 0.33), 0.75 * fill(ribbon(crease, taper(240, 0.6, 3.2, 0.8)), 1.3))
    shade(picture, (0.75, 0.50, 0.48), 0.45 * fill(ribbon(crease - [0, 2], taper(240, 2, 9, 3)), 4))
    lid = np.vstack([upper, crease[::-1]])
    shade(picture, (0.80, 0.58, 0.55), 0.40 * fill(lid, 3))
    glow(picture, (0.9, 0.72, 0.62), 0.20 * bump(MIDDLE + side * 82, 382, 15, 2.6))


def _eyeball(side: int, upper: Points, rng: np.random.Generator) -> Picture:
    """White, iris, pupil, the shadow of the upper lid, and the lights that the eye mirrors."""
    cx, cy = MIDDLE + side * IRIS[0], IRIS[1]
    ball = np.empty((CANVAS, CANVAS, 3), np.float32)
    ball[:] = (0.95, 0.93, 0.92)
    dx, dy = X - cx, Y - cy
    lay(ball, (0.70, 0.58, 0.60), 0.60 * ramp(np.abs(dx), 16, 46) + 0.15 * ramp(dy, 8, 20))
    lay(ball, (0.86, 0.52, 0.48), ramp(side * dx, -33, -42))
    _iris(ball, dx, dy, rng)
    shadow = fill(moved(np.vstack([upper, upper[::-1] - [0, 30]]), 0, 4.5), 2.6)
    shade(ball, (0.30, 0.24, 0.32), 0.80 * shadow)
    for ox, oy, rx, ry, strength in ((-7.0, -7.5, 4.3, 5.0, 1.0), (7.5, 8.0, 2.2, 1.8, 0.65)):
        spot = np.sqrt((dx - ox) ** 2 / rx**2 + (dy - oy) ** 2 / ry**2).astype(np.float32)
        lay(ball, (1.0, 0.99, 0.97), strength * ramp(spot, 1.12, 0.85))
    return ball


def _iris(ball: Picture, dx: Plane, dy: Plane, rng: np.random.Generator) -> None:
    radius = np.hypot(dx, dy) / IRIS_RADIUS
    angle = np.arctan2(dy, dx)
    rays = np.zeros_like(radius)
    for count in (17, 29, 43, 67):
        rays += np.cos(angle * count + rng.uniform(0, 6.28) + 2.5 * radius * rng.uniform(-1, 1)) / 4
    iris = np.empty_like(ball)
    iris[:] = (0.10, 0.42, 0.44)
    lay(iris, (0.30, 0.74, 0.68), (ramp(dy, -14, 17) * (0.65 + 0.35 * rays)).astype(np.float32))
    lay(iris, (0.78, 0.60, 0.26), (0.75 * ramp(radius, 0.74, 0.40) * (0.7 + 0.5 * rays)).astype(np.float32))
    shade(iris, (0.04, 0.10, 0.16), ramp(radius, 0.72, 1.0) * 0.88)
    lay(iris, (0.02, 0.025, 0.04), ramp(radius, 0.49, 0.42))
    glow(
        iris,
        (0.55, 0.9, 0.85),
        0.38 * ramp(np.hypot(dx - 5, dy - 9).astype(np.float32), 10, 1) * ramp(radius, 0.42, 0.6),
    )
    lay(ball, iris, ramp(radius, 1.06, 0.96))


def _rims(picture: Picture, side: int, upper: Points, lower: Points) -> None:
    """The wet edge of the lower lid, the inner corner, and the dark edge of the upper lid."""
    lay(picture, (0.93, 0.68, 0.62), 0.75 * fill(ribbon(moved(lower, 0, 1.0), taper(240, 1.2, 2.4, 0.8)), 0.6))
    shade(picture, (0.55, 0.32, 0.30), 0.55 * fill(ribbon(moved(lower, 0, 3.0), taper(240, 0.4, 1.6, 2.6)), 0.9))
    corner = MIDDLE + side * 47
    lay(picture, (0.88, 0.50, 0.47), 0.85 * bump(corner, 412.8, 2.6, 2.0))
    glow(picture, (1, 0.9, 0.88), 0.7 * bump(corner - 0.5, 412, 0.9, 0.8))
    edge = np.vstack([upper, [upper[-1] + [side * 7.0, -4.5]]])
    widths = np.interp(np.linspace(0, 1, len(edge)), [0, 0.15, 0.6, 0.95, 1], [1.2, 3.2, 5.0, 4.2, 0.4])
    lay(picture, (0.13, 0.07, 0.07), 0.96 * fill(ribbon(edge - [0, 0.6], widths), 0.6))


def _lashes(picture: Picture, side: int, upper: Points, lower: Points, rng: np.random.Generator) -> None:
    plane = np.zeros((CANVAS, CANVAS), np.uint8)
    for t in np.linspace(0.14, 1.0, 40):
        root = upper[int(t * (len(upper) - 1))] + [0, -1]
        length = 3.5 + 9.5 * t**1.3 + rng.uniform(-1.8, 1.2)
        lean = side * (-0.30 + 1.25 * t) + rng.uniform(-0.2, 0.2)
        tip = root + np.array([np.sin(lean), -np.cos(lean)]) * length
        bend = (root + tip) / 2 + [side * 1.6 * t, 1.4]
        stroke(plane, curve([tuple(root), tuple(bend), tuple(tip)], count=12), taper(12, 1.8, 1.1, 0.15), (255,))
    faint = np.zeros((CANVAS, CANVAS), np.uint8)
    for t in np.linspace(0.35, 0.97, 18):
        root = lower[int(t * (len(lower) - 1))] + [0, 1.5]
        lean = side * (-0.2 + 0.9 * t) + rng.uniform(-0.3, 0.3)
        tip = root + np.array([np.sin(lean), np.cos(lean)]) * rng.uniform(1.5, 3.0 + 3.0 * t)
        stroke(faint, np.linspace(root, tip, 6), taper(6, 1.1, 0.8, 0.2), (255,))
    lay(picture, (0.13, 0.07, 0.07), 0.95 * blur(plane.astype(np.float32) / 255, 0.3))
    lay(picture, (0.22, 0.11, 0.10), 0.18 * blur(faint.astype(np.float32) / 255, 0.35))


def paint_brows(picture: Picture, rng: np.random.Generator) -> None:
    """Two brows of single hairs over a soft ground; in place."""
    for side in (-1, 1):
        top, bottom = sided(curve(BROW_TOP), side), sided(curve(BROW_BOTTOM), side)
        ground = fill(np.vstack([top, bottom[::-1]]), 2.6)
        inner = ramp(side * (X - MIDDLE), 34, 66)
        lay(picture, (0.26, 0.13, 0.09), 0.50 * ground * (0.10 + 0.90 * inner))
        for colour, alpha, count in (((0.17, 0.08, 0.06), 0.75, 260), ((0.36, 0.19, 0.12), 0.55, 90)):
            plane = np.zeros((CANVAS, CANVAS), np.uint8)
            for _ in range(count):
                _brow_hair(plane, side, top, bottom, rng)
            lay(picture, colour, alpha * blur(plane.astype(np.float32) / 255, 0.35))


def _brow_hair(plane: NDArray[np.uint8], side: int, top: Points, bottom: Points, rng: np.random.Generator) -> None:
    """One hair: upright at the inner end, lying along the brow at the outer one."""
    t, across = rng.uniform(0, 0.97), rng.uniform(0, 1)
    if rng.uniform() > 0.22 + 4.0 * t:  # sparse at the inner end
        return
    i = int(t * (len(top) - 1))
    root = bottom[i] + (top[i] - bottom[i]) * across * 0.85
    along = np.arctan2(top[min(i + 4, len(top) - 1), 1] - top[max(i - 4, 0), 1], 8)
    lean = np.radians(34 + 48 * min(1.0, t * 1.7)) + along * 0.2 + (across - 0.5) * 0.7 + rng.normal(0, 0.07)
    length = (7.5 + 3.5 * min(1.0, 6 * t)) * (1 - 0.35 * t)
    tip = root + np.array([side * np.sin(lean), -np.cos(lean) + 0.35 * t]) * length
    bend = (root + tip) / 2 + [0, -1.0]
    stroke(plane, curve([tuple(root), tuple(bend), tuple(tip)], count=8), taper(8, 1.5, 1.4, 0.2), (255,))


def paint_lips(picture: Picture, rng: np.random.Generator) -> None:
    """Colour, fine creases, seam and shine of the closed lips; in place."""
    top, seam, bottom = _across(LIP_TOP), _across(SEAM), _across(LIP_BOTTOM)
    upper, lower = fill(np.vstack([top, seam[::-1]]), 1.1), fill(np.vstack([seam, bottom[::-1]]), 1.3)
    shade(picture, (0.82, 0.50, 0.53), 0.90 * upper)
    shade(picture, (0.94, 0.60, 0.62), 0.90 * lower)
    creases = blur(rng.standard_normal((CANVAS, CANVAS), dtype=np.float32), 0.9)
    creases = np.asarray(cv2.GaussianBlur(creases, (0, 0), sigmaX=0.1, sigmaY=10), np.float32)
    picture *= (1 + 0.045 * (upper + lower) * creases / creases.std() * 0.8)[..., None]
    shade(picture, (0.55, 0.28, 0.30), 0.45 * fill(ribbon(seam - [0, 3], _seam_widths(len(seam), 6.0)), 2.4) * upper)
    shade(picture, (0.55, 0.30, 0.30), 0.50 * fill(ribbon(moved(seam, 0, 2.2), _seam_widths(len(seam), 4.0)), 1.8))
    lay(picture, (0.30, 0.09, 0.10), 0.92 * fill(ribbon(seam, _seam_widths(len(seam), 2.4)), 0.55))
    shade(picture, (0.55, 0.30, 0.28), 0.55 * (bump(445, 582, 3.5, 2.8) + bump(579, 582, 3.5, 2.8)))
    for side in (-1, 1):  # a friendly hint: the corners are tucked up
        tuck = sided(curve([(64, 585), (70, 582), (74, 577)]), side)
        shade(picture, (0.66, 0.40, 0.37), 0.45 * fill(ribbon(tuck, taper(240, 2.2, 2.0, 0.4)), 1.2))
    shine = (0.6 * bump(500, 598, 15, 3.2) + 0.28 * bump(530, 598.5, 10, 2.6)) * (1 + 0.25 * noise(rng, 1.0))
    glow(picture, (1.0, 0.86, 0.82), 0.55 * shine * lower)
    edge = fill(ribbon(top - [0, 1.2], _seam_widths(len(top), 2.2)), 0.9)
    glow(picture, (1.0, 0.85, 0.75), 0.22 * edge)
    shade(picture, (0.70, 0.45, 0.42), 0.50 * bump(MIDDLE, 619, 32, 5))


def _seam_widths(count: int, width: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    t = np.linspace(-1, 1, count)
    return width * (0.35 + 0.65 * np.sqrt(np.clip(1 - t**2, 0, 1)))


def paint_nose(picture: Picture) -> None:
    """Nostrils and the lines around the wings; in place."""
    for side in (-1, 1):
        hole = sided(curve([(9, 519), (15, 514.5), (24, 514), (30, 518), (25, 522), (15, 523)], closed=True), side)
        lay(picture, (0.30, 0.11, 0.09), 0.80 * fill(hole, 1.8))
        wing = sided(curve([(44, 489), (52, 497), (54, 507), (49, 516), (40, 519.5)]), side)
        shade(picture, (0.60, 0.34, 0.30), 0.55 * fill(ribbon(wing, taper(240, 0.8, 3.0, 1.0)), 1.8))
    shade(picture, (0.72, 0.47, 0.43), 0.55 * bump(MIDDLE, 527, 30, 5))
    shade(picture, (0.66, 0.40, 0.34), 0.34 * bump(533, 462, 8, 34, -9) + 0.30 * bump(538, 508, 11, 12))
    shade(picture, (0.68, 0.44, 0.40), 0.30 * bump(546, 402, 11, 18, 12) + 0.18 * bump(478, 402, 10, 18, -12))
    shade(picture, (0.66, 0.40, 0.36), 0.38 * bump(528, 534, 24, 8, -10))
    glow(picture, (1.0, 0.93, 0.88), 0.30 * bump(507, 489, 6, 7) + 0.14 * bump(508, 445, 3.5, 30))
