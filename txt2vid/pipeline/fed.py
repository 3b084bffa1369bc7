"""Sound that a program hands over, as it wants to be heard: in order, nothing lost, nothing left out."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np
import soxr

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.pipeline.jitter import Counters, Taken

MAX_SECONDS = 600  # that wait: a program hands over a whole recording at once, and ten minutes take 115 MB


class SoundBuffer(Protocol):
    """What a session takes its sound from: `jitter.JitterBuffer` for a network's, `FedSound` for a program's."""

    counters: Counters

    @property
    def depth(self) -> int:
        """Samples that wait."""

    @property
    def drained(self) -> bool:
        """Whether nothing waits."""

    def put(self, position: int, samples: Samples) -> None:
        """Sound of a sender's time line."""

    def take(self, count: int) -> Taken:
        """The next `count` samples of the session's time line."""

    def restart(self) -> None:
        """Positions begin anew."""

    def cut(self) -> None:
        """Drops all that waits."""


class FedSound:
    """A queue at LISTENING_RATE, mono, fed at any rate. Where it runs empty there is silence until more is fed.

    Bounded: `room` says how many seconds may be fed.
    """

    def __init__(self) -> None:
        self.counters = Counters()
        self._waiting: deque[Samples] = deque()
        self._stream: tuple[int, soxr.ResampleStream] | None = None  # the rate of what it holds back, and what does
        self.depth = 0

    @property
    def drained(self) -> bool:
        """Whether all was taken, what the resampler holds back as well."""
        return not self.depth and self._stream is None

    @property
    def room(self) -> float:
        """Seconds of sound that may be fed now."""
        return MAX_SECONDS - self.depth / LISTENING_RATE

    def feed(self, samples: Samples, rate: int) -> None:
        """Sound (n,) that follows what was fed before; consecutive pieces of one rate are one stream."""
        if not len(samples):
            return
        if self._stream is not None and self._stream[0] != rate:
            self._end_stream()
        if rate == LISTENING_RATE:
            self._append(samples)
            return
        if self._stream is None:
            self._stream = rate, soxr.ResampleStream(rate, LISTENING_RATE, 1, dtype="float32")
        self._append(np.asarray(self._stream[1].resample_chunk(samples), np.float32))

    def put(self, position: int, samples: Samples) -> None:
        """As `feed`, at LISTENING_RATE: what a program hands over has no other place than the next."""
        del position
        self.feed(samples, LISTENING_RATE)

    def take(self, count: int) -> Taken:
        """The next `count` samples, silence where fewer were fed."""
        if self.depth < count and self._stream is not None:
            self._end_stream()
        out, at = np.zeros(count, np.float32), 0
        while at < count and self._waiting:
            first = self._waiting.popleft()
            part = first[: count - at]
            out[at : at + len(part)] = part
            at += len(part)
            if len(part) < len(first):
                self._waiting.appendleft(first[len(part) :])
        self.depth -= at
        self.counters.played += at
        return Taken(out, at > 0, self.depth)

    def restart(self) -> None:
        """There are no positions."""

    def cut(self) -> None:
        """Drops all that waits."""
        self.counters.dropped += self.depth
        self._waiting.clear()
        self._stream, self.depth = None, 0

    def _end_stream(self) -> None:
        """What the resampler holds back is the end of something."""
        held, self._stream = self._stream, None
        if held is not None:
            self._append(np.asarray(held[1].resample_chunk(np.zeros(0, np.float32), last=True), np.float32))

    def _append(self, samples: Samples) -> None:
        if len(samples):
            sound = np.clip(samples, -1, 1)  # a copy: what the program does with its own is its affair
            self._waiting.append(sound)
            self.depth += len(sound)
            self.counters.heard += len(sound)
