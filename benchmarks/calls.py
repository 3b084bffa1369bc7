"""How many two-way calls fit: callers speak by WHIP and see each other and themselves by WHEP, all on this machine.

    python benchmarks/calls.py [--calls 4] [--seconds 20] [--size 512] [--face sample_data/hero.png] [--draw]

With --draw they draw the faces themselves: motion and sound come by websocket (docs/mesh-wire.md), and the server draws
and encodes nothing.

Callers send packets that were encoded before and count those that come, without decoding: what is measured is the
server. Prints what it took of CPU, what came late, and how many of the pictures arrived; run it on a machine that does
nothing else. The callers' own CPU is told, too: they share the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.server.conftest import Server, serving  # noqa: E402
from tests.server.peers import SDP, asked  # noqa: E402
from txt2vid.core.meshwire import SOUND, MotionDecoder, records_of, sounds_of  # noqa: E402
from txt2vid.ffmpeg.decode import AudioReader  # noqa: E402
from txt2vid.ffmpeg.opus import OpusEncoder  # noqa: E402
from txt2vid.sender.resample import Resampler  # noqa: E402
from txt2vid.transports.restart import Path as IcePath  # noqa: E402

RATE, FPS = 48_000, 25


class Recorded(MediaStreamTrack):
    """A microphone whose packets are there already."""

    kind = "audio"

    def __init__(self, packets: list[bytes], start: int) -> None:
        super().__init__()
        self._packets, self._at, self._number = packets, start, 0
        self._begun = time.monotonic()

    async def recv(self) -> Any:
        """The next one, in real time."""
        await asyncio.sleep(self._begun + self._number * 0.02 - time.monotonic())
        packet = av.Packet(self._packets[(self._at + self._number) % len(self._packets)])
        packet.pts, packet.time_base = 960 * self._number, Fraction(1, RATE)
        self._number += 1
        return packet


@dataclass
class Count:
    """What came over one line. motion: bytes of motion, of all that came."""

    pictures: int = 0
    packets: int = 0
    bytes: int = 0
    motion: int = 0


def packets_of(path: Path) -> list[bytes]:
    """A sound file as Opus."""
    encoder, packets = OpusEncoder(24_000), []
    with AudioReader(path) as reader:
        resampler = Resampler(reader.rate)
        for chunk in reader:
            packets += encoder.push(resampler.push(chunk.samples.mean(axis=1)))
    return [packet.data for packet in packets]


@contextlib.asynccontextmanager
async def line(
    server: Server, path: str, track: Recorded | None, kinds: tuple[str, ...], **headers: str
) -> AsyncIterator[Count]:
    """A WHIP or WHEP session."""
    peer, count = RTCPeerConnection(RTCConfiguration(iceServers=[])), Count()

    async def came(packet: Any, arrival_time_ms: int) -> None:
        del arrival_time_ms
        count.packets += 1
        count.bytes += len(packet.payload)
        count.pictures += packet.marker if packet.payload_type != 96 else 0  # 96: Opus, of aiortc's own offers

    if track is not None:
        peer.addTransceiver(track, "sendonly")
    for kind in kinds:
        peer.addTransceiver(kind, "recvonly").receiver._handle_rtp_packet = came  # type: ignore[method-assign]
    for transceiver in peer.getTransceivers():
        IcePath(transceiver.sender.transport.transport, ["127.0.0.1"])
    await peer.setLocalDescription(await peer.createOffer())
    answer = await asyncio.to_thread(asked, server, "POST", path, peer.localDescription.sdp, SDP, **headers)
    if answer.status != 201:
        raise SystemExit(f"{path}: {answer.status} {answer.body.decode()}")
    await peer.setRemoteDescription(RTCSessionDescription(answer.body.decode(), "answer"))
    try:
        yield count
    finally:
        await peer.close()


@contextlib.asynccontextmanager
async def drawing(server: Server, session: str) -> AsyncIterator[Count]:
    """One who draws the face itself, as pages do; nothing is drawn."""
    count = Count()

    async def read(socket: Any) -> None:
        decoder, told = MotionDecoder(), 0.0
        async for message in socket:
            if isinstance(message, str):
                continue
            count.bytes += len(message)
            for kind, body in records_of(message):
                if kind == SOUND:
                    count.packets += len(sounds_of(body))
                elif (moved := decoder.decode(kind, body)) is not None:
                    count.pictures += 1
                    count.motion += 3 + len(body)
                    if time.monotonic() - told > 0.4:
                        told = time.monotonic()
                        await socket.send(json.dumps({"type": "got", "position": moved.position}))

    async with connect(f"ws://127.0.0.1:{server.port}/s/{session}/mesh", compression=None) as socket:
        reading = asyncio.create_task(read(socket))
        try:
            yield count
        finally:
            reading.cancel()


def watching(server: Server, session: str, kinds: tuple[str, ...], *, draw: bool) -> Any:
    """A viewer's line, whichever way."""
    return drawing(server, session) if draw else line(server, f"/whep/{session}", None, kinds)


