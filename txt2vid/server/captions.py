"""A session's captions: what is said and when, handed to whoever reads along, as server-sent events over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from txt2vid.core.captions import Caption, pieces
from txt2vid.core.tasks import within
from txt2vid.server.streaming import Lasting

KEPT = 8  # captions that one who comes late is told of: the sentence that is being said has three at most
AGO = 2.0  # seconds after its end for which one is kept: a viewer is behind by less
QUEUED = 64  # events that wait for a reader: minutes of speech; at the limit the connection ends, and it may come back
BEAT_SECONDS = 15.0  # without an event, after which a comment says that the connection lives: proxies wait for 60 s
BEAT = b":\n\n"
AGAIN = b"retry: 1000\n\n"  # milliseconds after which a browser comes back
MS = 3  # decimals of a second


class Captions:
    """The newest captions of a session, and their readers. Use it from one event loop.

    zero: seconds of the streams' time stamps where the session's time is 0. Readers get seconds of these time stamps,
    which a player compares with the picture that it shows. How many may read is the hub's to say.
    """

    def __init__(self, zero: float = 0.0) -> None:
        self.also: Callable[[Caption | float], None] | None = None  # who else is told, in seconds of the session
        self._zero = zero
        self._kept: deque[Caption] = deque(maxlen=KEPT)
        self._readers: set[Reader] = set()
        self._open = True

    @property
    def readers(self) -> int:
        """How many read along."""
        return len(self._readers)

    def tell(self, caption: Caption) -> None:
        """A sentence is going to be heard, in seconds of the session; whatever lasts longer ends where it begins."""
        self._end(caption.start)
        while self._kept and self._kept[0].stop < caption.start - AGO:
            self._kept.popleft()
        for part in pieces(caption):
            self._kept.append(part)
            self._push(self._event(part))
            if self.also is not None:
                self.also(part)

    def cut(self, at: float) -> None:
        """An interruption: from `at` on, in seconds of the session, nothing is said that was told of before."""
        self._end(at)
        self._push(_event("cut", {"at": round(at + self._zero, MS)}))
        if self.also is not None:
            self.also(at)

    def subscribe(self, now: float | None = None) -> Reader:
        """A reader, who gets first what is being said; `close` it. now: seconds of the session, if known."""
        fresh = [part for part in self._kept if now is None or part.stop > now - AGO]
        reader = Reader(self._readers.discard, map(self._event, fresh))
        if self._open:
            self._readers.add(reader)
        else:
            reader.close()
        return reader

    def close(self) -> None:
        """The session is over: its readers' events end. Twice is safe."""
        self._open = False
        for reader in list(self._readers):
            reader.close()

    def _end(self, at: float) -> None:
        """What was told of ends there."""
        kept = [_until(part, at) for part in self._kept if part.start < at]
        self._kept.clear()
        self._kept.extend(kept)

    def _push(self, event: bytes) -> None:
        for reader in list(self._readers):
            reader.push(event)

    def _event(self, part: Caption) -> bytes:
        part = part.later(self._zero)
        words = [[round(word.start, MS), word.text] for word in part.words]
        return _event("caption", {"start": round(part.start, MS), "stop": round(part.stop, MS), "words": words})


class Reader:
    """Events for one reader, with a comment where there are none for a while. Ends once it is closed, or too slow."""

    def __init__(self, leave: Callable[[Reader], None], events: Iterable[bytes]) -> None:
        self._leave = leave
        self._waiting = deque([AGAIN, *events])  # at most QUEUED
        self._come = asyncio.Event()
        self._open = True

    def __aiter__(self) -> Reader:
        return self

    async def __anext__(self) -> bytes:
        while self._open and not self._waiting:
            self._come.clear()
            try:
                await within(self._come.wait(), BEAT_SECONDS)
            except asyncio.TimeoutError:
                return BEAT
        if not self._open:
            raise StopAsyncIteration
        data = b"".join(self._waiting)
        self._waiting.clear()
        return data

    def push(self, event: bytes) -> None:
        """One more; where too many wait, all are dropped, and the reader's connection ends."""
        if len(self._waiting) >= QUEUED:
            self.close()
        else:
            self._waiting.append(event)
            self._come.set()

    def close(self) -> None:
        """Ends it. Twice is safe."""
        self._open = False
        self._waiting.clear()
        self._come.set()
        self._leave(self)


def captions_response(request: Request, captions: Captions, now: float | None = None) -> Response:
    """The answer to GET and HEAD of captions: text/event-stream (WHATWG HTML, server-sent events). now: as above."""
    return _Events(captions, now, head=request.method == "HEAD")


class _Events(Lasting):
    def __init__(self, captions: Captions, now: float | None, *, head: bool) -> None:
        super().__init__("text/event-stream", head=head)
        self._captions, self._now = captions, now

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        reader = self._captions.subscribe(self._now)
        try:
            await self._start(send)
            await self._stream(reader, scope, receive, send)
        finally:
            reader.close()


def _until(caption: Caption, at: float) -> Caption:
    """What of a caption is said before that time, which is after its start."""
    if caption.stop <= at:
        return caption
    return Caption(tuple(word for word in caption.words if word.start < at), at)


def _event(name: str, body: Mapping[str, object]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n".encode(
        errors="replace"
    )
