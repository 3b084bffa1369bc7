"""A person's own face at rest, found by itself: from frames of shut lips and open eyes, refined as more is seen.

Nobody is asked to look neutral first, but may show how they do. Each frame counts by how much it looks like rest,
region by region: lips by how shut and how usually wide they are, lids by how usually open, brows by how usually high.
Until enough was seen, and for a single picture, the average face stands in, stretched to the person's proportions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from txt2vid.faces import landmarks as lm
from txt2vid.faces.canonical import canonical
from txt2vid.faces.face import Landmarks
from txt2vid.faces.head import FACE, Head, Points, head_of

KEPT = 240  # faces that are remembered, spread over all that was seen: 2.8 MB
BELIEF = 6.0  # faces at rest that the average face counts as
SHUT = 0.012  # face heights: lips that are apart by less are shut
WIDE = 0.09  # of the mouth's width: spread of what counts as its usual width
FRONTAL = 30.0  # degrees, spread: a face that is turned further tells less of its proportions
BROW = 0.006  # face heights: spread of what counts as brows' usual height
TALKING = 0.2  # of a frame whose lips rest, that any other says of brows: who talks all the time has some at rest, too
LIDS = 0.12  # of an eye's usual opening: spread of what counts as usual
USUAL_LIDS = 65.0  # percentile of openings that is taken as an eye at rest: blinks and looks down are below it
SHUT_LIDS = 0.12  # of an eye's usual opening: what the mesh still sees of a shut one (measured on ten people)
# What differs from person to person counts as no expression where there is one picture only: see `_alone`.
OPEN = (0.26, 0.40)  # height over width of adults' eyes at rest
BROWS = (-0.007, 0.033)  # face heights that brows are below the average face's, which is drawn
USUAL_BROWS = sum(BROWS) / 2  # by which they are believed to be, of whom a video shows little at rest
LOOKS = ((-0.2, 0.2), (-0.42, -0.08))  # iris radii that eyes look to the right, and down, at rest
_EYES = ((lm.UPPER_LID_LEFT, lm.LOWER_LID_LEFT, lm.IRIS_LEFT), (lm.UPPER_LID_RIGHT, lm.LOWER_LID_RIGHT, lm.IRIS_RIGHT))
# Of both eyes: the lids' middles (2, 3), the corners (2 ends, 2), the irises (2, 5): a frame has no time for loops.
_UPPER_RIMS = np.array([upper[0][3:6] for upper, _, _ in _EYES])
_LOWER_RIMS = np.array([lower[0][3:6] for _, lower, _ in _EYES])
_CORNERS = np.array([[upper[0][end] for upper, _, _ in _EYES] for end in (0, -1)])
_IRISES = np.array([iris for _, _, iris in _EYES])

Values = NDArray[np.float64]


def openings(points: Points) -> Values:
    """(..., 2): of the left and the right eye, height of its opening over its width; from points (..., 478, 3)."""
    height = (points[..., _LOWER_RIMS, 1] - points[..., _UPPER_RIMS, 1]).mean(axis=-1)
    corners = points[..., _CORNERS[1], :2] - points[..., _CORNERS[0], :2]
    return np.asarray(height / np.linalg.norm(corners, axis=-1).clip(1e-6))


def looks(points: Points) -> Values:
    """(2,): where both irises are between their eyes' corners, to the picture's right and down, in iris radii."""
    flat = points[:, :2]
    irises = flat[_IRISES[:, 0]]
    middles = (flat[_CORNERS[0]] + flat[_CORNERS[1]]) / 2
    radii = np.linalg.norm(flat[_IRISES[:, 1:]] - irises[:, None], axis=-1).mean(axis=-1)
    return np.asarray(((irises - middles) / radii.clip(1e-6)[:, None]).mean(axis=0))


def gaps(points: Points) -> Values:
    """(...): between the inner lips' middles, in the units of points (..., 478, 3)."""
    upper, lower = points[..., lm.UPPER_SEAM[4:7], 1], points[..., lm.LOWER_SEAM[4:7], 1]
    return np.asarray((lower - upper).mean(axis=-1).clip(0))


