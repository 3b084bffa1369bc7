"""The rims of parted lips as the picture has them: teeth that landmarks leave on a lip would stay on it when it shuts.

A tooth is told from a lip by being brighter and less red.
"""

from __future__ import annotations

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.seam import SHUT, gap, moved_rows
from txt2vid.engines.rig.slit import Contour
from txt2vid.faces.face import Landmarks
from txt2vid.faces.geometry import Array
from txt2vid.faces.landmarks import LOWER_LIP, UPPER_LIP

TOOTH = 0.25  # of `toothiness`: from here on it is a tooth rather than a lip or the dark
_ROWS, _COLUMNS = 14, 64
_REACH = 0.07  # of the mouth's width: how far onto a lip its teeth are looked for
_EDGE = 0.17  # of `toothiness`: where a tooth is half mixed with its lip


def toothiness(seen: Array, lips: Array) -> Array:
    """How much brighter and less red colours (..., 3) are than those of lips (n, 3), both BGR."""
    brighter = _grey(seen) / max(float(np.median(_grey(lips))), 1.0) - 1
    return np.asarray(brighter + 1.5 * (float(np.median(_red(lips))) - _red(seen)), np.float32)


def _grey(colours: Array) -> Array:
    return np.asarray(colours @ np.array((0.114, 0.587, 0.299), np.float32))


def _red(colours: Array) -> Array:
    return np.asarray((colours[..., 2] - colours[..., 1]) / np.maximum(colours[..., 2], 1))


def settle_rims(picture: Pixels, landmarks: Landmarks) -> Landmarks:
    """Landmarks whose inner lip rows leave no teeth on the lips; unchanged where the lips are shut."""
    if gap(landmarks) <= SHUT:
        return landmarks
    points = np.asarray(landmarks[:, :2] - 0.5, np.float32)
    contour = Contour.through(points, UPPER_LIP[-1], LOWER_LIP[-1])
    if contour.half < 8:
        return landmarks
    along = np.linspace(-0.9, 0.9, _COLUMNS, dtype=np.float32) * contour.half
    for side, rows, sign in (("upper", UPPER_LIP, -1), ("lower", LOWER_LIP, 1)):
        middle = [i for row in rows[1:3] for i in row[2:-2]]
        lip = np.asarray(imaging.sample(picture, points[None, middle])[0], np.float32)
        rim = contour.rim(side, along)
        outwards = np.linspace(0, _REACH * 2 * contour.half, _ROWS, dtype=np.float32)[:, None]
        seen = imaging.sample(picture, contour.point(np.broadcast_to(along, (_ROWS, _COLUMNS)), rim + sign * outwards))
        back = _covered(toothiness(np.asarray(seen, np.float32), lip)) * outwards[1, 0]
        landmarks = moved_rows(landmarks, contour, along, np.asarray(rim + sign * back, np.float32), (rows,))
    return landmarks


def _covered(teeth: Array) -> Array:
    """(_COLUMNS,): how many rows of a lip from its rim on are teeth; one more where there are any, for their edge."""
    rows = np.cumprod(teeth > _EDGE, axis=0).sum(axis=0)
    rows = np.where((teeth > TOOTH).any(axis=0) & (rows > 0) & (rows < _ROWS), rows + 1, 0)  # all of it: a pale lip
    widest = np.max([np.roll(rows, shift) for shift in (-1, 0, 1)], axis=0)
    smooth: Array = imaging.soften(widest[None].astype(np.float32), 1.5)[0]
    return smooth
