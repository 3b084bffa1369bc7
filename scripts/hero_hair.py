"""The hero's hair: locks of single strands that sweep up and back from the hairline, and a bob behind the neck."""

from __future__ import annotations

from dataclasses import dataclass

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
    ramp,
    ribbon,
    shade,
    stroke,
    symmetric,
    taper,
)
from numpy.typing import NDArray

# From the picture's left to its right.
HAIRLINE = [(333, 476), (341, 425), (346, 362), (362, 310), (396, 278), (446, 258), (506, 250), (562, 242), (612, 262),
            (652, 300), (676, 360), (683, 425), (691, 476)]  # fmt: skip
CROWN = [(326, 462), (311, 400), (301, 320), (318, 232), (366, 158), (436, 112), (518, 92), (598, 102), (662, 147),
         (706, 222), (723, 312), (714, 400), (698, 462)]  # fmt: skip
PARTING = 0.575  # where along the hairline the strands part
BOB = [(0, 380), (150, 380), (204, 420), (222, 500), (226, 590), (210, 680), (166, 748), (90, 775), (0, 780)]
TONES = np.array([(28, 13, 11), (62, 28, 18), (118, 56, 28), (186, 102, 52), (240, 178, 112)], np.float64)
"""Hair colours from shadow to highlight."""
_STEPS = 37  # points along a strand


@dataclass(frozen=True)
class Lock:
    """Strands that keep together.

    at: where along the hairline, 0 to 1. sweep: how far its tips move outwards. lift: how high it stands.
    tone: brightness added to its strands. band: where along it the highlight lies.
    """

    at: float
    sweep: float
    lift: float
    tone: float
    band: float


