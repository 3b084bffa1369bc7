"""The rims of lower lids as the picture has them: landmarks of large drawn eyes leave a strip of the eye on the lid.

It would stay there when the iris turns away, and show below a lid that shuts.
"""

from __future__ import annotations

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.slit import Contour
from txt2vid.faces.face import Landmarks
from txt2vid.faces.geometry import Array
from txt2vid.faces.landmarks import LOWER_LID_LEFT, LOWER_LID_RIGHT, UPPER_LID_LEFT, UPPER_LID_RIGHT, Row

_COLUMNS, _ROWS = 41, 33
_REACH = 0.6  # of half the eye's width: how far onto a lid its eye is looked for
_OPEN = 0.3  # of it: eyes that are less open show too little of themselves
_CONTRAST = 40.0  # levels that a lid is from all colours of its eye, from which on they can be told apart
_LIKE = 0.4  # of that contrast: what differs less is still the eye
_LEAST, _MOST = 0.05, 0.3  # of half the eye's width: less is no more than the softness of a rim, more no lid
_WHITE = 0.75  # of the whitest of an eye: so white is its ball
_COUNT, _SHARE = 10, 0.6  # columns of both eyes that must tell it, and the part of them that must agree
_SMALLEST = 6.0  # pixels, half of an eye's width: smaller ones are too soft


def settle_lids(picture: Pixels, landmarks: Landmarks) -> Landmarks:
    """Landmarks whose lower lids begin where the eyes end; unchanged where they do already, and where none is clear."""
    points = np.asarray(landmarks[:, :2] - 0.5, np.float32)
    pairs = ((UPPER_LID_LEFT, LOWER_LID_LEFT), (UPPER_LID_RIGHT, LOWER_LID_RIGHT))
    eyes = [(Contour.through(points, upper[0], lower[0]), lower) for upper, lower in pairs]
    if min(contour.half for contour, _ in eyes) < _SMALLEST:
        return landmarks
    # Both eyes are drawn by the same hand, and landmarks miss them alike.
    told = np.concatenate([_left_out(picture, contour) for contour, _ in eyes])
    if len(told) < _COUNT or (told > _LEAST).mean() < _SHARE:
        return landmarks
    deep = min(float(np.median(told)), _MOST)
    for contour, lower in eyes:
        landmarks = _lowered(landmarks, contour, lower, deep * contour.half)
    return landmarks


def _left_out(picture: Pixels, contour: Contour) -> Array:
    """How far the eye goes on below the middle of its lower rim, in halves of its width, as columns tell it: (n,).

    Only of those columns that are white above the rim, and whose lid clearly has another colour: dark may be lashes.
    """
    share = np.linspace(-0.8, 0.8, _COLUMNS, dtype=np.float32)
    along = share * contour.half
    upper, lower = contour.rim("upper", along), contour.rim("lower", along)
    if (lower - upper).max() < _OPEN * contour.half:
        return share[:0]
    within = upper + np.linspace(0.4, 0.8, 5, dtype=np.float32)[:, None] * (lower - upper)
    eye = _colours(picture, contour, along, within)
    whiteness = eye.min(axis=-1)
    is_white = whiteness > _WHITE * np.percentile(whiteness, 95)
    outwards = np.linspace(0, _REACH, _ROWS, dtype=np.float32)
    seen = _colours(picture, contour, along, lower + outwards[:, None] * contour.half)
    unlike = np.linalg.norm(seen[:, :, None] - eye[is_white], axis=-1).min(axis=-1)
    ends = outwards[np.maximum(np.cumprod(unlike < _LIKE * unlike[-1], axis=0).sum(axis=0) - 1, 0)]
    told = is_white.all(axis=0) & (unlike[-1] > _CONTRAST)
    # A rim that is wrong is most so in the middle; of corners, which may be wrong as well, not too much is concluded.
    return np.asarray((ends / np.maximum(1 - share * share, 0.8))[told], np.float32)


def _colours(picture: Pixels, contour: Contour, along: Array, across: Array) -> Array:
    """Of the picture (rows, columns, 3), at places across (rows, columns) of columns along a slit."""
    places = contour.point(np.broadcast_to(along, across.shape), across)
    return np.asarray(imaging.sample(picture, places), np.float32)


def _lowered(landmarks: Landmarks, contour: Contour, rows: tuple[Row, ...], deep: float) -> Landmarks:
    """The lid's rows moved down: its rim by so many pixels in the middle, the next by half, the last not at all."""
    moved = landmarks.copy()
    for share, row in zip((1.0, 0.5), rows, strict=False):
        inner = list(row[1:-1])
        along, _ = contour.places(np.asarray(landmarks[inner, :2] - 0.5, np.float32))
        shift: Array = share * deep * np.clip(1 - (along / contour.half) ** 2, 0, 1)
        moved[inner, :2] += shift[:, None] * contour.across
    return moved
