"""How long a microphone in a headless Chromium takes to the picture and the sound of the face that it moves, by WebRTC.

    python benchmarks/webrtc.py [--seconds 60] [--size 512] [--face sample_data/hero.png] [--target MS]
                                [--loss 0.05 --jitter 100]

The page itself measures, by its one clock (webrtc.js): when its fake microphone beeps, when the frame that the server
marks is shown, when the beep is heard. Prints a table; run it on a machine that does nothing else. With --loss or
--jitter all packets of both connections go over a wire that loses and delays them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import tempfile
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.server.browsers import chromium  # noqa: E402
from tests.server.conftest import serving  # noqa: E402
from tests.server.wire import Wire  # noqa: E402

RATE = 48_000
EVERY, LONG = 1.02, 0.25  # seconds: beeps fall on all places of the frames' grid
MISSED = 900.0  # ms: a later edge belongs to another beep


def beeps(path: Path, seconds: float) -> None:
    """A microphone's WAV."""
    at = np.arange(round(seconds * RATE)) / RATE
    sound = 0.7 * np.sin(2 * math.pi * 440 * at) * (at % EVERY < LONG)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())


@contextmanager
def wires(loss: float, jitter: float) -> Iterator[str]:
    """A URL that, with ?HOST:PORT, gives the port on loopback of a new wire to that place. jitter: seconds."""
    loop, opened = asyncio.new_event_loop(), []

    async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        host, _, port = line.partition("?")[2].rpartition(":")
        wire = Wire(loss, jitter)
        opened.append(wire)
        body = str(await wire.open((host, int(port))))
        head = f"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: {len(body)}\r\nConnection: close"
        writer.write(f"{head}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(asked, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        lost, passed = sum(wire.lost for wire in opened), sum(wire.passed for wire in opened)
        print(f"the wire lost {lost} of {lost + passed} packets and delayed each by up to {1000 * jitter:.0f} ms")
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def later(begun: list[float], seen: list[float]) -> np.ndarray:
    """Milliseconds from each beep to its first edge; NaN where there is none."""
    edges = np.array(seen)
    found = [edges[edges > at] - at for at in begun]
    return np.array([each[0] if len(each) and each[0] < MISSED else np.nan for each in found])


def summary(name: str, values: np.ndarray) -> str:
    """One line of the table."""
    there = values[~np.isnan(values)]
    if not len(there):
        return f"{name:<24} none of {len(values)}"
    low, middle, high = np.percentile(there, [5, 50, 95])
    return f"{name:<24} median {middle:6.0f}  p5 {low:6.0f}  p95 {high:6.0f}  ({len(there)} of {len(values)})"


def shown(stats: list[dict[str, Any]], lasted: float) -> None:
    """What the browser counted."""
    for each in stats:
        if each["type"] == "inbound-rtp":
            waited = 1000 * each["jitterBufferDelay"] / max(1, each["jitterBufferEmittedCount"])
            rate = 8 * each["bytesReceived"] / lasted
            lost = f"{each['packetsLost']} of {each['packetsReceived']} lost"
            more = (
                f", {each.get('framesDecoded')} frames, {each.get('freezeCount')} freezes"
                if "framesDecoded" in each
                else ""
            )
            print(f"down {each['kind']:<19} {rate:6.0f} kbit/s, jitter buffer {waited:.0f} ms, {lost}{more}")
        elif each["type"] == "outbound-rtp":
            print(f"up {each['kind']:<21} {8 * (each['bytesSent'] + each['headerBytesSent']) / lasted:6.1f} kbit/s")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--size", default="512")
    parser.add_argument("--face", type=Path, default=ROOT / "sample_data" / "hero.png")
    parser.add_argument("--target", type=float, help="ms: the page's jitterBufferTarget; left to the browser without")
    parser.add_argument("--loss", type=float, default=0.0, help="of all packets, 0 to 1")
    parser.add_argument("--jitter", type=float, default=0.0, help="ms: each packet waits for up to so long")
    given = parser.parse_args()
    script = (Path(__file__).parent / "webrtc.js").read_text()
    options: dict[str, Any] = {} if given.target is None else {"target": given.target}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        beeps(folder / "microphone.wav", 20 * EVERY)
        (folder / "browser").mkdir()
        with (
            serving(folder / "serve", "--face", given.face.resolve(), "--size", given.size, "--mark") as server,
            chromium(folder / "browser", folder / "microphone.wav") as page,
            wires(given.loss, given.jitter / 1000) as wire,
        ):
            if given.loss or given.jitter:
                options["wire"] = wire
                page.reach_anywhere()
            page.goto(f"http://127.0.0.1:{server.port}/healthz")
            session = server.announced["session"]
            got = page.run(
                f"({script[script.index('async (') :]})('{session}', {given.seconds}, {json.dumps(options)})"
            )
    edges = got["edges"]
    begun = [at for at in edges["mic"][3:] if at < edges["mic"][-1] - MISSED]  # the first find a cold jitter buffer
    sound, picture = later(begun, edges["sound"]), later(begun, edges["picture"])
    print(f"{given.size} pixels, {got['lasted'] / 1000:.0f} s, {got['frames']} frames shown; all in ms")
    print(summary("microphone to sound", sound))
    print(summary("microphone to picture", picture))
    print(summary("sound before picture", picture - sound))
    shown(got["stats"]["down"] + got["stats"]["up"], got["lasted"])


if __name__ == "__main__":
    main()
