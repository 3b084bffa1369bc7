"""One encode, any number of viewers: two pipes are read, and their units handed out."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from fractions import Fraction

from txt2vid.ffmpeg.program import widen
from txt2vid.transports.mp4 import Mp4Cutter
from txt2vid.transports.subscription import Kind, Subscription
from txt2vid.transports.ts import TsCutter
from txt2vid.transports.units import Cutter

MAX_VIEWERS = 100  # of a session: 150 Mbit/s of a 512x512 picture; more want a media server behind --publish
READ_BYTES = 64 * 1024  # of a read, a pipe's usual size; from 128 kB on malloc asks the kernel: ten times slower
POLL_SECONDS = 0.1  # between reads of a pipe that nobody watches; it holds 1 MB (`widen`), more than is written then

_CUTTERS: dict[Kind, Callable[[], Cutter]] = {"ts": TsCutter, "mp4": Mp4Cutter}


class ViewersFull(Exception):  # noqa: N818 - what it says, and no error of ours
    """As many watch as may."""


class _Pipe:
    """One of an encoder's pipes, and its viewers, who stay when the encoder changes."""

    def __init__(self, kind: Kind, clock: Callable[[], float]) -> None:
        self.viewers: list[Subscription] = []
        self.bytes_in = 0
        self._kind, self._clock = kind, clock
        self._fd: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # that looks after the fd
        self._poll: asyncio.TimerHandle | None = None
        self._cutter: Cutter = _CUTTERS[kind]()
        self._header = b""

    def attach(self, fd: int) -> None:
        """Reads this pipe from now on, and owns it."""
        self.detach()
        self._fd, self._loop = fd, asyncio.get_running_loop()
        os.set_blocking(fd, False)
        widen(fd)
        self._cutter = _CUTTERS[self._kind]()
        for viewer in self.viewers:
            viewer.begin(b"")
        self._watch()

    def detach(self) -> None:
        """Closes the pipe, if there is one."""
        if self._fd is not None:
            self._quiet()
            os.close(self._fd)
            self._fd, self._header = None, b""

    def subscribe(self, viewer: Subscription) -> None:
        """Adds a viewer."""
        if not self.viewers:
            self._drain()  # what came while nobody wanted it
        viewer.begin(self._header)
        self.viewers.append(viewer)
        if len(self.viewers) == 1:
            self._watch()

    def unsubscribe(self, viewer: Subscription) -> None:
        """Removes a viewer."""
        self.viewers.remove(viewer)
        if not self.viewers:
            self._watch()

    def _watch(self) -> None:
        """Has the pipe read whenever something comes while somebody watches, and now and then while nobody does."""
        if self._fd is None or self._loop is None:
            return
        self._quiet()
        self._cutter.skip = not self.viewers
        if self.viewers:
            self._loop.add_reader(self._fd, self._read)
        else:
            self._poll = self._loop.call_later(POLL_SECONDS, self._drain_again)

    def _quiet(self) -> None:
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        elif self._loop is not None and self._fd is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._fd)

    def _drain_again(self) -> None:
        self._drain()
        self._watch()

    def _drain(self) -> None:
        while self._read() == READ_BYTES:
            pass

    def _read(self) -> int:
        """Hands out what has come; gives how many bytes that were. At its end the pipe is closed."""
        if self._fd is None:
            return 0
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return 0
        except OSError:
            data = b""
        if not data:
            self.detach()
            return 0
        self.bytes_in += len(data)
        units = self._cutter.feed(data)
        if self._cutter.header != self._header:
            self._header = self._cutter.header
            for viewer in self.viewers:
                viewer.begin(self._header)
        if units and self.viewers:
            now = self._clock()
            for viewer in self.viewers:
                viewer.push(units, now)
        return len(data)


class Broadcaster:
    """Fan-out of one session's encode to its viewers. Nothing a viewer does or leaves undone reaches the session.

    Lives in one event loop. on_viewers(n) is called when n, the number of viewers, has changed; the encoder may come
    and go meanwhile, viewers wait for it. start: seconds of the session where the encode that is attached begins.
    fps: of its pictures, for whoever repacks them; set it where it is another than 25.
    """

    def __init__(
        self,
        max_viewers: int = MAX_VIEWERS,
        *,
        on_viewers: Callable[[int], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.start: Fraction | None = None
        self.fps = Fraction(25)
        self.on_viewers = on_viewers
        self._max_viewers, self._clock = max_viewers, clock
        self._pipes: dict[Kind, _Pipe] = {"ts": _Pipe("ts", clock), "mp4": _Pipe("mp4", clock)}
        self._gone_bytes = self._gone_dropped = 0  # of viewers that have left
        self._open = True

    @property
    def viewers(self) -> int:
        """How many watch."""
        return sum(len(pipe.viewers) for pipe in self._pipes.values())

    @property
    def bytes_in(self) -> int:
        """What encoders have written, both streams."""
        return sum(pipe.bytes_in for pipe in self._pipes.values())

    @property
    def bytes_out(self) -> int:
        """What viewers have taken."""
        return self._gone_bytes + sum(viewer.bytes_out for viewer in self._all())

    @property
    def dropped(self) -> int:
        """Units dropped for viewers that were slow."""
        return self._gone_dropped + sum(viewer.dropped for viewer in self._all())

    def attach(self, ts_fd: int, mp4_fd: int, start: Fraction) -> None:
        """Goes on with a new encoder's pipes, owns and closes them; those of the one before are closed."""
        if not self._open:
            os.close(ts_fd)
            os.close(mp4_fd)
            return
        self.start = start
        self._pipes["ts"].attach(ts_fd)
        self._pipes["mp4"].attach(mp4_fd)

    def detach(self) -> None:
        """The encoder has stopped; viewers stay and wait for another. Twice is safe."""
        for pipe in self._pipes.values():
            pipe.detach()
        self.start = None

    def subscribe(self, kind: Kind) -> Subscription:
        """A new viewer, who must close it in the end. Raises ViewersFull; after `close` its iteration ends at once."""
        if self.viewers >= self._max_viewers:
            raise ViewersFull(f"{self._max_viewers} viewers watch already, and no more may")
        viewer = Subscription(kind, self._leave, self._clock)
        if self._open:
            self._pipes[kind].subscribe(viewer)
            self._changed()
        else:
            viewer.close()
        return viewer

    def close(self) -> None:
        """Detaches, and ends all subscriptions, of which on_viewers is not told. Twice is safe."""
        self._open = False
        self.detach()
        for viewer in self._all():
            viewer.close()

    def _all(self) -> list[Subscription]:
        return [viewer for pipe in self._pipes.values() for viewer in pipe.viewers]

    def _leave(self, viewer: Subscription) -> None:
        viewers = self._pipes[viewer.kind].viewers
        if viewer in viewers:
            self._pipes[viewer.kind].unsubscribe(viewer)
            self._gone_bytes += viewer.bytes_out
            self._gone_dropped += viewer.dropped
            self._changed()

    def _changed(self) -> None:
        if self.on_viewers is not None and self._open:
            self.on_viewers(self.viewers)
