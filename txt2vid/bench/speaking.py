"""A sender in real time that is told to the sample what to say, and keeps what the server tells of itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from txt2vid.bench.target import Target
from txt2vid.bench.tone import Track
from txt2vid.core import wire
from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.tasks import within
from txt2vid.errors import Txt2VidError
from txt2vid.sender.packets import packetizer

BLOCK = LISTENING_RATE // 100  # samples that a microphone hands out at once: 10 ms
BITRATE = 24_000  # bits a second of Opus, as `txt2vid send`
READY_SECONDS = 75.0
MOST_STATS = 10_000  # that are kept: hours
FORMATS = {"opus": wire.AudioFormat("opus"), "pcm": wire.AudioFormat("pcm_s16le", LISTENING_RATE)}


@dataclass(slots=True)
class Line:
    """One sender's conversation with a server. stats: (when it came, on time.monotonic(), what the server said)."""

    socket: ClientConnection
    ready: wire.Ready
    epoch: int
    stats: list[tuple[float, wire.Stats]] = field(default_factory=list)

    async def send(self, position: int, payload: bytes) -> None:
        """A packet."""
        await self.socket.send(wire.encode_packet(wire.Packet(self.epoch, position, payload)))

    async def interrupt(self) -> None:
        """What was sent and is not shown yet shall not be."""
        self.epoch = (self.epoch + 1) % wire.EPOCHS
        await self.socket.send(wire.encode(wire.Interrupt(self.epoch)))

    async def listen(self) -> None:
        """Keeps Stats, until the connection ends. Raises Txt2VidError where the server refuses to go on."""
        async for text in self.socket:
            message = wire.decode_server(str(text))
            if isinstance(message, wire.Stats) and len(self.stats) < MOST_STATS:
                self.stats.append((time.monotonic(), message))
            elif isinstance(message, wire.Error) and not message.warning:
                raise Txt2VidError(f"the server ends it: {message.message}")


@asynccontextmanager
async def speaking(target: Target, session: str, codec: str, resume: str | None = None) -> AsyncIterator[Line]:
    """A connection as a session's sender, greeted. codec: "opus" or "pcm". Raises Txt2VidError where it is refused."""
    url, protocols = target.speak, [Subprotocol(wire.SUBPROTOCOL)]
    try:
        async with connect(
            url, subprotocols=protocols, compression=None, proxy=None, max_size=wire.MAX_MESSAGE, ssl=target.trust
        ) as socket:
            hello = wire.Hello(session=session, audio=FORMATS[codec], resume=resume)
            await socket.send(wire.encode(hello))
            answer = wire.decode_server(str(await within(socket.recv(), READY_SECONDS)))
            if not isinstance(answer, wire.Ready):
                why = answer.message if isinstance(answer, wire.Error) else f"{answer}"
                raise Txt2VidError(f"the server does not let us speak in {session}: {why}")
            yield Line(socket, answer, answer.epoch)
    except (WebSocketException, asyncio.TimeoutError) as err:
        raise Txt2VidError(f"the connection to {url} broke: {type(err).__name__} {err}") from err


async def wait_until(moment: float) -> None:
    """Until `moment` of time.monotonic()."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


class Microphone:
    """Says a track in real time: sample p is captured at start + p / LISTENING_RATE, on time.monotonic()."""

    def __init__(self, track: Track, codec: str) -> None:
        self.start = 0.0
        self._track, self._codec = track, codec
        self._packets = packetizer(codec, BITRATE)
        self._position = 0

    def captured(self, position: int) -> float:
        """When a sample was, or will be."""
        return self.start + position / LISTENING_RATE

    @property
    def position(self) -> int:
        """Of the next sample."""
        return self._position

    def cut(self) -> None:
        """What was said and is in no packet yet is never sent."""
        self._packets = packetizer(self._codec, BITRATE)

    async def play(self, line: Line, until: int) -> None:
        """Goes on to a position. What is not sent in time is sent late, not left out."""
        if not self._position:
            self.start = time.monotonic()
        while self._position < until:
            stop = min(self._position + BLOCK, until)
            await wait_until(self.captured(stop))
            samples = self._track.between(self._position, stop)
            for packet in self._packets.push(self._position, samples):
                await line.send(packet.position, packet.payload)
            self._position = stop
