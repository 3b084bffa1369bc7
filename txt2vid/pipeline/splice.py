"""Sound that waits, and how a piece of it is left out, said twice or made up without a click. All at 48 kHz, mono."""

from __future__ import annotations

from collections import deque

import numpy as np

from txt2vid.core.media import LISTENING_RATE, Samples

FADE = LISTENING_RATE * 5 // 1000  # samples of a fade in, and of a crossfade: heard as no click, and as no dip
TAIL = LISTENING_RATE * 30 // 1000  # samples in which made-up sound dies away
MIN_LAG = LISTENING_RATE * 25 // 10_000  # samples: a voice of 400 Hz
MAX_LAG = LISTENING_RATE * 12 // 1000  # samples: a voice of 83 Hz
LOOK = 2 * MAX_LAG  # samples that `best_lag` looks at
PAST = LOOK  # samples of what was played that `continued` wants
ROOM = LISTENING_RATE * 40 // 1000  # samples that may be said twice at once

_MATCH = MAX_LAG  # samples compared: at least a period
_COARSE = 4  # samples of one while the lag is searched for roughly: periods of voices lie far below 6 kHz
_BLOCK = FADE  # samples whose loudness is taken as one
_RISE = ((np.arange(FADE, dtype=np.float32) + 1) / (FADE + 1)).astype(np.float32)


def rise(first: int, last: int) -> Samples:
    """The gains of samples [first, last) of a fade in over FADE samples."""
    return _RISE[first:last]


def clean(samples: Samples) -> Samples:
    """The same in float32 (n,), NaN as silence and the rest within [-1, 1]; the very array where nothing is wrong."""
    sound = np.asarray(samples, np.float32).reshape(-1)
    if len(sound) and not (sound.max() <= 1 and sound.min() >= -1):  # neither is so with a NaN
        sound = np.clip(np.nan_to_num(sound, posinf=1, neginf=-1), -1, 1)
    return sound


