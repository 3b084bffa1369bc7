"""All faces of a stream, frame by frame: found by a detector when one is missing, then followed by the mesh alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.core.options import TrackingOptions
from txt2vid.faces import tracker
from txt2vid.faces.crop import View, lifted, view_of
from txt2vid.faces.face import Landmarks
from txt2vid.faces.following import GROWTH, JUMP, Place, place_of
from txt2vid.faces.found import plausible
from txt2vid.faces.glances import glances
from txt2vid.faces.identity import CUT, Identities, Look, likeness, look_of

_EVERY = 5  # frames between looks for more faces, while there are some: a newcomer waits for at most 0.2 s
_FAST = 0.12  # extents; a face that moved so far is off the crop's middle, where the mesh is less exact: it looks again
_LOOKS, _SETTLED = 5, 0.02  # at a face that joins, until its view moves by less than so much of its side
_ONE = 0.35  # extents; faces nearer to each other are one


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face in one frame.

    id: its number, from 0 in the order of coming; the same in every frame, also after it was away.
    landmarks: (478, 3) in pixels of the frame, as the mesh sees them in this frame alone: not smoothed.
    confidence: the mesh's own probability that it is a face, in [0, 1].
    """

    id: int
    landmarks: Landmarks
    confidence: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the mesh saw of a face in one frame."""

    landmarks: Landmarks
    confidence: float
    place: Place
    look: Look
    view: View  # in which the next frame is looked at


class FaceTracker:
    """Follows up to `options.max_faces` faces from frame to frame. One stream each; call it from one thread at a time.

    options: may be replaced between frames, and holds from the next one on. mesh: whose networks are used; by default
    the process's own, which trackers share (their calls wait for each other).
    """

    def __init__(self, options: TrackingOptions | None = None, mesh: tracker.Mesh | None = None) -> None:
        cv2.setNumThreads(1)  # crops are too small for threads to pay, and the other cores have other work
        self.options = options or TrackingOptions()
        self._mesh = mesh or tracker.mesh()
        self._identities = Identities()
        self._followed: dict[int, _Seen] = {}
        self._frame = -1
        self._searched = 0  # the frame of the last look for more faces
        self._glance = 0

    def track(self, frame: Pixels) -> list[TrackedFace]:
        """The faces in the next frame, by id. frame: (height, width, 3) BGR of any size, which may change.

        A face joins within `_EVERY` frames where others are followed, at once (if it is easily seen) where there are
        none. Of more than are asked for, those who were there before stay, then the largest join.
        """
        self._frame += 1
        before = self._followed
        kept = self._distinct(self._follow(frame, before))
        kept = dict(sorted(kept.items())[: self.options.max_faces])
        if len(kept) < self.options.max_faces and self._is_due(kept, lost=len(kept) < len(before)):
            self._searched = self._frame
            kept |= self._newcomers(frame, kept)
        for number, seen in kept.items():
            self._identities.see(number, seen.place, seen.look, self._frame)
        self._followed = dict(sorted(kept.items()))
        return [TrackedFace(n, seen.landmarks, seen.confidence) for n, seen in self._followed.items()]

    def _is_due(self, kept: dict[int, _Seen], *, lost: bool) -> bool:
        return not kept or lost or self._frame - self._searched >= _EVERY

    def _follow(self, frame: Pixels, before: dict[int, _Seen]) -> dict[int, _Seen]:
        followed = {}
        for number, last in before.items():
            seen = self._look(frame, last.view)
            if seen is None or not seen.place.is_like(last.place, JUMP, GROWTH):
                continue
            if likeness(seen.look, last.look) < CUT:  # a cut, and somebody else in the same place
                continue
            if seen.place.distance(last.place) > _FAST:
                seen = self._look(frame, seen.view) or seen
            followed[number] = seen
        return followed

    def _look(self, frame: Pixels, view: View) -> _Seen | None:
        """What the mesh sees in a view; None where that is no face."""
        crop = lifted(view.draw(frame, tracker.MESH_SIDE))
        points, score = self._mesh(crop)
        if score < self.options.min_tracking_confidence:
            return None
        landmarks = view.to_picture(points, tracker.MESH_SIDE)
        nearer = view_of(landmarks)
        if not plausible(landmarks, nearer):
            return None
        return _Seen(landmarks, score, place_of(landmarks), look_of(crop), nearer)

    def _distinct(self, followed: dict[int, _Seen]) -> dict[int, _Seen]:
        """Without those that slid onto another's face: that one looks like itself, the other does not any more."""
        kept: dict[int, _Seen] = {}
        for number, seen in followed.items():
            rival = next((n for n, other in kept.items() if seen.place.distance(other.place) < _ONE), None)
            if rival is None:
                kept[number] = seen
            elif self._identities.likeness(number, seen.look) > self._identities.likeness(rival, seen.look):
                del kept[rival]
                kept[number] = seen
        return kept

    def _newcomers(self, frame: Pixels, kept: dict[int, _Seen]) -> dict[int, _Seen]:
        """Faces that this frame's looks find beside those that are followed, with their numbers."""
        height, width = frame.shape[:2]
        ways = glances(width, height, alone=not kept)
        wanted = self.options.max_faces - len(kept)
        found: list[_Seen] = []
        for tried in range(len(ways) if self._frame == 0 else 1):  # a stream begins with all who are there
            glance = ways[self._glance % len(ways)]
            self._glance += 1
            views = [view for view, _ in glance.faces(frame, self.options.min_detection_confidence)]
            found += self._settled(frame, views, [*(seen.place for seen in kept.values()), *_places(found)])
            if len(found) >= wanted or (found and tried):
                break
        return self._named(found, kept)

    def _settled(self, frame: Pixels, views: Sequence[View], taken: list[Place]) -> list[_Seen]:
        """The faces in views, looked at until they are in the crop's middle; none of those in `taken`."""
        found: list[_Seen] = []
        for view in sorted(views, key=lambda view: -view.side)[: 2 * self.options.max_faces + 2]:
            if any(np.hypot(view.x - p.x, view.y - p.y) < _ONE * p.extent for p in taken):
                continue
            seen = self._entering(frame, view)
            if seen is not None and all(seen.place.distance(other) > _ONE for other in taken):
                found.append(seen)
                taken.append(seen.place)
        return found

    def _entering(self, frame: Pixels, view: View) -> _Seen | None:
        """What is in a view that a detector proposes: looked at again until the mesh stays with what it saw."""
        seen = None
        for _ in range(_LOOKS):
            seen = self._look(frame, view)
            if seen is None:
                return None
            before, view = view, seen.view
            moved = np.hypot(view.x - before.x, view.y - before.y) / before.side
            if moved < _SETTLED and abs(view.side / before.side - 1) < 2 * _SETTLED:
                break
        return seen

    def _named(self, found: list[_Seen], kept: dict[int, _Seen]) -> dict[int, _Seen]:
        """As many as are wanted: who was there before, then the largest."""
        known = {id(s): self._identities.recall(s.place, s.look, self._frame, kept) is not None for s in found}
        ordered = sorted(found, key=lambda seen: (not known[id(seen)], -seen.place.extent))
        named: dict[int, _Seen] = {}
        for seen in ordered[: self.options.max_faces - len(kept)]:
            present = {*kept, *named}
            named[self._identities.meet(seen.place, seen.look, self._frame, present)] = seen
        return named


def _places(seen: Iterable[_Seen]) -> list[Place]:
    return [each.place for each in seen]
