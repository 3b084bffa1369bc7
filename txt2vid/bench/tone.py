"""A sound that can be found again after two lossy codecs, to a tenth of a millisecond: a tone with known edges."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import LISTENING_RATE, Samples

TONE = 1000  # Hz: well inside what every codec keeps
AMPLITUDE = 0.5  # -6 dBFS
EDGE = LISTENING_RATE // 500  # samples of a raised cosine: 2 ms, so that no codec smears a click
NOISE = 3e-4  # RMS of what lies under it, -70 dBFS: a microphone is never quite silent
BURST = LISTENING_RATE // 4  # samples
GAPS = (1.0, 1.6)  # seconds from one burst to the next
GOLDEN = (5**0.5 - 1) / 2  # multiples of it, modulo 1, lie as evenly as any sequence can

WINDOW = LISTENING_RATE // 500  # samples of the envelope: two periods, which takes out twice the tone's frequency
SETTLE = LISTENING_RATE // 50  # samples after which a tone is as loud as it will be
HOLD = LISTENING_RATE // 50  # samples of quiet that end it; less is a scratch in it
FAINT = AMPLITUDE / 4


class Span(NamedTuple):
    """A tone from `start` to `stop`, positions where it has half its amplitude."""

    start: int
    stop: int


class Edge(NamedTuple):
    """Where a tone begins (rising) or ends. position: samples pushed before it."""

    position: int
    rising: bool


class Track:
    """Sound with tones; any piece of it can be had. spans: in order, at least EDGE apart."""

    def __init__(self, spans: Sequence[Span], *, amplitude: float = AMPLITUDE, seed: int = 0) -> None:
        self.spans = list(spans)
        self._stops = [span.stop for span in self.spans]
        self._amplitude = amplitude
        self._noise = np.random.default_rng(seed).normal(0, NOISE, LISTENING_RATE).astype(np.float32)

    def between(self, first: int, last: int) -> Samples:
        """Samples [first, last), float32."""
        at = np.arange(first, last)
        sound = self._noise[at % LISTENING_RATE]
        for span in self.spans[bisect_left(self._stops, first - EDGE) :]:
            if span.start - EDGE >= last:
                break
            sound = sound + tone(at, span, self._amplitude)
        return np.asarray(sound, np.float32)


def tone(at: NDArray[np.int64], span: Span, amplitude: float = AMPLITUDE) -> Samples:
    """The tone of a span at these positions."""
    inside = np.minimum(at - span.start, span.stop - at) / EDGE + 0.5  # from 0 to 1 in each edge
    shape = 0.5 - 0.5 * np.cos(np.pi * np.clip(inside, 0, 1))
    return np.asarray(amplitude * shape * np.sin(2 * np.pi * TONE / LISTENING_RATE * (at - span.start)), np.float32)


def bursts(seconds: float, fps: Fraction, *, first: float = 1.0, seed: int = 0) -> list[Span]:
    """Bursts at irregular distances, the first after `first` seconds.

    Their places within a frame lie evenly, wherever the frames' grid begins: so the mean over some dozens of them knows
    an offset far better than a frame.
    """
    chance = np.random.default_rng(seed)
    frame = LISTENING_RATE / fps
    least, most = (int(gap * fps) for gap in GAPS)
    spans: list[Span] = []
    at = int(first * fps)
    while (start := round(frame * (at + Fraction(len(spans) * GOLDEN % 1)))) + BURST < seconds * LISTENING_RATE:
        spans.append(Span(start, start + BURST))
        at += int(chance.integers(least, max(least + 1, most)))
    return spans


class ToneFinder:
    """Finds tones in a stream at LISTENING_RATE. Holds no more than some tens of milliseconds of it."""

    def __init__(self) -> None:
        self._count = 0  # samples pushed
        self._mixed = np.zeros(WINDOW - 1, np.complex64)
        self._envelope = np.zeros(0, np.float32)  # ends at the last sample pushed
        self._plateau = 0.0  # of the tone that sounds, 0 in silence

    def push(self, samples: Samples) -> list[Edge]:
        """The edges that are sure by now, in order: each SETTLE or HOLD after it sounded."""
        at = self._count + np.arange(len(samples))
        carrier = np.exp(-2j * np.pi * (at * TONE % LISTENING_RATE) / LISTENING_RATE).astype(np.complex64)
        mixed = np.concatenate([self._mixed, samples * carrier])
        self._mixed = mixed[len(samples) :]
        sums = np.cumsum(np.concatenate([np.zeros(1), mixed]))
        fresh = 2 * np.abs(sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
        self._envelope = np.concatenate([self._envelope, fresh.astype(np.float32)])
        self._count += len(samples)
        edges = []
        while (edge := self._next()) is not None:
            edges.append(edge)
        return edges

    def _next(self) -> Edge | None:
        return self._fall() if self._plateau else self._rise()

    def _rise(self) -> Edge | None:
        while True:
            begin = _first(self._envelope > FAINT)
            self._drop(begin)
            if len(self._envelope) < SETTLE:
                return None
            plateau = float(np.median(self._envelope[SETTLE // 2 : SETTLE]))
            if plateau > FAINT:
                break
            self._drop(SETTLE)  # a click
        self._plateau = plateau
        edge = Edge(self._place(_first(self._envelope >= plateau / 2)), rising=True)
        self._drop(SETTLE)
        return edge

    def _fall(self) -> Edge | None:
        while True:
            quiet = self._envelope < self._plateau / 2
            self._drop(_first(quiet))
            if len(self._envelope) < HOLD:
                return None
            again = _first(self._envelope[:HOLD] >= self._plateau / 2)
            if again >= HOLD:
                break
            self._drop(again)
        self._plateau = 0.0
        edge = Edge(self._place(0), rising=False)
        self._drop(HOLD)
        return edge

    def _place(self, index: int) -> int:
        """The position that the envelope's window at `index` has in its middle."""
        return self._count - len(self._envelope) + index - WINDOW // 2 + 1

    def _drop(self, count: int) -> None:
        self._envelope = self._envelope[count:]


def _first(which: NDArray[np.bool_]) -> int:
    """The first index that is true, the length where none is."""
    index = int(np.argmax(which)) if len(which) else 0
    return index if len(which) and which[index] else len(which)
