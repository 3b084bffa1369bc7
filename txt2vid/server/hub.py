"""What is going on in the server: who speaks and who watches in which session, and what the studios say of it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from txt2vid.core.expressions import Cue
from txt2vid.core.options import FaceOptions
from txt2vid.core.wire import Hello
from txt2vid.pipeline.messages import (
    Captioned,
    Drained,
    Encoding,
    Event,
    Express,
    Failed,
    Opened,
    Packets,
    Prepared,
    Report,
    Request,
    Rigged,
    Said,
    Silenced,
    Source,
)
from txt2vid.pipeline.studios import Studios
from txt2vid.server import limits
from txt2vid.server.calls.passes import PREFIX, Passes
from txt2vid.server.faces import Faces
from txt2vid.server.logs import say
from txt2vid.server.seat import Refused, Sender, Taken
from txt2vid.server.session import Session
from txt2vid.server.sessions import Manner, Sessions

_log = logging.getLogger(__name__)
PIPES = 2  # of an encoder: MPEG-TS and MP4


class Hub:
    """All faces and sessions of a server, in one event loop: `start`, and at the end `stop`.

    studios: not started; their events must come to `on_event` and `on_lost`.
    """

    def __init__(self, studios: Studios, faces: Mapping[str, FaceOptions], manner: Manner) -> None:
        self.studios = studios
        self.faces = Faces(faces, studios.prepare)
        self.sessions = Sessions(studios, self.faces, manner)
        self.passes = Passes()  # of those in calls
        self.connected: set[Sender] = set()  # with a seat or not yet; at most MAX_SPEAKERS (speak.py)
        self.studio_losses = 0
        self._ready = self._stopping = False

    async def start(self) -> None:
        """The first studio runs and the first face is ready. Raises Txt2VidError where it cannot be."""
        await self.studios.start()
        await asyncio.gather(self.studios.decided(), self.faces.ready(self.faces.first))
        self._ready = True

    def stop(self) -> None:
        """Everyone is told that the server ends."""
        self._ready, self._stopping = False, True
        for sender in self.connected:
            sender.dismiss("stopping", "the server is going down")
        for session in list(self.sessions.by_name.values()):
            self.sessions.close(session, "stopping", "the server is going down")

    @property
    def state(self) -> str:
        """One of: "starting", "ok", "no studio" (all are lost; another is on its way), "stopping"."""
        if self._stopping:
            return "stopping"
        if not self._ready:
            return "starting"
        return "ok" if self.studios.running else "no studio"

    # Looking

    def names(self) -> Iterator[tuple[str, Session | None]]:
        """All that can be watched: faces in their order, with their sessions where there was need; then the others."""
        sessions = self.sessions.by_name
        for name in self.faces.options:
            yield name, sessions.get(name)
        own = [(name, session) for name, session in sessions.items() if not session.private]
        yield from [(name, session) for name, session in own if name not in self.faces]

    def find(self, name: str | None) -> Session | None:
        """The session of that name (None: the first face's), None where a face or one in a call has none yet.

        Raises Refused "session" where there is neither a session nor a face of that name.
        """
        name = name or self.faces.first
        session = self.sessions.by_name.get(name)
        if session is None and name not in self.faces and name not in self.sessions.private:
            raise Refused("session", f"there is no session {name[:64]!r} here: /api/sessions lists those that are")
        return session

    def viewers(self) -> int:
        """How many watch, in all sessions."""
        return sum(session.viewers for session in self.sessions.by_name.values())

    async def watch(self, name: str | None) -> Session:
        """A session to watch, running. Raises Refused where there is none, no room, or it cannot run."""
        session = self.find(name) or self._stand(name or self.faces.first)
        if self.viewers() >= self.sessions.manner.most_viewers:
            raise Refused("full", f"{self.sessions.manner.most_viewers} viewers are the most here: try again later")
        await self.sessions.opened(session)
        return session

    def read_along(self, name: str | None) -> Session:
        """A session whose captions are wanted; nothing is drawn for them. Raises Refused as `watch` does."""
        session = self.find(name) or self._stand(name or self.faces.first)
        most = self.sessions.manner.most_viewers
        if sum(each.captions.readers for each in self.sessions.by_name.values()) >= most:
            raise Refused("full", f"{most} readers of captions are the most here: try again later")
        return session

    # Speaking

    async def claim(self, hello: Hello, sender: Sender) -> tuple[Session, Taken]:
        """A sender's place in a session that runs. Raises Refused where it gets none."""
        if hello.session in self.sessions.private:  # the call chooses the face
            hello = replace(hello, face=None)
        if hello.face is not None and hello.face not in self.faces:
            some = ", ".join(list(self.faces.options)[:8])
            raise Refused("face", f"there is no face {hello.face!r} here: choose one of {some}")
        session = self._wanted(hello)
        taken = session.seat.take(sender, hello, self._now())
        if taken.replaced is not None:
            if taken.interrupts:
                taken.replaced.dismiss("busy", "another sender has interrupted, and speaks now")
            else:
                taken.replaced.dismiss("replaced", "another connection of this sender has taken over")
        if taken.fresh:
            self._drop_words(session)
        self.sessions.touch(session)
        try:
            await self._seat(session, hello, taken)
        except BaseException:
            self.release(session, sender, broken=False)
            raise
        say(_log, "sender connected", session=session.name, sender=sender.label, fresh=taken.fresh)
        return session, taken

    def release(self, session: Session, sender: Sender, *, broken: bool) -> None:
        """A sender is gone. broken: its place is kept for a while."""
        if session.seat.leave(sender, broken=broken, now=self._now()):
            self.sessions.touch(session)
            if not broken:
                self._drop_words(session)
                self.send(Express(session.name, session.mood))

    def express(self, name: str, shown: Cue) -> Session:
        """A face shows this whoever speaks; its session. What a sender says later counts until that one leaves.

        Raises Refused "session", "call", "full", or "rate".
        """
        session = self.find(name)
        if name in self.sessions.private:
            raise Refused("call", "a face in a call is moved in the call: send 'expression' over its websocket")
        session = session or self._stand(name)
        if not session.pace.take(1, self._now()):
            raise Refused("rate", f"more than {limits.EXPRESSIONS_A_SECOND:g} expressions a second: wait a moment")
        self.sessions.express(session, shown)
        return session

    def send(self, request: Request, *, droppable: bool = False) -> bool:
        """Something for a session's studio; False where it did not take it."""
        return self.studios.send(request, droppable=droppable)

    # What studios say

    def on_event(self, event: Event, fds: list[int]) -> None:
        """A studio has said something; the descriptors are ours."""
        if isinstance(event, Prepared):
            if event.error is not None and event.face in self.faces:
                say(_log, "face failed", logging.ERROR, face=event.face, why=event.error)
            self.faces.prepared(event)
            return
        session = self.sessions.by_name.get(event.session)
        if session is None:  # it has ended meanwhile
            for fd in fds:
                os.close(fd)
        else:
            self._tell(session, event, fds)

    def on_lost(self, names: Sequence[str]) -> None:
        """A studio is gone, with these sessions; another runs."""
        self.studio_losses += 1
        if self._stopping:
            return
        if not self._ready and self.studio_losses >= limits.START_LOSSES:
            self.faces.give_up("the process that draws ends at once: try txt2vid doctor")
            return
        self.faces.ask_again()
        for name in names:
            session = self.sessions.by_name.get(name)
            if session is not None:
                self.sessions.lost(session)

    def _tell(self, session: Session, event: Event, fds: list[int]) -> None:
        if isinstance(event, Encoding):
            self._attach(session, event, fds)
        elif isinstance(event, Packets):
            session.forwarded(event)
        elif isinstance(event, Rigged):
            session.rigged(event)
        elif isinstance(event, Report):
            session.reported(event)
        elif isinstance(event, Opened):
            session.opened(event)
        elif isinstance(event, Failed):
            self.sessions.failed(session, event)
        elif isinstance(event, Said):
            session.said(event)
        elif isinstance(event, Captioned):
            session.captions.tell(event.caption)
        elif isinstance(event, Silenced):
            session.captions.cut(event.at)
        elif isinstance(event, Drained):
            session.drained()

    def _attach(self, session: Session, event: Encoding, fds: list[int]) -> None:
        """A new encoder's pipes."""
        if len(fds) < PIPES:
            for fd in fds:
                os.close(fd)
            say(_log, "too many open files", logging.ERROR, session=session.name, hint="ulimit -n 4096")
            self.sessions.watch_again(session)
            return
        if event.restarted:
            say(_log, "encoder restarted", logging.WARNING, session=session.name)
        session.encoding(event, fds)

    def _drop_words(self, session: Session) -> None:
        """What a sender that gave its place up left unspoken, an hour perhaps, does not keep the next one waiting."""
        if session.texts and self.sessions.has(session):
            self.sessions.cut(session, session.epoch + 1)
        session.forget_words()

    def _wanted(self, hello: Hello) -> Session:
        """The session that a hello names, made where it is new."""
        name = hello.session or self.faces.first
        session = self.sessions.by_name.get(name)
        if session is None and (name in self.faces or name in self.sessions.private):
            session = self._stand(name, hello.face)
        return session or self._add(name, hello.face or self.faces.first, standing=False)

    def _stand(self, name: str, face: str | None = None) -> Session:
        """The standing session of a face, or of one in a call, new."""
        if name in self.sessions.private:
            return self._add(name, self.sessions.private[name], standing=False)
        session = self._add(name, name, standing=True)
        session.face = face or name
        return session

    def _add(self, name: str, face: str, *, standing: bool) -> Session:
        if self._stopping:
            raise Refused("stopping", "the server is going down")
        if name.startswith(PREFIX) and name not in self.faces and name not in self.sessions.private:
            raise Refused("session", f"sessions that begin with {PREFIX} are of calls: choose another name")
        return self.sessions.add(name, face, standing=standing)

    async def _seat(self, session: Session, hello: Hello, taken: Taken) -> None:
        """Brings a session to what its new sender asked for."""
        ran = session.running is not None
        await self.sessions.opened(session)
        await self.sessions.change_face(session, hello.face or (session.home if taken.fresh else session.face))
        if ran and taken.fresh:
            self.send(Express(session.name, session.mood))
        if ran:  # otherwise the session's beginning has told it
            self.send(Source(session.name, hello.audio, taken.fresh))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
