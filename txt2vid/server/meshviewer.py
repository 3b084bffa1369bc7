"""The websocket /s/{session}/mesh: one who draws the face itself gets its motion and its sound (docs/mesh-wire.md).

The viewer says what has come. Where more than limits.MESH_AHEAD is on its way, what follows waits in its queue
(transports/forward.py), which loses motion up to a key, and the oldest sound: a slow network costs pictures, not delay.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from txt2vid.core.checks import WireError
from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.meshwire import sound_record
from txt2vid.core.packets import MESH, PICTURE_CLOCK, PicturePacket, SoundPacket
from txt2vid.core.tasks import within
from txt2vid.core.wire import CLOSE_CODES
from txt2vid.server import limits
from txt2vid.server.hub import Hub
from txt2vid.server.rates import Allowance
from txt2vid.server.seat import Refused
from txt2vid.server.session import Session
from txt2vid.transports.forward import PeerQueue, Timed

VERSION = 1
NO_RIG = "this face cannot be drawn in a browser (it is a video): watch the stream"
RIG_KEPT = 24 * 3600  # seconds that a browser may keep a face without asking: its number is of its bytes


class MeshViewer:
    """One viewer's connection. refused: the code of the error that it was closed with."""

    def __init__(self, websocket: WebSocket, hub: Hub) -> None:
        self._websocket, self._hub = websocket, hub
        self.refused: str | None = None
        self._got: int | None = None  # the last position that has come, in samples
        self._news = asyncio.Event()

    async def run(self) -> None:
        """From the first word to the last."""
        await self._websocket.accept()
        try:
            if self._hub.state == "starting":
                raise Refused("engine", "the server is starting: try again in a moment")
            session = await self._hub.watch(self._websocket.path_params["session"])
        except Refused as err:
            await self._refuse(err.code, str(err))
            return
        queue = session.forwarder.join(MESH)
        reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._write(session, queue))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            queue.close()
            reader.cancel()
            writer.cancel()
            await asyncio.wait({reader, writer})
        for task in (writer, reader):
            if not task.cancelled():
                await self._end(task.exception())

    async def _end(self, error: BaseException | None) -> None:
        """Says why, where the other end may still hear it."""
        if isinstance(error, Refused | WireError):
            await self._refuse(error.code, str(error))
        elif isinstance(error, asyncio.TimeoutError):
            await self._refuse("rate", "nothing was heard of what has come: say 'got'")
        elif error is not None and not isinstance(error, WebSocketDisconnect | RuntimeError):
            raise error  # a mistake of ours

    async def _read(self) -> None:
        allowance = Allowance(self._now())
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            allowance.message(self._now())
            self._got = position_of(message.get("text"))
            self._news.set()

    async def _write(self, session: Session, queue: PeerQueue) -> None:
        fps = float(session.running.fps) if session.running else None
        hello = {"type": "hello", "version": VERSION, "session": session.name, "rate": LISTENING_RATE, "fps": fps}
        await within(self._websocket.send_text(json.dumps(hello)), limits.SEND_SECONDS)
        sent = 0
        while (taken := await queue.both()) is not None:
            if session.rig is not None and session.rig.bundle is None:
                raise Refused("face", NO_RIG)
            motions, sounds = (list(_packets(each)) for each in taken)
            if motions:
                self._got = self._got if sent else _position(motions[0])
                sent = _position(motions[-1])
            message = b"".join([*(each.data for each in motions), sound_record(sounds)])
            await within(self._websocket.send_bytes(message), limits.SEND_SECONDS)
            session.forwarder.bytes_out += len(message)
            while sent - (self._got or 0) > limits.MESH_AHEAD * LISTENING_RATE:
                self._news.clear()
                await within(self._news.wait(), limits.MESH_SECONDS)
        raise Refused("engine", "the session has ended")

    async def _refuse(self, code: str, message: str) -> None:
        self.refused = code
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, asyncio.TimeoutError):
            said = json.dumps({"type": "error", "code": code, "message": message})
            await within(self._websocket.send_text(said), limits.SEND_SECONDS)
            await within(self._websocket.close(CLOSE_CODES.get(code, CLOSE_CODES["engine"]), code), limits.SEND_SECONDS)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def position_of(text: str | None) -> int:
    """What has come, of a viewer's message: {"type": "got", "position": samples}. Raises WireError."""
    try:
        body: Any = json.loads(text or "")
    except (ValueError, RecursionError) as err:
        raise WireError("a viewer's message is no JSON") from err
    position = body.get("position") if isinstance(body, dict) and body.get("type") == "got" else None
    if not isinstance(position, int) or isinstance(position, bool) or position < 0:
        raise WireError("a viewer's message is no 'got' with a position")
    return position


def rig_response(session: Session | None, number: str) -> Response:
    """The file of a session's face by its number, as keys of motion have it."""
    rig = session.rig if session is not None else None
    if rig is None or rig.bundle is None or str(rig.number) != number:
        body = {"error": "the session does not show that face now: keys of its motion say which", "code": "face"}
        return JSONResponse(body, 404)
    headers = {"Cache-Control": f"private, max-age={RIG_KEPT}, immutable"}
    return Response(rig.bundle, media_type="application/octet-stream", headers=headers)


def _packets(timed: Iterable[Timed]) -> Iterable[Any]:
    packet: PicturePacket | SoundPacket
    for _, packet in timed:
        yield packet


def _position(motion: PicturePacket) -> int:
    return motion.time * LISTENING_RATE // PICTURE_CLOCK
