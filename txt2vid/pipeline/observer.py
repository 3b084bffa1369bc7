"""A process that tracks faces for many cameras: one thread, who waits longest first, the newest picture of each."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import time

from txt2vid.errors import Txt2VidError
from txt2vid.faces.many import FaceTracker
from txt2vid.pipeline.link import Link
from txt2vid.pipeline.observed import Observed
from txt2vid.pipeline.observing import (
    Event,
    Key,
    Leave,
    Pace,
    Picture,
    Request,
    Tune,
    Unfit,
    Want,
    Watch,
)

NICE = 2  # sessions' clocks come first: a mesh that is late is replaced, a frame that is late is seen

_log = logging.getLogger(__name__)


class Observer:
    """The loop. Raises EOFError once the server is gone."""

    def __init__(self, link: Link) -> None:
        self._link, self._fps = link, 0
        self._cameras: dict[int, Observed] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(link, selectors.EVENT_READ)

    def run(self) -> None:
        """Until the server is gone."""
        while True:
            self._hear(None if not self._next() else 0.0)
            camera = self._next()
            if camera is not None:
                camera.worked = time.monotonic()
                self._work(camera)

    def _next(self) -> Observed | None:
        waiting = [each for each in self._cameras.values() if each.waits]
        return min(waiting, key=lambda each: each.worked, default=None)

    def _hear(self, seconds: float | None) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._link.waiting else 0)
        self._selector.modify(self._link, events)
        if self._selector.select(seconds):
            self._link.flush()
            for request, _ in self._link.receive():
                self._obey(request)  # type: ignore[arg-type]  # only requests are sent here

    def _obey(self, request: Request) -> None:
        if isinstance(request, Watch):
            self._watch(request)
        elif isinstance(request, Pace):
            self._fps = request.fps
        elif isinstance(request, Leave):
            self._cameras.pop(request.camera, None)
        elif (camera := self._cameras.get(request.camera)) is not None:
            self._say(_told(camera, request))

    def _watch(self, request: Watch) -> None:
        try:
            self._cameras[request.camera] = Observed(request.camera, FaceTracker(), request.annotated)
        except Txt2VidError as err:
            self._say(Unfit(request.camera, str(err)))

    def _work(self, camera: Observed) -> None:
        try:
            event = camera.work(self._fps)
        except Exception:  # noqa: BLE001 - whatever is wrong with one camera, the others go on
            _log.exception("a camera")
            event = Unfit(camera.camera, "an internal error: report it")
        if isinstance(event, Unfit):
            self._cameras.pop(camera.camera, None)
        self._say(event)

    def _say(self, event: Event | None) -> None:
        if event is not None:
            self._link.send(event, droppable=not isinstance(event, Unfit))


def _told(camera: Observed, request: Request) -> Event | None:
    if isinstance(request, Picture):
        return camera.take(request)
    if isinstance(request, Tune):
        camera.tune(request.settings)
    elif isinstance(request, Want):
        camera.want(request.codecs, request.bitrate)
    elif isinstance(request, Key):
        camera.key()
    return None


def main(end: socket.socket) -> None:
    """The process. The server alone tells it when to stop: by closing its end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="txt2vid: %(levelname)s %(name)s: %(message)s")
    import cv2

    cv2.setNumThreads(1)  # a process a core
    os.nice(NICE)
    try:
        Observer(Link(end)).run()
    except EOFError:
        os._exit(0)  # threads of MediaPipe's are not waited for
