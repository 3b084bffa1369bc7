"""The jitter buffer: sound of one sender on its way to the session's time line, soon and without a click.

There is no clock but the samples that were taken. `need = samples taken - position` says how late a packet came; what
is played is `offset = samples taken - position played` behind. offset - need is the reserve: what still waited just
before that packet. `pace` keeps the reserve that 96 of 100 arrivals of the last ten seconds had near a margin: one rule
for a network that becomes jittery or calm, for what a stall left behind, and for a sender's clock that is not ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.pipeline import splice
from txt2vid.pipeline.pace import GAP, MARGIN, Lateness, Pace
from txt2vid.pipeline.splice import FADE, PAST, TAIL, SoundQueue

_MS = LISTENING_RATE // 1000
TARGET = 60 * _MS  # samples that wait when a burst begins: two packets of 20 ms that a frame takes, and one to spare
MOST = 300 * _MS  # samples that may wait for longer than moments ...
MOMENT = LISTENING_RATE  # ... of so many samples
LIMIT = LISTENING_RATE  # samples that may wait at all: beyond, a sentence would be answered before it was heard

BACK = 10 * LISTENING_RATE  # samples: a position that is further back is no late packet but another numbering ...
RENUMBER = LISTENING_RATE  # ... if so many samples have it
SHREDS = 64  # holes and breaks that may wait: honest senders have a few
STEP = 40 * _MS  # samples after which the reserve is looked at again, where more are taken at once


@dataclass(frozen=True, slots=True)
class Taken:
    """The next piece of the time line.

    samples: float32 (count,). voice: whether anything of the sender is in it. delay: samples that new sound would wait.
    """

    samples: Samples
    voice: bool
    delay: int


@dataclass(slots=True)
class Counters:
    """Samples since the start: heard = played + trimmed + dropped + what waits.

    heard: that came. played: given out. trimmed: left out to win back delay. dropped: too late, twice, too many, cut.
    concealed: made up: dying away, holes, and what was said twice.
    """

    heard: int = 0
    played: int = 0
    trimmed: int = 0
    dropped: int = 0
    concealed: int = 0


class JitterBuffer:
    """Sound by `put` as it comes, by `take` as it is needed; 48 kHz, mono.

    A burst begins once `target` waits (a piece or a packet and MARGIN, where that is more), or that time has gone by.
    Where sound is missing the last pitch period dies away. Bounded: where more than `limit` would be left after a take
    the oldest is dropped down to `most`. target, most, limit: samples.
    """

    def __init__(self, *, target: int = TARGET, most: int = MOST, limit: int = LIMIT) -> None:
        if not 0 <= target <= most <= limit:
            raise ValueError(f"0 <= target <= most <= limit is wanted, not {target}, {most}, {limit}")
        self.counters = Counters()
        self._target, self._most, self._limit = target, most, limit
        self._queue, self._late, self._pace = SoundQueue(), Lateness(), Pace()
        self._clock = 0  # samples taken
        self._piece = 0  # samples of the last take
        self._end: int | None = None  # position after the newest sample
        self._stale = 0  # samples in a row that were far back
        self._arrived: tuple[int, int] | None = None  # need and length of the latest since the last take
        self._playing = False
        self._above = 0  # samples for which more than `most` has waited without a break
        self._waited = 0  # samples of silence while sound waits
        self._past = np.zeros(PAST, np.float32)  # the last that was given out
        self._tail = np.zeros(0, np.float32)  # what dies away next
        self._risen = FADE  # samples of the fade in that are done
        self._voice = False  # whether this piece has anything of the sender
        self._sounding = False  # whether the last sample was of the sender
        self._full = False  # something came while no room was left

    @property
    def depth(self) -> int:
        """Samples of the sender that wait."""
        return self._queue.depth

    @property
    def drained(self) -> bool:
        """Whether nothing waits."""
        return self.depth == 0

    def put(self, position: int, samples: Samples) -> None:
        """Sound at `position` on the sender's time line; late, twice, overlapping or after a gap as it may be."""
        sound = splice.clean(samples)
        self.counters.heard += len(sound)
        if not len(sound) or self._refused(position, len(sound)):
            self.counters.dropped += len(sound)
            return
        ahead = 0 if self._end is None else position - self._end
        burst = self._end is None or ahead > GAP
        if burst and self._late.far(self._clock - position):
            self._late.clear()
        known, placed = min(max(-ahead, 0), len(sound)), 0
        if known:
            placed = self._queue.fill(self._queue.end + ahead, sound[:known])
            self.counters.dropped += known - placed
        fresh, start = sound[known:], position if placed else position + known
        if placed or len(fresh):
            need, longest = self._arrived or (self._clock - start, 0)
            self._arrived = max(need, self._clock - start), max(longest, len(sound))
        if len(fresh):
            self._end = position + len(sound)
            self._append(fresh, 0 if burst else max(ahead, 0), burst)

    def take(self, count: int) -> Taken:
        """The next `count` samples of the time line."""
        self._piece = count
        self._voice = False
        if self._arrived is not None and self._end is not None:
            need, packet = self._arrived
            self._late.record(self._clock, need, self._end - self._clock, packet)
            self._arrived = None
        if self._full or self._queue.span - count > self._cap:
            self._drop(self._queue.span - count - self._ceiling)
            self._full = False
        out = np.zeros(count, np.float32)
        at = 0
        while at < count:
            n = self._step(out[at : at + STEP], at)
            self._keep(out[at : at + n])
            self._clock += n
            at += n
        delay = max(self._queue.span, 0 if self._playing else self._start_level() - count)
        return Taken(out, self._voice, delay)

    def restart(self) -> None:
        """A new sender: positions begin anew. What waits of the one before is still played."""
        self._end, self._stale, self._arrived = None, 0, None
        self._late.clear()

    def cut(self) -> None:
        """Drops all that waits; what sounds dies away within a few milliseconds."""
        if self._playing:
            self._fall()
        self._playing, self._waited = False, 0
        self.counters.dropped += self._queue.advance(self._queue.span)

    @property
    def _ceiling(self) -> int:
        """What may wait after a take: `most`, or a packet where packets are longer."""
        return max(self._most, self._late.packet + MARGIN)

    @property
    def _cap(self) -> int:
        return max(self._limit, self._ceiling + MARGIN)

    def _refused(self, position: int, count: int) -> bool:
        """Whether a packet cannot be placed. Begins another numbering where too much came from far back."""
        ahead = 0 if self._end is None else position - self._end
        if ahead + count > -BACK:
            self._stale = 0
            return self._queue.shreds >= SHREDS and ahead != 0
        self._stale += count
        if self._stale < RENUMBER:
            return True
        self.restart()
        return False

    def _append(self, sound: Samples, hole: int, burst: bool) -> None:
        """Lays sound at the end, and drops what is oldest where no room is left."""
        if not self._playing and not self._queue.span:
            hole = 0  # its time has gone by in silence
        room = self._cap + self._piece
        over = self._queue.span + hole + len(sound) - room
        if over > 0:
            self._full = True
            self._drop(min(over, self._queue.span))
            self.counters.dropped += max(len(sound) - room, 0)
            hole, sound = min(hole, room), sound[-room:]
        self._queue.append(sound, hole=hole, burst=burst)

    def _drop(self, count: int) -> None:
        """Drops the oldest at once, crossfaded."""
        if count > 0:
            if self._playing:
                self._fall()
            self.counters.dropped += self._queue.advance(count)

    def _start_level(self) -> int:
        """Samples that wait before a take when a burst begins."""
        late = self._late
        base = max(self._target, max(self._piece, late.packet) + MARGIN)
        usual = late.need + self._margin + late.lead if late.settled else 0
        return max(base, min(usual, self._ceiling + self._piece))

    @property
    def _margin(self) -> int:
        return max(self._target - max(self._piece, self._late.packet), MARGIN)

    def _step(self, out: Samples, at: int) -> int:
        """Writes the next samples of a piece of which `at` are done; how many, 0 where only the state has changed."""
        if not self._playing:
            return self._wait(out, at)
        if self._queue.clear:
            self._regulate(len(out), at)
            return self._play(out[: self._queue.clear])
        self._lose()
        count = min(self._queue.hole, len(out))
        if count:
            self._rest(out[:count], made_up=True)
            self._queue.advance(count)
        else:  # nothing is left, or another burst begins
            self._playing, self._waited = False, 0
        return count

    def _wait(self, out: Samples, at: int) -> int:
        """Silence until enough waits: what comes while a piece is played counts, as it does once all flows."""
        span, level = self._queue.span, self._start_level()
        wait = max(min(level - span - at, level - self._waited), 0) if span else len(out)
        count = min(wait, len(out))
        self._rest(out[:count])
        if span:
            self._waited += count
            if count == wait:
                self._queue.broken()
                self._late.settle_anew()
                self._pace.rest()
                self._playing, self._risen = True, 0
        return count

    def _play(self, out: Samples) -> int:
        """Gives out what is next."""
        out[:] = self._mixed(self._queue.ahead(len(out)))
        self._risen = min(self._risen + len(out), FADE)
        self._tail = self._tail[len(out) :] if self._risen < FADE else self._tail[:0]
        played = self._queue.advance(len(out))
        self.counters.played += played
        self.counters.concealed += len(out) - played
        self._pace.hear(out)
        self._sounding = self._voice = True
        return len(out)

    def _mixed(self, sound: Samples) -> Samples:
        """Sound as it is played now: it fades in while the tail of what was before fades out."""
        if self._risen >= FADE:
            return sound
        gain = splice.rise(self._risen, self._risen + len(sound))
        mixed = sound.copy()
        mixed[: len(gain)] *= gain
        tail = self._tail[: len(gain)]
        mixed[: len(tail)] += tail * (1 - gain[: len(tail)])
        return mixed

    def _rest(self, out: Samples, *, made_up: bool = False) -> None:
        """Silence, after what still dies away."""
        tail = self._tail[: len(out)]
        out[: len(tail)] = tail
        self._tail = self._tail[len(tail) :]
        self.counters.concealed += len(out) if made_up else len(tail)

    def _lose(self) -> None:
        """Sound ends here without having died away."""
        if self._sounding:
            self._tail, self._risen, self._sounding = splice.continued(self._past, TAIL), 0, False

    def _fall(self) -> None:
        """What would be played next dies away quickly instead."""
        if self._sounding:
            sound = self._mixed(self._queue.ahead(FADE))
            if len(sound) < FADE:
                after = splice.continued(np.concatenate([self._past, sound])[-PAST:], FADE)
                sound = np.concatenate([sound, after])[:FADE]
            self._tail = sound * splice.rise(0, FADE)[::-1]
        self._risen, self._sounding = 0, False

    def _keep(self, out: Samples) -> None:
        self._past = np.concatenate([self._past[len(out) :], out[-PAST:]])

    def _regulate(self, count: int, at: int) -> None:
        """Leaves out or says twice a piece of what is next, where too much or too little is in reserve."""
        over = self._queue.span - (self._piece - at) - self._ceiling
        self._above = self._above + count if over > 0 else 0
        surplus = self._surplus() if self._end is not None and self._late.settled else 0
        if over > 0:  # for moments, for good reason: where sound comes in lumps the next is far
            surplus = max(surplus, 0 if self._late.settled and self._above < MOMENT else over)
        hurry = over > 0 and surplus > 0
        self.counters.trimmed += self._pace.regulate(self._queue, count, surplus, self._margin, hurry=hurry)

    def _surplus(self) -> int:
        """By how many samples the reserve is more than is wanted."""
        late = self._late
        offset = self._clock - (self._end or 0) + self._queue.span
        swing = late.lead + late.need - self._piece  # of what waits after a take, above the reserve
        return offset - late.need - min(self._margin, self._ceiling - swing // 2)