def best_lag(sound: Samples) -> tuple[int, float]:
    """The shift in [MIN_LAG, MAX_LAG] at which LOOK samples are most like themselves, and how like: at most 1.

    Normalised cross-correlation, first over every fourth sample, then exactly (as WSOLA, Verhelst & Roelands 1993).
    """
    rough = sound[:LOOK].reshape(-1, _COARSE).mean(axis=1)
    lag = _COARSE * _peak(rough, _MATCH // _COARSE, MIN_LAG // _COARSE, MAX_LAG // _COARSE)[0]
    return _peak(sound, _MATCH, max(lag - _COARSE, MIN_LAG), min(lag + _COARSE, MAX_LAG))


def _peak(sound: Samples, match: int, least: int, most: int) -> tuple[int, float]:
    """The best lag in [least, most], and the correlation there."""
    later = sound[least : most + match]
    energy = np.concatenate([np.zeros(1), np.cumsum(later.astype(np.float64) ** 2)])
    energies = (energy[match:] - energy[:-match]) * float(np.dot(sound[:match], sound[:match]))
    likeness = np.correlate(later, sound[:match], "valid") / np.sqrt(energies + 1e-12)
    best = int(likeness.argmax())
    return least + best, float(likeness[best])


def continued(past: Samples, count: int) -> Samples:
    """What might have followed: the last pitch period of `past` (PAST samples) again and again, dying away."""
    lag, _ = best_lag(past[::-1])
    blend = min(FADE, lag // 2)
    gain = _ramp(blend)
    period = past[-lag:].copy()  # its end is led over into what came before its beginning: it joins on to itself
    period[-blend:] = period[-blend:] * (1 - gain) + past[-lag - blend : -lag] * gain
    sound = np.resize(period, max(count, blend))
    sound[:blend] += (past[-1] - past[-lag - 1]) * (1 - gain)  # the first one follows the end of `past`
    return np.asarray(sound[:count] * np.linspace(1, 0, count + 1)[1:], np.float32)


def quiet(sound: Samples, loudness: float) -> int:
    """How many samples at the start have an RMS below `loudness` in every block of 5 ms."""
    blocks = sound[: len(sound) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    loud = np.einsum("ij,ij->i", blocks, blocks) >= loudness * loudness * _BLOCK
    return (int(loud.argmax()) if loud.any() else len(blocks)) * _BLOCK


class SoundQueue:
    """Samples appended at the end and taken from the start, with holes (time without sound) and breaks between bursts.

    Indexes count samples since the queue was made; they stay while sound is left out or said twice at the start.
    """

    def __init__(self) -> None:
        self._data = np.zeros(4 * ROOM, np.float32)
        self._base = -ROOM  # index of _data[0]
        self.head = 0  # index of the next sample
        self.end = 0  # index after the last one
        self._holes: deque[tuple[int, int]] = deque()
        self._breaks: deque[int] = deque()
        self._made = 0  # of the samples at the start, those that are said a second time
        self.first = 0  # index where the last burst began

    @property
    def span(self) -> int:
        """Samples until the end, holes included: the time that they take."""
        return self.end - self.head

    @property
    def depth(self) -> int:
        """Samples of the sender that wait."""
        return self.span - self._made - sum(last - max(first, self.head) for first, last in self._holes)

    @property
    def shreds(self) -> int:
        """How many holes and breaks there are."""
        return len(self._holes) + len(self._breaks)

    @property
    def hole(self) -> int:
        """Samples of the hole that is next; 0 where sound is."""
        return self._holes[0][1] - self.head if self._holes and self._holes[0][0] <= self.head else 0

    @property
    def clear(self) -> int:
        """Samples until the next hole, break or the end."""
        ends = [self.end]
        if self._holes:
            ends.append(self._holes[0][0])
        if self._breaks:
            ends.append(self._breaks[0])
        return max(min(ends) - self.head, 0)

    def broken(self) -> None:
        """The new burst that begins here is begun."""
        while self._breaks and self._breaks[0] <= self.head:
            self._breaks.popleft()

    def ahead(self, count: int) -> Samples:
        """Up to so many of the next samples, as far as all is clear."""
        start = self.head - self._base
        return self._data[start : start + min(count, self.clear)]

    def append(self, samples: Samples, *, hole: int = 0, burst: bool = False) -> None:
        """Sound at the end, after so many samples of nothing, or as a new burst."""
        if burst:
            self.first = self.end
            if self.span:
                self._breaks.append(self.end)
        if hole:
            self._holes.append((self.end, self.end + hole))
        self._make_room(hole + len(samples))
        start = self.end - self._base
        self._data[start : start + hole] = 0
        self._data[start + hole : start + hole + len(samples)] = samples
        self.end += hole + len(samples)

    def fill(self, index: int, samples: Samples) -> int:
        """Lays samples that come late into the holes of the last burst; how many of them found a place."""
        filled, left = 0, deque[tuple[int, int]]()
        for first, last in self._holes:
            start, stop = max(first, index, self.first, self.head), min(last, index + len(samples))
            if start >= stop:
                left.append((first, last))
                continue
            self._data[start - self._base : stop - self._base] = samples[start - index : stop - index]
            filled += stop - start
            left.extend(part for part in ((max(first, self.head), start), (stop, last)) if part[0] < part[1])
        self._holes = left
        return filled

    def advance(self, count: int) -> int:
        """Goes on by so many samples; how many of them were the sender's, and not holes or said a second time."""
        made = min(count, self._made)
        self._made -= made
        head, holes = self.head + count, 0
        while self._holes and self._holes[0][0] < head:
            first, last = self._holes[0]
            holes += min(last, head) - max(first, self.head)
            if last > head:
                break
            self._holes.popleft()
        self.head = head
        return count - made - holes

    def pure(self) -> bool:
        """Whether no sample at the start is one said a second time."""
        return self._made == 0

    def leave_out(self, count: int, fade: int) -> int:
        """Leaves out so many, crossfaded: `count + fade` samples are clear and `pure`. How many were the sender's."""
        sound = self.ahead(count + fade)
        gain = _ramp(fade)
        sound[count:] = sound[:fade].copy() * (1 - gain) + sound[count:] * gain
        return self.advance(count)

    def say_twice(self, count: int, fade: int) -> None:
        """The next `count` (at most ROOM) twice, crossfaded: `count + fade` samples are clear and `pure`."""
        sound = self.ahead(count + fade).copy()
        gain = _ramp(fade)
        start = self.head - self._base
        self._data[start - count : start] = sound[:count]
        self._data[start : start + fade] = sound[count:] * (1 - gain) + sound[:fade] * gain
        self.head -= count
        self._made = count

    def _make_room(self, count: int) -> None:
        """Room for so many at the end; what is kept moves to the front, after the room for what is said twice."""
        if self.end - self._base + count <= len(self._data):
            return
        kept = self._data[self.head - self._base : self.end - self._base]
        data = np.zeros(max(len(self._data), 2 * (ROOM + len(kept) + count)), np.float32)
        data[ROOM : ROOM + len(kept)] = kept
        self._data, self._base = data, self.head - ROOM


def _ramp(count: int) -> Samples:
    return (np.arange(count, dtype=np.float32) + 1) / np.float32(count + 1)
