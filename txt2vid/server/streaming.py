"""A session's stream over HTTP: one response that goes on for as long as its viewer reads."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress
from fractions import Fraction
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from txt2vid.errors import FFmpegError
from txt2vid.ffmpeg.publish import Publisher
from txt2vid.ffmpeg.remux import Remuxer
from txt2vid.transports.broadcast import Broadcaster, ViewersFull
from txt2vid.transports.subscription import Kind, Subscription

MEDIA_TYPES = {"ts": "video/mp2t", "mp4": "video/mp4", "mkv": "video/x-matroska", "avi": "video/x-msvideo"}
STALL_SECONDS = 15.0  # that a viewer may read nothing: a wireless network's worst; then it is disconnected
CHECK_SECONDS = 1.0  # between looks at that
SEND_BUFFER = 256 * 1024  # bytes of a viewer's socket: 1 s of a stream; Linux lets it grow to 4 MB, all of it delay
IDLE_SECONDS = 15.0  # without a request, at least, and twice that at most: the same as limits.KEEP_ALIVE
CLOSE_SECONDS = 5.0  # for the other end to say goodbye, as TLS wants it: some never do
WRITE_BUFFER = 64 * 1024  # bytes that wait here for the socket: asyncio's own limit, but for TLS, where it is 512 kB
RETRY_SECONDS = 10  # after which one who found all places taken may ask again
MAX_REMUXED = 8  # viewers of mkv and avi, of the whole server: each has a process of its own, of some 30 MB

CONNECTION = "connection"  # key in an ASGI scope's state
_DIRECT: dict[str, Kind] = {"ts": "ts", "mp4": "mp4"}
_REMUXED: set[Subscription] = set()  # all of this process

_log = logging.getLogger(__name__)


class StreamProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, whose requests know their connection: ASGI has no word for cutting one.

    Give it as `http` to uvicorn.Config. Without it a viewer that reads nothing is left, but stays connected as long as
    the system lets it. A connection without a whole request for IDLE_SECONDS is closed; uvicorn itself waits for ever
    for the rest of a head, and any byte ends its wait after a request.
    """

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, {**app_state, CONNECTION: self}, _loop)
        self._last: object = None  # the request that was the last one at the look before
        self._look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self._look = self.loop.call_later(IDLE_SECONDS, self._close_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _close_idle(self) -> None:
        """Looks once in IDLE_SECONDS whether a request is being answered, or was since the last look."""
        if self.transport.get_protocol() is not self:
            return  # a websocket by now
        cycle: Any = self.cycle  # None before the first request, though uvicorn says otherwise
        waits = cycle is None or cycle.response_complete
        if waits and cycle is self._last:
            self.transport.close()
            self._look = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
            return
        self._last = cycle if waits else None
        self._look = self.loop.call_later(IDLE_SECONDS, self._close_idle)


def stream_response(request: Request, broadcaster: Broadcaster, container: str) -> Response:
    """The answer to GET and HEAD of a stream. container: a key of MEDIA_TYPES. Ranges are not looked at."""
    return _Stream(broadcaster, container, head=request.method == "HEAD")


class Lasting(Response):
    """An answer that goes on for as long as its viewer reads; one that reads nothing is cut off.

    Subclasses say what is sent, in `_send`, which ends what they begin there whatever happens.
    """

    def __init__(self, media_type: str, *, head: bool) -> None:
        self.status_code = 200
        self.background = None
        self.media_type = media_type
        self.init_headers({"Cache-Control": "no-store", "Connection": "close"})
        self._head = head
        self._sending_since: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        if self._head:
            await self._start(send)
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._send(scope, receive, send)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    async def _start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    async def _stream(self, chunks: AsyncIterator[bytes], scope: Scope, receive: Receive, send: Send) -> None:
        """Sends until there is no more, the viewer is gone, or it reads nothing."""
        connection: StreamProtocol | None = scope.get("state", {}).get(CONNECTION)
        if connection is not None:
            end = connection.transport.get_extra_info("socket")
            with suppress(OSError):  # it has hung up already
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            connection.transport.set_write_buffer_limits(WRITE_BUFFER)
        pump = asyncio.create_task(self._pump(chunks, send))
        gone = asyncio.create_task(_gone(receive))
        try:
            while not pump.done() and not gone.done():
                await asyncio.wait((pump, gone), timeout=CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if self._stalled():
                    if connection is None:
                        return
                    connection.transport.abort()
                    await gone
            if pump.done():
                pump.result()
        finally:
            pump.cancel()
            gone.cancel()
            await asyncio.gather(pump, gone, return_exceptions=True)

    async def _pump(self, chunks: AsyncIterator[bytes], send: Send) -> None:
        now = asyncio.get_running_loop().time
        async for chunk in chunks:
            self._sending_since = now()
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self._sending_since = None
        await send({"type": "http.response.body", "body": b""})

    def _stalled(self) -> bool:
        since = self._sending_since
        return since is not None and asyncio.get_running_loop().time() - since > STALL_SECONDS


class _Stream(Lasting):
    """Subscribes when it is sent, and closes its subscription whatever happens then."""

    def __init__(self, broadcaster: Broadcaster, container: str, *, head: bool) -> None:
        super().__init__(MEDIA_TYPES[container], head=head)
        self._broadcaster, self._container = broadcaster, container

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            viewer = self._subscribe()
        except ViewersFull as full:
            answer = PlainTextResponse(f"{full}\n", 503, {"Retry-After": str(RETRY_SECONDS)})
            await answer(scope, receive, send)
            return
        try:
            await self._start(send)
            if self._container in _DIRECT:
                await self._stream(viewer, scope, receive, send)
            else:
                async with aclosing(_remuxed(viewer, self._container, self._broadcaster.fps)) as chunks:
                    await self._stream(chunks, scope, receive, send)
        finally:
            viewer.close()
            _REMUXED.discard(viewer)

    def _subscribe(self) -> Subscription:
        """Raises ViewersFull."""
        if self._container in _DIRECT:
            return self._broadcaster.subscribe(_DIRECT[self._container])
        if len(_REMUXED) >= MAX_REMUXED:
            raise ViewersFull(f"{MAX_REMUXED} viewers of mkv and avi are served already: take /stream.ts instead")
        viewer = self._broadcaster.subscribe("mp4")
        _REMUXED.add(viewer)
        return viewer


async def _gone(receive: Receive) -> None:
    """Waits until the viewer has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _remuxed(viewer: Subscription, container: str, fps: Fraction) -> AsyncGenerator[bytes, None]:
    """A viewer's MP4 in another container, until it ends or ffmpeg does."""
    remuxer = Remuxer(container, fps)

    async def feed(chunk: bytes) -> None:
        await remuxer.write(chunk)
        async for chunk in viewer:
            await remuxer.write(chunk)
        remuxer.finish()

    feeding: asyncio.Task[None] | None = None
    try:
        first = await anext(viewer, b"")
        if first and b"moof" not in first:  # the header alone, which is there before a keyframe
            first += await anext(viewer, b"")
        if first:
            await remuxer.open(first)
            feeding = asyncio.create_task(feed(first))
            while data := await remuxer.read():
                yield data
    except FFmpegError as err:
        _log.warning("a viewer's %s ends: %s", container, err)
    finally:
        if feeding is not None:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
        await remuxer.close()


class Publishing:
    """Sends a session's stream to media servers, each a viewer, so that the session is drawn.

    Raises UsageError at a URL that cannot be published to. publishers: for metrics.
    """

    def __init__(self, broadcaster: Broadcaster, urls: Sequence[str]) -> None:
        self.publishers = [Publisher(url, partial(broadcaster.subscribe, "ts")) for url in urls]

    async def run(self) -> None:
        """Publishes until it is cancelled."""
        tasks = [asyncio.create_task(_publish(publisher)) for publisher in self.publishers]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _publish(publisher: Publisher) -> None:
    while True:
        with suppress(ViewersFull):
            await publisher.run()
        _log.warning("publishing to %s finds no place: again in %d s", publisher.name, RETRY_SECONDS)
        await asyncio.sleep(RETRY_SECONDS)
