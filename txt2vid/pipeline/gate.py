"""When a driver's motion counts, and when something else rules the lips."""

from __future__ import annotations

from collections import deque

RAMP = 0.06  # seconds from one to the other: as fast as lips close


class Gate:
    """1 by default, 0 within the spans that were closed, with a ramp inside each end of a span."""

    def __init__(self) -> None:
        self._closed: deque[tuple[float, float]] = deque()

    def close(self, start: float, stop: float) -> None:
        """From start to stop, in seconds, nothing counts. Spans come in order of their starts."""
        if self._closed and start <= self._closed[-1][1] + RAMP:  # one line after the other is one span
            start, stop = self._closed[-1][0], max(stop, self._closed[-1][1])
            self._closed.pop()
        self._closed.append((start, stop))

    def reopen(self, at: float) -> None:
        """What was closed from `at` seconds on is not."""
        while self._closed and self._closed[-1][0] >= at:
            self._closed.pop()
        if self._closed and self._closed[-1][1] > at:
            self._closed[-1] = (self._closed[-1][0], at)

    def at(self, time: float) -> float:
        """How much counts at a moment, in [0, 1]; moments come in order, spans long past are forgotten."""
        while self._closed and self._closed[0][1] < time - RAMP:
            self._closed.popleft()
        shut = 0.0
        for start, stop in self._closed:
            shut = max(shut, min((time - start) / RAMP, (stop - time) / RAMP, 1.0))
        return 1.0 - max(0.0, shut)
