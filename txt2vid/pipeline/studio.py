"""A studio: the process in which sessions live, each with its time line, all drawn by one engine, each encoded by an
ffmpeg of its own. One thread does it all by deadline; texts are spoken and faces prepared in threads beside it.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from txt2vid import registry
from txt2vid.core.options import DEFAULT_FPS, EngineOptions
from txt2vid.engines.base import Engine
from txt2vid.errors import AudioError
from txt2vid.pipeline import messages
from txt2vid.pipeline.asking import Asking
from txt2vid.pipeline.link import Link
from txt2vid.pipeline.live import Session
from txt2vid.pipeline.stage import Stage
from txt2vid.pipeline.wardrobe import PreparedFace, Wardrobe
from txt2vid.tts.choose import Kept, warm_up

SWITCH_SECONDS = 0.001  # a thread beside the frames may hold the interpreter so long (Python's own default is 0.005)
MAX_WAITING = 1000  # requests that wait for faces, a few for each session; sound never does: it would be late
SPEAKERS = 8  # threads for texts: they mostly wait, for a program or a network, and no session shall for another's
IDLE_SECONDS = 1.0  # the longest sleep: nothing is due, but reports are

_log = logging.getLogger(__name__)


class Studio:
    """All sessions of one process. `run` returns when it is told to stop, or the server is gone."""

    def __init__(self, link: Link, options: EngineOptions) -> None:
        self._link = link
        self._options = options
        self._engine: Engine | None = None
        self._network: Asking | None = None
        self._expected = True  # whether there is, or may be, a network for the engine
        self._wardrobe = Wardrobe(self._needed_engine, self._wake)
        self._waiting: list[messages.Request] = []  # for their faces; at most MAX_WAITING
        self._stages: dict[str, Stage] = {}
        self._speaker = ThreadPoolExecutor(SPEAKERS, "speaker")
        self._voices = Kept()
        self._selector = selectors.DefaultSelector()
        self._wake_up, self._woken = socket.socketpair()
        self._wake_up.setblocking(False)
        self._woken.setblocking(False)
        self._writers: dict[int, Stage] = {}
        self._stopping = False

    def run(self) -> None:
        """Draws and encodes until the end."""
        self._selector.register(self._link, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        try:
            while not self._stopping:
                self._turn()
        except EOFError:
            _log.debug("the server is gone")
        finally:
            for stage in self._stages.values():
                stage.close()
            self._speaker.shutdown(wait=False, cancel_futures=True)
            self._wardrobe.close()
            self._link.close()
            if self._network is not None:
                self._network.close()

    def _turn(self) -> None:
        """Waits for the next thing to do, and does it."""
        now = time.monotonic()
        due = min((stage.due for stage in self._stages.values()), default=now + IDLE_SECONDS)
        self._watch_writers()
        for key, _ in self._selector.select(max(0.0, min(due - now, IDLE_SECONDS))):
            if key.fileobj is self._link:
                self._link.flush()
                for request, fds in self._link.receive():
                    self._handle(request, fds)  # type: ignore[arg-type]  # only requests are sent here
            elif key.fileobj is self._network:
                self._take_answers()
            elif key.fileobj is self._woken:
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
                self._take_faces()
            else:
                self._writers[key.fd].flush()
        self._draw()

    def _draw(self) -> None:
        """The frames that are due, the most urgent first."""
        now = time.monotonic()
        due = sorted((stage for stage in self._stages.values() if stage.due <= now), key=lambda stage: stage.due)
        for stage in due:
            pending = stage.step(self._needed_engine(), asks=self._network is not None)
            if pending is not None and self._network is not None:
                self._network.ask(stage.name, pending)
            self._tell_events(stage)
        if self._network is not None:
            self._network.flush()

    def _tell_events(self, stage: Stage) -> None:
        for event, fds in stage.events():
            self._link.send(event, fds)
        if stage.over:
            self._stages.pop(stage.name).close()

    def _take_answers(self) -> None:
        """Mouths for frames that wait for them; where the network is gone, sessions go on without."""
        network, engine = self._network, self._needed_engine()
        if network is None:
            return
        try:
            for answered in network.receive():
                stage = self._stages.get(answered.session)
                if stage is not None:
                    stage.answer(answered.ticket, answered.mouth, engine)
                    self._tell_events(stage)
        except EOFError:
            self._selector.unregister(network)
            network.close()
            self._network = None
            for stage in self._stages.values():
                stage.alone()

    def _attach(self, fds: list[int]) -> None:
        """A network that can be asked."""
        if self._network is not None:
            self._selector.unregister(self._network)
            self._network.close()
        self._network = Asking(Link(socket.socket(fileno=fds.pop()))) if fds else None
        if self._network is not None:
            self._selector.register(self._network, selectors.EVENT_READ)

    def _watch_writers(self) -> None:
        """Has the selector tell when a full pipe of an encoder has room again, or the link."""
        wanted = {fd: stage for stage in self._stages.values() for fd in stage.writers()}
        for fd in self._writers.keys() - wanted.keys():
            with suppress(KeyError, ValueError, OSError):  # closed meanwhile
                self._selector.unregister(fd)
        for fd in wanted.keys() - self._writers.keys():
            self._selector.register(fd, selectors.EVENT_WRITE)
        self._writers = wanted
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._link.waiting else 0)
        if self._selector.get_key(self._link).events != events:
            self._selector.modify(self._link, events)

    def _handle(self, request: messages.Request, fds: list[int] | None = None) -> None:
        if isinstance(request, messages.Hear):
            self._hear(request)
        elif isinstance(request, messages.Ask):
            self._attach(fds or [])
        elif isinstance(request, messages.DoWithout):
            self._expected = False
        elif isinstance(request, messages.Prepare):
            self._wardrobe.prepare(request.face, request.options)
        elif isinstance(request, messages.Forget):
            self._wardrobe.forget(request.face)
        elif isinstance(request, messages.Open):
            self._open(request)
        elif isinstance(request, messages.Stop):
            self._stopping = True
        elif isinstance(request, messages.Close):
            if request.session in self._stages:
                self._stages.pop(request.session).close()
            self._waiting = [each for each in self._waiting if _session(each) != request.session]
        elif any(_session(each) == request.session for each in self._waiting):
            self._wait(request)
        elif request.session in self._stages:
            self._tell(self._stages[request.session], request)

    def _tell(self, stage: Stage, request: messages.Request) -> None:
        """A request about a session that runs."""
        session = stage.session
        if isinstance(request, messages.Watch):
            stage.watch(on=request.on)
        elif isinstance(request, messages.Forward):
            stage.forward(request.codecs, request.bitrate)
        elif isinstance(request, messages.Key):
            stage.forwarded.key(request.codec)
        elif isinstance(request, messages.Source):
            session.source(request.audio, fresh=request.fresh)
        elif isinstance(request, messages.Say):
            self._say(stage, request)
        elif isinstance(request, messages.Express):
            session.express(request.cue)
        elif isinstance(request, messages.Move):
            session.move(request.seen)
        elif isinstance(request, messages.Cut):
            self._cut(stage, request.epoch)
        elif isinstance(request, messages.Drain):
            session.drain()
        elif isinstance(request, messages.ChangeFace):
            self._change_face(stage, request)
        stage.wake()

    def _hear(self, request: messages.Hear) -> None:
        stage = self._stages.get(request.session)
        if stage is None:
            return
        try:
            stage.session.hear(request.packet)
        except AudioError as err:
            self._send(messages.Failed(request.session, "audio", str(err)))
        stage.wake()

    def _say(self, stage: Stage, request: messages.Say) -> None:
        if request.interrupt:
            self._cut(stage, stage.session.epoch + 1)
        if not stage.session.say(request):
            self._send(messages.Failed(request.session, "rate", "too many texts wait: send more once one is spoken"))

    def _cut(self, stage: Stage, epoch: int) -> None:
        for text in stage.session.cut(epoch):
            self._send(messages.Said(stage.name, text, dropped=True))

    def _send(self, event: messages.Event) -> None:
        self._link.send(event)

    # Faces

    def _needed_engine(self) -> Engine:
        if self._engine is None:
            self._engine = registry.load("engine", self._options.name)(self._options)
        return self._engine

    def _wake(self) -> None:
        self._wake_up.send(b".")

    def _take_faces(self) -> None:
        """Faces that have become ready, and the sessions that waited for them."""
        for event in self._wardrobe.taken():
            self._send(event)
        self._wardrobe.tidy({stage.face for stage in self._stages.values()})
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            self._handle(request)

    def _face(self, request: messages.Open | messages.ChangeFace) -> PreparedFace | None:
        """The face that is asked for; None where it is not ready (then the request waits) or cannot be had."""
        found = self._wardrobe.find(request.face)
        if found is not None:
            return found
        if self._wardrobe.is_coming(request.face):
            self._wait(request)
        else:
            ends = isinstance(request, messages.Open)
            self._send(messages.Failed(request.session, "face", f"there is no face {request.face!r}", ends=ends))
        return None

    def _wait(self, request: messages.Request) -> None:
        """Handles the request once faces have become ready, after those that wait already."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(request)

    def _open(self, request: messages.Open) -> None:
        found = self._face(request)
        if found is None:
            return
        face = found.face
        fps = request.fps or face.fps or DEFAULT_FPS
        hearing = self._needed_engine().hearing(fps) if self._expected else None
        if not self._stages:
            self._speaker.submit(warm_up, self._voices)
        seed = request.seed if face.is_still else None
        session = Session(fps, self._speaker, seed, hearing, self._voices, request.expression)
        stage = Stage(request.session, session, mark=request.mark, begin=request.begin)
        stage.show(request.face, face, found.prepared, lambda: self._wardrobe.bundled(found))
        self._stages[request.session] = stage
        self._send(messages.Opened(request.session, *face.size, fps))

    def _change_face(self, stage: Stage, request: messages.ChangeFace) -> None:
        found = self._face(request)
        if found is not None:
            stage.show(request.face, found.face, found.prepared, lambda: self._wardrobe.bundled(found))


def _session(request: messages.Request) -> str:
    return getattr(request, "session", "")


def main(end: socket.socket, options: EngineOptions) -> None:
    """The process. Signals that end a server often reach its children as well: it alone tells them when to stop.

    It ends when the server is gone, however that went.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="txt2vid: %(levelname)s %(name)s: %(message)s")
    sys.setswitchinterval(SWITCH_SECONDS)
    Studio(Link(end), options).run()
    os._exit(0)  # threads that speak or prepare are not waited for
