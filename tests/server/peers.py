"""WebRTC peers of the tests' own: aiortc on loopback, which sends a tone and takes what comes."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import math
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import aioice.ice
import av
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from tests.server.conftest import PATIENCE, Answer, Server

SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
RATE, PACKET = 48_000, 960


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aioice leaves loopback out by itself, and where the tests run there may be nothing else."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


class Tone(MediaStreamTrack):
    """A microphone: 440 Hz for the first half of each second, silence for the other. speaks: or silence alone."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.speaks = True
        self._at, self._begun = 0, 0.0

    async def recv(self) -> av.AudioFrame:
        self._begun = self._begun or time.monotonic()
        await asyncio.sleep(self._begun + self._at / RATE - time.monotonic())
        at = (self._at + np.arange(PACKET)) / RATE
        sound = 0.5 * np.sin(2 * math.pi * 440 * at) * (at % 1 < 0.5) * self.speaks
        frame = av.AudioFrame.from_ndarray((sound * 32767).astype(np.int16)[np.newaxis], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._at, Fraction(1, RATE)
        self._at += PACKET
        return frame


@dataclass
class Line:
    """A connection to the server. pictures, sounds: (time, pts, mean or loudness) of each frame that came."""

    connection: RTCPeerConnection
    answer: Answer
    pictures: list[tuple[float, int, float]] = field(default_factory=list)
    sounds: list[tuple[float, int, float]] = field(default_factory=list)

    @property
    def place(self) -> str:
        return str(self.answer.headers["Location"])

    async def take(self, track: Any) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                pixels = frame.to_ndarray(format="gray8") if track.kind == "video" else frame.to_ndarray()
                into = self.pictures if track.kind == "video" else self.sounds
                into.append((time.monotonic(), frame.pts, float(np.abs(pixels.astype(float)).mean())))


async def drained(track: Any, into: list[Any]) -> None:
    """All frames of a track, to its end."""
    with contextlib.suppress(MediaStreamError):
        while True:
            into.append(await track.recv())


def asked(server: Server, method: str, path: str, body: str | bytes = b"", kind: str = SDP, **headers: str) -> Answer:
    """A request with a body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {"Content-Type": kind, **headers})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


async def ask(server: Server, method: str, path: str, *rest: Any, **headers: str) -> Answer:
    """The same, while peers go on."""
    return await asyncio.to_thread(asked, server, method, path, *rest, **headers)


async def offer(
    *, sends: MediaStreamTrack | None = None, takes: tuple[str, ...] = (), codec: str = ""
) -> RTCPeerConnection:
    """A peer that has made an offer: its localDescription.sdp. codec: the one that it takes pictures in; "" is any."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    if sends is not None:
        connection.addTransceiver(sends, "sendonly")
    for kind in takes:
        transceiver = connection.addTransceiver(kind, "recvonly")
        if codec and kind == "video":
            able = RTCRtpReceiver.getCapabilities(kind)
            transceiver.setCodecPreferences([each for each in (able.codecs if able else []) if each.mimeType == codec])
    await connection.setLocalDescription(await connection.createOffer())
    return connection


@contextlib.asynccontextmanager
async def line(server: Server, path: str, **wants: Any) -> AsyncIterator[Line]:
    """A peer that the server has answered; hangs up at the end."""
    headers = wants.pop("headers", {})
    connection = await offer(**wants)
    tasks = []
    try:
        answer = await ask(server, "POST", path, connection.localDescription.sdp, **headers)
        assert answer.status == 201, answer.body
        made = Line(connection, answer)
        connection.on("track", lambda track: tasks.append(asyncio.ensure_future(made.take(track))))
        await connection.setRemoteDescription(RTCSessionDescription(answer.body.decode(), "answer"))
        yield made
        await ask(server, "DELETE", made.place, **headers)
    finally:
        await connection.close()
        await asyncio.gather(*tasks)


async def until(condition: Any, what: str, seconds: float = PATIENCE) -> None:
    """Waits until it is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        await asyncio.sleep(0.05)
