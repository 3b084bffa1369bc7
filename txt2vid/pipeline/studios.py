"""The server's side of its studios: processes that draw and encode the sessions, each on a core of its own."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import socket
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from typing import cast

from txt2vid.core.options import EngineOptions, FaceOptions
from txt2vid.errors import EngineError, error_of
from txt2vid.pipeline import studio
from txt2vid.pipeline.drawing import Drawing
from txt2vid.pipeline.link import Link
from txt2vid.pipeline.messages import (
    Ask,
    ChangeFace,
    Close,
    DoWithout,
    Event,
    Failed,
    Forget,
    Open,
    Prepare,
    Prepared,
    Request,
    Stop,
)
from txt2vid.pipeline.networks import NetworkProcess

POLL_SECONDS = 0.02
STOP_SECONDS = 3.0  # a studio may take to end its sessions and encoders; then it is killed

OnEvent = Callable[[Event, list[int]], None]
OnLost = Callable[[Sequence[str]], None]
_log = logging.getLogger(__name__)


class _Studio:
    """One process and our end of its link."""

    def __init__(self, options: EngineOptions, number: int) -> None:
        self._options, self._number = options, number
        self.sessions: set[str] = set()
        self.faces: dict[str, FaceOptions] = {}  # as this studio knows them
        self._process: BaseProcess | None = None
        self._link: Link | None = None
        self.lost = False

    async def start(self, receive: Callable[[_Studio], None]) -> None:
        """Starts the process; `receive` is called whenever it has said something, or is gone."""
        ours, theirs = socket.socketpair()
        context = multiprocessing.get_context("spawn")  # a fork would copy half of our threads
        name = f"txt2vid-studio-{self._number}"
        self._process = context.Process(target=studio.main, args=(theirs, self._options), name=name, daemon=True)
        self._link = Link(ours)
        try:
            await asyncio.to_thread(self._process.start)
        finally:
            theirs.close()
        asyncio.get_running_loop().add_reader(ours, receive, self)

    def send(self, request: Request, *, droppable: bool = False, fds: Sequence[int] = ()) -> bool:
        if self._link is None or self.lost:
            for fd in fds:
                os.close(fd)
            return False
        sent = self._link.send(request, fds, droppable=droppable)
        if self._link.waiting:
            asyncio.get_running_loop().add_writer(self._link, self._flush, self._link)
        return sent

    def receive(self) -> list[tuple[Event, list[int]]]:
        """What it has said. Raises EOFError where it is gone."""
        if self._link is None:
            raise EOFError
        return cast("list[tuple[Event, list[int]]]", self._link.receive())

    async def stop(self) -> None:
        """Ends the process, politely at first."""
        self.send(Stop())
        if self._process is not None and self._process.pid is not None:
            await asyncio.to_thread(self._process.join, STOP_SECONDS)
            if self._process.is_alive():
                self._process.kill()
                await asyncio.to_thread(self._process.join, STOP_SECONDS)
        self.forget()

    def forget(self) -> None:
        """Closes our end of the link, whatever has become of the process."""
        self.lost = True
        if self._link is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._link)
            loop.remove_writer(self._link)
            self._link.close()
            self._link = None

    @property
    def ended(self) -> str:
        """How the process ended, for logs."""
        code = self._process.exitcode if self._process else None
        return f"exit code {code}"

    def _flush(self, link: Link) -> None:
        link.flush()
        if not link.waiting:
            asyncio.get_running_loop().remove_writer(link)


class Studios:
    """All studios of a server. Use it from one event loop.

    options: of the engine. "auto" is Wav2Lip where its weights are; faces are drawn by the mesh engine until its
    network is ready, and throughout where it does not keep up. workers: how many processes there may be, besides the
    network's.
    on_event: called with each message of theirs and the file descriptors that came with it (the callee's to close).
    on_lost: called with the sessions of a studio that died, after which they may be opened anew.
    """

    def __init__(self, options: EngineOptions, workers: int, on_event: OnEvent, on_lost: OnLost) -> None:
        self.drawing = Drawing.of(options)
        self._workers = max(1, workers)
        self._network: NetworkProcess | None = None
        self._on_event, self._on_lost = on_event, on_lost
        self._studios: list[_Studio] = []
        self._faces: dict[str, FaceOptions] = {}
        self._homes: dict[str, _Studio] = {}
        self._started = 0
        self._growing: asyncio.Task[None] | None = None
        self._stopping = False
        self.restarts = 0

    async def start(self) -> None:
        """Starts the first studio; the others come when there are sessions for them. Raises EngineError if it fails."""
        if self.drawing.network:
            self._network = NetworkProcess(self.drawing.engine, self.drawing.options, self._network_told)
            await asyncio.gather(self._network.start(), self._add())
        else:
            await self._add()

    async def decided(self) -> None:
        """Waits until it is known whether the engine that was asked for can draw; with "auto" there is no need to.

        Raises the network's error where it cannot.
        """
        if self._network is None or self.drawing.is_open:
            return
        while not self._network.decided:
            await asyncio.sleep(POLL_SECONDS)
        if self._network.failure is not None:
            raise error_of(self._network.failure.exit_code, self._network.failure.why)

    @property
    def network(self) -> NetworkProcess | None:
        """The process with the engine's network; None where it needs none."""
        return self._network

    @property
    def running(self) -> int:
        """How many studios live."""
        return len(self._studios)

    def prepare(self, face: str, options: FaceOptions) -> None:
        """Makes a face known by its name, and ready in the first studio. Prepared comes as an event."""
        self._faces[face] = options
        for home in self._studios[:1]:
            self._ensure(home, face)

    def declare(self, face: str, options: FaceOptions) -> None:
        """Makes a face known by its name; it is prepared when a session wants it."""
        self._faces[face] = options

    def forget(self, face: str) -> None:
        """Nobody will ask for this face again."""
        self._faces.pop(face, None)
        for home in self._studios:
            if home.faces.pop(face, None) is not None:
                home.send(Forget(face))

    def open(self, request: Open) -> None:
        """Begins a session in the studio with the fewest of them; Opened or Failed comes as an event."""
        if not self._studios:
            self._on_event(Failed(request.session, "engine", "no studio runs: try again", ends=True), [])
            return
        home = min(self._studios, key=lambda each: len(each.sessions))
        home.sessions.add(request.session)
        self._homes[request.session] = home
        self._ensure(home, request.face)
        home.send(request)
        self._grow()

    def send(self, request: Request, *, droppable: bool = False) -> bool:
        """Any request about a session to the studio that has it; False where none has, or it hangs (droppable ones)."""
        home = self._homes.get(getattr(request, "session", ""))
        if home is None:
            return False
        if isinstance(request, ChangeFace):
            self._ensure(home, request.face)
        return home.send(request, droppable=droppable)

    def close_session(self, session: str) -> None:
        """Ends a session."""
        home = self._homes.pop(session, None)
        if home is not None:
            home.sessions.discard(session)
            home.send(Close(session))

    async def stop(self) -> None:
        """Ends all studios. Twice is safe."""
        self._stopping = True
        if self._growing is not None:
            await asyncio.wait([self._growing])
        studios, self._studios = self._studios, []
        await asyncio.gather(*(each.stop() for each in studios))
        if self._network is not None:
            await self._network.stop()

    def _network_told(self) -> None:
        """The network is ready, too slow, or gone."""
        if self._network is None:
            return
        self.drawing = self.drawing.told(self._network.ready, self._network.failure)
        _log.info("faces are drawn by %s: %s", self.drawing.engine, self.drawing.why)
        for home in self._studios:
            self._connect(home)

    def _connect(self, home: _Studio) -> None:
        """Has a studio ask the network, or do without."""
        if self._network is None:
            return
        if self._network.ready is None or not self.drawing.uses(self._network.ready):
            if self._network.decided:
                home.send(DoWithout())
            return
        fd = self._network.socket_for_studio()
        if fd is not None:
            home.send(Ask(), fds=[fd])

    def _ensure(self, home: _Studio, face: str) -> None:
        """Has the studio prepare a face, unless it did."""
        options = self._faces.get(face)
        if options is not None and home.faces.get(face) != options:
            home.faces[face] = options
            home.send(Prepare(face, options))

    async def _add(self) -> None:
        self._started += 1
        fresh = _Studio(self.drawing.options, self._started)
        try:
            await fresh.start(self._receive)
        except OSError as err:
            raise EngineError(f"a drawing process cannot be started ({err.strerror}): free some memory") from err
        self._studios.append(fresh)
        self._connect(fresh)

    def _grow(self) -> None:
        """Starts as many studios as there is work for, and one to spare: starting takes longer than a caller waits."""
        if not self._stopping and (self._growing is None or self._growing.done()):
            self._growing = asyncio.get_running_loop().create_task(self._add_all())

    async def _add_all(self) -> None:
        while not self._stopping and len(self._studios) < min(self._workers, len(self._homes) + 2):
            await self._add()
            for face in list(self._studios[0].faces)[:1] if self._studios else []:
                self._ensure(self._studios[-1], face)

    def _receive(self, home: _Studio) -> None:
        try:
            for event, fds in home.receive():
                self._take(home, event, fds)
        except EOFError:
            self._bury(home)

    def _take(self, home: _Studio, event: Event, fds: list[int]) -> None:
        """Passes on what a studio said, unless that session lives elsewhere by now."""
        if isinstance(event, Prepared):
            if event.error is not None:
                home.faces.pop(event.face, None)  # the next who wants it has it tried again
            else:
                self._grow()  # not before the first is ready: it shall not have to share the cores
        elif self._homes.get(event.session) is not home:
            for fd in fds:
                os.close(fd)
            return
        self._on_event(event, fds)

    def _bury(self, home: _Studio) -> None:
        """A studio is gone: its sessions are free to be opened elsewhere."""
        home.forget()
        if home not in self._studios:
            return
        self._studios.remove(home)
        lost = sorted(home.sessions)
        for session in lost:
            self._homes.pop(session, None)
        if self._stopping:
            return
        self.restarts += 1
        _log.warning("a studio is gone (%s) with %d sessions: another takes its place", home.ended, len(lost))
        task = asyncio.get_running_loop().create_task(self._replace(lost))
        self._growing = task

    async def _replace(self, lost: list[str]) -> None:
        await self._add()
        self._on_lost(lost)
        await self._add_all()
