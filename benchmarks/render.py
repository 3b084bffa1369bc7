"""How fast, how small and how soon `txt2vid render` is: the numbers of docs/benchmarks.md.

    python benchmarks/render.py [--repeats N] [--long MINUTES]

Prints a table: median of the repeats, with the smallest and the largest. Machines are shared and noisy: run it when
nothing else runs, and write down the machine and the date beside the numbers.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import click
import numpy as np

ROOT = Path(__file__).parents[1]
HERO = ROOT / "sample_data" / "hero.png"
DRIVING = ROOT / "sample_data" / "driving.mp4"
TEXT = (ROOT / "sample_data" / "hello.txt").read_text()


def make_speech(path: Path, seconds: float) -> Path:
    """Speech of exactly so many seconds: the sample text, said over and over by flite, 48 kHz mono."""
    once = path.with_suffix(".once.wav")
    subprocess.run(["flite", "-voice", "slt", "-t", TEXT, "-o", str(once)], check=True)
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", str(once), "-t", str(seconds), "-ar", "48000",
         str(path)], check=True)  # fmt: skip
    return path


def command(*arguments: object) -> tuple[float, float]:
    """Runs txt2vid in a process of its own: seconds that it took, and the peak memory of its Python process in MiB."""
    started = time.monotonic()
    child = subprocess.Popen([sys.executable, "-m", "txt2vid", *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"txt2vid {arguments} failed")
    scale = 1 << 20 if platform.system() == "Darwin" else 1 << 10  # ru_maxrss is bytes there, KiB here
    return time.monotonic() - started, usage.ru_maxrss / scale


def engine_rates(repeats: int, frames: int = 500) -> Iterator[float]:
    """Frames a second of processor time that the mesh engine draws at 512x512, everything moving."""
    from txt2vid.core.clock import FrameTime
    from txt2vid.core.motion import Motion, coefficients
    from txt2vid.core.options import FaceOptions
    from txt2vid.drivers.idle import IdleDriver
    from txt2vid.engines.base import Job
    from txt2vid.engines.mesh import MeshEngine
    from txt2vid.faces.prepare import prepare_face

    engine, idle = MeshEngine(), IdleDriver(0)
    prepared = engine.prepare(prepare_face(FaceOptions(HERO, size=512)))
    fps, silence = Fraction(25), np.zeros(640, np.float32)
    motions = []
    for i in range(frames):
        life = idle.drive(FrameTime(i, fps), silence if i else np.zeros(640 + idle.lookahead, np.float32))
        mouth = coefficients(jawOpen=0.15 + 0.15 * np.sin(0.7 * i), mouthPucker=0.2 + 0.2 * np.sin(0.3 * i))
        motions.append(life + Motion(mouth))
    for _ in range(repeats):
        started = time.process_time()
        for motion in motions:
            engine.render([Job(prepared, 0, motion)])
        yield frames / (time.process_time() - started)


def row(name: str, values: list[float], unit: str, aim: str) -> str:
    """One line of the table."""
    spread = f"{min(values):.3g} to {max(values):.3g}" if len(values) > 1 else "one run"
    return f"| {name} | {statistics.median(values):.3g} {unit} | {spread} | {aim} |"


def measure(folder: Path, repeats: int, minutes: float) -> Iterator[str]:
    """The table, line by line."""
    speech = make_speech(folder / "30s.wav", 30)
    out = folder / "out.mp4"

    def render(face: Path, audio: Path, *more: object) -> tuple[float, float]:
        return command("render", "--face", face, "--audio", audio, "-o", out, *more)

    yield "| what | median | spread | aim |"
    yield "|---|---|---|---|"
    runs = [render(HERO, speech, "--size", 512) for _ in range(repeats)]
    yield row("`render`, 30 s of speech, 512×512, 25 fps, times real time", [30 / run[0] for run in runs], "×", "≥ 4×")
    yield row("the same, seconds", [run[0] for run in runs], "s", "≤ 7.5 s")
    yield row("mesh engine alone, 512×512, frames a second of one core", list(engine_rates(repeats)), "fps", "≥ 250")
    ntsc = [30 / render(HERO, speech, "--size", 1024, "--fps", 60)[0] for _ in range(repeats)]
    yield row("`render`, 30 s, 1024×1024, 60 fps, times real time", ntsc, "×", "–")
    video = [30 / render(DRIVING, speech)[0] for _ in range(repeats)]
    yield row("`render` of a driving video, 30 s, 320×320, times real time", video, "×", "–")
    short, long = make_speech(folder / "10s.wav", 10), make_speech(folder / "long.wav", minutes * 60)
    yield row("peak memory, 10 s of speech", [render(HERO, short, "--size", 512)[1]], "MiB", "≤ 1.2 GiB")
    took, peak = render(HERO, long, "--size", 512)
    yield row(f"peak memory, {minutes:g} minutes of speech", [peak], "MiB", "as for 10 s")
    yield row(f"`render`, {minutes:g} minutes of speech, times real time", [minutes * 60 / took], "×", "≥ 4×")
    helps: Callable[[], float] = lambda: command("--help")[0]  # noqa: E731
    yield row("`txt2vid --help`", [helps() for _ in range(max(5, repeats))], "s", "≤ 0.3 s")


@click.command()
@click.option("--repeats", default=5, show_default=True, help="Runs of each; the median counts.")
@click.option("--long", "minutes", default=10.0, show_default=True, help="Minutes of the long sound.")
def main(repeats: int, minutes: float) -> None:
    """Measures and prints the table."""
    about = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    print(json.dumps(about))
    with tempfile.TemporaryDirectory() as folder:
        for line in measure(Path(folder), repeats, minutes):
            print(line, flush=True)


if __name__ == "__main__":
    main()