def widths(points: Points) -> Values:
    """(...): between the mouth's corners, in the units of points (..., 478, 3)."""
    right, left = lm.MOUTH_CORNERS
    return np.asarray(np.linalg.norm(points[..., left, :] - points[..., right, :], axis=-1))


@dataclass(frozen=True, slots=True)
class Rest:
    """A face at rest. points: (478, 3) in face heights, lips shut, along the head's own axes.

    turn: (3, 3), the pose in which the head rests. middle: (3,) and scale: where, in pixels. openings: (2,) of the
    eyes at rest. looks: (2,), where the eyes look at rest.
    """

    points: Points
    turn: Points
    middle: Values
    scale: float
    openings: Values
    looks: Values


class Neutral:
    """Remembers faces, and tells what of them is rest.

    single: there will be one picture only. known: (478, 3), landmarks of the same person's face at rest, in pixels of a
    picture of its own; what faces tell then is the pose alone, and of a single one, nothing.
    """

    def __init__(self, *, single: bool = False, known: Landmarks | None = None) -> None:
        self._single = single
        self._known = None if known is None else head_of(known)
        self._faces: list[Head] = []
        self._every, self._seen = 1, 0

    def __len__(self) -> int:
        return self._seen

    def see(self, landmarks: Landmarks) -> None:
        """One more face. Where KEPT are remembered, every other one is forgotten, and half as many are kept on.

        What is no face's (`head_of`) is passed over.
        """
        if self._seen % self._every == 0:
            head = head_of(landmarks)
            if head is None:
                return
            self._faces.append(head)
            if len(self._faces) > KEPT:
                self._faces = self._faces[::2]
                self._every *= 2
        self._seen += 1

    def rest(self) -> Rest:
        """The face at rest, as far as is known. Raises ValueError where none was seen."""
        points = np.stack([head.points for head in self._faces])
        frontal = np.exp(-0.5 * (np.array([head.turned for head in self._faces]) / FRONTAL) ** 2)
        usual = average_for(np.asarray(np.average(points, axis=0, weights=frontal + 1e-9)))
        if not self._single:
            usual[_BROWS, 1] += USUAL_BROWS
        lips = frontal * (0.0 if self._single else _lips_rest(points, usual))
        face = self._found(points, usual, frontal, lips) if self._known is None else self._known.points.copy()
        shut_lips(face)
        if self._single:
            return self._alone(face, points[0])
        steady = lips + 0.05 * frontal + 1e-9
        return Rest(
            points=face,
            turn=self._pose(steady),
            middle=np.average([head.middle for head in self._faces], axis=0, weights=steady),
            scale=float(np.average([head.scale for head in self._faces], weights=steady)),
            openings=openings(face),
            looks=looks(face),
        )

    def _found(self, points: Points, usual: Points, frontal: Values, lips: Values) -> Points:
        """The face at rest among faces (n, 478, 3), region by region; lips: how much the lips of each rest."""
        eyes = _eyes_rest(openings(points)) * frontal
        brows = lips if self._single else frontal * _brows_rest(points) * (TALKING + lips)
        face = _mean(points, usual, lips)
        for region, weights in ((list(_LIDS), eyes), (_BROWS, brows)):
            face[region] = _mean(points[:, region], usual[region], weights)
        return face

    def _alone(self, face: Points, own: Points) -> Rest:
        """The rest of whoever drives by one picture: the average face, as near to the person as anybody's may be.

        Where their face at rest is known, it is that.
        """
        if self._known is not None:
            known = self._known
            return Rest(face, known.turn, known.middle, known.scale, openings(face), looks(face))
        lower = float((own[_BROWS, 1] - face[_BROWS, 1]).mean())
        face[_BROWS, 1] += min(BROWS[1], max(BROWS[0], lower))
        least, most = np.transpose(LOOKS)
        head = self._faces[0]
        return Rest(
            points=face,
            turn=np.eye(3),
            middle=head.middle,
            scale=head.scale,
            openings=np.full(2, np.clip(openings(own).max(), *OPEN)),
            looks=np.clip(looks(own), least, most),
        )

    def _pose(self, weights: Values) -> Points:
        """The mean rotation, as the nearest to the mean matrix."""
        mean = np.average([head.turn for head in self._faces], axis=0, weights=weights)
        left, _, right = np.linalg.svd(mean)
        return np.asarray(left @ right)


