"""The server's side of the network: one process for all studios, started anew where it is lost."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from txt2vid.core.options import EngineOptions
from txt2vid.pipeline import network
from txt2vid.pipeline.link import Link
from txt2vid.pipeline.network import Attach, Done, Ready, Unable

STOP_SECONDS = 3.0  # in which the process may end by itself; then it is killed
RESTARTS = 3  # times that a lost network is started again; a device that is lost more often is broken
RESTART_SECONDS = 2.0  # from a loss to the next start: drivers need a moment

_log = logging.getLogger(__name__)


class NetworkProcess:
    """The process and our end of its link. Use it from one event loop.

    attach: called with a file descriptor for each studio that shall ask it, once it is ready. told: called with its
    state in words whenever that changes.
    """

    def __init__(self, engine: str, options: EngineOptions, told: Callable[[], None]) -> None:
        self._engine, self._options, self._told = engine, options, told
        self._process: BaseProcess | None = None
        self._link: Link | None = None
        self._stopping = False
        self._again: asyncio.TimerHandle | None = None
        self._starting: asyncio.Task[None] | None = None
        self.ready: Ready | None = None
        self.failure: Unable | None = None
        self.done: Done | None = None
        self.losses = 0

    async def start(self) -> None:
        """Starts the process; whether it can draw is told later."""
        ours, theirs = socket.socketpair()
        context = multiprocessing.get_context("spawn")  # a fork would copy half of our threads
        arguments = (theirs, self._engine, self._options)
        self._process = context.Process(target=network.main, args=arguments, name="txt2vid-network", daemon=True)
        self._link = Link(ours)
        try:
            await asyncio.to_thread(self._process.start)
        finally:
            theirs.close()
        asyncio.get_running_loop().add_reader(ours, self._receive)

    @property
    def decided(self) -> bool:
        """Whether it is known if the network can draw."""
        return self.ready is not None or self.failure is not None

    def socket_for_studio(self) -> int | None:
        """A file descriptor over which one studio asks it, the caller's to pass on or close; None where it is gone."""
        if self._link is None or self.ready is None:
            return None
        one, other = socket.socketpair()
        self._link.send(Attach(), [other.detach()])
        return one.detach()

    async def stop(self) -> None:
        """Ends the process."""
        self._stopping = True
        if self._again is not None:
            self._again.cancel()
        if self._starting is not None:
            await asyncio.wait([self._starting])
        self._forget()
        process = self._process
        if process is not None and process.pid is not None:
            await asyncio.to_thread(process.join, STOP_SECONDS)
            if process.is_alive():
                process.kill()
                await asyncio.to_thread(process.join, STOP_SECONDS)

    def _receive(self) -> None:
        link = self._link
        if link is None:
            return
        try:
            for event, fds in link.receive():
                for fd in fds:
                    os.close(fd)
                self._take(event)
        except EOFError:
            self._lost()

    def _take(self, event: object) -> None:
        if isinstance(event, Done):
            self.done = event
        elif isinstance(event, Ready):
            self.ready = event
            self._told()
        elif isinstance(event, Unable):
            self.failure = event

    def _lost(self) -> None:
        """The process is gone: sessions draw without it, until another is ready."""
        was_ready, self.ready = self.ready is not None, None
        self._forget()
        if self._stopping:
            return
        self.losses += 1
        if self.failure is None:
            code = self._process.exitcode if self._process else None
            self.failure = Unable(f"the network's process is gone (exit code {code})", 5)
        _log.warning("%s", self.failure.why)
        if was_ready and self.losses <= RESTARTS:
            loop = asyncio.get_running_loop()
            self._again = loop.call_later(RESTART_SECONDS, self._restart)
        self._told()

    def _restart(self) -> None:
        self.failure = None
        self._starting = asyncio.get_running_loop().create_task(self.start())

    def _forget(self) -> None:
        if self._link is not None:
            asyncio.get_running_loop().remove_reader(self._link)
            self._link.close()
            self._link = None
