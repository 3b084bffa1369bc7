"""The server's process: studios, hub and HTTP are started, and all end together within seconds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import uvicorn

from txt2vid.core.machine import cores
from txt2vid.core.tasks import within
from txt2vid.core.wire import MAX_MESSAGE
from txt2vid.errors import DependencyError, Txt2VidError
from txt2vid.ffmpeg.publish import publisher
from txt2vid.pipeline.studios import Studios
from txt2vid.server import limits
from txt2vid.server.app import build
from txt2vid.server.calls.calls import Calls
from txt2vid.server.door import Door
from txt2vid.server.hub import Hub
from txt2vid.server.listen import bind
from txt2vid.server.logs import say
from txt2vid.server.mesh.cameras import Cameras
from txt2vid.server.mesh.routes import Mesh
from txt2vid.server.playlist import AudioPlaylist, Playlist, TextPlaylist
from txt2vid.server.seat import Refused
from txt2vid.server.sessions import Manner
from txt2vid.server.settings import WILDCARDS, Address, Settings
from txt2vid.server.streaming import Publishing, StreamProtocol
from txt2vid.server.voice import Voice
from txt2vid.server.whip import Whip

if TYPE_CHECKING:
    from txt2vid.server.certificate import Proof

_log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_SECONDS = 0.01

OnReady = Callable[[Address], None]


def serve(settings: Settings, on_ready: OnReady) -> None:
    """Serves until SIGINT, SIGTERM or SIGHUP, and then returns: that is how a server ends. Call from the main thread.

    on_ready: called once, when viewers and senders can come. Raises Txt2VidError where it cannot begin, or go on.
    """
    for url in settings.publish:
        publisher(url)  # raises
    playlist, proof = _playlist(settings), _proof(settings)
    _allow_files()
    listener = bind(settings.host, settings.port)
    try:
        asyncio.run(_Server(settings, listener, playlist, proof).run(on_ready))
    finally:
        listener.close()


class _Http(uvicorn.Server):
    """uvicorn, without its signal handlers: it would end before senders and viewers are told.

    door: accepts connections in its place, at the same listener.
    """

    def __init__(self, config: uvicorn.Config, door: Door | None) -> None:
        super().__init__(config)
        self._door = door

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, which listens nowhere itself where there is a door."""
        await super().startup(sockets if self._door is None else [])

    async def main_loop(self) -> None:
        """Between startup and shutdown."""
        if self._door is None:
            await super().main_loop()
            return
        accepting = asyncio.create_task(self._door.run(self._protocol), name="door")
        accepting.add_done_callback(_told)
        try:
            await super().main_loop()
        finally:
            accepting.cancel()
            await asyncio.wait({accepting})

    def _protocol(self) -> asyncio.Protocol:
        return StreamProtocol(self.config, self.server_state, self.lifespan.state)


