"""How late a viewer sees what a camera's motion does: from a motion that is sent to its decoded picture.

    python benchmarks/driving_live.py [--face hero.png] [--size 512] [--changes 40]

A server, a sender that opens and shuts the mouth, 30 motions a second as `drive --webcam` sends them, and a viewer
(MPEG-TS over HTTP, ffmpeg), all on this machine, which should do nothing else. A change counts as seen in the first
picture that is nearer to the new state than to the old one. Camera and tracking come on top: 33 ms between pictures,
and 7 of the mesh.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.server.conftest import Server, serving  # noqa: E402
from txt2vid.core.motion import Motion, coefficients  # noqa: E402
from txt2vid.core.motionwire import Seen, encode_motion  # noqa: E402

OPEN = 0.8  # of the jaw
RATE = 30  # motions a second
WARM_UP = 4  # changes that are not counted: the encoder begins, and both states are learnt


class Viewer:
    """Decodes a stream as it comes; `seen` are the pictures in grey, small, each with when it was there."""

    def __init__(self, url: str, side: int = 64) -> None:
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-fflags",
            "nobuffer",
            "-flags",
            "low_delay",
            "-probesize",
            "32768",
            "-i",
            url,
        ]
        command += ["-vf", f"scale={side}:{side}", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self._bytes = side * side
        self.seen: list[tuple[float, np.ndarray]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        out = self._process.stdout
        while out is not None and len(data := out.read(self._bytes)) == self._bytes:
            self.seen.append((time.monotonic(), np.frombuffer(data, np.uint8).astype(np.float32)))

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()
        self._thread.join()


def states(changes: int) -> Iterator[tuple[float, bool]]:
    """For how many seconds the mouth is open, or shut: uneven, so that no grid is met."""
    draw = np.random.default_rng(1)
    for index in range(changes + WARM_UP):
        yield float(draw.uniform(1.0, 1.6)), bool(index % 2)


def sent(server: Server, changes: int) -> list[tuple[float, bool]]:
    """When each change was sent, and whether it opens the mouth."""
    told, began = [], time.monotonic()
    with server.talk() as talk:
        for seconds, is_open in states(changes):
            until = time.monotonic() + seconds
            told.append((time.monotonic(), is_open))
            while time.monotonic() < until:
                at = round(1000 * (time.monotonic() - began))
                talk.say(encode_motion(Seen(at, Motion(coefficients(jawOpen=OPEN * is_open)))))
                with suppress(TimeoutError):  # stats that are not read would hold up the pongs behind them
                    talk.connection.recv(1 / RATE)
    return told


def delays(told: list[tuple[float, bool]], seen: list[tuple[float, np.ndarray]]) -> list[float]:
    """Milliseconds from each counted change to its first picture."""
    found = []
    for (before, _), (at, _), (after, _) in zip(told, told[1:], told[2:], strict=False):
        old = [picture for time, picture in seen if before + 0.8 < time < at]
        new = [picture for time, picture in seen if at + 0.8 < time < after]
        if not old or not new:
            continue
        first, second = np.mean(old, axis=0), np.mean(new, axis=0)
        way = second - first
        half = float(way @ (first + second)) / 2
        shown = next((time for time, picture in seen if time > at and float(picture @ way) > half), None)
        if shown is not None:
            found.append(1000 * (shown - at))
    return found[WARM_UP:]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--face", type=Path, default=ROOT / "sample_data" / "hero.png")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--changes", type=int, default=40)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        arguments = ("--face", given.face.resolve(), "--size", given.size, "--workers", "1")
        with serving(Path(name) / "serve", *arguments) as server:
            viewer = Viewer(f"http://127.0.0.1:{server.port}/stream.ts")
            try:
                told = sent(server, given.changes)
            finally:
                viewer.close()
    found = sorted(delays(told, viewer.seen))
    if not found:
        raise SystemExit("no change was seen: is the machine too busy?")
    late = found[min(len(found) - 1, round(0.95 * len(found)))]
    gaps = [second - first for (first, _), (second, _) in itertools.pairwise(viewer.seen)]
    print(f"{len(found)} changes: median {statistics.median(found):.0f} ms, p95 {late:.0f} ms, "
          f"most {found[-1]:.0f} ms; longest pause between pictures {1000 * max(gaps):.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
