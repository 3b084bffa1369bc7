"""Who is who: a face that comes back gets the number that it had, by where it was and by how it looks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.faces.following import Place

Look = NDArray[np.float32]
"""(768,): how a face looks, for `likeness`."""

_SIDE = 16  # pixels: of one face, half of all frames of a clip are 0.95 alike or more; two people are 0.34
SAME = 0.7  # likeness from which it is the same person: 4 of 5 pairs of one person's frames, 1 of 20 of two people's
OTHER = 0.5  # likeness below which it is another one, wherever it is
CUT = 0.3  # likeness from one frame to the next below which the picture was cut; quick turns and flashes are above
_NEAR = 1.2  # extents from where it was that a face may come back
_BRIEFLY = 90  # frames (3 to 6 s) for which a place is worth something
_LOOKS = 4  # that are kept of one person: in front, from both sides, with other light
_NEWS = 0.85  # likeness to all of them below which a look is worth keeping
_EVERY = 8  # frames between looks that are kept
_KEPT = 64  # people; the one seen longest ago is forgotten


def look_of(crop: Pixels) -> Look:
    """How the face in the mesh's crop looks: small, without its brightness and contrast."""
    quarter = crop.shape[0] // 6
    inner = cv2.resize(crop[quarter:-quarter, quarter:-quarter], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    colours = inner.reshape(-1, 3).astype(np.float32)
    colours -= colours.mean(axis=0)
    look: Look = colours.ravel() / max(1e-3, float(np.linalg.norm(colours)))
    return look


def likeness(one: Look, other: Look) -> float:
    """Their correlation, in [-1, 1]."""
    return float(one @ other)


@dataclass(slots=True)
class _Person:
    place: Place
    frame: int
    looks: list[Look] = field(default_factory=list)

    def likeness(self, look: Look) -> float:
        return max(likeness(look, each) for each in self.looks)


class Identities:
    """Numbers for faces, from 0 in the order of coming; each person's is the same all the time, as far as one can tell.

    Nothing is learned about anybody: places and small pictures are compared, and they are gone with this object.
    """

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}
        self._next = 0

    def meet(self, place: Place, look: Look, frame: int, present: Collection[int]) -> int:
        """The number of a face that was not followed so far. present: numbers of those that are there already."""
        known = self.recall(place, look, frame, present)
        if known is None:
            known, self._next = self._next, self._next + 1
            self._people[known] = _Person(place, frame, [look])
            self._forget(present)
        self.see(known, place, look, frame)
        return known

    def recall(self, place: Place, look: Look, frame: int, present: Collection[int]) -> int | None:
        """The number that such a face had; None where it is a new one."""
        away = {number: each for number, each in self._people.items() if number not in present}
        alike = {number: each.likeness(look) for number, each in away.items()}
        near = [n for n, each in away.items() if alike[n] > OTHER and _nearby(each, place, frame)]
        candidates = near or [n for n in away if alike[n] > SAME]
        return max(candidates, key=lambda n: alike[n], default=None)

    def likeness(self, number: int, look: Look) -> float:
        """How much a face looks like the one with that number, in [-1, 1]."""
        return self._people[number].likeness(look)

    def see(self, number: int, place: Place, look: Look, frame: int) -> None:
        """A face with a number is there, looking like that."""
        person = self._people[number]
        person.place, person.frame = place, frame
        if frame % _EVERY == 0 and len(person.looks) < _LOOKS and person.likeness(look) < _NEWS:
            person.looks.append(look)

    def _forget(self, present: Collection[int]) -> None:
        while len(self._people) > _KEPT:
            away = [number for number in self._people if number not in present]
            del self._people[min(away, key=lambda number: self._people[number].frame)]


def _nearby(person: _Person, place: Place, frame: int) -> bool:
    return frame - person.frame <= _BRIEFLY and place.is_like(person.place, _NEAR, 2.0)
