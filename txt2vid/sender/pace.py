"""When to send, and when to try again: decisions without a clock of their own."""

from __future__ import annotations

import random
from collections.abc import Iterator

LATE = 0.1  # seconds; less is caught up, more (a connection was lost) moves all that follows: no burst, no drift
FIRST_DELAY = 0.25  # seconds before the second attempt
LONGEST_DELAY = 5.0
JITTER = 0.25  # of a delay, either way, so that many senders do not come back in one moment


class Pacer:
    """Real time for positions of a stream. rate: of the positions, a second. now: of any monotonic clock."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._start: float | None = None

    def wait(self, position: int, now: float) -> float:
        """Seconds until the position is due; it is counted from the first one, so that errors do not add up."""
        at = position / self._rate
        if self._start is None:
            self._start = now - at
        late = now - self._start - at
        if late > LATE:
            self._start += late
        return max(0.0, -late)


def delays(chance: random.Random | None = None) -> Iterator[float]:
    """Seconds to wait before each further attempt: doubling, bounded, never quite the same."""
    chance, delay = chance or random.Random(), FIRST_DELAY  # noqa: S311 - no secret
    while True:
        yield delay * chance.uniform(1 - JITTER, 1 + JITTER)
        delay = min(2 * delay, LONGEST_DELAY)
