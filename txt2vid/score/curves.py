"""A video becomes curves: what the mouth of its face does, frame by frame, and how still the rest is."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from txt2vid.errors import FaceError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.following import Finder, Place, place_of
from txt2vid.faces.head import FACE, LIPS, PROFILE, Head, head_of
from txt2vid.ffmpeg.timed import TimedReader

LONGEST = 1280  # pixels of the longer side: the mesh looks at 192 of the face
LONG_PAUSE = 0.2  # seconds between two frames, over which nothing is told of what was between
CUT, GROWTH = 0.25, 1.25  # a face's shift in its own sizes, and its growth, from frame to frame: more is another shot
NOISE = 1.5**0.5  # a landmark's noise against that of its distance from the middle of its neighbours in time
_USUAL = 1 / 25  # seconds of a frame where there is but one

Curve = NDArray[np.float64]
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a video shows, all (frames,), NaN where it is not known.

    times: seconds after the file's first timestamp, of the middle of the time for which a frame is usually shown.
    gap, width: of the mouth, in face heights. motion: of the lips, in face heights a second. face_jitter, lip_jitter:
    what landmarks do from one frame to the next and back, in face heights.
    fps: the mean. faces: frames with a face. profiles: those where it is turned too far to measure.
    """

    times: Curve
    gap: Curve
    width: Curve
    motion: Curve
    face_jitter: Curve
    lip_jitter: Curve
    fps: float
    variable: bool
    size: tuple[int, int]
    duration: float
    faces: int
    profiles: int


@dataclass(slots=True)
class _Row:
    """A frame's numbers, while its neighbours may still add to them."""

    time: float
    head: Head | None
    place: Place | None
    motion: float = np.nan
    face_jitter: float = np.nan
    lip_jitter: float = np.nan


@dataclass(slots=True)
class Track:
    """Takes landmarks frame by frame, keeps eight numbers of each."""

    faces: int = 0
    profiles: int = 0
    _columns: list[array[float]] = field(default_factory=lambda: [array("d") for _ in range(6)])
    _last: list[_Row] = field(default_factory=list)

    def add(self, time: float, landmarks: Landmarks | None) -> None:
        """The next frame, shown from `time` seconds on; None where it shows no face."""
        head = head_of(landmarks) if landmarks is not None else None
        self.faces += head is not None
        if head is not None and head.turned > PROFILE:
            self.profiles += 1
            head = None
        row = _Row(time, head, place_of(landmarks) if head is not None and landmarks is not None else None)
        if self._last and _same_shot(self._last[-1], row):
            row.motion = _motion(self._last[-1], row)
        if len(self._last) == 2:
            self._judge_middle(row)
            self._write(self._last.pop(0))
        self._last.append(row)

    def _judge_middle(self, after: _Row) -> None:
        before, row = self._last
        if _same_shot(before, row) and _same_shot(row, after) and before.head and row.head and after.head:
            away = row.head.points - (before.head.points + after.head.points) / 2
            row.face_jitter, row.lip_jitter = _spread(away[list(FACE)]), _spread(away[list(LIPS)])

    def _write(self, row: _Row) -> None:
        gap, width = (row.head.gap, row.head.width) if row.head is not None else (np.nan, np.nan)
        numbers = (row.time, gap, width, row.motion, row.face_jitter, row.lip_jitter)
        for column, number in zip(self._columns, numbers, strict=True):
            column.append(number)

    def end(self, fps: Fraction, size: tuple[int, int], *, variable: bool) -> Seen:
        """All of it. Nothing can be added afterwards."""
        while self._last:
            self._write(self._last.pop(0))
        times, gap, width, motion, face, lips = (np.array(column, np.float64) for column in self._columns)
        step = float(np.median(np.diff(times))) if len(times) > 1 else _USUAL
        mean = (len(times) - 1) / float(times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else float(fps)
        end = float(times[-1]) + step if len(times) else 0.0
        curves = (times + step / 2, gap, width, motion, face, lips)
        return Seen(*curves, mean, variable, size, end, self.faces, self.profiles)


def _same_shot(before: _Row, after: _Row) -> bool:
    """Whether both show the same face without a cut or a pause in between."""
    if before.place is None or after.place is None or after.time - before.time > LONG_PAUSE:
        return False
    return after.place.is_like(before.place, CUT, GROWTH)


def _motion(before: _Row, after: _Row) -> float:
    """The mean of how fast the gap changes and how fast the lips' outer edge moves."""
    if before.head is None or after.head is None or after.time <= before.time:
        return float("nan")
    edge = after.head.points[list(LIPS), :2] - before.head.points[list(LIPS), :2]
    moved = abs(after.head.gap - before.head.gap) + float(np.linalg.norm(edge, axis=1).mean())
    return moved / 2 / (after.time - before.time)


def _spread(away: NDArray[np.float64]) -> float:
    return float(np.sqrt((away[:, :2] ** 2).sum(axis=1).mean())) / NOISE


def watch(path: Path, progress: Progress | None = None) -> Seen:
    """Reads a video once and follows its largest face, through cuts as well; constant memory but for the curves.

    Raises VideoError where it cannot be read, FaceError where no frame shows a face.
    """
    track, follower = Track(), Finder()
    with TimedReader(path, LONGEST) as reader:
        total = round(reader.duration * reader.fps) if reader.duration is not None else None
        for index, frame in enumerate(reader):
            track.add(float(frame.time), follower.look(frame.pixels, float(frame.time)))
            if progress is not None:
                progress(index + 1, max(total, index + 1) if total is not None else None)
        seen = track.end(reader.fps, (reader.width, reader.height), variable=reader.variable)
    if not seen.faces:
        raise FaceError(f"no face found in {path}: give a video with a larger, more frontal face")
    return seen
