"""Timed phonemes to motion, with coarticulation.

Each phoneme holds its targets while it lasts and fades in before and out after it; where several meet, the average by
their weights is what the mouth does (dominance functions after Cohen & Massaro 1993, here of finite reach, so that a
bounded lookahead is exact). Closures of the lips are laid over that and yield to nothing: p, b and m always close.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.drivers.base import Driver
from txt2vid.drivers.visemes import REST, SHAPES, Row, Viseme, visemes

LOOKAHEAD = 0.2  # seconds; REACH_AHEAD + SMOOTH fit in it
REACH_AHEAD = 0.15  # seconds before a sound at which the mouth begins to prepare it
REACH_BEHIND = 0.12  # seconds after a sound until nothing is left of it
SMOOTH = 0.03  # seconds to each side of the moving average that keeps the curves free of corners
KEPT, FACED = 2.0, 1.0  # seconds of the past that are kept, and that are looked at
LONG_PAUSE = 0.15  # seconds; in a longer pause the mouth comes to rest
CLOSING = 0.1  # seconds from the last sound to the mouth at rest
OPENING = 0.1  # seconds before the first sound at which the mouth leaves its rest
SNAP = 0.05  # seconds in which lips close, and open again
PRESS, ROLL = 0.12, 0.1  # how much closed lips press on each other and turn in
STRESSED = (0.9, 1.0, 1.12)  # of the jaw of a vowel without stress, with secondary and with primary stress

_GRID = np.linspace(-SMOOTH, SMOOTH, 7)
_KERNEL = np.hanning(9)[1:-1] / np.hanning(9).sum()
_COLUMNS = np.array([INDEX[shape] for shape in SHAPES])
_JAW = SHAPES.index("jawOpen")
_PARTED = np.array([INDEX[s] for s in BLENDSHAPES if s.startswith(("mouthFunnel", "mouthUpperUp", "mouthLowerDown"))])
_PARTED = np.append(_PARTED, INDEX["tongueOut"])


@dataclass(frozen=True, slots=True)
class _Segment:
    """A phoneme on the time line, in seconds."""

    symbol: str
    start: float
    stop: float
    stress: int

    @property
    def rests(self) -> bool:
        return self.symbol == SILENCE and self.stop - self.start > LONG_PAUSE


class _Part(NamedTuple):
    """A viseme of a segment: what the mouth does from start to stop."""

    start: float
    stop: float
    viseme: Viseme
    stress: int


class PhonemeDriver(Driver):
    """Lips that follow timed phonemes; the sound itself is not listened to.

    Feed phonemes before the first frame whose end plus `lookahead` reaches into them; what is fed later is taken from
    then on. Time that nothing was fed for is a pause. Two seconds of the past are kept, and all that is fed ahead.
    """

    lookahead = int(LOOKAHEAD * SPEECH_RATE)

    def __init__(self) -> None:
        self._segments: deque[_Segment] = deque()

    def feed(self, phonemes: Iterable[TimedPhoneme], rate: int, start: Fraction | int = 0) -> None:
        """Appends an utterance that begins `start` seconds into the time line, exactly; `rate` is its samples a second.

        Raises ValueError where it begins before what was fed last ends.
        """
        offset = Fraction(start)
        for phoneme in phonemes:
            first, last = float(offset + Fraction(phoneme.start, rate)), float(offset + Fraction(phoneme.stop, rate))
            if last < first or (self._segments and first < self._segments[-1].stop):
                raise ValueError(f"phonemes must follow one another: {phoneme} at {float(offset)} s does not")
            self._segments.append(_Segment(phoneme.symbol, first, last, phoneme.stress))

    def cut(self, at: Fraction) -> None:
        """Drops what begins at or after `at` seconds, and ends there what lasts beyond; feeding goes on from `at`.

        For interruptions: the mouth comes to rest from there as it does before any pause.
        """
        end = float(at)
        while self._segments and self._segments[-1].start >= end:
            self._segments.pop()
        if self._segments and self._segments[-1].stop > end:
            last = self._segments.pop()
            self._segments.append(_Segment(last.symbol, last.start, end, last.stress))

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:  # noqa: ARG002 - the phonemes say it all
        """The motion at the middle of `frame`."""
        begin, length = float(frame.time), float(frame.duration)
        end, middle = begin + length, begin + length / 2
        self._forget(begin - KEPT)
        if not self._segments or self._segments[-1].stop < begin - FACED:
            return Motion()  # nobody speaks
        segments = _tiled(self._segments, begin - FACED, end + LOOKAHEAD)
        moving = 1.0 - _rest(segments, middle)
        vector = np.zeros(len(BLENDSHAPES))
        if moving > 0:
            vector[_COLUMNS] = moving * _blend(segments, middle)
            close_lips(vector, _closure(segments, middle, length))
        return Motion(np.clip(vector, 0, 1).astype(np.float32))

    def _forget(self, before: float) -> None:
        while len(self._segments) > 1 and self._segments[0].stop < before:
            self._segments.popleft()


def _tiled(segments: Iterable[_Segment], begin: float, horizon: float) -> list[_Segment]:
    """What lies between begin and horizon, cut there, with pauses where there is nothing."""
    tiled: list[_Segment] = []
    at = begin - 1.0
    for segment in segments:
        if segment.start >= horizon:
            break
        if segment.stop < begin:
            continue
        if segment.start > at:
            tiled.append(_Segment(SILENCE, at, segment.start, 0))
        at = min(segment.stop, horizon)
        tiled.append(_Segment(segment.symbol, segment.start, at, segment.stress))
    if at < horizon:
        tiled.append(_Segment(SILENCE, at, horizon + 1.0, 0))
    return _joined(tiled)


def _joined(segments: list[_Segment]) -> list[_Segment]:
    joined: list[_Segment] = []
    for segment in segments:
        if joined and segment.symbol == SILENCE == joined[-1].symbol:
            joined[-1] = _Segment(SILENCE, joined[-1].start, segment.stop, 0)
        else:
            joined.append(segment)
    return joined


def _rest(segments: list[_Segment], time: float) -> float:
    """How far the mouth is at rest: 1 within long pauses, 0 while it speaks."""
    for segment in segments:
        if segment.rests and segment.start <= time < segment.stop:
            length = segment.stop - segment.start
            closed = (time - segment.start) / min(CLOSING, length / 2)
            opened = (segment.stop - time) / min(OPENING, length / 2)
            return smoothstep(min(closed, opened, 1.0))
    return 0.0


def _blend(segments: list[_Segment], time: float) -> Row:
    """The weighted average of all targets in reach, smoothed; (len(SHAPES),)."""
    near = [s for s in segments if s.stop > time - SMOOTH - REACH_BEHIND and s.start < time + SMOOTH + REACH_AHEAD]
    parts = [part for segment in near for part in _parts(segment)]
    times = (time + _GRID)[:, np.newaxis]
    starts, stops = np.array([p.start for p in parts]), np.array([p.stop for p in parts])
    ahead = np.clip((starts - times) / REACH_AHEAD, 0, 1)
    behind = np.clip((times - stops) / REACH_BEHIND, 0, 1)
    dominance = ((1 - ahead) * (1 - behind)) ** 2  # (grid, parts)
    targets = np.array([_target(part) for part in parts])
    weights = np.array([part.viseme.weight for part in parts])
    values = (dominance @ (weights * targets)) / (dominance @ weights)
    return np.asarray(_KERNEL @ values)


def _parts(segment: _Segment) -> list[_Part]:
    """A diphthong or an affricate goes from one viseme to the next in equal steps."""
    if segment.symbol == SILENCE:
        return [_Part(segment.start, segment.stop, REST, 0)]
    shown = visemes(segment.symbol)
    if len(shown) == 1:
        return [_Part(segment.start, segment.stop, shown[0], segment.stress)]
    edges = np.linspace(segment.start, segment.stop, len(shown) + 1).tolist()
    return [_Part(edges[i], edges[i + 1], viseme, segment.stress) for i, viseme in enumerate(shown)]


def _target(part: _Part) -> NDArray[np.float64]:
    target = part.viseme.target
    if part.viseme.vowel:
        target = target.copy()
        target[_JAW] *= STRESSED[max(0, min(part.stress, 2))]
    return target


def _closure(segments: list[_Segment], time: float, frame: float) -> float:
    """How far the lips are shut by a bilabial at this moment: 1 is shut.

    The shut time is the sound's own, but at least as long as a frame, so that it holds the middle of a frame.
    """
    shut = 0.0
    for segment in segments:
        for part in _parts(segment):
            if part.viseme.closed:
                half = max(part.stop - part.start, frame) / 2
                away = abs(time - (part.start + part.stop) / 2) - half
                shut = max(shut, 1.0 if away < 1e-6 else smoothstep(1 - away / SNAP))
    return shut


def close_lips(vector: NDArray[np.float64], shut: float) -> None:
    """Lays a closure over the coefficients (52,): lips meet where mouthClose equals jawOpen (ARKit)."""
    vector[_PARTED] *= 1 - shut
    vector[INDEX["mouthClose"]] = shut * vector[INDEX["jawOpen"]]
    for side in ("Left", "Right"):
        vector[INDEX[f"mouthPress{side}"]] = PRESS * shut
    for name in ("mouthRollLower", "mouthRollUpper"):
        vector[INDEX[name]] = max(vector[INDEX[name]], ROLL * shut)


def smoothstep(x: float) -> float:
    """0 up to 0, 1 from 1, a cubic between (Hermite)."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)
