"""A face in the head's own coordinates, so that turning, nodding, nearing and tilting do not count as movement.

The landmarks that speech does not move are fitted onto the average face, by turn, shift and scale (Umeyama 1991); what
the others do is then told as if the head stood still and upright. Lengths are in face heights: from hairline to chin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from txt2vid.faces.canonical import canonical
from txt2vid.faces.face import Landmarks
from txt2vid.faces.landmarks import CHIN, FOREHEAD_TOP, LOWER_LIP, MOUTH_CORNERS, UPPER_LIP

Points = NDArray[np.float64]

# Eyes' corners, the nose's bridge, forehead and temples: bone under skin.
STILL = (33, 133, 362, 263, 168, 6, 197, 195, 5, 10, 151, 9, 127, 356, 21, 251, 54, 284, 103, 332, 234, 454)
_STILL = np.array(STILL)
FACE = (*STILL, 1, 4, 98, 327)  # and the nose's tip and wings: what stays in place while somebody speaks
LIPS = tuple(dict.fromkeys(UPPER_LIP[0] + LOWER_LIP[0]))  # the lips' outer edge
GAP = ((82, 87), (13, 14), (312, 317))  # the inner lips' middle, above and below: three pairs are steadier than one
PROFILE = 50.0  # degrees from which one corner of the mouth is guessed, not seen


@dataclass(frozen=True, slots=True)
class Head:
    """One frame's face.

    points: (478, 3), in face heights, along the average face's axes, from the middle of what is still.
    turned: degrees to either side, 0 is frontal.
    turn: (3, 3), from those axes to the picture's: picture = turn @ point * scale + middle.
    scale: pixels of a face height. middle: (3,) in pixels.
    """

    points: Points
    turned: float
    turn: Points
    scale: float
    middle: Points

    @property
    def gap(self) -> float:
        """Between the inner lips, down the face; 0 where they meet."""
        return max(0.0, float(np.mean([self.points[below, 1] - self.points[above, 1] for above, below in GAP])))

    @property
    def width(self) -> float:
        """Between the mouth's corners."""
        right, left = self.points[list(MOUTH_CORNERS)]
        return float(np.linalg.norm(left - right))


@cache
def _average() -> Points:
    """What is still of the average face, in face heights, around its middle."""
    face = canonical().astype(np.float64)
    face /= np.linalg.norm(face[CHIN] - face[FOREHEAD_TOP])
    still = face[list(STILL)]
    return np.asarray(still - still.mean(axis=0))


def _around(points: Points) -> tuple[Points, Points]:
    """Points (n, 3) around their middle, and that (3,)."""
    middle = points.sum(axis=0) / len(points)
    return points - middle, middle


def head_of(landmarks: Landmarks, reference: Points | None = None) -> Head | None:
    """The head of a frame's landmarks; None where they do not lie like a face's (all on one spot, not finite).

    reference: (478, 3) a face's `Head.points` that is fitted onto, where one is known; None is the average face.
    """
    average = _average() if reference is None else _around(reference[_STILL])[0]
    found = landmarks.astype(np.float64)
    still, middle = _around(found[_STILL])
    if not math.isfinite(float(found.sum())) or float(np.abs(still).max()) < 1e-6:
        return None
    left, sizes, right = np.linalg.svd(still.T @ average)
    if float(np.linalg.det(left @ right)) < 0:  # a mirrored fit is none
        left[:, 2], sizes[2] = -left[:, 2], -sizes[2]
    turn = left @ right  # from the average face's axes to the picture's
    scale = float(sizes.sum()) / float(np.vdot(average, average))
    if scale <= 0:
        return None
    turned = math.degrees(math.atan2(abs(float(turn[0, 2])), abs(float(turn[2, 2]))))
    return Head((found - middle) @ turn / scale, turned, turn, scale, middle)
