"""The server's side of the processes that track faces: started when a camera comes, ended when none has for a while."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from txt2vid.pipeline.link import Link
from txt2vid.pipeline.observing import Event, Leave, Pace, Request, Unfit, Watch, event_of

IDLE_SECONDS = 30.0  # that a process outlives its last camera: whoever loads the page anew starts at once
STOP_SECONDS = 2.0  # that one may take to end once its link is closed
PICTURES_A_SECOND = 60  # of one process, decoded and tracked, with half of a slow core left for everything else
FPS = (10, 30)  # pictures a second that a camera is asked for, at least and at most

_log = logging.getLogger(__name__)
OnEvent = Callable[[Event], None]


def _observe(end: socket.socket) -> None:
    """What the process runs. Here, because the server needs none of what it loads."""
    from txt2vid.pipeline.observer import main

    main(end)


def fps_of(cameras: int, workers: int) -> int:
    """Pictures a second that so many cameras are asked for, each, where so many processes may run."""
    return max(FPS[0], min(FPS[1], workers * PICTURES_A_SECOND // max(1, cameras)))


class _Process:
    """One of them, and our end of its link."""

    def __init__(self, number: int) -> None:
        self.cameras: dict[int, OnEvent] = {}
        self.link: Link | None = None
        ours, theirs = socket.socketpair()
        context = multiprocessing.get_context("spawn")  # a fork would copy half of our threads
        name = f"txt2vid-observer-{number}"
        self._process: BaseProcess = context.Process(target=_observe, args=(theirs,), name=name, daemon=True)
        self._socket, self._theirs = ours, theirs

    async def start(self, receive: Callable[[_Process], None]) -> None:
        """Starts it. Raises OSError."""
        self.link = Link(self._socket)
        try:
            await asyncio.to_thread(self._process.start)
        finally:
            self._theirs.close()
        asyncio.get_running_loop().add_reader(self._socket, receive, self)

    def send(self, request: Request, *, droppable: bool = False) -> bool:
        """False where it is gone, or hangs."""
        if self.link is None:
            return False
        sent = self.link.send(request, droppable=droppable)
        if self.link.waiting:
            asyncio.get_running_loop().add_writer(self._socket, self._flush)
        return sent

    def forget(self) -> None:
        """Closes our end, at which it ends."""
        if self.link is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.remove_writer(self._socket)
            self.link.close()
            self.link = None

    async def stop(self) -> None:
        """Ends it."""
        self.forget()
        if self._process.pid is not None:
            await asyncio.to_thread(self._process.join, STOP_SECONDS)
            if self._process.is_alive():
                self._process.kill()
                await asyncio.to_thread(self._process.join, STOP_SECONDS)

    def _flush(self) -> None:
        if self.link is not None:
            self.link.flush()
            if not self.link.waiting:
                asyncio.get_running_loop().remove_writer(self._socket)


class Observers:
    """All of a server. Use it from one event loop. workers: how many processes there may be."""

    def __init__(self, workers: int) -> None:
        self._workers = max(1, workers)
        self._processes: list[_Process] = []
        self._homes: dict[int, _Process] = {}
        self._numbers = self._started = 0
        self._growing = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self.restarts = 0

    @property
    def cameras(self) -> int:
        """How many there are now."""
        return len(self._homes)

    @property
    def running(self) -> int:
        """Processes that live."""
        return len(self._processes)

    async def watch(self, on_event: OnEvent, *, annotated: bool) -> int:
        """A new camera's number. on_event: called with what is seen. Raises OSError where no process can be started."""
        if self._idle is not None:
            self._idle.cancel()
        async with self._growing:
            while len(self._processes) < min(self._workers, self.cameras + 1):
                await self._grow()
        self._numbers += 1
        number = self._numbers
        home = min(self._processes, key=lambda each: len(each.cameras))
        home.cameras[number] = on_event
        self._homes[number] = home
        home.send(Watch(number, annotated))
        self._pace()
        return number

    def send(self, request: Request, *, droppable: bool = False) -> bool:
        """A request about a camera; False where that has ended, or its process hangs."""
        home = self._homes.get(getattr(request, "camera", 0))
        return home is not None and home.send(request, droppable=droppable)

    def leave(self, camera: int) -> None:
        """A camera ends. Twice is safe."""
        home = self._homes.pop(camera, None)
        if home is None:
            return
        home.cameras.pop(camera, None)
        home.send(Leave(camera))
        self._pace()
        if not self._homes:
            self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._rest)

    async def stop(self) -> None:
        """Ends all. Twice is safe."""
        if self._idle is not None:
            self._idle.cancel()
        processes, self._processes = self._processes, []
        self._homes.clear()
        await asyncio.gather(*(each.stop() for each in processes), *self._ending)

    def fps(self) -> int:
        """Pictures a second that each camera is asked for."""
        return fps_of(self.cameras, self._workers)

    async def _grow(self) -> None:
        self._started += 1
        fresh = _Process(self._started)
        await fresh.start(self._receive)
        self._processes.append(fresh)

    def _pace(self) -> None:
        for each in self._processes:
            each.send(Pace(self.fps()))

    def _receive(self, home: _Process) -> None:
        try:
            events = [] if home.link is None else home.link.receive()
        except EOFError:
            self._bury(home)
            return
        for answer, _ in events:
            event = event_of(answer)
            on_event = home.cameras.get(event.camera)
            if on_event is not None:
                on_event(event)

    def _bury(self, home: _Process) -> None:
        """A process is gone: its cameras are told, and may come again."""
        self._end(home)
        if home not in self._processes:
            return
        self._processes.remove(home)
        self.restarts += 1
        _log.warning("a process that tracks faces is gone with %d cameras", len(home.cameras))
        for camera, on_event in list(home.cameras.items()):
            self._homes.pop(camera, None)
            on_event(Unfit(camera, "what tracks faces has failed: it is started again"))

    def _rest(self) -> None:
        """Nobody has come for a while."""
        processes, self._processes = self._processes, []
        for each in processes:
            self._end(each)

    def _end(self, home: _Process) -> None:
        home.forget()
        task = asyncio.get_running_loop().create_task(home.stop(), name="end of an observer")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
