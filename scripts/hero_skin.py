"""The hero's skin: a sculpted relief of the face, lit by a warm key, a cool fill and a rim light."""

from __future__ import annotations

import cv2
import numpy as np
from hero_tools import (
    CANVAS,
    MIDDLE,
    SIZE,
    Colour,
    Picture,
    Plane,
    X,
    Y,
    blur,
    both,
    bump,
    fill,
    glow,
    lay,
    moved,
    noise,
    ramp,
    shade,
)
from hero_tools import curve as smooth
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

KEY = np.array([-0.52, -0.55, 0.66], np.float32)  # towards the lights: left, up, to the viewer
FILL = np.array([0.75, 0.05, 0.55], np.float32)
SKIN: Colour = (0.94, 0.70, 0.585)
FACE = [(0, 225), (70, 232), (128, 262), (162, 315), (176, 380), (180, 440), (175, 500), (158, 560), (131, 616),
        (95, 662), (56, 690), (25, 700.5), (0, 702)]  # fmt: skip
"""The right half of the face's outline, as distance from the middle and y; its top lies under the hair."""
EAR = [(-8, 410), (6, 396), (20, 398), (27, 418), (24, 446), (17, 470), (10, 494), (0, 504), (-10, 496)]
"""An ear's outline, from its middle outwards and y."""

# Sculpture, right half: distance from the middle, y, height towards the viewer (all in pixels). Proportions follow
# the mean of frontal faces as a face mesh measures them.
_CONTROL = (
    (0, 150, 70), (70, 160, 62), (0, 205, 138), (60, 210, 128), (0, 262, 178), (52, 264, 171), (95, 273, 152),
    (136, 291, 122), (161, 317, 94), (174, 350, 64), (182, 390, 33), (186, 440, 5), (184, 490, -4), (176, 545, 2),
    (160, 590, 20), (136, 632, 48), (104, 662, 84), (68, 684, 120), (34, 698, 146), (0, 704, 160), (215, 420, -90),
    (208, 520, -95), (186, 600, -80), (150, 665, -50), (80, 725, 30), (0, 745, 60), (200, 320, -40), (150, 230, 10),
    (0, 302, 189), (45, 302, 185), (85, 304, 173), (124, 312, 148), (0, 345, 198), (40, 342, 197), (84, 336, 188),
    (124, 342, 168), (152, 362, 132), (0, 372, 198), (36, 366, 191), (78, 362, 180), (110, 364, 170), (20, 393, 188),
    (0, 393, 198), (0, 414, 210), (0, 431, 224), (0, 447, 238), (0, 465, 253), (0, 487, 264), (0, 504, 262),
    (0, 516, 246), (0, 524, 224), (12, 417, 198), (17, 441, 206), (20, 470, 222), (24, 495, 240), (45, 414, 162),
    (28, 428, 190), (40, 441, 180), (50, 456, 182), (54, 472, 184), (58, 508, 184), (60, 490, 182), (85, 404, 160),
    (122, 408, 138), (150, 393, 126), (152, 418, 118), (100, 440, 162), (64, 440, 165), (90, 474, 176),
    (119, 458, 161), (140, 452, 143), (127, 495, 162), (104, 515, 174), (160, 470, 114), (158, 525, 108),
    (128, 545, 150), (93, 552, 174), (136, 592, 112), (112, 620, 124), (90, 582, 172), (85, 609, 168),
    (66, 556, 190), (0, 539, 217), (22, 539, 215), (49, 545, 202), (0, 563, 224), (24, 562, 219), (48, 572, 203),
    (0, 585, 208), (30, 584, 203), (63, 586, 176), (0, 608, 216), (30, 605, 210), (52, 597, 194), (0, 628, 202),
    (30, 627, 197), (56, 614, 184), (0, 652, 200), (34, 656, 188), (0, 676, 197), (58, 656, 178), (88, 640, 156),
)  # fmt: skip


def relief() -> Plane:
    """The face's height towards the viewer at every pixel, in pixels."""
    half = np.array(_CONTROL, np.float64)
    mirrored = half[half[:, 0] > 0] * [-1, 1, 1]
    points = np.vstack([half, mirrored]) + np.array([MIDDLE, 0, 0])
    step = 8  # the control points are far apart: a coarse grid holds all there is
    line = np.arange(step / 2, SIZE, step)
    at = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    solve = RBFInterpolator(points[:, :2], points[:, 2], kernel="thin_plate_spline", smoothing=40.0, neighbors=None)
    coarse = solve(at).reshape(len(line), len(line)).astype(np.float32)
    fine = blur(cv2.resize(coarse, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC), 7)
    broad = ramp(np.hypot((X - MIDDLE) / 100, (Y - 480) / 190).astype(np.float32), 0.75, 1.25)  # cheeks, jaw, temples
    height = fine + (blur(fine, 15) - fine) * np.clip(1 - (1 - broad) * (1 - 0.8 * both(96, 458, 26, 20)), 0, 1)
    return np.asarray(height + _details(), np.float32)


