"""Bursts of a tone heard again, and the square that they turn white seen again: latency and A/V offset by arithmetic.

When is the square white? A frame is marked when the mean square of the sound in its span [t, t + D) is above LOUD^2. A
burst of amplitude A that begins at s brings A^2/2 a sample, so the span must hold reach = D * 2 * LOUD^2 / A^2 of it
(about 3.5 ms of 40, its soft edge included): the first white frame is the one whose span holds s + reach. In perfect
sync t <= s + reach < t + D. As bursts begin anywhere within a frame, s + reach lies evenly in that frame, and
t + D/2 - (s + reach) has mean 0 and a standard deviation of D / sqrt(12), 11.5 ms at 25 fps. If the picture is late by
d in the stream, its mean is d, known to 11.5 ms / sqrt(n); and since no value of it can be further than D/2 from d, the
extremes hem d in to about 2 D / n. Marks whose frame was left out or whose sound was torn do not agree with the others
on any d, and are left out of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from txt2vid.bench.spread import Spread, spread
from txt2vid.bench.tone import BURST, EDGE, Span, tone
from txt2vid.core.media import LISTENING_RATE

LONGEST_LATENCY = 10.0  # seconds that are thought possible
SAME_LATENCY = 0.4  # seconds by which it may vary within a run: below half of the smallest gap between bursts
MS = 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """Something in a stream. time: seconds of the stream (pts). at: when it was decoded, on time.monotonic()."""

    time: float
    at: float


@dataclass(frozen=True, slots=True)
class AvOffset:
    """Milliseconds that the picture is behind the sound (+): `best`, known to +-`slack`.

    each: of single marks; the grid alone spreads them over a frame. agreeing: how many marks are within half a frame of
    best, which are the most that can be. frame: of a frame.
    """

    best: float
    slack: float
    agreeing: int
    each: Spread
    frame: float


def reach(frame: float, loud: float) -> float:
    """Seconds of a burst that make a span of `frame` seconds louder (RMS) than `loud`, from its onset on."""
    burst = tone(np.arange(-EDGE, BURST), Span(0, BURST)).astype(np.float64)
    wanted = loud**2 * frame * LISTENING_RATE
    enough = np.flatnonzero(np.cumsum(burst**2) > wanted)
    if not len(enough):
        raise ValueError(f"a burst is too short to be louder than {loud:g} in {frame:g} s")
    return float(enough[0] + 1 - EDGE) / LISTENING_RATE


def av_offset(pairs: Sequence[tuple[float, float]], frame: float, loud: float) -> AvOffset:
    """pairs: seconds of the stream, of a burst's onset and of the first frame that is white for it. frame: seconds."""
    needed = reach(frame, loud)
    each = [white + frame / 2 - (onset + needed) for onset, white in pairs]
    best, slack, agreeing = _agreed(each, frame)
    return AvOffset(round(best * MS, 2), round(slack * MS, 2), agreeing, spread(each, MS), round(frame * MS, 3))


def _agreed(values: Sequence[float], width: float) -> tuple[float, float, int]:
    """What most values agree with, each to half a width either way; how far that may be off; how many they are."""
    if not values:
        return float("nan"), float("nan"), 0
    ordered = np.sort(np.asarray(values, np.float64))
    ends = np.searchsorted(ordered, ordered + width, side="right")
    first = int(np.argmax(ends - np.arange(len(ordered))))
    low, high = float(ordered[first]), float(ordered[ends[first] - 1])
    return (low + high) / 2, (width - (high - low)) / 2, int(ends[first] - first)


def in_stream(sounds: Sequence[Seen], whites: Sequence[Seen], within: float) -> list[tuple[Seen, Seen]]:
    """Each sound's onset with the white square nearest to it in the stream, where one is that near (seconds)."""
    found = []
    for sound in sounds:
        nearest = min(whites, key=lambda white: abs(white.time - sound.time), default=None)
        if nearest is not None and abs(nearest.time - sound.time) <= within:
            found.append((sound, nearest))
    return found


def latencies(captured: Sequence[float], seen: Sequence[Seen]) -> list[tuple[float, float]]:
    """(when captured, seconds until it was there) of each mark that was seen.

    captured: when each mark reached the microphone. Which is which: irregular gaps fit in one way only, so the latency
    that most pairs agree on is the right one.
    """
    if not captured or not seen:
        return []
    sent, at = np.asarray(captured), np.asarray([each.at for each in seen])
    apart = at[:, np.newaxis] - sent[np.newaxis, :]
    possible = np.sort(apart[(apart >= 0) & (apart <= LONGEST_LATENCY)])
    if not len(possible):
        return []
    ends = np.searchsorted(possible, possible + SAME_LATENCY)
    first = int(np.argmax(ends - np.arange(len(possible))))
    usual = float(np.median(possible[first : ends[first]]))
    found = {}
    for row in apart:
        mark = int(np.argmin(np.abs(row - usual)))
        if row[mark] >= 0 and abs(row[mark] - usual) < SAME_LATENCY and mark not in found:
            found[mark] = float(row[mark])
    return [(float(sent[mark]), seconds) for mark, seconds in sorted(found.items())]
