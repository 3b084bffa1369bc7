"""Which frames of which sessions a network draws next: one batch across all sessions. There is no clock in it.

    waiting, at most one question a session (a newer one takes an older one's place)
        │  who was answered longest ago comes first, and of those the most urgent
        v
    a batch: as large as the device gains by, but not so large that its most urgent frame comes too late

When the network is too slow for all, every session is answered equally often: mouths move at a lower rate, frames are
held in between, and nobody waits longer than for its turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from txt2vid.core.media import Pixels

Key = tuple[str, int]
FORGET = 0.2  # of what a batch took before: the estimate follows the last few batches
DOUBT = 0.02  # likewise, of how much longer than several small ones a batch is said to take: tried again after a while
ABOUT = 1.2  # a share of the time that is so little more is as good: smaller batches are answered sooner
MAX_SESSIONS = 4096  # whose turns are remembered; the ones that were answered longest ago are forgotten


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a session. ticket: names it in the answer. key, crop, heard: as `engines.base.Network.answer` takes
    them. due: when the frame is to be shown, in seconds of time.monotonic().
    """

    session: str
    ticket: int
    key: Key
    crop: Pixels | None
    heard: Any
    due: float


@dataclass(frozen=True, slots=True)
class Answered:
    """mouth: None where the network did not know the key: ask again with its crop."""

    session: str
    ticket: int
    key: Key
    mouth: Pixels | None


@dataclass(slots=True)
class Counts:
    """What was done, since the start. seconds: of batches. late: answers that came after their frame was due.

    replaced: questions whose session asked anew before their turn came.
    """

    answered: int = 0
    batches: int = 0
    replaced: int = 0
    late: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Batcher:
    """buckets: the batch sizes that a device runs, rising."""

    buckets: Sequence[int]
    counts: Counts = field(default_factory=Counts)
    _waiting: dict[str, Asked] = field(default_factory=dict)
    _turns: dict[str, int] = field(default_factory=dict)  # when each session was last chosen, in questions
    _turn: int = 0
    _seconds: dict[int, float] = field(default_factory=dict)  # what a batch of each size takes

    @property
    def waiting(self) -> int:
        """How many questions wait."""
        return len(self._waiting)

    def ask(self, asked: Asked) -> None:
        """Adds a question. One of the same session that waits already gives way, but leaves its crop behind."""
        before = self._waiting.pop(asked.session, None)
        if before is not None:
            self.counts.replaced += 1
            if asked.crop is None and before.key == asked.key:
                asked = replace(asked, crop=before.crop)
        self._waiting[asked.session] = asked

    def drop(self, session: str) -> None:
        """Forgets a session."""
        self._waiting.pop(session, None)
        self._turns.pop(session, None)

    def next(self, now: float, most: int) -> list[Asked]:
        """The next batch, at most `most`; empty where nothing waits."""
        order = sorted(self._waiting.values(), key=lambda each: (self._turns.get(each.session, -1), each.due))
        batch = order[: self._size(order, now, most)]
        for each in batch:
            del self._waiting[each.session]
            self._turns.pop(each.session, None)
            self._turns[each.session] = self._turn
            self._turn += 1
        while len(self._turns) > MAX_SESSIONS:
            self._turns.pop(next(iter(self._turns)))
        return batch

    def done(self, batch: Sequence[Asked], began: float, ended: float) -> None:
        """A batch was answered."""
        bucket, took = self._bucket(len(batch)), ended - began
        before = self._seconds.get(bucket, took)
        self._seconds[bucket] = before + FORGET * (took - before)
        self._doubt(bucket)
        self.counts.answered += len(batch)
        self.counts.batches += 1
        self.counts.seconds += took
        self.counts.late += sum(each.due < ended for each in batch)

    def _size(self, order: Sequence[Asked], now: float, most: int) -> int:
        """How many of those in order make the next batch: as many as can be, while its most urgent frame is in time.

        Where it cannot be in time, the fewest that are answered about as quickly, each, as in any larger batch.
        """
        size = min(len(order), most)
        if not size:
            return 0
        urgent = [each.due - now for each in order[:size] if each.due > now]
        sizes = sorted({*(bucket for bucket in self.buckets if bucket <= size), size})
        if urgent:
            fitting = [each for each in sizes if self._estimate(self._bucket(each)) <= min(urgent)]
            if fitting:
                return fitting[-1]
        shares = {each: self._estimate(self._bucket(each)) / each for each in sizes}
        return next((each for each in sizes if shares[each] <= ABOUT * min(shares.values())), size)

    def _estimate(self, bucket: int) -> float:
        """Seconds of a batch of that size; what was never run is as slow a frame as the largest that was."""
        if bucket in self._seconds:
            return self._seconds[bucket]
        smaller = [known for known in self._seconds if known < bucket]
        return self._seconds[max(smaller)] if smaller else 0.0

    def _doubt(self, bucket: int) -> None:
        """A larger batch that took longer than as many of these would is not believed for ever: it may have been a
        hiccup, and what is never tried again is never known better.
        """
        for larger, took in self._seconds.items():
            bound = -(-larger // bucket) * self._seconds[bucket]
            if larger > bucket and took > bound:
                self._seconds[larger] = took + DOUBT * (bound - took)

    def _bucket(self, size: int) -> int:
        return next((bucket for bucket in self.buckets if bucket >= size), self.buckets[-1])