def _details() -> Plane:
    """What the control points are too coarse for: nose, lids, lips, chin."""
    nose = 9 * bump(512, 497, 19, 16) + 9 * both(40, 504, 11, 12) - 8 * both(31, 490, 6, 12, 20)
    nose += -5 * both(57, 500, 6, 15, -15) - 7 * both(17, 521, 11, 5) + 3 * bump(512, 450, 9, 40)
    eyes = 9 * both(86, 404, 33, 19) - 4 * both(86, 375, 25, 6) - 4 * both(84, 432, 34, 6) - 6 * both(42, 408, 10, 12)
    lips = 6.5 * both(17, 574, 19, 6, 14) + 4 * bump(512, 575, 7, 7) + 9 * bump(512, 598, 30, 7.5)
    lips += (
        -6 * bump(512, 585, 30, 2.6) - 7 * bump(512, 623, 34, 8) - 2 * both(70, 584, 8, 9) + 3 * both(86, 588, 14, 20)
    )
    lips += 2.2 * both(9, 548, 4, 11) - 2.6 * bump(512, 547, 4.5, 12)
    chin = 9 * bump(512, 668, 36, 22)
    return np.asarray(nose + eyes + lips + chin, np.float32)


def normals(height: Plane) -> NDArray[np.float32]:
    """Unit normals (CANVAS, CANVAS, 3): right, down, towards the viewer."""
    dy, dx = np.gradient(height, 1 / (CANVAS / SIZE))
    up = np.stack([-dx, -dy, np.ones_like(dx)], axis=-1)
    return np.asarray(up / np.linalg.norm(up, axis=-1, keepdims=True), np.float32)


def _wrap(cosine: Plane, wrap: float) -> Plane:
    """Diffuse light that reaches past the terminator, as it does under skin."""
    return np.asarray(np.clip((cosine + wrap) / (1 + wrap), 0, 1) ** 1.25, np.float32)


def light(albedo: Picture, normal: NDArray[np.float32], gloss: Plane, hollow: Plane) -> Picture:
    """The lit surface, sRGB.

    albedo: its colour, sRGB. gloss: how strong highlights are. hollow: occlusion, 0 open to 1 closed.
    """
    key_cos = normal @ (KEY / np.linalg.norm(KEY))
    fill_cos = normal @ (FILL / np.linalg.norm(FILL))
    facing = np.clip(normal[..., 2], 0, 1)
    half = KEY / np.linalg.norm(KEY) + np.array([0, 0, 1], np.float32)
    shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1)
    out = np.empty_like(albedo)
    open_sky = np.exp(-hollow)
    rows = zip(range(3), (0.46, 0.27, 0.2), (0.94, 0.86, 0.78), (0.12, 0.155, 0.20), (0.23, 0.225, 0.25), strict=True)
    for c, wrap, key, cool, ambient in rows:
        bleed = open_sky ** (0.75, 1.0, 1.1)[c]  # red light leaks into hollows
        energy = (
            key * _wrap(key_cos, wrap) * bleed + cool * _wrap(fill_cos, 0.3) + ambient * bleed * (0.6 + 0.4 * facing)
        )
        spec = gloss * (0.16 * shine**14 + 0.30 * shine**60) * bleed
        rim = 0.30 * (1 - facing) ** 3.2 * ramp(normal[..., 0], 0.25, 0.95) * (0.55, 0.85, 1.0)[c]
        out[..., c] = albedo[..., c] ** 2.2 * energy * 1.05 + spec + rim
    return np.clip(out, 0, 1) ** np.float32(1 / 2.2)


def occlusion(height: Plane) -> Plane:
    """How far each point lies below its surroundings, at three widths."""
    total = np.zeros_like(height)
    for sigma, weight in ((5, 0.055), (14, 0.026), (34, 0.010)):
        total += weight * np.clip(blur(height, sigma) - height, 0, None)
    return blur(total.astype(np.float32), 1.2)


def _albedo(rng: np.random.Generator) -> Picture:
    """Skin colour: rosy where blood is near, golden on the brow, cooler on the jaw, a few freckles."""
    skin = np.empty((CANVAS, CANVAS, 3), np.float32)
    skin[:] = SKIN
    lay(skin, (0.95, 0.74, 0.60), 0.45 * bump(MIDDLE, 290, 120, 55))
    lay(skin, (0.90, 0.47, 0.40), 0.42 * both(112, 492, 44, 32, -15) + 0.34 * bump(MIDDLE, 497, 24, 20))
    lay(skin, (0.84, 0.45, 0.38), 0.35 * both(40, 510, 16, 12))
    lay(skin, (0.80, 0.50, 0.45), 0.34 * both(84, 376, 42, 11) + 0.22 * both(84, 430, 40, 9))
    lay(skin, (0.86, 0.62, 0.52), 0.35 * ramp(Y, 620, 700))
    lay(skin, (0.88, 0.52, 0.44), 0.20 * bump(MIDDLE, 672, 34, 20))
    skin *= (1 + 0.0045 * noise(rng, 1.2) + 0.010 * noise(rng, 14))[..., None]
    _freckles(skin, rng)
    return np.clip(skin, 0, 1)


