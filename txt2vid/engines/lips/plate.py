"""The lower face of one picture: cut out for the network, and laid back without an edge.

Laid back softly, what the network draws fades into the picture along the lower face. Its colours are first shifted to
the picture's: the difference along the fade, smoothed, is carried into the middle (as in membrane interpolation,
Farbman et al. 2009). The network sees 96 pixels a side; what detail the skin has beyond that stays the picture's own,
but for where the mouth and the jaw move.
"""

from __future__ import annotations

import itertools
from typing import Any

import cv2 as _cv2
import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.engines.lips.box import Box
from txt2vid.engines.rig.patch import Patch
from txt2vid.faces import landmarks as lm
from txt2vid.faces.face import Landmarks
from txt2vid.faces.geometry import smoothstep
from wav2lip.network import SIDE

_cv: Any = _cv2  # its stubs do not know what type comes back
Plane = NDArray[np.float32]

TOP = SIDE // 2  # the first row that the network is asked to draw: above it is given
_FADE_TOP = (50, 64)  # rows of the crop between which the network's picture comes in, below the eyes
_FADE_BOTTOM = 5  # rows above the crop's end in which it goes out
_FADE_SIDE = 0.10  # of the crop's width, inside the face's outline
_SPREAD = 10.0  # rows: how far colour differences along the fade are smoothed
_CHIN = 0.80  # of the crop's height: below it the jaw moves, and differences are movement, not colour
_MOUTH = 0.20  # of the crop's width around the lips in which the network's own detail is shown
_EDGE = 3  # pixels of a patch at its edges that are the picture's


class Plate:
    """One picture (BGR) with landmarks, and its box."""

    def __init__(self, picture: Pixels, points: Landmarks, box: Box) -> None:
        self.picture, self.box = picture, box
        self._points = points[:, :2] - (box.left, box.top)
        region = picture[box.top : box.bottom, box.left : box.right]
        self.crop: Pixels = _cv.resize(region, (SIDE, SIDE), interpolation=_interpolation(box))
        self._row = int(np.ceil(box.height * TOP / SIDE))  # where the lower half begins, in pixels of the box
        self._below = np.ascontiguousarray(region[self._row :]).astype(np.float32)
        self._alpha = self._fade(box.width, box.height)[self._row :, :, None]
        small = self._fade(SIDE, SIDE)[TOP:]
        rows = (np.arange(TOP, SIDE) + 0.5)[:, None] / SIDE
        self._ring = (4 * small * (1 - small) * smoothstep(_CHIN + 0.1, _CHIN, rows))[..., None].astype(np.float32)
        self._known = self.crop[TOP:].astype(np.float32)
        self._weight = np.maximum(self._smoothed(self._ring), 1e-4)
        self._detail = self._kept() * (self._below - self._enlarged(self._known))

    @property
    def place(self) -> tuple[int, int]:
        """X and y of a patch's corner in the picture."""
        return self.box.left, self.box.top + self._row

    def patch(self, mouth: Pixels, voice: float = 1.0) -> Patch:
        """The lower half of the box with the network's mouth (SIDE - TOP, SIDE, 3); at voice 0 it is the picture's."""
        drawn = mouth.astype(np.float32)
        drawn += self._shift(drawn)
        made = self._enlarged(drawn)
        made += self._detail
        made -= self._below
        made *= self._alpha * np.float32(voice)
        made += self._below
        return Patch(_rounded(made), *self.place)

    def _shift(self, drawn: Plane) -> Plane:
        """What is added to the network's colours, (SIDE - TOP, SIDE, 3)."""
        shift: Plane = self._smoothed(self._ring * (self._known - drawn)) / self._weight
        return shift

    @staticmethod
    def _smoothed(plane: Plane) -> Plane:
        smooth: Plane = _cv.GaussianBlur(plane, (0, 0), _SPREAD, borderType=_cv.BORDER_CONSTANT)
        return smooth.reshape(plane.shape)

    def _enlarged(self, small: Plane) -> Plane:
        """Rows TOP to SIDE of the crop in pixels of the box's lower half."""
        height = self.box.height - self._row
        scale = self.box.height / SIDE
        matrix = np.array([[self.box.width / SIDE, 0, 0.5 * self.box.width / SIDE - 0.5],
                           [0, scale, 0.5 * scale - 0.5 + TOP * scale - self._row]])  # fmt: skip
        large: Plane = _cv.warpAffine(
            small, matrix, (self.box.width, height), flags=_cv.INTER_CUBIC, borderMode=_cv.BORDER_REPLICATE
        )
        return large

    def _fade(self, width: int, height: int) -> Plane:
        """How much of the network's picture is shown, over the whole box drawn that large."""
        scale = np.array((width / self.box.width, height / self.box.height))
        outline = self._points[list(lm.OVAL)] * scale
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        left, right = _sides(outline, height)
        inside = np.minimum(xs + 0.5 - left[:, None], right[:, None] - xs - 0.5) / (_FADE_SIDE * width)
        row = (ys + 0.5) * (SIDE / height)
        fade = smoothstep(0.0, 1.0, inside) * smoothstep(*_FADE_TOP, row) * smoothstep(SIDE, SIDE - _FADE_BOTTOM, row)
        edge = _EDGE + 0.5
        at_edge = (xs < edge) | (xs >= width - edge) if width == self.box.width else np.zeros_like(fade, bool)
        return np.where(at_edge, 0, fade).astype(np.float32)

    def _kept(self) -> Plane:
        """Where the picture's own fine detail is kept, 0 to 1: away from the mouth and the jaw."""
        height, width = self._below.shape[:2]
        lips = self._points[[i for row in (*lm.UPPER_LIP, *lm.LOWER_LIP) for i in row]] - (0, self._row)
        mask = np.full((height, width), 255, np.uint8)
        _cv.fillConvexPoly(mask, _cv.convexHull(np.rint(lips).astype(np.int32)), 0)
        away: Plane = _cv.distanceTransform(mask, _cv.DIST_L2, 5)
        bottom = float(lips[:, 1].max())
        ys = np.arange(height, dtype=np.float32)[:, None]
        above = smoothstep(bottom + 0.02 * width, bottom - 0.15 * width, ys)
        return (smoothstep(0.3, 1.0, away / (_MOUTH * width)) * above)[..., None].astype(np.float32)


