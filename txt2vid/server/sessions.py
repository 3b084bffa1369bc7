"""All sessions of a server: made when somebody needs them, run in a studio, drawn while watched, ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from txt2vid.core.captions import Caption
from txt2vid.core.expressions import NEUTRAL, Cue
from txt2vid.core.tasks import within
from txt2vid.core.wire import EPOCHS
from txt2vid.errors import Txt2VidError
from txt2vid.pipeline.messages import ChangeFace, Cut, Express, Failed, Forward, Key, Open, Source, Watch
from txt2vid.pipeline.studios import Studios
from txt2vid.server import limits
from txt2vid.server.faces import Faces
from txt2vid.server.logs import say
from txt2vid.server.seat import Refused
from txt2vid.server.session import Session
from txt2vid.transports.broadcast import Broadcaster
from txt2vid.transports.forward import Forwarder

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manner:
    """What all sessions have in common. most: sessions, and viewers of all. The others: as in messages.Open."""

    fps: Fraction | None = None
    seed: int = 0
    mark: bool = False
    most: int = limits.MAX_SESSIONS
    most_viewers: int = limits.MAX_VIEWERS
    expression: Cue | None = None


class Sessions:
    """The sessions by name, in the order in which they were needed. private: those of calls, and the face of each."""

    def __init__(self, studios: Studios, faces: Faces, manner: Manner) -> None:
        self.by_name: dict[str, Session] = {}
        self.private: dict[str, str] = {}
        self.overheard: Callable[[str, Caption | float], None] | None = None  # told of what private ones say
        self.manner = manner
        self._studios, self._faces = studios, faces

    def has(self, session: Session) -> bool:
        """Whether it has not ended."""
        return self.by_name.get(session.name) is session

    def add(self, name: str, face: str, *, standing: bool) -> Session:
        """A new one, which runs once it is `opened`. Raises Refused "full" where there is no room."""
        if len(self.by_name) >= self.manner.most:
            idle = [each for each in self.by_name.values() if each.standing and each.idle]
            if not idle:
                raise Refused("full", f"{self.manner.most} sessions are the most here: try again later")
            self.close(min(idle, key=lambda each: each.used), "engine", "nobody needed it")
        broadcaster = Broadcaster(
            max_viewers=self.manner.most_viewers, on_viewers=lambda count: self._look(session, count)
        )
        forwarder = Forwarder(
            lambda codecs, bitrate: self._forward(session, codecs, bitrate),
            lambda codec: self._ask_key(session, codec),
        )
        private = name in self.private
        session = Session(name, face, standing=standing, broadcaster=broadcaster, forwarder=forwarder, private=private)
        if private and self.overheard is not None:
            session.captions.also = partial(self.overheard, name)
        self.by_name[name] = session
        self.touch(session)
        return session

    async def opened(self, session: Session) -> None:
        """Waits until it runs; begins that where it is needed. Raises Refused where it cannot run."""
        try:
            await within(asyncio.shield(self._opening(session)), limits.OPEN_SECONDS)
        except asyncio.TimeoutError as err:
            raise Refused("engine", f"session {session.name!r} is not ready yet: try again later") from err

    async def change_face(self, session: Session, face: str) -> None:
        """Another face from now on. Raises Refused where that one cannot be used; `Failed` may still come."""
        if face == session.face:
            return
        try:
            prepared = await self._faces.ready(face)
        except Txt2VidError as err:
            say(_log, "face failed", logging.ERROR, face=face, why=str(err))
            raise Refused("face", f"face {face!r} cannot be used: the server's log says why") from err
        session.before, session.face = session.face, face
        if session.running is not None:
            session.running = replace(session.running, width=prepared.width, height=prepared.height)
        self._studios.send(ChangeFace(session.name, face))

    def express(self, session: Session, shown: Cue) -> bool:
        """The face shows this, whoever speaks; whether it is a mood that stays."""
        if not shown.is_mood or shown.seconds is not None:
            self._studios.send(Express(session.name, shown), droppable=True)
            return False
        session.mood = None if shown.name == NEUTRAL else shown
        self._studios.send(Express(session.name, session.mood))
        return True

    def cut(self, session: Session, epoch: int) -> None:
        """An interruption: what is not shown yet is dropped."""
        session.cut(epoch % EPOCHS)
        self._studios.send(Cut(session.name, session.epoch))

    def touch(self, session: Session) -> None:
        """Somebody has come or gone: one of a sender's own ends LINGER after that sender."""
        loop = asyncio.get_running_loop()
        session.used = loop.time()
        if session.closing is not None:
            session.closing.cancel()
            session.closing = None
        kept = session.standing or session.private
        if not kept and session.seat.sender is None and self.has(session):
            session.closing = loop.call_later(limits.LINGER, self.close, session, "engine", "its sender is gone")

    def failed(self, session: Session, event: Failed) -> None:
        """A studio could not do something."""
        if session.answer is not None and not session.answer.done():
            session.answer.set_exception(Refused(event.code, event.message))
            return
        level = logging.ERROR if event.ends else logging.WARNING
        say(_log, "session failed", level, session=session.name, code=event.code, why=event.message)
        if event.ends:
            self.close(session, event.code, event.message)
        else:
            session.warn(event.code, event.message)

    def lost(self, session: Session) -> None:
        """Its studio is gone: it goes on in another one, and its viewers stay."""
        if not session.lost(asyncio.get_running_loop().time()):
            self.close(session, "engine", "drawing it has failed too often: try again later")
        elif session.opening is not None and session.opening.done():
            session.opening = None
            self._opening(session)

    def close(self, session: Session, code: str, why: str) -> None:
        """Ends it; whoever speaks or watches is told. Twice is safe."""
        if not self.has(session):
            return
        del self.by_name[session.name]
        for timer in (session.unwatching, session.unforwarding, session.closing):
            if timer is not None:
                timer.cancel()
        if session.answer is not None and not session.answer.done():
            session.answer.set_exception(Refused(code, why))
        if session.seat.sender is not None:
            session.seat.sender.dismiss(code, why)
        self._studios.close_session(session.name)
        session.broadcaster.close()
        session.forwarder.close()
        session.captions.close()
        say(_log, "session closed", session=session.name, why=why)

    def _opening(self, session: Session) -> asyncio.Task[None]:
        if session.opening is None:
            session.opening = asyncio.get_running_loop().create_task(self._open(session), name=f"open {session.name}")
            session.opening.add_done_callback(_seen)
        return session.opening

    async def _open(self, session: Session) -> None:
        """Runs it in a studio; where that cannot be, it is over."""
        try:
            await self._faces.ready(session.face)
            while session.running is None:  # a studio may be lost before it answers
                if not self.has(session):
                    raise Refused("engine", "the session has ended")
                session.answer = asyncio.get_running_loop().create_future()
                manner = self.manner
                request = Open(
                    session.name, session.face, manner.fps, manner.seed, manner.mark, session.begin, manner.expression
                )
                self._studios.open(request)
                await session.answer
        except (Txt2VidError, Refused) as err:
            if self.has(session):
                say(_log, "session failed", logging.ERROR, session=session.name, face=session.face, why=str(err))
            code = err.code if isinstance(err, Refused) else "face"
            message = str(err) if isinstance(err, Refused) else f"face {session.face!r} cannot be used: see the log"
            self.close(session, code, message)
            raise Refused(code, message) from err
        self._begin(session)

    def _begin(self, session: Session) -> None:
        """Tells a session that has just begun what there was before it."""
        running = session.running
        if running is None or not self.has(session):
            return
        size = f"{running.width}x{running.height}"
        say(_log, "session opened", session=session.name, face=session.face, size=size, fps=float(running.fps))
        if session.seat.sender is not None:
            self._studios.send(Source(session.name, session.seat.audio, fresh=True))
        if session.mood is not None:
            self._studios.send(Express(session.name, session.mood))
        if session.epoch:
            self.cut(session, session.epoch)
        self._look(session, session.broadcaster.viewers)
        if session.forwarder.codecs:
            self._forward(session, session.forwarder.codecs, session.forwarder.bitrate)

    def _forward(self, session: Session, codecs: tuple[str, ...], bitrate: int) -> None:
        """What peers want has changed."""
        loop = asyncio.get_running_loop()
        session.used = loop.time()
        if not self.has(session):
            return
        say(_log, "peers", logging.DEBUG, session=session.name, codecs=",".join(codecs), bitrate=bitrate)
        if session.unforwarding is not None:
            session.unforwarding.cancel()
            session.unforwarding = None
        if not codecs:
            session.unforwarding = loop.call_later(limits.WATCH_LINGER, self._unforward, session)
        elif session.running is None:
            self._opening(session)
        else:
            self._studios.send(Forward(session.name, codecs, bitrate))

    def _ask_key(self, session: Session, codec: str) -> None:
        self._studios.send(Key(session.name, codec), droppable=True)

    def _unforward(self, session: Session) -> None:
        session.unforwarding = None
        self._studios.send(Forward(session.name, ()))

    def _look(self, session: Session, viewers: int) -> None:
        """The number of viewers may have changed."""
        session.used = asyncio.get_running_loop().time()
        if not self.has(session):
            return
        say(_log, "viewers", logging.DEBUG, session=session.name, viewers=viewers)
        if viewers and session.unwatching is not None:
            session.unwatching.cancel()
            session.unwatching = None
        if viewers and session.running is None:
            self._opening(session)
        elif viewers and not session.watched:
            session.watched = True
            self._studios.send(Watch(session.name, on=True))
        elif not viewers and session.watched and session.unwatching is None:
            loop = asyncio.get_running_loop()
            session.unwatching = loop.call_later(limits.WATCH_LINGER, self._unwatch, session)

    def watch_again(self, session: Session) -> None:
        """Its encoder's pipes did not reach us: another one is asked for in a while."""
        session.watched = False
        self._studios.send(Watch(session.name, on=False))
        loop = asyncio.get_running_loop()
        loop.call_later(limits.AGAIN_SECONDS, lambda: self._look(session, session.broadcaster.viewers))

    def _unwatch(self, session: Session) -> None:
        session.unwatching = None
        if session.watched and not session.broadcaster.viewers:
            session.watched, session.start = False, None
            self._studios.send(Watch(session.name, on=False))
            session.broadcaster.detach()


def _seen(task: asyncio.Task[None]) -> None:
    """Its error is known to whoever waited, and logged; nobody may have waited."""
    if not task.cancelled():
        task.exception()
