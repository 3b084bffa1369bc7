"""What waits to be sent, and what was sent but may not have arrived."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from txt2vid.core.wire import Text

LIVE_SECONDS = 0.5  # of a microphone's sound that wait: a hiccup of a network; more would only be heard too late
FILE_SECONDS = 0.2  # of a file's sound that wait: it can wait in the file as well
WINDOW_SECONDS = 1.5  # of sound that no pong has acknowledged. With what waits below the burst that servers take (2 s)
MAX_MOVED = 4  # motions of a camera that wait: the oldest are dropped, the face would only be late
MOVED_WINDOW = 120  # motions that no pong has acknowledged: some seconds; then they wait
MAX_TEXTS = 8  # that are not spoken yet: the next is at the server before the last has ended
MAX_CHARACTERS = 20_000  # of those, unless it is one alone: below the burst that servers take (30,000)


@dataclass(frozen=True, slots=True)
class Sound:
    """One packet. position: of its first sample. seconds: how long it sounds."""

    position: int
    payload: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """An interruption: sound after it is of the next epoch."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a camera saw, as it goes over the wire."""

    payload: bytes


Item = Sound | Text | Cut | Moved


class Outbox:
    """A bounded queue, and a window of what is under way.

    live: `put` never waits, the oldest sound is dropped instead; else it waits, and nothing is lost.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._limit = LIVE_SECONDS if live else FILE_SECONDS
        self._waiting: deque[Item] = deque()
        self._sent: deque[tuple[int, Item]] = deque()  # not acknowledged; at most WINDOW_SECONDS and MAX_TEXTS
        self._unspoken: dict[int, Text] = {}  # sent; at most MAX_TEXTS
        self._count = 0  # of items ever sent
        self._closed = False
        self._changed = asyncio.Event()
        self.dropped = 0.0
        """Seconds of sound that were left out."""

    def move(self, item: Moved) -> None:
        """Adds what a camera saw; where MAX_MOVED wait, the oldest is dropped."""
        waiting = [each for each in self._waiting if isinstance(each, Moved)]
        if len(waiting) >= MAX_MOVED:
            self._waiting.remove(waiting[0])
        self._waiting.append(item)
        self._changed.set()

    async def put(self, item: Sound | Text) -> None:
        """Adds an item at the end."""
        while not self._live and not self._has_room(item):
            await self._change()
        self._waiting.append(item)
        while self._live and _seconds(self._waiting) > self._limit:
            oldest = next(item for item in self._waiting if isinstance(item, Sound))
            self._waiting.remove(oldest)
            self.dropped += oldest.seconds
        self._changed.set()

    def close(self) -> None:
        """Nothing is put any more."""
        self._closed = True
        self._changed.set()

    async def take(self) -> Item | None:
        """The next item, once it may be sent; None once the outbox is closed and empty."""
        while not (self._waiting and self._may_go(self._waiting[0])):
            if self._closed and not self._waiting:
                return None
            await self._change()
        item = self._waiting.popleft()
        self._count += 1
        self._sent.append((self._count, item))
        if isinstance(item, Text):
            self._unspoken[item.id] = item
        self._changed.set()
        return item

    def mark(self) -> int:
        """All that was taken so far, for `acknowledge`."""
        return self._count

    def acknowledge(self, mark: int) -> None:
        """What was taken before the mark has arrived."""
        while self._sent and self._sent[0][0] <= mark:
            self._sent.popleft()
        self._changed.set()

    def spoken(self, text: int) -> None:
        """The text of that id was shown, or dropped by an interruption."""
        self._unspoken.pop(text, None)
        self._changed.set()

    @property
    def unspoken(self) -> tuple[Text, ...]:
        """Texts that were sent and whose end was not told yet."""
        return tuple(self._unspoken.values())

    def again(self, *, resumed: bool) -> None:
        """A new connection: what may be lost goes first. resumed: the server still has what it got before.

        Sound of a microphone is not sent twice: by now it would be heard too late.
        """
        lost = [item for _, item in self._sent]
        if not resumed:
            lost = [*self._unspoken.values(), *(item for item in lost if isinstance(item, Sound))]
        for item in reversed(lost):
            if not ((self._live and isinstance(item, Sound)) or isinstance(item, Moved)):
                self._waiting.appendleft(item)
        self._sent.clear()
        for item in self._waiting:
            if isinstance(item, Text):
                self._unspoken.pop(item.id, None)
        self._changed.set()

    def cut(self) -> None:
        """An interruption: the sound that waits is dropped, and what is put from now on is of another epoch."""
        self.dropped += _seconds(self._waiting)
        self._waiting = deque(item for item in self._waiting if isinstance(item, Text))
        self._waiting.appendleft(Cut())
        self._changed.set()

    def _has_room(self, item: Sound | Text) -> bool:
        if isinstance(item, Text):
            return not self._waiting
        return _seconds(self._waiting) + item.seconds <= self._limit

    def _may_go(self, item: Item) -> bool:
        if isinstance(item, Sound):
            return _seconds(sent for _, sent in self._sent) + item.seconds <= WINDOW_SECONDS
        if isinstance(item, Moved):
            return sum(isinstance(sent, Moved) for _, sent in self._sent) < MOVED_WINDOW
        if isinstance(item, Cut):
            return True
        characters = sum(len(text.text) for text in self._unspoken.values()) + len(item.text)
        return not self._unspoken or (len(self._unspoken) < MAX_TEXTS and characters <= MAX_CHARACTERS)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def _seconds(items: Iterable[Item]) -> float:
    return round(sum(item.seconds for item in items if isinstance(item, Sound)), 6)  # 25 x 0.02 is 0.5
