"""Draws sample_data/hero.png: the face of the product, made of nothing but numbers. Takes under a minute.

The same numpy, scipy and OpenCV draw the same bytes; other versions may differ in a last bit.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from hero_costume import (
    paint_background,
    paint_cape,
    paint_collar,
    paint_collar_back,
    paint_emblem,
    paint_suit,
)
from hero_features import paint_brows, paint_eyes, paint_lips, paint_nose
from hero_hair import paint_bob, paint_top
from hero_skin import paint_ear, paint_head, paint_neck
from hero_tools import CANVAS, SIZE, Picture, X, Y, blur, glow, ramp, shade

SEED = 20  # of freckles, strands and lights


def draw() -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """The finished picture: (SIZE, SIZE, 3), BGR."""
    rng = np.random.default_rng(SEED)
    picture: Picture = np.zeros((CANVAS, CANVAS, 3), np.float32)
    paint_background(picture, rng)
    paint_bob(picture, rng)
    paint_collar_back(picture)
    paint_neck(picture)
    paint_suit(picture, rng)
    paint_cape(picture, rng)
    paint_collar(picture, rng)
    paint_emblem(picture)
    paint_head(picture, rng)
    paint_nose(picture)
    paint_eyes(picture, rng)
    paint_brows(picture, rng)
    paint_lips(picture, rng)
    paint_top(picture, rng)
    for side in (-1, 1):
        paint_ear(picture, side)
    return _finish(picture)


def _finish(picture: Picture) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """A breath of bloom, a soft vignette, and the way down to 8 bits."""
    picture = np.clip(picture, 0, 1)
    for c, tint in enumerate((1.0, 0.93, 0.84)):
        picture[..., c] += 0.10 * tint * blur(np.clip(picture[..., c] - 0.72, 0, 1), 14)
    glow(picture, (1.0, 0.86, 0.66), 0.05 * ramp(X + Y, 1000, 300))
    shade(picture, (0.55, 0.55, 0.62), 0.55 * ramp(np.hypot(X - 512, (Y - 470) * 0.92).astype(np.float32), 430, 760))
    small = cv2.resize(np.clip(picture, 0, 1), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(np.round(small[..., ::-1] * 255), np.uint8)


def write(path: Path) -> None:
    """Draws the hero into a PNG file."""
    done, data = cv2.imencode(".png", draw(), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise OSError(f"{path.name} cannot be encoded as PNG")
    path.write_bytes(data.tobytes())
