"""Cameras of the tests' own: aiortc peers that send video encoded before, and take landmarks and pictures back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from tests.server.conftest import Answer, Server
from tests.server.peers import ask
from txt2vid.core import landmarkwire
from txt2vid.core.landmarkwire import Landmarks
from txt2vid.core.media import Pixels
from txt2vid.core.packets import PICTURE_CLOCK
from txt2vid.ffmpeg.pictures import PictureEncoder

BITRATE = 900_000


def encoded(frames: Sequence[Pixels], codec: str = "h264", fps: int = 15) -> list[bytes]:
    """The frames as packets, the first a key, so that they may be sent again and again."""
    height, width = frames[0].shape[:2]
    encoder = PictureEncoder(codec, width, height, Fraction(fps), BITRATE)
    planes = [np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420), np.uint8) for frame in frames]
    return [encoder.encode(each, 6000 * at, key=at == 0).data for at, each in enumerate(planes)]


class Shot(MediaStreamTrack):
    """A camera whose packets are there already. sent: when each was, by its number."""

    kind = "video"

    def __init__(self, packets: Sequence[bytes], fps: int) -> None:
        super().__init__()
        self._packets, self._fps, self._begun, self._number = packets, fps, 0.0, 0
        self.sent: list[float] = []
        self.sender: Any = None  # tells that a key is asked for
        self._from = 0

    async def recv(self) -> Any:
        """The next one, in real time."""
        self._begun = self._begun or time.monotonic()
        await asyncio.sleep(self._begun + self._number / self._fps - time.monotonic())
        if getattr(self.sender, "_RTCRtpSender__force_keyframe", False):  # aiortc would tell its encoder
            self.sender._RTCRtpSender__force_keyframe = False
            self._from = self._number
        packet = av.Packet(self._packets[(self._number - self._from) % len(self._packets)])
        packet.pts = self._number * PICTURE_CLOCK // self._fps
        packet.time_base = Fraction(1, PICTURE_CLOCK)
        self._number += 1
        self.sent.append(time.time())
        return packet


@dataclass
class Shown:
    """A camera that the server has answered. seen: what came, with its time; words: what was said; back: pictures."""

    connection: RTCPeerConnection
    channel: RTCDataChannel
    answer: Answer
    seen: list[tuple[float, Landmarks]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    back: list[av.VideoFrame] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self, data: str | bytes) -> None:
        if isinstance(data, str):
            self.words.append(data)
        else:
            self.seen.append((time.time(), landmarkwire.decode(data)))

    async def take(self, track: Any) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                self.back.append(await track.recv())


async def offering(
    track: MediaStreamTrack | None, codec: str, annotated: bool
) -> tuple[RTCPeerConnection, RTCDataChannel]:
    """A peer with an offer. codec: "h264" or "vp8"."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = connection.createDataChannel("mesh", ordered=False, maxRetransmits=0)
    if track is not None:
        transceiver = connection.addTransceiver(track, "sendrecv" if annotated else "sendonly")
        known = RTCRtpSender.getCapabilities("video").codecs
        wanted = [each for each in known if each.mimeType.lower() == f"video/{codec}"]
        transceiver.setCodecPreferences(wanted)
        if isinstance(track, Shot):
            track.sender = transceiver.sender
    await connection.setLocalDescription(await connection.createOffer())
    return connection, channel


@contextlib.asynccontextmanager
async def shown(
    server: Server, track: MediaStreamTrack, *, codec: str = "h264", annotated: bool = False, query: str = ""
) -> AsyncIterator[Shown]:
    """A camera that is looked at; hangs up at the end."""
    connection, channel = await offering(track, codec, annotated)
    tasks = []
    try:
        path = f"/mesh/peers?annotated={annotated:d}{query}"
        answer = await ask(server, "POST", path, connection.localDescription.sdp)
        assert answer.status == 201, answer.body
        made = Shown(connection, channel, answer)
        channel.on("message", made.heard)
        connection.on("track", lambda track: tasks.append(asyncio.ensure_future(made.take(track))))
        await connection.setRemoteDescription(RTCSessionDescription(answer.body.decode(), "answer"))
        yield made
        await ask(server, "DELETE", str(answer.headers["Location"]))
    finally:
        await connection.close()
        await asyncio.gather(*tasks)