def _tone(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours (n, 3) of brightness levels in [0, 1]."""
    at = np.linspace(0, 1, len(TONES))
    return np.stack([np.interp(level, at, TONES[:, c]) for c in range(3)], axis=-1)


def _bezier(control: Points) -> Points:
    """The cubic Bezier curve of four control points."""
    t = np.linspace(0, 1, _STEPS)[:, None]
    a, b, c, d = control
    return np.asarray((1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d)


def _at(line: Points, t: float) -> Points:
    return np.asarray(line[int(np.clip(t, 0, 1) * (len(line) - 1))])


def _path(lock: Lock, at: float, root: Points, crown: Points) -> Points:
    """One strand of a lock: up from the hairline, over, and down along the crown towards the ear."""
    left = lock.at < PARTING
    pivot = 0.0 if left else 1.0
    out = pivot + (at - pivot) * (1 - lock.sweep)
    midway = pivot + (at - pivot) * (1 - 0.35 * lock.sweep)
    start = _at(root, at)
    up = _at(crown, midway)
    return _bezier(np.stack([
        start,
        start + (up - start) * (0.55 + 0.25 * lock.lift),
        start + (_at(crown, (midway + out) / 2) - start) * (0.98 + 0.10 * lock.lift),
        _at(root, out) + (_at(crown, out) - _at(root, out)) * 0.96,
    ]))  # fmt: skip


def _draw(plane: NDArray[np.uint8], path: Points, level: NDArray[np.float64], width: float) -> None:
    """One strand, its colour changing along it; odd and even strands change at different places."""
    colours = _tone(np.clip(level, 0, 1))
    widths = taper(len(path), 0.7 * width, width, 0.35 * width)
    first = int(level[0] * 1000) % 2
    for i in range(-first, len(path) - 1, 2):
        part = slice(max(i, 0), min(i + 4, len(path)))
        stroke(plane, path[part], widths[part], colours[max(i, 0)])


def _levels(lock: Lock, at: float, lit: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Brightness along a strand: dark roots, a highlight where it turns to the light, darker tips."""
    u = np.linspace(0, 1, _STEPS)
    side = np.exp(-(((at - 0.30) / 0.26) ** 2)) + 0.60 * np.exp(-(((at - 0.80) / 0.14) ** 2))
    band = np.exp(-(((u - lock.band - rng.normal(0, 0.05)) / 0.16) ** 2)) * (0.20 + 0.48 * side)
    low_band = 0.16 * np.exp(-(((u - 0.8) / 0.12) ** 2)) * side
    roots, tips = 0.10 * np.exp(-((u / 0.08) ** 2)), 0.10 * u**2
    return np.asarray(0.19 + lock.tone + (band + low_band) * lit - roots - tips + rng.normal(0, 0.035))


def _top(rng: np.random.Generator) -> NDArray[np.uint8]:
    """The hair on top as an 8-bit picture; only meaningful within its mask."""
    root, crown = curve(HAIRLINE, count=800), curve(CROWN, count=800)
    plane = np.empty((CANVAS, CANVAS, 3), np.uint8)
    plane[:] = (66, 33, 21)
    ats = np.concatenate([np.linspace(0.0, PARTING - 0.003, 54), np.linspace(1.0, PARTING + 0.003, 40)])
    order = np.argsort(np.abs(ats - PARTING) + rng.uniform(0, 0.22, len(ats)))[::-1]
    _from_parting(plane, root, crown, rng)
    for depth in range(2):
        for at in ats[order]:
            lock = Lock(
                float(at),
                float(np.clip(rng.normal(0.56, 0.10), 0.3, 0.8)) * (0.75 if depth else 1.0),
                float(rng.uniform(-0.5, 1.0)),
                max(-0.05, float(rng.normal(0.0, 0.05)) - (0.03 if not depth else 0.0)),
                float(rng.normal(0.42, 0.05)),
            )
            _lock(plane, lock, root, crown, rng)
    return plane


def _lock(plane: NDArray[np.uint8], lock: Lock, root: Points, crown: Points, rng: np.random.Generator) -> None:
    spread = 0.016
    for across in rng.permutation(np.linspace(-1, 1, 26)):
        at = float(np.clip(lock.at + spread * across, 0, 1))
        if (at < PARTING) != (lock.at < PARTING):
            at = PARTING + (1e-3 if lock.at >= PARTING else -1e-3)
        path = _path(lock, at, root, crown)
        gather = np.linspace(0, 1, _STEPS)[:, None] ** 1.5 * 0.45
        path = path * (1 - gather) + _path(lock, lock.at, root, crown) * gather + rng.normal(0, 0.6, 2)
        edge = 1 - 0.5 * across**2  # a lock is round: its middle catches the light
        _draw(plane, path, _levels(lock, at, edge, rng), float(rng.uniform(1.0, 2.1)))


def _from_parting(plane: NDArray[np.uint8], root: Points, crown: Points, rng: np.random.Generator) -> None:
    """The locks behind the hairline: they leave the parting sideways and follow the skull down."""
    for height in np.linspace(1.12, 0.12, 44):
        for side in (-1, 1):
            tone, band = float(rng.normal(0.0, 0.05)), float(rng.normal(0.40, 0.06))
            for across in rng.permutation(np.linspace(-0.035, 0.035, 30)):
                level = float(np.clip(height + across, 0, 1.14))
                path = _sideways(level, side, float(rng.uniform(-0.035, 0.03)), root, crown) + rng.normal(0, 0.7, 2)
                lock = Lock(PARTING + side * 0.25, 0.0, 0.0, tone, band)
                edge = 1 - 0.5 * (across / 0.035) ** 2
                bright = _levels(lock, lock.at, edge, rng) + 0.14 * max(0.0, level - 0.2) * (1.0 if side < 0 else 0.55)
                _draw(plane, path, bright, float(rng.uniform(1.0, 2.1)))


def _sideways(level: float, side: int, start: float, root: Points, crown: Points) -> Points:
    """A strand from the parting to the ear, at a height between the hairline (0) and the crown (1).

    start: where it begins, as a part of the way from the parting to the ear; below 0 beyond the parting.
    """
    reach = PARTING if side < 0 else 1 - PARTING
    stops = [PARTING + side * reach * t for t in (start, 0.42, 0.80, 1.0)]
    heights = (0.98 * level - 0.12, 0.24 + 1.10 * level, 0.30 + 0.98 * level, 0.30 + 0.72 * level)
    points = [_at(root, t) + (_at(crown, t) - _at(root, t)) * h for t, h in zip(stops, heights, strict=True)]
    return _waved(_bezier(np.stack(points)), level * 9.0, 2.5)


def _waved(path: Points, phase: float, size: float) -> Points:
    """The strand with a slow wave across it, which its neighbours share."""
    ahead = np.gradient(path, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    u = np.linspace(0, 1, len(path))
    wave = size * np.sin(2 * np.pi * (1.3 * u) + phase) * np.sin(np.pi * u)
    return np.asarray(path + wave[:, None] * np.stack([-ahead[:, 1], ahead[:, 0]], axis=1))


def _top_mask() -> Plane:
    root, crown = curve(HAIRLINE, count=400), curve(CROWN, count=400)
    return fill(np.vstack([crown, root[::-1]]), 0.5)


def _wisps(rng: np.random.Generator) -> Plane:
    """Fine hairs that leave the outline, and short ones along the hairline."""
    root, crown = curve(HAIRLINE, count=800), curve(CROWN, count=800)
    plane = np.zeros((CANVAS, CANVAS), np.uint8)
    for _ in range(110):
        at = float(rng.uniform(0.03, 0.97))
        lock = Lock(at, float(rng.uniform(0.3, 0.6)), float(rng.uniform(0.5, 1.6)), 0.0, 0.4)
        path = _path(lock, at, root, crown)
        path = path + (path - [MIDDLE, 400]) * rng.uniform(0.0, 0.012)
        stroke(plane, path[4:], taper(len(path) - 4, 0.3, 0.9, 0.2), (170,))
    for _ in range(560):
        at = float(rng.uniform(0.0, 1.0))
        start = _at(root, at) + rng.uniform(-1, 4) * np.array([0, 1.0]) + rng.normal(0, 1.5, 2)
        lean = (at - PARTING) * 2.2 + rng.normal(0, 0.25)
        tip = start + np.array([np.sin(lean), -np.cos(lean)]) * rng.uniform(8, 22)
        stroke(plane, np.linspace(start, tip, 6), taper(6, 0.25, 0.9, 0.6), (170,))
    return blur(plane.astype(np.float32) / 255, 0.3)


def paint_bob(picture: Picture, rng: np.random.Generator) -> None:
    """The hair behind ears and neck; in place."""
    plane = np.empty((CANVAS, CANVAS, 3), np.uint8)
    plane[:] = (26, 12, 10)
    cover = np.zeros((CANVAS, CANVAS), np.uint8)
    for _ in range(1500):
        side = rng.choice([-1, 1])
        t = rng.uniform(0.0, 1.0)
        top, wide, low = 120 + 88 * t, 96 + 132 * t, 20 + 118 * t
        points = np.array([(top, 390), (wide, 470), (wide + 14, 660), (low, 778 - 26 * t)], np.float64)
        points[:, 1] += rng.normal(0, 16)
        path = _bezier(points * [side, 1] + [MIDDLE, 0] + rng.normal(0, 2.5, (4, 2)))
        u = np.linspace(0, 1, _STEPS)
        curl = 7 * np.sin(path[:, 1] / 38 + 2.2 * np.round(7 * t) + rng.normal(0, 0.15)) * u
        path = path + np.stack([curl, np.zeros(_STEPS)], axis=1)
        middle = 0.52 + 0.1 * np.sin(9 * t) + rng.normal(0, 0.06)
        light = (0.34 if side < 0 else 0.20) * t**1.5 * np.exp(-(((u - middle) / 0.17) ** 2))
        _draw(plane, path, 0.06 + 0.10 * t + light + rng.normal(0, 0.035), float(rng.uniform(1.0, 2.4)))
        stroke(cover, path, taper(_STEPS, 0.6, 1.6, 0.5), (255,))
    mask = fill(curve(symmetric(BOB), closed=True, count=500), 0.6)
    hair = plane.astype(np.float32) / 255
    shade(hair, (0.30, 0.22, 0.25), 0.8 * ramp(np.abs(X - MIDDLE), 200, 110))
    glow(hair, (0.35, 0.65, 0.8), 0.30 * ramp(X, 700, 742) * mask)
    inner = fill((curve(symmetric(BOB), closed=True, count=500) - [MIDDLE, 580]) * [0.95, 0.97] + [MIDDLE, 580], 3)
    lay(picture, hair, np.maximum(inner, blur(cover.astype(np.float32) / 255, 0.3)))


def paint_top(picture: Picture, rng: np.random.Generator) -> None:
    """The hair around the face, with its shadow on the forehead; in place."""
    mask = _top_mask()
    root = curve(HAIRLINE, count=400)
    shade(picture, (0.58, 0.34, 0.30), 0.75 * fill(ribbon(moved(root, 3, 5), np.full(400, 16.0)), 6) * (1 - mask))
    shade(picture, (0.45, 0.25, 0.20), 0.70 * fill(ribbon(root, np.full(400, 7.0)), 2.2))
    hair = np.asarray(cv2.GaussianBlur(_top(rng).astype(np.float32) / 255, (0, 0), 0.9), np.float32)
    form = ramp(blur(mask, 26), 0.35, 0.95)
    shade(hair, (0.35, 0.28, 0.32), 0.55 * (1 - form) * ramp(X, 380, 560))
    shade(hair, (0.40, 0.32, 0.34), 0.5 * ramp(X, 560, 720))
    glow(hair, (1.0, 0.72, 0.45), 0.16 * bump(440, 185, 80, 50))
    rim = np.clip(mask - blur(mask, 9), 0, 1) * ramp(X, 672, 712) * ramp(Y, 520, 380)
    glow(hair, (0.45, 0.80, 0.95), 0.9 * rim)
    lay(picture, hair, mask)
    lay(picture, (0.24, 0.11, 0.07), 0.75 * _wisps(rng))
