"""One person's face from frame to frame: followed by the mesh, found again after a cut, never swapped for another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.faces.crop import View, rows, view_of
from txt2vid.faces.face import Landmarks
from txt2vid.faces.found import Found, look, plausible
from txt2vid.faces.search import find_faces, find_nearby

_LEAST = 0.5  # the mesh's score below which the face is lost (MediaPipe's own threshold)
JUMP = 0.5  # extents that a face's middle may move from one frame to the next
GROWTH = 1.4  # by which it may grow or shrink
_NEAR = 1.2  # extents within which a face that was lost is the same one


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face is, roughly: its middle and its size in pixels."""

    x: float
    y: float
    extent: float

    def distance(self, other: Place) -> float:
        """Between the middles, in sizes of the smaller of both."""
        return math.hypot(self.x - other.x, self.y - other.y) / max(1.0, min(self.extent, other.extent))

    def is_like(self, other: Place, near: float, growth: float) -> bool:
        """Whether both may be the same face."""
        ratio = max(self.extent, other.extent) / max(1.0, min(self.extent, other.extent))
        return self.distance(other) < near and ratio < growth


def place_of(points: Landmarks) -> Place:
    """The place of a face with these landmarks."""
    both = rows(points)
    x, y = (both.sum(axis=1) / both.shape[1]).tolist()
    width, height = (both.max(axis=1) - both.min(axis=1)).tolist()
    return Place(x, y, math.sqrt(width * height))


@dataclass(frozen=True, slots=True)
class _Last:
    """A face as it was seen last, and what follows from that: each is needed twice."""

    points: Landmarks
    view: View
    place: Place

    @staticmethod
    def of(points: Landmarks) -> _Last:
        return _Last(points, view_of(points), place_of(points))


class Follower:
    """Follows one face; the others that were seen beside it are known, so that they are not mistaken for it."""

    def __init__(self, face: Found, others: Sequence[Found]) -> None:
        self._last = _Last.of(face.landmarks)
        self._others = [place_of(other.landmarks) for other in others]
        self._lost = False

    def follow(self, picture: Pixels) -> Landmarks | None:
        """The face's landmarks in the next frame; None where it is not seen."""
        found = None if self._lost else self._next(picture)
        if found is None and (points := self._again(picture)) is not None:
            found = _Last.of(points)
        self._lost = found is None
        if found is None:
            return None
        self._last = found
        return found.points

    def _next(self, picture: Pixels) -> _Last | None:
        points, score = look(picture, self._last.view)
        if score < _LEAST:
            return None
        found = _Last.of(points)
        if not plausible(points, found.view):
            return None
        return found if found.place.is_like(self._last.place, JUMP, GROWTH) else None

    def _again(self, picture: Pixels) -> Landmarks | None:
        """The same face near where it was, else one that none of the others accounts for."""
        last = self._last.place
        unclaimed: list[Landmarks] = []
        seen: list[Place] = []
        for face in find_nearby(picture):
            place = place_of(face.landmarks)
            rival = min((place.distance(other) for other in self._others), default=np.inf)
            if place.is_like(last, _NEAR, 2.0) and place.distance(last) < rival:
                return face.landmarks
            if rival < _NEAR:
                seen.append(place)
            else:
                unclaimed.append(face.landmarks)
        self._moved(seen)
        return unclaimed[0] if unclaimed else None

    def _moved(self, seen: list[Place]) -> None:
        """The others are where they were seen last."""
        for place in seen:
            nearest = min(range(len(self._others)), key=lambda i: place.distance(self._others[i]))
            self._others[nearest] = place


class Finder:
    """Looks for the first face by what is cheap, now and then by everything there is; then follows it.

    index: which of several faces, 0 the largest; it is waited for until so many are seen at once. most: were seen.
    """

    def __init__(self, index: int = 0) -> None:
        cv2.setNumThreads(1)  # crops are too small for threads to pay, and the other cores have other work
        self.most = 0
        self._index = index
        self._follower: Follower | None = None
        self._thorough = 0.0  # seconds from which the next thorough look may come: at 0, 1, 2, 4, 8 …

    def look(self, picture: Pixels, time: float) -> Landmarks | None:
        """The face's landmarks in the next frame; None where there is none."""
        if self._follower is not None:
            return self._follower.follow(picture)
        faces = find_nearby(picture)
        if len(faces) <= self._index and time >= self._thorough:
            self._thorough = max(1.0, 2 * time)
            faces, _ = find_faces(picture, self._index + 1)
        self.most = max(self.most, len(faces))
        if len(faces) <= self._index:
            return None
        chosen = faces[self._index]
        self._follower = Follower(chosen, [face for face in faces if face is not chosen])
        return chosen.landmarks
