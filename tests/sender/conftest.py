"""A real websocket server that behaves as a test's script says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from txt2vid.core import wire
from txt2vid.core.motionwire import Seen, decode_motion, is_motion
from txt2vid.server.words import Words

Script = Callable[["Peer"], Awaitable[None]]


@dataclass
class Peer:
    """One connection, seen from the server. got: all that came after hello, in order, but motions. raw: as it came."""

    socket: ServerConnection
    got: list[wire.Packet | wire.ClientMessage] = field(default_factory=list)
    hello: wire.Hello = field(default_factory=wire.Hello)
    raw: list[str | bytes] = field(default_factory=list)
    words: Words | None = None
    motions: list[Seen] = field(default_factory=list)

    async def greet(self, epoch: int = 0, resume: str = "again", *, packed: bool = False) -> None:
        hello = wire.decode_client(str(await self.socket.recv()))
        assert isinstance(hello, wire.Hello)
        self.hello = hello
        self.words = await Words.of(hello if packed else wire.Hello())
        await self.say(wire.Ready("stage", "hero", epoch, resume, text_codec=self.words.name))

    async def say(self, message: wire.ServerMessage) -> None:
        await self.socket.send(wire.encode(message))

    async def refuse(self, code: str, message: str = "no") -> None:
        await self.say(wire.Error(code, message))
        await self.socket.close(wire.CLOSE_CODES[code], code)

    async def hear(self, until: Callable[[], bool] = lambda: False) -> None:
        """Takes what comes until the condition holds; a text is spoken at once, an end is answered."""
        while not until():
            data = await self.socket.recv()
            if isinstance(data, bytes) and is_motion(data):
                self.motions.append(decode_motion(data))
                continue
            message = await self.understood(data)
            self.got.append(message)
            self.raw.append(data)
            if isinstance(message, wire.Text):
                await self.say(wire.Spoken(message.id))
            if isinstance(message, wire.End):
                await self.say(wire.Ended())

    async def understood(self, data: str | bytes) -> wire.Packet | wire.ClientMessage:
        if isinstance(data, str):
            message = wire.decode_client(data)
            if self.words is not None and isinstance(message, wire.Text):
                await self.words.heard(message)
            return message
        if self.words is not None and wire.is_packed(data):
            return await self.words.unpacked(data)
        return wire.decode_packet(data)

    @property
    def packets(self) -> list[wire.Packet]:
        return [message for message in self.got if isinstance(message, wire.Packet)]

    @property
    def texts(self) -> list[wire.Text]:
        return [message for message in self.got if isinstance(message, wire.Text)]


class Stage:
    """A server whose nth connection runs the nth script, further ones the last."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self.peers: list[Peer] = []
        self.url = ""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Stage]:
        protocols = [Subprotocol(wire.SUBPROTOCOL)]
        async with serve(self._serve, "127.0.0.1", 0, subprotocols=protocols, close_timeout=0.5) as server:
            port = server.sockets[0].getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/speak"
            yield self

    async def _serve(self, socket: ServerConnection) -> None:
        peer = Peer(socket)
        self.peers.append(peer)
        script = self._scripts[min(len(self.peers), len(self._scripts)) - 1]
        with contextlib.suppress(ConnectionClosed, asyncio.CancelledError):
            await script(peer)


async def accept_packed(peer: Peer) -> None:
    """The same, of a server that has our model."""
    await peer.greet(packed=True)
    await peer.hear()


async def accept(peer: Peer) -> None:
    """Takes everything, to the end."""
    await peer.greet()
    await peer.hear()


@pytest.fixture
def stage() -> type[Stage]:
    return Stage
