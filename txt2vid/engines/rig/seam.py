"""The seam of shut lips, found in the picture itself.

Landmarks place the line between the lips to within a few pixels; cut there, a strip of one lip would stick to the
other. The seam is the darkest smooth path between the corners: dynamic programming, as for seam carving (Avidan and
Shamir 2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.slit import Contour
from txt2vid.faces.face import Landmarks
from txt2vid.faces.geometry import Array
from txt2vid.faces.landmarks import LOWER_LIP, UPPER_LIP, Row

SHUT = 0.035  # of the mouth's width: lips whose rims are nearer than this are taken as shut
UPPER_SHARE = 0.30  # of a gap that is shut, how much the upper lip comes down
_COLUMNS = 96  # of the straightened strip of picture, from corner to corner
_REACH = 0.075  # of the mouth's width: how far from the landmarks the seam is looked for
_STIFFNESS = 14.0  # grey levels for a step of one pixel of the strip


def gap(landmarks: Landmarks) -> float:
    """How far the lips are apart in the middle, in mouth widths."""
    upper, lower = (landmarks[list(rows[-1][4:7])].mean(axis=0) for rows in (UPPER_LIP, LOWER_LIP))
    width = np.linalg.norm(landmarks[UPPER_LIP[0][0]] - landmarks[UPPER_LIP[0][-1]])
    return float(np.linalg.norm(lower - upper) / max(float(width), 1e-6))


def settle_seam(picture: Pixels, landmarks: Landmarks) -> Landmarks:
    """Landmarks whose inner lip rows lie on the picture's own seam; unchanged where the lips are apart."""
    if gap(landmarks) > SHUT:
        return landmarks
    points = landmarks[:, :2] - 0.5
    contour = Contour.through(points, UPPER_LIP[-1], LOWER_LIP[-1])
    if contour.half < 8:
        return landmarks
    along = np.linspace(-0.94, 0.94, _COLUMNS, dtype=np.float32) * contour.half
    guess = (contour.rim("upper", along) + contour.rim("lower", along)) / 2
    reach = 2 * contour.half * _REACH * (1.15 - np.abs(np.linspace(-1, 1, _COLUMNS, dtype=np.float32)) ** 2)
    offsets = np.linspace(-1, 1, 33, dtype=np.float32)[:, None] * reach[None]
    strip = _sample(picture, contour.point(np.broadcast_to(along, offsets.shape), guess + offsets))
    path = darkest_path(strip + 6.0 * (np.linspace(-1, 1, 33) ** 2)[:, None])
    found = offsets[path, np.arange(_COLUMNS)]
    seam = guess + imaging.soften(found[None].astype(np.float32), 2.0)[0]
    return moved_rows(landmarks, contour, along, seam, (UPPER_LIP, LOWER_LIP))


def _sample(picture: Pixels, points: Array) -> Array:
    """Grey levels at picture points, smoothed by about the width of a seam."""
    return imaging.soften(imaging.grey(imaging.sample(picture, points)), 0.8)


def darkest_path(cost: Array) -> NDArray[np.intp]:
    """The row in each column of the smoothest dark path from left to right."""
    rows, columns = cost.shape
    steps = _STIFFNESS * np.abs(np.arange(rows)[:, None] - np.arange(rows)[None])
    total = cost[:, 0]
    came = np.zeros((rows, columns), np.intp)
    for column in range(1, columns):
        options = total[None] + steps
        came[:, column] = options.argmin(axis=1)
        total = cost[:, column] + options.min(axis=1)
    path = np.empty(columns, np.intp)
    path[-1] = int(total.argmin())
    for column in range(columns - 1, 0, -1):
        path[column - 1] = came[path[column], column]
    return path


def moved_rows(
    landmarks: Landmarks, contour: Contour, along: Array, seam: Array, lips: tuple[tuple[Row, ...], ...]
) -> Landmarks:
    """The lips' rows moved onto a line: the inner ones wholly, the outer ones not at all."""
    moved = landmarks.copy()
    for rows in lips:
        inner = list(rows[-1])
        place, across = contour.places(landmarks[inner, :2] - 0.5)
        shift = np.interp(place, along, seam) - across
        shift[[0, -1]] = 0
        for depth, row in zip((0.0, 0.33, 0.66, 1.0), rows, strict=True):
            moved[list(row[1:-1]), :2] += (depth * shift[:, None] * contour.across)[1:-1]
    return moved
