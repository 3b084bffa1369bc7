"""What is around the face: the background, the suit with its collar and emblem, and the cape."""

from __future__ import annotations

import numpy as np
from hero_skin import light, normals, occlusion
from hero_tools import (
    CANVAS,
    MIDDLE,
    Colour,
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
    rgb,
    ribbon,
    shade,
    sided,
    symmetric,
)

SUIT: Colour = (0.07, 0.30, 0.40)
CAPE: Colour = (0.80, 0.16, 0.13)
GOLD: Colour = (0.98, 0.72, 0.24)
_SUIT = [(0, 800), (70, 795), (128, 788), (200, 808), (300, 838), (378, 880), (425, 945), (446, 1060), (0, 1060)]
_CAPE = [(92, 772), (170, 782), (270, 806), (372, 846), (448, 910), (492, 985), (506, 1060), (372, 1060), (318, 985),
         (262, 925), (204, 880), (150, 850), (112, 815)]  # fmt: skip
_COLLAR = [(16, 908), (46, 852), (80, 788), (102, 736), (130, 708), (160, 690), (170, 688), (172, 702), (168, 762),
           (152, 808), (112, 860), (66, 906), (34, 936)]  # fmt: skip

_BUBBLE = [(-50, -22), (-40, -40), (0, -45), (40, -40), (50, -22), (50, 8), (40, 25), (12, 31), (-4, 50), (-14, 31),
           (-40, 25), (-50, 8)]  # fmt: skip


def paint_background(picture: Picture, rng: np.random.Generator) -> None:
    """A calm evening sky with a warm glow behind the head; in place."""
    picture[:] = rgb("24345c")
    lay(picture, rgb("39557f"), ramp(Y, 1000, 100) * 0.75)
    lay(picture, rgb("7fa6b8"), 0.80 * bump(MIDDLE - 40, 420, 330, 320))
    lay(picture, rgb("f6d6ae"), 0.70 * bump(MIDDLE - 40, 380, 250, 250))
    for _ in range(26):
        cx, cy, r = rng.uniform(0, 1024), rng.uniform(0, 900), rng.uniform(14, 60)
        disc = ramp(np.hypot(X - cx, Y - cy).astype(np.float32), r, r * 0.86)
        glow(picture, rgb("bcd6dd"), float(rng.uniform(0.02, 0.075)) * disc)
    shade(picture, (0.30, 0.30, 0.42), 0.75 * ramp(np.hypot(X - MIDDLE, Y - 460).astype(np.float32), 380, 780))
    picture += 0.0022 * noise(rng, 1.0)[..., None]


def _cloth(colour: Colour, height: Plane, gloss: float, weave: Plane | None = None) -> Picture:
    albedo = np.empty((CANVAS, CANVAS, 3), np.float32)
    albedo[:] = colour
    if weave is not None:
        albedo *= (1 + weave)[..., None]
    return light(albedo, normals(height), np.full_like(X, gloss), occlusion(height))


def _inflate(mask: Plane, depth: float, *widths: float) -> Plane:
    """A cushion over a mask: high in its middle, falling at its edges."""
    total = np.zeros_like(mask)
    for width in widths:
        total += blur(mask, width)
    return np.asarray(depth * total / len(widths), np.float32)


def paint_collar_back(picture: Picture) -> None:
    """The inside of the collar, behind the neck; in place."""
    outline = symmetric([(0, 752), (70, 744), (128, 722), (150, 730), (150, 800), (80, 850), (0, 870)])
    inside = fill(curve(outline, closed=True, count=400), 1.0)
    lay(picture, (0.03, 0.10, 0.15), inside)


def paint_suit(picture: Picture, rng: np.random.Generator) -> None:
    """The suit's body with its seams; in place."""
    mask = fill(curve(symmetric(_SUIT), closed=True, count=600), 0.8)
    neck = fill(sided([(-100, 770), (-82, 830), (0, 915), (82, 830), (100, 770)], 1), 0.8)
    mask = np.clip(mask - neck, 0, 1)
    height = _inflate(mask, 110, 18, 60) + 26 * (bump(400, 985, 100, 70) + bump(624, 985, 100, 70))
    height -= 14 * bump(MIDDLE, 985, 26, 70)
    hexes = np.cos(X * 0.9) * np.cos(X * 0.45 + Y * 0.78) * np.cos(X * 0.45 - Y * 0.78)
    cloth = _cloth(SUIT, height.astype(np.float32), 0.75, (0.10 * hexes + 0.02 * noise(rng, 0.8)).astype(np.float32))
    for side in (-1, 1):
        seam = sided(curve([(60, 905), (130, 930), (215, 1000), (250, 1060)]), side)
        shade(cloth, (0.2, 0.25, 0.3), 0.8 * fill(ribbon(seam, np.full(240, 5.0)), 1.2))
        lay(cloth, (0.86, 0.60, 0.22), 0.85 * fill(ribbon(moved(seam, -2.5, -2.5), np.full(240, 1.6)), 0.6))
    lay(picture, cloth, mask)


