"""The process that runs a network on its device for all studios: questions in, one batch across all sessions, answers
out. It says when it is ready, what it has done once a second, and ends with the server, or when its device is lost.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import time
from dataclasses import dataclass

from txt2vid.core.options import EngineOptions
from txt2vid.engines.base import Network
from txt2vid.errors import EngineError, Txt2VidError
from txt2vid.pipeline.batching import Answered, Batcher, Counts
from txt2vid.pipeline.choice import judged, load_network
from txt2vid.pipeline.link import Link

REPORT_SECONDS = 1.0
IDLE_SECONDS = 1.0  # the longest sleep
NICE = 5  # on a CPU the sessions' clocks come first: a mouth that is late is held, a frame that is late is seen

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attach:
    """Another studio will ask; one file descriptor comes with it, our end of a socket to that."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The network can be asked. words: where it runs, and how quick it is. keeps_up: with a live face."""

    words: str
    keeps_up: bool


@dataclass(frozen=True, slots=True)
class Unable:
    """It cannot: why, and the exit code of that family of errors. The process ends."""

    why: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Done:
    """Once a second: what was done since the start. waiting: sessions that wait now."""

    counts: Counts
    waiting: int


class Service:
    """The loop. Studios come by `Attach` on the server's link; one that ends is forgotten with all that it asked."""

    def __init__(self, server: Link, network: Network) -> None:
        self._server, self._network = server, network
        self._batcher = Batcher(network.buckets)
        self._selector = selectors.DefaultSelector()
        self._selector.register(server, selectors.EVENT_READ)
        self._homes: dict[str, Link] = {}  # whom to answer; one entry a session that waits or was answered last
        self._reported = 0.0

    def run(self) -> None:
        """Until the server is gone. Raises EngineError where the device is lost."""
        while True:
            busy = self._batcher.waiting > 0
            for key, _ in self._selector.select(0 if busy else IDLE_SECONDS):
                if key.fileobj is self._server:
                    self._admit()
                else:
                    self._hear(key.fileobj)  # type: ignore[arg-type]  # only links are registered
            self._work()
            self._report()

    def close(self) -> None:
        """Closes all links, the server's too."""
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # only links are registered
        self._selector.close()

    def _admit(self) -> None:
        """Takes new studios in. Raises EOFError where the server is gone."""
        self._server.flush()
        for _, fds in self._server.receive():
            for fd in fds:
                studio = Link(socket.socket(fileno=fd))
                self._selector.register(studio, selectors.EVENT_READ)

    def _hear(self, studio: Link) -> None:
        self._write(studio)
        try:
            for asked, _ in studio.receive():
                for each in asked:  # type: ignore[attr-defined]  # studios send lists of Asked
                    self._batcher.ask(each)
                    self._homes[each.session] = studio
        except EOFError:
            self._selector.unregister(studio)
            studio.close()
            for session in [session for session, home in self._homes.items() if home is studio]:
                del self._homes[session]
                self._batcher.drop(session)

    def _write(self, studio: Link) -> None:
        """What the socket takes now; the selector tells when it takes more."""
        studio.flush()
        self._selector.modify(studio, selectors.EVENT_READ | (selectors.EVENT_WRITE if studio.waiting else 0))

    def _work(self) -> None:
        """One batch."""
        began = time.monotonic()
        batch = self._batcher.next(began, self._network.most)
        if not batch:
            return
        brought = {each.key for each in batch if each.crop is not None}
        known = [each for each in batch if each.key in brought or self._network.knows(each.key)]
        mouths = iter(self._network.answer([(each.key, each.crop, each.heard) for each in known]))
        wanted = {(each.session, each.ticket) for each in known}
        replies: dict[Link, list[Answered]] = {}
        for each in batch:
            mouth = next(mouths) if (each.session, each.ticket) in wanted else None
            home = self._homes.get(each.session)
            if home is not None:
                replies.setdefault(home, []).append(Answered(each.session, each.ticket, each.key, mouth))
        for home, answers in replies.items():
            home.send(answers, droppable=True)  # to a studio that hangs nothing is owed
            self._write(home)
        self._batcher.done(batch, began, time.monotonic())

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            self._server.send(Done(self._batcher.counts, self._batcher.waiting), droppable=True)


def main(end: socket.socket, engine: str, options: EngineOptions) -> None:
    """The process. The server alone tells it when to stop: by closing its end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="txt2vid: %(levelname)s %(name)s: %(message)s")
    server = Link(end)
    try:
        network = load_network(engine, options)
        keeps_up, words = judged(network)
        os.nice(NICE)  # not while it loads: until then there is nothing to be late for
        server.send(Ready(words, keeps_up))
        Service(server, network).run()
    except EOFError:
        pass
    except Txt2VidError as err:
        server.send(Unable(" ".join(str(err).split()), err.exit_code))
    except Exception as err:  # noqa: BLE001 - whatever a driver raises: sessions go on without it
        _log.exception("the network")
        server.send(Unable(f"the network failed: {type(err).__name__}: {err}", EngineError.exit_code))
    os._exit(0)  # CUDA's threads are not waited for
