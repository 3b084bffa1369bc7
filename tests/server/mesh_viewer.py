"""A viewer that draws nothing: reads a session's motion and sound from its websocket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from txt2vid.core.meshwire import SOUND, MotionDecoder, Moved, records_of, sounds_of
from txt2vid.core.packets import SoundPacket
from txt2vid.ffmpeg.opus import OpusDecoder

PATIENCE = 30.0


class MeshViewer:
    """What has come: motions, and packets of sound. acknowledges: says what has come, as pages do."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.motions: list[Moved] = []
        self.sounds: list[SoundPacket] = []
        self.bytes = 0
        self.acknowledges = True
        self.hello: Any = None
        self._decoder = MotionDecoder()

    def greet(self) -> Any:
        self.hello = json.loads(self.connection.recv(PATIENCE))
        return self.hello

    def read(self, seconds: float = PATIENCE) -> None:
        """One message."""
        message = self.connection.recv(seconds)
        assert isinstance(message, bytes), message
        self.bytes += len(message)
        for kind, body in records_of(message):
            if kind == SOUND:
                self.sounds += sounds_of(body)
            elif (moved := self._decoder.decode(kind, body)) is not None:
                self.motions.append(moved)
        if self.acknowledges and self.motions:
            self.got(self.motions[-1].position)

    def got(self, position: int) -> None:
        self.connection.send(json.dumps({"type": "got", "position": position}))

    def until(self, count: int) -> None:
        """So many more motions."""
        wanted = len(self.motions) + count
        while len(self.motions) < wanted:
            self.read()

    def rest(self) -> None:
        """All that is on its way, until nothing comes for a while."""
        with suppress(TimeoutError):
            while True:
                self.read(0.4)

    def refusal(self) -> tuple[str | None, int | None]:
        """The code of the error that ends it, and the close code."""
        code = None
        try:
            while True:
                message = self.connection.recv(PATIENCE)
                if isinstance(message, str) and json.loads(message)["type"] == "error":
                    code = json.loads(message)["code"]
        except ConnectionClosed as closed:
            return code, closed.rcvd.code if closed.rcvd else None

    def loudness(self) -> float:
        """Of the loudest packet."""
        decoder = OpusDecoder()
        return max((float(np.abs(decoder.decode(packet.data)).max()) for packet in self.sounds), default=0.0)


@contextmanager
def mesh_viewer(port: int, session: str, query: str = "") -> Iterator[MeshViewer]:
    """One who has been let in to the door, but has not read its greeting."""
    url = f"ws://127.0.0.1:{port}/s/{session}/mesh{query}"
    with connect(url, compression=None, close_timeout=2, max_queue=None) as connection:
        yield MeshViewer(connection)