def _eyes_rest(open_eyes: Values) -> Values:
    """(n,): how much each face's eyes are open as they usually are."""
    known = np.percentile(open_eyes, USUAL_LIDS, axis=0)
    away = (open_eyes / known.clip(1e-6) - 1) / LIDS
    return np.asarray(np.exp(-0.5 * away**2).prod(axis=1))


def _brows_rest(points: Points) -> Values:
    """(n,): how much each face's brows are as high as they usually are."""
    heights = points[:, _BROWS, 1].mean(axis=1)
    return np.asarray(np.exp(-0.5 * ((heights - np.median(heights)) / BROW) ** 2))


def _lips_rest(points: Points, usual: Points) -> Values:
    """(n,): how much each face's mouth looks at rest: shut, and as wide as it, and anybody's, usually is."""
    apart, wide = gaps(points), widths(points)
    shut = np.exp(-0.5 * (np.maximum(0, apart - SHUT) / SHUT) ** 2)
    least = max(float(np.percentile(apart, 10)), SHUT)
    nearly = np.exp(-0.5 * (np.maximum(0, apart - least) / SHUT) ** 2)
    middle = float(np.median(wide[nearly > 0.3])) if (nearly > 0.3).any() else float(np.median(wide))
    own = np.exp(-0.5 * ((wide / middle - 1) / WIDE) ** 2)
    anybody = np.exp(-0.5 * ((wide / float(widths(usual)) - 1) / (2.5 * WIDE)) ** 2)
    return np.asarray(np.maximum(shut, 0.04 * nearly) * own * anybody)


def _mean(points: Points, usual: Points, weights: Values) -> Points:
    """The weighted mean of faces, and of the average one, that counts as BELIEF of them."""
    total = BELIEF + float(weights.sum())
    return np.asarray((BELIEF * usual + np.tensordot(weights, points, axes=1)) / total)


def average_for(points: Points) -> Points:
    """The average face, stretched to a face's proportions: along each axis as what is still of it, mirrored, says."""
    average = head_of(100 * canonical())
    if average is None:
        raise ValueError("the average face is none")
    base, still = average.points, list(FACE)
    spread = (points[still] * base[still]).sum(axis=0) / (base[still] ** 2).sum(axis=0)
    stretched = base * spread
    return np.asarray(stretched + (points[still] - stretched[still]).mean(axis=0))


def shut_lips(face: Points) -> None:
    """Shuts the lips of a face where they are apart, in place: the lower one does most of it, as jaws do."""
    for upper, lower in zip(lm.UPPER_LIP, lm.LOWER_LIP, strict=True):
        apart = np.maximum(0, face[list(lm.LOWER_SEAM), 1] - face[list(lm.UPPER_SEAM), 1])
        face[list(upper[1:-1]), 1] += 0.3 * apart[1:-1]
        face[list(lower[1:-1]), 1] -= 0.7 * apart[1:-1]


_LIDS = tuple(
    sorted({i for upper, lower, iris in _EYES for rows in (upper, lower) for row in rows[:2] for i in row})
    + [i for _, _, iris in _EYES for i in iris]
)
_BROWS = [i for rows in (lm.BROW_LEFT, lm.BROW_RIGHT) for row in rows for i in row]