class _Server:
    def __init__(
        self, settings: Settings, listener: socket.socket, playlist: Playlist | None, proof: Proof | None
    ) -> None:
        self._settings, self._listener, self._playlist, self._proof = settings, listener, playlist, proof
        self._studios = Studios(
            settings.engine,
            settings.workers or cores(),
            lambda event, fds: self._hub.on_event(event, fds),
            lambda names: self._hub.on_lost(names),
        )
        most, viewers = settings.max_sessions, settings.max_viewers
        manner = Manner(settings.fps, settings.seed, settings.mark, most, viewers, settings.expression)
        self._hub = Hub(self._studios, settings.faces, manner)
        voice = Voice(settings.speaker, settings.unknown_tags)
        self._whip = Whip(self._hub, settings.ice_servers, settings.udp_addresses)
        self._calls = Calls(self._hub, settings.calls, settings.ice_servers.for_peers)
        self._mesh = Mesh(
            Cameras(settings.workers or cores(), settings.max_cameras, settings.access), settings.ice_servers
        )
        app = build(self._hub, settings.access, voice, self._whip, self._calls, self._mesh)
        self._http = _Http(_config(app), None if proof is None else Door(listener, proof.context))

    async def run(self, on_ready: OnReady) -> None:
        with _ending() as ending:
            serving = asyncio.create_task(self._http.serve([self._listener]), name="http")
            sides: list[asyncio.Task[None]] = []
            ended = asyncio.create_task(ending.wait(), name="ending")
            starting = asyncio.create_task(self._start(), name="start")
            try:
                await asyncio.wait({starting, ended, serving}, return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    starting.result()  # raises what keeps it from starting
                    self._say_ready(on_ready)
                    sides += [asyncio.create_task(side) for side in self._sides()]
                    for side in sides:
                        side.add_done_callback(_told)
                    await asyncio.wait({ended, serving}, return_when=asyncio.FIRST_COMPLETED)
                if serving.done():
                    serving.result()
            finally:
                await self._end(serving, [starting, ended, *sides])

    async def _start(self) -> None:
        """All that must be there before anyone comes, side by side."""
        await asyncio.gather(self._hub.start(), self._whip.start())
        self._mesh.peers.use(self._whip.peers, self._whip.why_not)

    def _say_ready(self, on_ready: OnReady) -> None:
        host, port = self._listener.getsockname()[:2]
        shown = (None, ()) if self._proof is None else (self._proof.fingerprint, self._proof.names)
        address = Address(WILDCARDS.get(host, host), port, self._hub.faces.first, *shown)
        drawing = self._studios.drawing
        say(
            _log, "ready", host=host, port=port, faces=len(self._settings.faces), engine=drawing.engine, why=drawing.why
        )
        on_ready(address)

    def _sides(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What goes on beside the requests."""
        if self._playlist is not None:
            yield self._playlist.run(self._hub)
        if self._settings.publish:
            yield self._publish()

    async def _publish(self) -> None:
        """The first session goes to media servers; where it ends (drawing failed too often), it is begun again."""
        while self._hub.state != "stopping":
            try:
                session = await self._hub.watch(None)
                await Publishing(session.broadcaster, self._settings.publish).run()
            except Refused as err:
                say(_log, "publishing failed", logging.ERROR, why=str(err))
            await asyncio.sleep(limits.AGAIN_SECONDS)

    async def _end(self, serving: asyncio.Task[None], others: Sequence[asyncio.Task[Any]]) -> None:
        say(_log, "ending")
        self._calls.stop()
        self._hub.stop()
        self._whip.close("the server is going down")
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        with contextlib.suppress(asyncio.TimeoutError):
            await within(self._farewell(), limits.FAREWELL_SECONDS)
        self._http.should_exit = True
        end = asyncio.wait({serving}, timeout=limits.END_SECONDS)
        await asyncio.gather(self._studios.stop(), self._mesh.cameras.stop(), self._calls.close(), end)
        serving.cancel()
        await asyncio.wait({serving})
        say(_log, "ended")

    async def _farewell(self) -> None:
        """Until all requests are answered, and all senders told."""
        while self._http.server_state.tasks:
            await asyncio.sleep(POLL_SECONDS)


def _allow_files() -> None:
    """Each viewer is an open file, and 1024 is the usual limit, which any process may raise up to the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.OPEN_FILES if hard == resource.RLIM_INFINITY else min(limits.OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _told(side: asyncio.Task[None]) -> None:
    """Logs what a side ended with; the rest of the server goes on."""
    error = None if side.cancelled() else side.exception()
    if isinstance(error, Txt2VidError):
        say(_log, "a part of the server has failed", logging.ERROR, why=str(error))
    elif error is not None:
        _log.error("a part of the server has failed", exc_info=error)


def _playlist(settings: Settings) -> Playlist | None:
    if settings.audio is not None:
        return AudioPlaylist(settings.audio, loop=settings.loop)
    if settings.text_file is not None:
        voice = Voice(settings.speaker, settings.unknown_tags)
        return TextPlaylist(settings.text_file, loop=settings.loop, voice=voice)
    return None


def _proof(settings: Settings) -> Proof | None:
    """Raises Txt2VidError where there is to be TLS, and cannot be."""
    if settings.tls is None:
        return None
    try:
        from txt2vid.server.certificate import proof  # cryptography: only where it is needed
    except ModuleNotFoundError as err:
        raise DependencyError(f"TLS needs {err.name}: pip install 'txt2vid[serve]'") from err
    return proof(settings.tls, settings.host, settings.access.hosts)


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's types are of its own, starlette's are typing.Any's
        http=StreamProtocol,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE,
        ws_ping_interval=limits.PING_SECONDS,
        ws_ping_timeout=limits.PING_SECONDS,
        ws_per_message_deflate=False,  # Opus does not shrink, and a small message may unpack to a large one
        lifespan="off",
        log_config=None,
        access_log=False,  # it holds query strings, and tokens in them
        proxy_headers=False,
        server_header=False,
        limit_concurrency=limits.MAX_CONNECTIONS,
        h11_max_incomplete_event_size=limits.HEAD_BYTES,
        timeout_keep_alive=limits.KEEP_ALIVE,
        timeout_graceful_shutdown=1,
        backlog=limits.BACKLOG,
    )


@contextlib.contextmanager
def _ending() -> Iterator[asyncio.Event]:
    """An event that signals set. The second signal finds the handlers of before: it ends the process at once."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    mine = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]  # nohup stays nohup

    def restore() -> None:
        while mine:
            number = mine.pop()
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])

    def end() -> None:
        event.set()
        restore()

    for number in mine:
        loop.add_signal_handler(number, end)
    try:
        yield event
    finally:
        restore()
