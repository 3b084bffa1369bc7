"""What one frame costs: processor time of each stage, in milliseconds, on one thread.

    python benchmarks/frame.py [--repeats N] [--frames N] [--before FOLDER]

Prints a table: median of the repeats, with the smallest and the largest. The face talks and lives as it does in a live
session. `--before` measures another checkout of txt2vid in turns with this one, and prints both: machines are shared,
and only what is measured side by side can be compared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import click
import numpy as np

ROOT = Path(__file__).parents[1]
HERO = ROOT / "sample_data" / "hero.png"
SPEECH = ROOT / "sample_data" / "speech.wav"
FPS = Fraction(25)
RATE = 16000  # Hz

Stages = dict[str, float]
"""Milliseconds of processor time a frame."""


def heard() -> np.ndarray:
    """The sample speech as drivers hear it, float32 (n,)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "heard.wav"
        subprocess.run(["ffmpeg", "-v", "error", "-i", SPEECH, "-ac", "1", "-ar", str(RATE), path], check=True)
        with wave.open(str(path)) as file:
            return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def drive(sound: np.ndarray, frames: int) -> tuple[list, float, float]:
    """The motions of so many frames, and the milliseconds that the speech driver and the idle driver take for one."""
    from txt2vid.core.clock import FrameTime
    from txt2vid.drivers import features
    from txt2vid.drivers.idle import IdleDriver
    from txt2vid.drivers.speech import SpeechDriver

    shared = {"ear": features.Ear()} if hasattr(features, "Ear") else {}  # the checkout before may have none
    speech, idle = SpeechDriver(**shared), IdleDriver(0, **shared)
    motions, given, spent = [], 0, [0.0, 0.0]
    for index in range(frames):
        frame = FrameTime(index, FPS)
        until = frame.span(RATE)[1] + speech.lookahead
        piece, given = sound[given:until], until
        start = time.process_time()
        mouth = speech.drive(frame, piece)
        between = time.process_time()
        life = idle.drive(frame, piece)
        spent[0] += between - start
        spent[1] += time.process_time() - between
        motions.append(mouth + life)
    return motions, *(1000 * seconds / frames for seconds in spent)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def stages(repeats: int, frames: int) -> Iterator[Stages]:
    """What each stage takes, repeat by repeat."""
    import cv2

    from txt2vid.core.options import FaceOptions
    from txt2vid.engines.base import Job
    from txt2vid.engines.mesh import MeshEngine
    from txt2vid.faces.prepare import prepare_face

    talk, engine = heard(), MeshEngine()
    talk = np.resize(talk, int((frames / FPS + 2) * RATE))
    faces = {size: engine.prepare(prepare_face(FaceOptions(HERO, size=size))) for size in (512, 1024)}
    for _ in range(repeats):
        found: Stages = {}
        motions, found["speech driver"], found["idle driver"] = drive(talk, frames)
        silent, *spent = drive(np.zeros_like(talk), frames)
        found["both drivers in silence"] = sum(spent)
        for size, count in ((512, frames), (1024, frames // 4)):
            jobs = [Job(faces[size], 0, motion) for motion in motions[:: len(motions) // count]]
            for name, draw in (("BGR", engine.render), ("I420", getattr(engine, "render_i420", None))):
                if draw is not None:
                    found[f"engine, {size}, {name}"] = timed(lambda: [draw([job]) for job in jobs]) / len(jobs)  # noqa: B023
        calm = [Job(faces[512], 0, motion) for motion in silent]
        found["engine, 512, BGR, nobody speaks"] = timed(lambda: [engine.render([job]) for job in calm]) / len(calm)  # noqa: B023
        (pixels,) = engine.render(calm[:1])
        convert: Callable[[], object] = lambda: cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_I420)  # noqa: B023, E731
        found["a whole picture to I420, 512"] = timed(lambda: [convert() for _ in range(100)]) / 100  # noqa: B023
        yield found


def measured(root: Path, repeats: int, frames: int) -> list[Stages]:
    """`stages` of a checkout, in a process of its own."""
    arguments = [sys.executable, __file__, "--repeats", str(repeats), "--frames", str(frames), "--raw"]
    environment = os.environ | {"PYTHONPATH": str(root)}
    printed = subprocess.run(arguments, env=environment, cwd=root, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def cell(values: list[float]) -> str:
    """Median, smallest and largest."""
    return f"{statistics.median(values):.3f} | {min(values):.3f} to {max(values):.3f}" if values else "– | –"


@click.command()
@click.option("--repeats", default=5, show_default=True, help="Runs of each; the median counts.")
@click.option("--frames", default=400, show_default=True, help="Frames of a run.")
@click.option("--before", type=click.Path(exists=True, path_type=Path), help="Another checkout to compare with.")
@click.option("--raw", is_flag=True, hidden=True)
def main(repeats: int, frames: int, before: Path | None, raw: bool) -> None:
    """Measures and prints the table."""
    if raw:
        for found in stages(repeats, frames):
            print(json.dumps(found), flush=True)
        return
    roots = [ROOT] if before is None else [before, ROOT]
    runs: list[list[Stages]] = [[] for _ in roots]
    for _ in range(repeats):
        for root, results in zip(roots, runs, strict=True):
            results += measured(root, 1, frames)
    heads = ["before, ms", "spread", "now, ms", "spread"][-2 * len(roots) :]
    print(f"| stage | {' | '.join(heads)} |\n{'|---' * (len(heads) + 1)}|")
    for name in runs[-1][0]:
        print(f"| {name} | {' | '.join(cell([run[name] for run in results if name in run]) for results in runs)} |")


if __name__ == "__main__":
    main()
