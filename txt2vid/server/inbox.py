"""What a sender says, read as it comes: its end is known at once, whatever the server does with what came before."""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket

from txt2vid.server import limits

CUT_OFF = frozenset({1005, 1006, 1011, 1012})  # close codes of connections that nobody closed on purpose


class Gone(Exception):  # noqa: N818 - not an error of ours
    """The peer is not there any more."""


class Inbox:
    """Messages that wait to be read; where INBOX do, the network holds back the rest.

    gone: the code with which the connection has ended (RFC 6455, 7.4.1), None while it goes on.
    """

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._waiting: asyncio.Queue[str | bytes | None] = asyncio.Queue(limits.INBOX)
        self.gone: int | None = None

    @property
    def cut_off(self) -> bool:
        """Whether nobody said goodbye: it has ended so, or has not ended and is given up."""
        return self.gone is None or self.gone in CUT_OFF

    async def fill(self) -> None:
        """Until the connection has ended."""
        while (message := await self._websocket.receive())["type"] != "websocket.disconnect":
            text: str | None = message.get("text")
            data: bytes | None = message.get("bytes")
            await self._waiting.put(text if text is not None else data or b"")
        self.gone = int(message.get("code") or 1005)
        await self._waiting.put(None)

    async def next(self) -> str | bytes:
        """The next message. Raises Gone after the last one."""
        message = await self._waiting.get()
        if message is None:
            raise Gone
        return message