def _freckles(skin: Picture, rng: np.random.Generator) -> None:
    spots = np.zeros((CANVAS, CANVAS), np.float32)
    for _ in range(95):
        side = rng.choice([-1, 1])
        x, y = MIDDLE + side * abs(rng.normal(72, 34)), rng.normal(474, 15)
        cv2.circle(spots, (round(x * 2), round(y * 2)), int(rng.integers(1, 4)), (float(rng.uniform(0.3, 1)),), -1)
    lay(skin, (0.70, 0.42, 0.30), 0.30 * blur(spots, 0.9))


def paint_head(picture: Picture, rng: np.random.Generator) -> None:
    """Paints the head's skin, without eyes, brows and lip colour; in place."""
    height = relief()
    mask = fill(smooth(_outline(), closed=True, count=600), 0.7)
    gloss = 0.34 + 0.6 * bump(512, 490, 16, 30) + 0.12 * bump(MIDDLE, 300, 90, 40) + 0.15 * both(112, 462, 34, 20)
    gloss += 0.6 * bump(512, 598, 34, 8)
    lay(picture, light(_albedo(rng), normals(height), gloss.astype(np.float32), occlusion(height)), mask)


def _outline() -> NDArray[np.float64]:
    half = np.array(FACE, np.float64)
    left = half[1:-1][::-1] * [-1, 1]
    return moved(np.vstack([half, left]), MIDDLE, 0)


def paint_neck(picture: Picture) -> None:
    """The neck under the jaw, with the head's shadow on it; in place."""
    shape = np.array([(88, 560), (90, 640), (92, 690), (100, 740), (122, 790), (150, 850), (170, 940)], np.float64)
    outline = np.vstack([smooth(shape * [1, 1]), smooth(shape * [-1, 1])[::-1]]) + np.array([MIDDLE, 0])
    across = np.clip((X - MIDDLE) / (104 + 110 * ramp(Y, 730, 870)), -0.98, 0.98)
    height = (150 * np.sqrt(1 - across**2)).astype(np.float32)
    tendon = 7 * (bump(448, 770, 9, 60, 20) + bump(576, 770, 9, 60, -20)) - 9 * bump(MIDDLE, 800, 22, 20)
    albedo = np.empty((CANVAS, CANVAS, 3), np.float32)
    albedo[:] = (0.90, 0.63, 0.50)
    height = height + tendon.astype(np.float32)
    lit = light(albedo, normals(height), np.full_like(X, 0.35), np.zeros_like(X))
    shade(
        lit,
        (0.50, 0.27, 0.27),
        (0.78 * fill(_outline() + np.array([16, 40]), 9) + 0.22 * ramp(Y, 790, 690)).clip(0, 0.85),
    )
    shade(lit, (0.62, 0.38, 0.36), 0.45 * (bump(612, 760, 22, 70, -12) + 0.6 * bump(414, 760, 14, 70, 12)))
    shade(lit, (0.66, 0.42, 0.38), 0.40 * bump(MIDDLE, 838, 13, 12) + 0.25 * bump(MIDDLE, 878, 40, 26))
    glow(lit, (1.0, 0.85, 0.75), 0.16 * (bump(476, 846, 22, 6, 24) + 0.6 * bump(548, 846, 22, 6, -24)))
    lay(picture, lit, fill(outline, 0.7))


def paint_ear(picture: Picture, side: int) -> None:
    """One ear, behind the head: rim, fold and hollow; in place."""
    at = MIDDLE + side * 184
    tilt = 10.0 * side
    shape = smooth(np.array(EAR, np.float64) * [side, 1] + [at, 0], closed=True)
    inside = fill(shape, 0)
    height = 26 * blur(inside, 7) + 10 * blur(inside, 2.5)
    height -= 16 * bump(at + side * 6, 436, 8, 20, tilt) + 8 * bump(at + side * 4, 470, 6, 12, tilt)
    height = height.astype(np.float32)
    height += 7 * bump(at + side * 8, 444, 3.6, 15, tilt) - 6 * bump(at + side * 16, 428, 4.0, 18, tilt)
    height += 6 * bump(at - side * 3, 462, 4, 7)
    albedo = np.empty((CANVAS, CANVAS, 3), np.float32)
    albedo[:] = (0.90, 0.56, 0.45)
    lit = light(albedo, normals(height), np.full_like(X, 0.35), 1.2 * occlusion(height))
    lit *= 1 - 0.35 * (bump(at - side * 14, 450, 14, 60) + 0.6 * bump(at + side * 5, 438, 7, 18, tilt))[..., None]
    lay(picture, lit, fill(shape, 0.6) * ramp(side * (X - MIDDLE), 174, 182))
