"""What one viewer of a stream gets, and what waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Literal

from txt2vid.transports.units import Unit

Kind = Literal["ts", "mp4"]

QUEUED_BYTES = 4 << 20  # that wait for a viewer: seconds at 10 Mbit/s, far above what we encode. Then all is dropped
QUEUED_SECONDS = 2.0  # that the oldest of them may wait: a live picture older than that is worth less than a jump


class Subscription(AsyncIterator[bytes]):
    """What one viewer gets: each item is all that waits for it, from a keyframe on, after the stream's header.

    One task at a time iterates. When more than QUEUED_BYTES or QUEUED_SECONDS wait, all that is dropped, and the
    viewer goes on at the next keyframe. dropped: units lost that way. bytes_out: what the viewer has taken.
    stalled_since: when the first unit came that the viewer has not looked for since (by the broadcaster's clock);
    None while nothing waits.
    """

    def __init__(self, kind: Kind, leave: Callable[[Subscription], None], clock: Callable[[], float]) -> None:
        self.kind = kind
        self.dropped = self.bytes_out = 0
        self.stalled_since: float | None = None
        self._leave, self._clock = leave, clock
        self._header = b""
        self._units: list[bytes] = []
        self._bytes = 0
        self._oldest = 0.0
        self._needs_key = True
        self._open = True
        self._waiter: asyncio.Future[None] | None = None

    @property
    def lag(self) -> float:
        """Seconds that the oldest unit has waited for the viewer."""
        return self._clock() - self._oldest if self._units else 0.0

    async def __anext__(self) -> bytes:
        while self._open and not self._units and not self._header:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not self._open:
            raise StopAsyncIteration
        units = [self._header, *self._units] if self._header else self._units
        self._header, self._units, self._bytes, self.stalled_since = b"", [], 0, None
        data = units[0] if len(units) == 1 else b"".join(units)
        self.bytes_out += len(data)
        return data

    def close(self) -> None:
        """Ends the iteration, and drops what waits. Twice is safe."""
        if self._open:
            self._open = False
            self._clear()
            self._wake()
            self._leave(self)

    def begin(self, header: bytes) -> None:
        """A new stream: its header comes first, then units from a keyframe on."""
        if header:  # what waits of the stream before could not follow it
            self._clear()
            self._header = header
            self._wake()
        self._needs_key = True

    def push(self, units: list[Unit], now: float) -> None:
        """Queues units, or drops what waits."""
        if self._units and (self._bytes > QUEUED_BYTES or now - self._oldest > QUEUED_SECONDS):
            self.dropped += len(self._units)
            self._clear()
            self._needs_key = True
        for data, key in units:
            if self._needs_key:
                if not key:
                    continue
                self._needs_key = False
            if not self._units:
                self._oldest = now
                if self.stalled_since is None:
                    self.stalled_since = now
            self._units.append(data)
            self._bytes += len(data)
        if self._units:
            self._wake()

    def _clear(self) -> None:
        self._units, self._bytes = [], 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