def _rounded(picture: Plane) -> Pixels:
    """As 8 bits, held at 0 and 255."""
    return np.asarray(_cv.convertScaleAbs(np.maximum(picture, 0)), np.uint8)


def paste_hard(picture: Pixels, box: Box, drawn: Pixels) -> None:
    """Overwrites the box with the network's whole picture (SIDE, SIDE, 3), as published; in place."""
    large = _cv.resize(drawn, (box.width, box.height), interpolation=_cv.INTER_LINEAR)
    picture[box.top : box.bottom, box.left : box.right] = large


def cut_out(picture: Pixels, box: Box) -> Pixels:
    """The face as the network takes it, (SIDE, SIDE, 3) BGR."""
    region = picture[box.top : box.bottom, box.left : box.right]
    crop: Pixels = _cv.resize(region, (SIDE, SIDE), interpolation=_interpolation(box))
    return crop


def _interpolation(box: Box) -> int:
    return int(_cv.INTER_AREA if max(box.width, box.height) > SIDE else _cv.INTER_LINEAR)


def _sides(outline: NDArray[np.float32], height: int) -> tuple[Plane, Plane]:
    """The face's left and right edge in each row; below the chin as at the widest jaw that is seen above it."""
    closed = np.concatenate([outline, outline[:1]])
    rows = np.arange(height, dtype=np.float32) + 0.5
    chin = outline[:, 1].max()
    jaw = chin - 0.14 * np.ptp(outline[:, 1])  # a jaw that drops is as wide as where it came from
    edges = np.full((2, height), np.nan)
    for (x0, y0), (x1, y1) in itertools.pairwise(closed):
        low, high = min(y0, y1), max(y0, y1)
        at = np.flatnonzero((rows >= low) & (rows <= high))
        if high > low:
            x = x0 + (rows[at] - y0) / (y1 - y0) * (x1 - x0)
            edges[0, at] = np.fmin(edges[0, at], x)
            edges[1, at] = np.fmax(edges[1, at], x)
    known = np.flatnonzero(np.isfinite(edges[0]) & (rows <= jaw))
    if not len(known):
        return np.zeros(height, np.float32), np.full(height, outline[:, 0].max(), np.float32)
    left, right = (np.interp(rows, rows[known], edge[known]).astype(np.float32) for edge in edges)
    return left, right
