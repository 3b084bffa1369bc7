"""One connection to a server: hello, then what waits in the outbox, until all is shown or the connection breaks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from txt2vid import __version__
from txt2vid.core import wire
from txt2vid.core.tasks import within
from txt2vid.sender import address, refusal
from txt2vid.sender.loop import beside
from txt2vid.sender.outbox import Cut, Moved, Outbox, Sound
from txt2vid.sender.refusal import LostError
from txt2vid.sender.status import Status
from txt2vid.sender.words import Words
from txt2vid.tts.tags import silence

OPEN_SECONDS = 10.0  # for TCP, TLS and the handshake
READY_SECONDS = 75.0  # from hello to ready: the server may have to find a face in a video first (60 s, it says)
PING_SECONDS = 0.5  # between pings, whose pongs tell what has arrived
DEAD_SECONDS = 5.0  # without a pong: the network is gone, or the server hangs
CUT_OFF = 1011  # the close code that keeps our place: 1000 would give it up
GIVEN_UP = 1001  # "going away" (RFC 6455, 7.4.1)
CLOSE_SECONDS = 1.0  # for the farewell
RECEIVED = 64  # messages that wait to be read by us; more stop the server, which drops its Stats then
END_SECONDS = 15.0  # beyond what is said, for the server to show the rest
CHARACTER_SECONDS = 0.25  # of a text that is spoken: three times as slow as people do

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Place:
    """What is the same in each connection of one sender. resume, epoch: of the last Ready. expression: its mood.

    trust: of wss://, None for whom the system trusts.
    """

    url: str
    hello: wire.Hello
    expression: wire.Expression | None = None
    epoch: int = 0
    resume: str | None = None
    trust: ssl.SSLContext | None = None


class Connection:
    """One connection. Raises LostError from `run` where it ends before all was shown."""

    def __init__(self, place: Place, outbox: Outbox, status: Status) -> None:
        self._place, self._outbox, self._status = place, outbox, status
        self._words = Words()
        self._asked_end = False
        self._progress = 0.0  # when something was last spoken, or sent to be, in the loop's time
        self.ready = False

    async def run(self, begun: asyncio.Event) -> None:
        """From the handshake to Ended. begun: set once the server is ready."""
        try:
            async with self._open() as socket:
                try:
                    await self._converse(socket, begun)
                except LostError as lost:
                    await socket.close(CUT_OFF if lost.again else 1000)
                    raise
                except asyncio.CancelledError:  # we are ended, and do not come back: the next may have our place
                    await socket.close(GIVEN_UP)
                    raise
        except (WebSocketException, OSError, asyncio.TimeoutError) as err:
            raise refusal.of_exception(err) from err
        except wire.WireError as err:
            raise LostError(f"the server said what makes no sense ({err})", again=False, hint="update txt2vid") from err

    def _open(self) -> connect:
        url = self._place.url
        return connect(
            url,
            subprotocols=[Subprotocol(wire.SUBPROTOCOL)],
            compression=None,  # Opus cannot be made smaller
            user_agent_header=f"txt2vid/{__version__}",
            ssl=self._place.trust or (True if url.startswith("wss:") else None),
            proxy=None if address.is_loopback(url) else True,
            open_timeout=OPEN_SECONDS,
            ping_interval=None,  # ours come oftener, and count what has arrived
            close_timeout=CLOSE_SECONDS,
            max_size=wire.MAX_MESSAGE,
            max_queue=RECEIVED,
        )

    async def _converse(self, socket: ClientConnection, begun: asyncio.Event) -> None:
        await self._greet(socket)
        self.ready, self._progress = True, now()
        begun.set()
        await beside(
            self._listen(socket),
            _till_closed(self._talk(socket)),
            _till_closed(self._ping(socket)),
            self._patience(),
        )

    async def _greet(self, socket: ClientConnection) -> None:
        if socket.subprotocol != wire.SUBPROTOCOL:
            raise LostError(f"what answers there does not speak {wire.SUBPROTOCOL}", again=False, hint="update txt2vid")
        place = self._place
        hello = place.hello
        offer = None if hello.audio else await self._words.offer()
        await socket.send(
            wire.encode(
                wire.Hello(
                    session=hello.session,
                    face=hello.face,
                    token=hello.token,
                    audio=hello.audio,
                    resume=place.resume,
                    interrupt=hello.interrupt and place.resume is None,
                    text_codec=offer,
                )
            )
        )
        message = await within(self._receive(socket), READY_SECONDS)
        while not isinstance(message, wire.Ready):
            message = await within(self._receive(socket), READY_SECONDS)
        await self._words.agree(message.text_codec)
        self._outbox.again(resumed=place.resume == message.resume)
        place.resume, place.epoch = message.resume, message.epoch
        self._status.state, self._status.session = "live", message.session
        if place.expression is not None:
            await socket.send(wire.encode(place.expression))

    async def _receive(self, socket: ClientConnection) -> wire.ServerMessage:
        data = await socket.recv()
        if isinstance(data, bytes):
            raise wire.WireError("binary messages are for senders")
        message = wire.decode_server(data)
        if isinstance(message, wire.Error):
            if not message.warning:
                raise refusal.of_error(message)
            _log.warning("the server says: %s", " ".join(message.message.split()))
        return message

    async def _listen(self, socket: ClientConnection) -> None:
        while True:
            message = await self._receive(socket)
            if isinstance(message, wire.Stats):
                self._status.stats = message
                self._follow(message.epoch)
            elif isinstance(message, wire.Spoken):
                self._outbox.spoken(message.id)
                self._progress = now()
            elif isinstance(message, wire.Ended) and self._asked_end:
                return

    def _follow(self, epoch: int) -> None:
        """Somebody else's interruption sets a new epoch; an old one is told by Stats that crossed ours."""
        if 0 < (epoch - self._place.epoch) % wire.EPOCHS < wire.EPOCHS // 2:
            self._place.epoch = epoch

    async def _talk(self, socket: ClientConnection) -> None:
        place, status = self._place, self._status
        while (item := await self._outbox.take()) is not None:
            if isinstance(item, Sound):
                await socket.send(wire.encode_packet(wire.Packet(place.epoch, item.position, item.payload)))
                status.seconds += item.seconds
            elif isinstance(item, Moved):
                await socket.send(item.payload)
                status.moved += 1
            elif isinstance(item, Cut):
                place.epoch = (place.epoch + 1) % wire.EPOCHS
                await socket.send(wire.encode(wire.Interrupt(place.epoch)))
            else:
                message = await self._words.written(item)
                await socket.send(message)
                status.wrote(item.text, message)
                self._progress = now()
        self._progress, self._asked_end = now(), True
        await socket.send(wire.encode(wire.End()))

    async def _ping(self, socket: ClientConnection) -> None:
        while True:
            mark = self._outbox.mark()
            pong = await within(socket.ping(), DEAD_SECONDS)
            try:
                await within(pong, DEAD_SECONDS)
            except asyncio.TimeoutError as err:
                raise LostError(f"the server gave no answer for {DEAD_SECONDS:g} s") from err
            self._outbox.acknowledge(mark)
            await asyncio.sleep(PING_SECONDS)

    async def _patience(self) -> None:
        """Ends with a server that never comes to the end of what it was given to say."""
        while True:
            unspoken = self._outbox.unspoken
            characters = sum(len(text.text) for text in unspoken)
            seconds = END_SECONDS + CHARACTER_SECONDS * characters + sum(silence(text.text) for text in unspoken)
            if (self._asked_end or characters) and now() > self._progress + seconds:
                raise LostError(
                    f"the server has not shown everything after {seconds:.0f} s", again=False, hint="look at its log"
                )
            await asyncio.sleep(PING_SECONDS)


async def _till_closed(work: Coroutine[None, None, None]) -> None:
    """The work, which ends quietly with the connection: why it was closed is for `_listen` to read."""
    with contextlib.suppress(ConnectionClosed):
        await work


def now() -> float:
    """Seconds of the loop's clock."""
    return asyncio.get_running_loop().time()