def cpu(process: psutil.Process) -> float:
    """Seconds of a process and all that it started."""
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total


async def measured(server: Server, calls: int, seconds: float, packets: list[bytes], face: str, *, draw: bool) -> None:
    """Opens all lines, waits, and prints."""
    names = [f"caller{number}" for number in range(2 * calls)]
    relay, own = psutil.Process(server.process.pid), psutil.Process()
    async with contextlib.AsyncExitStack() as stack:
        seen = []
        for number, name in enumerate(names):
            track = Recorded(packets, number * 97)
            await stack.enter_async_context(line(server, f"/whip/{name}?face={face}", track, ()))
        for number, name in enumerate(names):
            other = names[number ^ 1]
            for session, kinds in ((other, ("audio", "video")), (name, ("video",))):
                seen.append(await stack.enter_async_context(watching(server, session, kinds, draw=draw)))
        await asyncio.sleep(3)
        before = [each.pictures for each in seen]
        sent, moved = sum(each.bytes for each in seen), sum(each.motion for each in seen)
        first = await counters(server)
        begun, spent, mine, hub = time.monotonic(), cpu(relay), cpu(own), sum(relay.cpu_times()[:2])
        await asyncio.sleep(seconds)
        lasted = time.monotonic() - begun
        came = np.array([each.pictures - was for each, was in zip(seen, before, strict=True)]) / lasted
        relay_cores = (cpu(relay) - spent) / lasted
        own_cores = (cpu(own) - mine) / lasted - relay_cores  # the server is a child of ours
        alone = sum(relay.cpu_times()[:2]) - hub
        drawn, late, held = await counters(server) - first
        sent, moved = sum(each.bytes for each in seen) - sent, sum(each.motion for each in seen) - moved
    print(f"{calls} two-way calls, {2 * calls} faces, {len(seen)} pictures going out, {lasted:.0f} s")
    print(f"drawn {drawn / lasted / len(names):.1f} a second and face of {FPS}, {late:.0f} late, {held:.0f} held")
    print(f"arrived a second: least {came.min():.1f}, mean {came.mean():.1f}")
    out = 8 * sent / lasted / 1e6
    each = 1000 * relay_cores / max(came.mean() * len(names), 1e-9)
    print(f"{each:.2f} ms of CPU for a frame of a face that arrived")
    print(f"server {relay_cores:.2f} cores, {alone / lasted:.2f} of them its hub, callers {own_cores:.2f} cores")
    print(f"{out:.2f} Mbit/s out")
    if draw:
        each, motion = (8 * size / lasted / 1000 / len(seen) for size in (sent, moved))
        print(f"{each:.1f} kbit/s a viewer, {motion:.1f} of them motion")


async def counters(server: Server) -> np.ndarray:
    """Pictures drawn, late and held, of all sessions."""
    names = [f"txt2vid_frames_{what}_total" for what in ("drawn", "late", "dropped")]
    return np.array([await asyncio.to_thread(server.metric, name) for name in names])


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--size", default="512")
    parser.add_argument("--face", type=Path, default=ROOT / "sample_data" / "hero.png")
    parser.add_argument("--draw", action="store_true", help="viewers draw the faces themselves")
    given = parser.parse_args()
    packets = packets_of(ROOT / "sample_data" / "speech.wav")
    with (
        tempfile.TemporaryDirectory() as name,
        serving(Path(name), "--face", f"hero={given.face.resolve()}", "--size", given.size) as server,
    ):
        asyncio.run(measured(server, given.calls, given.seconds, packets, "hero", draw=given.draw))


if __name__ == "__main__":
    main()
