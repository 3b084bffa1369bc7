"""How late sound comes, and what is left out or said twice so that neither too much nor too little of it waits."""

from __future__ import annotations

import numpy as np

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.pipeline import splice
from txt2vid.pipeline.splice import FADE, LOOK, MIN_LAG, ROOM, SoundQueue

_MS = LISTENING_RATE // 1000
MARGIN = 20 * _MS  # samples to spare at the least: a packet
GAP = 200 * _MS  # samples that may be missing within a burst: longer than any sound of speech

LOW = 5 * _MS  # samples of reserve under which it is stretched
TOLERANCE = 20 * _MS  # samples above the margin that are left in speech
PATIENCE = LISTENING_RATE  # samples for which it must have been more
SETTLED = LISTENING_RATE  # samples until arrivals tell enough
PACE = 0.08  # of the time, by which speech may be quicker or slower: not heard
HURRY = 0.25  # the same while more than `most` waits: heard, but every word comes
LIKENESS = 0.9  # correlation of two periods that may become one; falls to nothing where none is found ...
RELENT = 3 * LISTENING_RATE  # ... for so many samples (noise, dense music) ...
CONTENT = 0.9  # ... of which a splice leaves so much: noise gives in again soon, and a voice stays particular
HUSH = 0.05  # of the speech level (-26 dB): softer is silence
HUSH_RANGE = (1e-4, 1e-2)  # and never softer than -80 dBFS, nor louder than -40
FIRST_LEVEL = 0.06  # RMS of speech before any was heard: HUSH makes it -50 dBFS
FORGET = 20 * LISTENING_RATE  # samples in which the level falls to 37 %
LEAST_HUSH = 20 * _MS  # samples of silence that are touched; 10 of the 20 ms stay


class Lateness:
    """How late sound came in the last ten seconds, one record a take: a flood after a stall is one event, not hundreds.

    need: samples taken less position, of the latest 4 % the earliest. lead: how far sound reached ahead of the samples
    taken, of the earliest 10 % the latest. packet: samples of the longest. settled: whether a second is behind this.
    """

    SHARE = 0.96  # of the records that shall be in time
    WINDOW = 10 * LISTENING_RATE  # samples taken
    RECORDS = 512  # more than packets of 20 ms in the window
    EVERY = LISTENING_RATE // 5  # samples until it is worked out again

    def __init__(self) -> None:
        self._rows = np.zeros((self.RECORDS, 4), np.int64)  # when, need, lead, length of the longest packet
        self.clear()

    def clear(self) -> None:
        """Forgets all: positions and time relate anew."""
        self._count = 0
        self._due = 0
        self.need, self.lead, self.packet, self.settled = 0, 0, 0, False

    def far(self, need: int) -> bool:
        """Whether sound that comes so late goes by another count than what came before."""
        return self._count > 0 and abs(need - self.need) > GAP

    def settle_anew(self) -> None:
        """Sound begins to play after a lack: what the last record says of it may be what holds from now on."""
        if self._count and self.far(int(self._rows[(self._count - 1) % self.RECORDS, 1])):
            last = self._rows[(self._count - 1) % self.RECORDS].copy()
            self.clear()
            self.record(*last.tolist())

    def record(self, clock: int, need: int, lead: int, packet: int) -> None:
        """need: of the latest packet since the last take. lead: how far sound reaches ahead of the clock."""
        self._rows[self._count % self.RECORDS] = clock, need, lead, packet
        self._count += 1
        if clock >= self._due or self._count < 16:
            self._work_out(clock)

    def _work_out(self, clock: int) -> None:
        self._due = clock + self.EVERY
        rows = self._rows[: min(self._count, self.RECORDS)]
        rows = rows[rows[:, 0] > clock - self.WINDOW]
        last = len(rows) - 1
        self.need = int(np.sort(rows[:, 1])[int(self.SHARE * last)])
        self.lead = int(np.sort(rows[:, 2])[last - last // 10])
        self.packet = int(rows[:, 3].max())
        self.settled = clock - int(rows[:, 0].min()) >= SETTLED


class Pace:
    """Shortens or stretches what is next on a queue: in silence at once, in speech now and then by a pitch period.

    Time-scale modification as in WSOLA (Verhelst & Roelands 1993) and in NetEq's accelerate and preemptive expand.
    """

    def __init__(self) -> None:
        self._level = FIRST_LEVEL
        self._way = 0  # in speech: -1 while shortening, 1 while stretching
        self._long = 0  # samples for which too much has waited
        self._owed = 0.0  # samples of the last splice that time has not made good yet
        self._sought = 0.0  # samples for which a splice has been looked for

    def rest(self) -> None:
        """Sound begins anew: nothing is under way."""
        self._way, self._long, self._owed, self._sought = 0, 0, 0.0, 0.0

    def hear(self, sound: Samples) -> None:
        """What was played, for the level of speech."""
        loudness = float(np.sqrt(np.dot(sound, sound) / len(sound)))
        self._level = max(loudness, self._level * (1 - min(len(sound) / FORGET, 1)))

    def regulate(self, queue: SoundQueue, count: int, surplus: int, margin: int, *, hurry: bool) -> int:
        """Before `count` samples are played, of which `surplus` too many are in reserve; `margin` is what is wanted.

        hurry: more waits than may. Returns how many samples of the sender were left out.
        """
        low = LOW - margin
        if low <= surplus <= LOW and not self._way:
            self._long = 0
            return 0
        if not queue.pure():
            return 0
        still = self._still(queue, abs(surplus) + 2 * LEAST_HUSH)
        if still < LEAST_HUSH:
            return self._in_speech(queue, count, surplus, low, hurry=hurry)
        if surplus > LOW:
            return queue.leave_out(min(surplus, still - 2 * FADE), FADE)
        if surplus < low:
            queue.say_twice(min(-surplus, still - 2 * FADE, ROOM), FADE)
        return 0

    def _still(self, queue: SoundQueue, count: int) -> int:
        """How many of the next samples are silence."""
        softest, loudest = HUSH_RANGE
        return splice.quiet(queue.ahead(count), min(max(self._level * HUSH, softest), loudest))

    def _in_speech(self, queue: SoundQueue, count: int, surplus: int, low: int, *, hurry: bool) -> int:
        """Merges two pitch periods into one, or says one twice."""
        self._long = self._long + count if surplus > TOLERANCE else 0
        if hurry or self._long >= PATIENCE:
            self._way = -1
        elif surplus < low:
            self._way = 1
        elif -MARGIN // 2 <= surplus <= MIN_LAG or self._way * surplus > 0:
            self._way, self._sought = 0, 0.0
        self._owed = max(self._owed - count * (HURRY if hurry else PACE), 0.0)
        if not self._way:
            return 0
        self._sought += count
        sound = queue.ahead(LOOK)
        if self._owed or len(sound) < LOOK:
            return 0
        lag, likeness = splice.best_lag(sound)
        if likeness < LIKENESS * (1 - self._sought / RELENT) * (0.5 if hurry else 1):
            return 0
        self._owed, self._sought = float(lag), self._sought * CONTENT
        if self._way < 0:
            return queue.leave_out(lag, lag)
        queue.say_twice(lag, lag)
        return 0
