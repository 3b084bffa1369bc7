"""The websocket /speak: one sender's connection, from hello to its end. Nothing that it says is trusted.

Three tasks a connection: one reads, one does what was read, one writes; whichever ends first ends all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque

from starlette.websockets import WebSocket, WebSocketDisconnect

from txt2vid.core.expressions import cue
from txt2vid.core.motionwire import decode_motion, is_motion
from txt2vid.core.tasks import within
from txt2vid.core.wire import (
    CLOSE_CODES,
    MAX_MESSAGE,
    MAX_PACKET_SECONDS,
    MAX_TEXT,
    SUBPROTOCOL,
    ClientMessage,
    End,
    Error,
    Expression,
    Hello,
    Interrupt,
    Ready,
    ServerMessage,
    Spoken,
    Stats,
    Text,
    WireError,
    decode_client,
    decode_packet,
    encode,
    is_packed,
)
from txt2vid.errors import UsageError
from txt2vid.pipeline.messages import Drain, Express, Hear, Move, Said
from txt2vid.server import limits
from txt2vid.server.auth import Access, bearer
from txt2vid.server.hub import Hub
from txt2vid.server.inbox import Gone, Inbox
from txt2vid.server.logs import say
from txt2vid.server.rates import Allowance, packet_seconds
from txt2vid.server.seat import Refused, Sender
from txt2vid.server.session import Session
from txt2vid.server.voice import Voice
from txt2vid.server.words import Words

_Task = asyncio.Task[None]

_log = logging.getLogger(__name__)
_LIMITS = {
    "message": MAX_MESSAGE,
    "text": MAX_TEXT,
    "seconds": int(MAX_PACKET_SECONDS),
    "texts": limits.MAX_TEXTS,
}


class Speaker(Sender):
    """One sender's connection."""

    def __init__(self, websocket: WebSocket, hub: Hub, access: Access, voice: Voice) -> None:
        self._websocket, self._hub, self._access, self._voice = websocket, hub, access, voice
        client = websocket.client
        self.label = f"{client.host}:{client.port}" if client else "somebody"
        self._inbox = Inbox(websocket)
        self._outbox: deque[ServerMessage] = deque()
        self._closing: Error | None = None
        self._wake = asyncio.Event()
        self._deaf = self._ended = False  # nothing can be written any more; `end` has come
        self._session: Session | None = None

    @property
    def refused(self) -> str | None:
        """The code of the error that the connection was closed with, None where it was not."""
        return self._closing.code if self._closing else None

    def tell(self, message: ServerMessage) -> None:
        """Queues a message; where OUTBOX wait, Stats are left out, and without anything else it cannot go on.

        Nothing is said before Ready.
        """
        if self._closing is not None or self._deaf or (self._session is None and isinstance(message, Stats)):
            return
        if len(self._outbox) < limits.OUTBOX:
            self._outbox.append(message)
            self._wake.set()
        elif not isinstance(message, Stats):
            self.dismiss("rate", "too many answers wait to be read: read them")

    def dismiss(self, code: str, message: str) -> None:
        """The last message; the connection closes after it."""
        if self._closing is None:
            self._closing = Error(code if code in CLOSE_CODES else "engine", message)
            self._wake.set()

    async def run(self) -> None:
        """The whole conversation."""
        offered = SUBPROTOCOL in self._websocket.scope["subprotocols"]
        await self._websocket.accept(subprotocol=SUBPROTOCOL if offered else None)
        if not offered:
            self.dismiss("protocol", f"ask for the subprotocol {SUBPROTOCOL}")
        elif len(self._hub.connected) >= limits.MAX_SPEAKERS:
            self.dismiss("full", "too many senders are connected: try again later")
        self._hub.connected.add(self)
        works = (self._inbox.fill(), self._read(), self._write())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            await self._over(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._leave()
        for task in tasks:
            if not task.cancelled():
                task.result()  # raises what is a mistake of ours

    async def _over(self, filling: _Task, reading: _Task, writing: _Task) -> None:
        """Waits for the end, and for what is still to be done then."""
        await asyncio.wait({filling, reading, writing}, return_when=asyncio.FIRST_COMPLETED)
        if self._closing is not None:
            await asyncio.wait({writing}, timeout=limits.SEND_SECONDS)
            return
        await asyncio.wait({filling}, timeout=limits.LAST_SECONDS)  # it could not be written to: was there a goodbye?
        if self._session is not None:  # what has arrived counts
            patience = limits.LAST_SECONDS if self._inbox.cut_off else limits.LAST_WORDS_SECONDS
            await asyncio.wait({reading}, timeout=patience)

    def _leave(self) -> None:
        """Gives the place up, or has it kept. Twice is safe."""
        if self not in self._hub.connected:
            return
        self._hub.connected.discard(self)
        broken = self._closing is None and self._inbox.cut_off and not self._ended
        why = self._closing.code if self._closing else "connection lost" if broken else "closed"
        name = self._session.name if self._session else None
        if self._session is not None:
            self._hub.release(self._session, self, broken=broken)
        say(_log, "sender gone", session=name, sender=self.label, why=why)

    # Reading

    async def _read(self) -> None:
        try:
            await self._converse()
        except (WireError, Refused) as err:
            self.dismiss(err.code, str(err))
        except Gone:
            self._leave()  # now: the next one may be at the door

    async def _converse(self) -> None:
        if self._closing is not None:
            return
        allowance = Allowance(self._now())
        try:
            first = await within(self._inbox.next(), limits.HELLO_SECONDS)
        except asyncio.TimeoutError as err:
            raise WireError(f"no hello within {limits.HELLO_SECONDS:g} s") from err
        hello = decode_client(first) if isinstance(first, str) else None
        if not isinstance(hello, Hello):
            raise WireError("the first message must be a hello")
        self._let_in(hello)
        words = await Words.of(hello)
        session, taken = await self._hub.claim(hello, self)
        ready = Ready(
            session.name, session.face, session.epoch, taken.resume, session.streams, _LIMITS, text_codec=words.name
        )
        self._outbox.appendleft(ready)
        self._session = session
        self._wake.set()
        while True:
            data = await self._inbox.next()
            allowance.message(self._now())
            if isinstance(data, bytes) and is_motion(data):
                self._not_after_end()
                self._hub.send(Move(session.name, decode_motion(data)), droppable=True)
                continue
            if isinstance(data, bytes) and not is_packed(data):
                self._hear(session, data, hello, allowance)
                continue
            message = await words.unpacked(data) if isinstance(data, bytes) else decode_client(data)
            if isinstance(message, Text):
                session.read(message.text, data)
                if isinstance(data, str):
                    await words.heard(message)
            self._obey(session, message, allowance)

    def _let_in(self, hello: Hello) -> None:
        """By the server's token, or for one in a call by its pass. Raises WireError."""
        headers, query, passes = self._websocket.headers, self._websocket.query_params, self._hub.passes
        tokens = (hello.token, bearer(headers.get("authorization")), query.get("token"))
        if hello.session is not None and passes.is_private(hello.session):
            known = passes.holder(hello.session, "speak", tokens) is not None
        else:
            known = self._access.knows(*tokens)
        if not known:
            watches = self._access.only_watches(*tokens)
            words = "is for watching alone, and speaking takes the server's own" if watches else "is missing or wrong"
            raise WireError(f"the token {words}", "token")

    def _hear(self, session: Session, data: bytes, hello: Hello, allowance: Allowance) -> None:
        self._not_after_end()
        if hello.audio is None:
            raise WireError("sound came, but hello named no 'audio'", "audio")
        packet = decode_packet(data)
        allowance.audio(packet_seconds(packet.payload, hello.audio), self._now())
        session.audio_bytes += len(data)
        if not self._hub.send(Hear(session.name, packet), droppable=True):
            session.refused += 1

    def _obey(self, session: Session, message: ClientMessage, allowance: Allowance) -> None:
        if isinstance(message, Hello):
            raise WireError("hello came twice")
        if isinstance(message, Interrupt):
            self._hub.sessions.cut(session, message.epoch)
            return
        self._not_after_end()
        if isinstance(message, Expression):
            self._express(session, message)
            return
        if isinstance(message, End):
            self._ended = session.draining = True
            if not self._hub.send(Drain(session.name)):
                session.drained()
            return
        allowance.text(len(message.text), self._now())
        refused = self._voice.refusal(message)
        if refused is not None:
            self.tell(Error("text", refused, warning=True))
            self.tell(Spoken(message.id, dropped=True))
            return
        if len(session.texts) >= limits.MAX_TEXTS:
            raise WireError(f"{limits.MAX_TEXTS} texts wait to be spoken: wait for 'spoken'", "rate")
        session.texts.append(message.id)
        if not self._hub.send(self._voice.say(session.name, message)):
            session.said(Said(session.name, message.id, dropped=True))

    def _express(self, session: Session, message: Expression) -> None:
        try:
            shown = cue(message.name, message.strength, message.seconds)
        except UsageError as err:
            self.tell(Error("expression", str(err), warning=True))
        else:
            self._hub.send(Express(session.name, shown), droppable=True)

    def _not_after_end(self) -> None:
        if self._ended:
            raise WireError("nothing may follow 'end': connect anew")

    # Writing

    async def _write(self) -> None:
        try:
            while self._closing is None:
                await self._something()
                while self._outbox and self._session is not None:
                    await self._send(encode(self._outbox.popleft()))
            await self._send(encode(self._closing))
            await self._close(CLOSE_CODES[self._closing.code], self._closing.code)
        except Gone:
            self._deaf = True

    async def _something(self) -> None:
        """Waits for something to say; a session that rests reports nothing, but its sender wants to know that."""
        try:
            await within(self._wake.wait(), limits.REST_SECONDS)
        except asyncio.TimeoutError:
            if self._session is not None:
                self.tell(self._session.stats())
        self._wake.clear()

    async def _send(self, text: str) -> None:
        try:
            await within(self._websocket.send_text(text), limits.SEND_SECONDS)
        except (WebSocketDisconnect, RuntimeError, asyncio.TimeoutError) as err:  # RuntimeError: uvicorn closed it
            raise Gone from err

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, asyncio.TimeoutError):
            await within(self._websocket.close(code, reason), limits.SEND_SECONDS)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
