"""A websocket with somebody at its other end: one task reads, one writes, and whichever ends first ends both."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import deque

from starlette.websockets import WebSocket, WebSocketDisconnect

from txt2vid.core.tasks import within
from txt2vid.server import limits


class Gone(Exception):  # noqa: N818 - not an error of ours
    """The peer is not there any more. code: of RFC 6455, 7.4.1."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Line(ABC):
    """One connection. most: messages that may wait for a peer that does not read; beyond them it cannot go on.

    left: the close code that the peer ended the connection with, None while it did not.
    """

    def __init__(self, websocket: WebSocket, subprotocol: str, most: int) -> None:
        self.websocket = websocket
        self.left: int | None = None
        client = websocket.client
        self.address = client.host if client else ""
        self._subprotocol, self._most = subprotocol, most
        self._outbox: deque[tuple[str | None, str]] = deque()  # `most` at most
        self._last: tuple[str, int, str] | None = None
        self._wake = asyncio.Event()

    @property
    def ending(self) -> bool:
        """Whether nothing more can be told."""
        return self._last is not None or self.left is not None

    def queue(self, text: str, instead: str | None = None) -> bool:
        """A message to the peer. False where too many wait.

        instead: what it tells; an older message that tells the same, and still waits, is left out for this newer one.
        """
        if instead is not None:
            self._outbox = deque(each for each in self._outbox if each[0] != instead)
        if len(self._outbox) >= self._most:
            return False
        if not self.ending:
            self._outbox.append((instead, text))
            self._wake.set()
        return True

    def end(self, text: str, code: int, reason: str) -> None:
        """The last message, after those that wait; then the connection closes with this code. Twice is safe."""
        if self._last is None:
            self._last = (text, code, reason)
            self._wake.set()

    async def run(self) -> None:
        """The whole conversation; `gone` is called after it, however it went."""
        offered = self._subprotocol in self.websocket.scope["subprotocols"]
        await self.websocket.accept(subprotocol=self._subprotocol if offered else None)
        self.opened(offered=offered)
        reader, writer = asyncio.create_task(self._read()), asyncio.create_task(self._write())
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            if self._last is not None:
                await asyncio.wait({writer}, timeout=limits.SEND_SECONDS)
        finally:
            reader.cancel()
            writer.cancel()
            await asyncio.wait({reader, writer})
            self.gone()
        for task in (reader, writer):
            if not task.cancelled():
                task.result()  # raises what is a mistake of ours

    @abstractmethod
    def opened(self, *, offered: bool) -> None:
        """The connection stands. offered: whether the peer speaks our subprotocol. `end` it where it may not go on."""

    @abstractmethod
    async def converse(self) -> None:
        """Reads until there is no more to say; ends the line at what makes no sense."""

    @abstractmethod
    def gone(self) -> None:
        """It is over."""

    async def receive(self) -> str | bytes:
        """The peer's next message. Raises Gone."""
        message = await self.websocket.receive()
        if message["type"] == "websocket.disconnect":
            self.left = int(message.get("code") or 1005)
            raise Gone(self.left)
        text: str | None = message.get("text")
        data: bytes | None = message.get("bytes")
        return text if text is not None else data or b""

    async def quiet(self) -> None:
        """Waits until there is something to send; subclasses may say something where there is nothing for long."""
        await self._wake.wait()

    async def _read(self) -> None:
        with contextlib.suppress(Gone):
            if self._last is None:
                await self.converse()

    async def _write(self) -> None:
        with contextlib.suppress(Gone):
            while True:
                await self.quiet()
                self._wake.clear()
                while self._outbox:
                    await self._send(self._outbox.popleft()[1])
                if self._last is not None:
                    text, code, reason = self._last
                    await self._send(text)
                    await self._close(code, reason)
                    return

    async def _send(self, text: str) -> None:
        try:
            await within(self.websocket.send_text(text), limits.SEND_SECONDS)
        except (WebSocketDisconnect, RuntimeError, asyncio.TimeoutError) as err:  # RuntimeError: uvicorn closed it
            self.left = self.left or 1006
            raise Gone(self.left) from err

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, asyncio.TimeoutError):
            await within(self.websocket.close(code, reason), limits.SEND_SECONDS)
