"""How many cameras the mesh page tracks: clients send encoded video by WebRTC and take landmarks back, on this machine.

    python benchmarks/mesh_page.py [--clients 8] [--fps 15] [--seconds 20] [--codec h264] [--annotated]
                                   [--workers 2] [--browser]

Clients are aiortc's, in one process of their own; their video was encoded before, so that the server is measured. The
round trip is from the moment a picture is handed to the client's RTP until its landmarks are decoded in the client,
by the server's own echo of the capture time; it holds the client's share of work as well. Run it on a machine that does
nothing else: the clients' CPU is told because they share the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aioice.ice
import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.server.browsers import Chromium, chromium  # noqa: E402
from tests.server.cameras import Shot, Shown, encoded, shown  # noqa: E402
from tests.server.conftest import Server, serving  # noqa: E402
from tests.server.heads import camera_file, moving_head  # noqa: E402

WARM_UP = 5.0  # seconds: processes load, faces are found, clocks are told


async def measure(server: Server, options: argparse.Namespace) -> None:
    """Prints what came back, and what it took."""
    frames = moving_head(options.face, 4 * options.fps)
    with contextlib.ExitStack() as stack:
        if options.browser:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            camera = camera_file(Path(folder) / "head.y4m", frames, options.fps)
            fake = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
            more = (*fake, f"--use-file-for-fake-video-capture={camera}")
            page = stack.enter_context(chromium(Path(folder), more=more))
            await asyncio.to_thread(_begin, page, f"http://localhost:{server.port}/mesh")
        await _measure(server, options, frames)
        if options.browser:
            told = ("faces-seen", "fps", "trip", "spent")
            shown = [page.run(f"document.querySelector('#{name}').textContent") for name in told]
            late = page.run("document.querySelector('#trip').title")
            print(
                "a page in Chromium   faces {}, {} a second, round trip {} ({}), in the server {}".format(
                    *shown[:3], late, shown[3]
                )
            )


def _begin(page: Chromium, url: str) -> None:
    page.goto(url)
    page.until("document.body.dataset.painter")
    page.click("#begin")
    page.until("document.querySelector('#state').dataset.state === 'live'")


async def _measure(server: Server, options: argparse.Namespace, frames: list[Any]) -> None:
    packets = encoded(frames, options.codec, options.fps)
    tracks = [Shot(packets, options.fps) for _ in range(options.clients)]
    async with contextlib.AsyncExitStack() as stack:
        cameras = []
        for track in tracks:
            made = shown(server, track, codec=options.codec, annotated=options.annotated)
            cameras.append(await stack.enter_async_context(made))
            await asyncio.sleep(0.05)
        await asyncio.sleep(WARM_UP)
        processes = _processes(server)
        for process in processes.values():
            process.cpu_percent()
        begun, sent = time.time(), sum(len(track.sent) for track in tracks)
        await asyncio.sleep(options.seconds)
        used = {name: process.cpu_percent() / 100 for name, process in processes.items()}
        sent = sum(len(track.sent) for track in tracks) - sent
        _tell(cameras, begun, time.time(), sent, used)


def _processes(server: Server) -> dict[str, psutil.Process]:
    root = psutil.Process(server.process.pid)
    found = {"server": root, "clients": psutil.Process()}
    workers = [child for child in root.children() if "spawn_main" in " ".join(child.cmdline())]
    return found | {f"child {number}": child for number, child in enumerate(workers)}


def _tell(cameras: list[Shown], begun: float, ended: float, sent: int, used: dict[str, float]) -> None:
    seconds = ended - begun
    rates, trips, spent, faces = [], [], [], []
    for camera in cameras:
        seen = [(at, each) for at, each in camera.seen if begun <= at < ended]
        rates.append(len(seen) / seconds)
        trips += [at * 1000 - each.captured for at, each in seen if each.captured == each.captured]
        spent += [each.spent for _, each in seen]
        faces += [len(each.faces) for _, each in seen]
    print(f"pictures sent        {sent / seconds / len(cameras):.1f} a second and client")
    print(f"landmarks back       {min(rates):.1f} … {max(rates):.1f} a second and client, faces {np.mean(faces):.2f}")
    for name, values in (("round trip", trips), ("of it in the server", spent)):
        p50, p95, p99 = np.percentile(values, [50, 95, 99])
        print(f"{name:20} median {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms ({len(values)})")
    print("cores used           " + ", ".join(f"{name} {share:.2f}" for name, share in used.items()))


def main() -> None:
    """Parses, serves, measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--codec", choices=["h264", "vp8"], default="h264")
    parser.add_argument("--annotated", action="store_true")
    parser.add_argument("--browser", action="store_true", help="one more client: the page in Chromium")
    parser.add_argument("--face", type=Path, default=ROOT / "sample_data" / "hero.png")
    options = parser.parse_args()
    loopback: Any = lambda **_: ["127.0.0.1"]  # noqa: E731
    aioice.ice.get_host_addresses = loopback  # aioice leaves it out by itself
    with tempfile.TemporaryDirectory() as folder:
        arguments = ("--face", options.face, "--size", "128", "--workers", options.workers)
        with serving(Path(folder) / "serve", *arguments) as server:
            asyncio.run(measure(server, options))


if __name__ == "__main__":
    main()