def _folds(side: int, rng: np.random.Generator) -> Plane:
    """Cape folds that fan out from the clasp."""
    cx, cy = MIDDLE + side * 168, 800.0
    angle = np.arctan2(Y - cy, side * (X - cx))
    reach = np.hypot(X - cx, Y - cy)
    fan = np.zeros_like(X)
    for count, depth in ((27, 8.0), (46, 3.0), (15, 9.0)):
        fan += depth * np.cos(angle * count + rng.uniform(0, 6.28) + 0.9 * np.sin(reach / 120 + rng.uniform(0, 6)))
    return np.asarray(fan * ramp(reach, 10, 190), np.float32)


def paint_cape(picture: Picture, rng: np.random.Generator) -> None:
    """The cape over both shoulders, its shadow on the suit, and its clasps; in place."""
    for side in (-1, 1):
        outline = curve(sided(_CAPE, side), closed=True, count=500)
        mask = fill(outline, 0.8)
        shade(
            picture, (0.10, 0.12, 0.18), 0.75 * fill(moved(outline, side * -10, 12), 9) * (1 - mask) * ramp(Y, 770, 860)
        )
        height = _inflate(mask, 90, 10, 40) + _folds(side, rng)
        lay(picture, _cloth(CAPE, height.astype(np.float32), 0.30, 0.02 * noise(rng, 0.9)), mask)
        clasp = np.hypot(X - (MIDDLE + side * 134), Y - 838).astype(np.float32)
        below = np.hypot(X - (MIDDLE + side * 134) - 3, Y - 844).astype(np.float32)
        shade(picture, (0.1, 0.1, 0.12), 0.6 * ramp(below, 30, 16))
        _metal(picture, ramp(clasp, 22.5, 21.5))
        _metal(picture, ramp(clasp, 15.5, 14.5), rgb("d98a1e"))


def _metal(picture: Picture, mask: Plane, colour: Colour = GOLD) -> None:
    """Polished metal in the shape of a mask."""
    height = (14 * blur(mask, 2.0) + 10 * blur(mask, 6)).astype(np.float32)
    lit = _cloth(colour, height, 2.2)
    glow(lit, (1.0, 0.9, 0.6), 0.25 * ramp(Y + 0.6 * X, 1300, 1000))
    lay(picture, lit, mask)


def paint_collar(picture: Picture, rng: np.random.Generator) -> None:
    """The two wings of the standing collar, edged with gold; in place."""
    for side in (-1, 1):
        outline = curve(sided(_COLLAR, side), closed=True, count=500)
        mask = fill(outline, 0.7)
        shade(picture, (0.35, 0.22, 0.24), 0.75 * fill(outline - [side * 9, -6], 8) * (1 - mask))
        height = _inflate(mask, 26, 4, 14)
        cloth = _cloth((0.08, 0.34, 0.44), height, 0.7, 0.02 * noise(rng, 0.8))
        lay(picture, cloth, mask)
        around, placed = outline - np.array([MIDDLE + side * 104, 800]), np.array([MIDDLE + side * 106, 806])
        inner = fill(around * np.array([0.80, 0.90]) + placed, 0.8)
        line = np.clip(inner - fill(around * np.array([0.77, 0.885]) + placed, 0.8), 0, 1)
        shade(picture, (0.35, 0.45, 0.5), 0.5 * line)
        glow(picture, (0.55, 0.85, 0.95), 0.10 * ramp(Y, 860, 700) * inner)
        edge = curve(sided(_COLLAR[:7], side))
        trim: Points = ribbon(moved(edge, side * 3.0, 1.0), np.full(240, 6.5))
        _metal(picture, fill(trim, 0.5) * mask)


def paint_emblem(picture: Picture) -> None:
    """A speech bubble whose voice becomes a picture: sound bars in gold on a shield; in place."""
    cx, cy = MIDDLE, 960.0
    bubble = moved(curve(_BUBBLE, closed=True, count=400) * 1.16, cx, cy)
    shade(picture, (0.1, 0.12, 0.15), 0.7 * fill(moved(bubble, 3, 6), 5))
    _metal(picture, fill(bubble, 0.5))
    inner = fill((bubble - [cx, cy - 3]) * 0.86 + [cx, cy - 3], 0.5)
    lay(picture, _cloth((0.05, 0.20, 0.28), 8 * blur(inner, 5), 0.9), inner)
    for i, tall in enumerate((9, 22, 13, 27, 10)):
        x = cx + (i - 2) * 15.5
        ends = np.linspace([x, cy - 9 - tall], [x, cy - 9 + tall], 60)
        bar = fill(ribbon(ends, _round_ends(60, 8.5, 2.0 * tall)), 0.4)
        lay(picture, rgb("ffd877"), bar)
        shade(picture, rgb("e08a2c"), bar * ramp(Y, cy - 30, cy + 22))


def _round_ends(count: int, width: float, length: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    inset = np.minimum(np.linspace(0, length, count), np.linspace(length, 0, count))
    return np.asarray(width * np.sqrt(np.clip(1 - np.clip(1 - inset / (width / 2), 0, 1) ** 2, 0.02, 1)))
