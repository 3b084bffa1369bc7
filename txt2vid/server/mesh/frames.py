"""The websocket /mesh/frames: a camera where UDP is blocked. Messages are JPEGs or WebPs; the newest is answered."""

from __future__ import annotations

import asyncio
import contextlib
import json

from starlette.websockets import WebSocket, WebSocketDisconnect

from txt2vid.core.checks import WireError
from txt2vid.core.landmarkwire import JPEG, SUBPROTOCOL, VERSION, decode_picture
from txt2vid.core.tasks import within
from txt2vid.pipeline.observing import Looked
from txt2vid.server import limits
from txt2vid.server.mesh.cameras import Camera, Cameras
from txt2vid.server.seat import Refused

ANNOTATED = bytes([VERSION + 1])  # before a JPEG that goes back
_PROTOCOL, _TOKEN, _FULL, _GOING, _ENDED = 4400, 4401, 4503, 4001, 4000  # close codes (RFC 6455, 7.4.2)


class Frames(Camera):
    """One connection."""

    def __init__(self, websocket: WebSocket, cameras: Cameras) -> None:
        super().__init__(cameras)
        self._websocket = websocket
        self._newest: list[bytes] = []  # the landmarks of the newest picture, and the picture where it goes back
        self._last: tuple[int, str] | None = None
        self._wake = asyncio.Event()

    def looked(self, seen: Looked) -> None:
        """The newest replaces what a slow network has not taken yet."""
        self._newest = [seen.message] + ([ANNOTATED + seen.picture.data] if seen.picture is not None else [])
        self._wake.set()

    def bye(self, why: str) -> None:
        """The last word."""
        self._end(_ENDED, why)

    def cut(self, why: str) -> None:
        """The page connects again."""
        self._end(_GOING, why)

    async def run(self, *, allowed: bool, annotated: bool) -> None:
        """The whole of it."""
        offered = SUBPROTOCOL in self._websocket.scope["subprotocols"]
        await self._websocket.accept(subprotocol=SUBPROTOCOL if offered else None)
        if not offered:
            self._end(_PROTOCOL, f"ask for the subprotocol {SUBPROTOCOL}")
        elif not allowed:
            self._end(_TOKEN, "this needs the server's token, or a shared link")
        else:
            try:
                await self._cameras.enter(self, annotated=annotated)
            except Refused as err:
                self._end(_FULL, str(err))
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._last is not None:
                await asyncio.wait(tasks[1:], timeout=limits.SEND_SECONDS)
        finally:
            self.leave()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()  # raises what is a mistake of ours

    def _end(self, code: int, why: str) -> None:
        if self._last is None:
            self._last = code, why
            self._wake.set()

    async def _read(self) -> None:
        while self._last is None:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text: str | None = message.get("text")
            try:
                if text is not None:
                    self.tune(text)
                else:
                    kind, captured, data = decode_picture(message.get("bytes") or b"")
                    self.show("jpeg" if kind == JPEG else "webp", data, captured, key=True)
            except WireError as err:
                self._end(_PROTOCOL, str(err))

    async def _write(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, asyncio.TimeoutError):  # RuntimeError: it is closed
            while self._last is None:
                await self._wake.wait()
                self._wake.clear()
                parts, self._newest = self._newest, []
                for part in parts:
                    await within(self._websocket.send_bytes(part), limits.SEND_SECONDS)
            code, why = self._last
            if code not in (_GOING, _FULL):  # the page may come again
                await within(self._websocket.send_text(json.dumps({"bye": why})), limits.SEND_SECONDS)
            await within(self._websocket.close(code, why[:100]), limits.SEND_SECONDS)
