"""`txt2vid bench wav2lip`: how quick the network is here, each way beside the published one, and how many sessions it
draws mouths for. All is measured in one run, in turns: machines are shared.
"""

from __future__ import annotations

import json
import platform
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from txt2vid import __version__
from txt2vid.bench.spread import Spread, spread
from txt2vid.core.machine import cores
from txt2vid.core.options import EngineOptions
from txt2vid.pipeline.batching import Asked, Batcher

Tell = Callable[[str], None]
FPS = 25
WARM = 2  # runs of each way before any is counted
PATIENCE = 0.05  # of a load's frames may be late or left out; more sessions would only be worse


@dataclass(frozen=True, slots=True)
class Options:
    """engine: device, checkpoint and threads. random: seeded weights, as quick as the published ones. batches and
    sessions: what is tried. repeats: runs of each way; the median counts. seconds: of each load.
    """

    engine: EngineOptions
    random: bool
    batches: tuple[int, ...]
    sessions: tuple[int, ...]
    repeats: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Speed:
    """One way at one batch size. fps: frames a second. ratio: to the published way in the same round. psnr: dB of the
    mouth's crop against it.
    """

    name: str
    batch: int
    fps: Spread
    ratio: Spread
    psnr: float


@dataclass(frozen=True, slots=True)
class Load:
    """So many live sessions of one face each. batch_ms: what a batch takes. lateness_ms: of answers, past when their
    frame was due (below 0: in time). late, left_out: frames.
    """

    sessions: int
    frames: int
    late: int
    left_out: int
    batch_ms: Spread
    batch_size: Spread
    lateness_ms: Spread


@dataclass(frozen=True, slots=True)
class Result:
    """All that was measured, and where. peak_mib: of the process; gpu_mib: of tensors on the GPU."""

    machine: dict[str, Any]
    weights: str
    speeds: list[Speed] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    most_sessions: int = 0
    peak_mib: float = 0.0
    gpu_mib: float | None = None
    growth_mib: float | None = None

    def json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False, default=str)


def measure(options: Options, tell: Tell = lambda _: None) -> Result:
    """Speeds, loads and memory. Raises Txt2VidError where there are no weights, no torch, or no such device."""
    from txt2vid.engines.lips import variants
    from txt2vid.engines.lips.device import placement

    place = placement(options.engine)
    network = variants.weights(options.engine, random=options.random)
    ways = list(variants.variants(network, options.engine))
    speeds: list[Speed] = []
    for batch in options.batches:
        tell(f"batches of {batch}, {len(ways)} ways, {options.repeats} times")
        speeds += _speeds(ways, batch, options.repeats)
    mouths = variants.Mouths(options.engine, network)
    mouths.speed()  # as before it is asked live
    loads: list[Load] = []
    for sessions in options.sessions:
        tell(f"{sessions} sessions for {options.seconds:g} s")
        loads.append(load(mouths, sessions, options.seconds))
        if loads[-1].late + loads[-1].left_out > PATIENCE * loads[-1].frames:
            break
    before = _memory()
    load(mouths, max(1, _most(loads)), options.seconds)
    machine = {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        "device": place.words,
        "python": platform.python_version(),
        "txt2vid": __version__,
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    words = "seeded random" if options.random else "published layout, loaded"
    return Result(machine, words, speeds, loads, _most(loads), round(peak, 1), variants.peak_memory(),
                  round(_memory() - before, 1))  # fmt: skip


def _speeds(ways: Sequence[Any], batch: int, repeats: int) -> list[Speed]:
    """Every way once a round, so that what else the machine does slows all of them alike."""
    from txt2vid.engines.lips import variants

    given = variants.inputs(batch)
    wanted = ways[0].run(given)
    found = {way.name: variants.psnr(wanted, way.run(given)) for way in ways}
    for _ in range(WARM - 1):
        for way in ways:
            way.run(given)
    times: dict[str, list[float]] = {way.name: [] for way in ways}
    for _ in range(repeats):
        for way in ways:
            times[way.name].append(variants.timed(lambda: way.run(given)))  # noqa: B023 - called at once
    plain = np.asarray(times[ways[0].name])
    return [
        Speed(
            way.name,
            batch,
            spread([batch / seconds for seconds in times[way.name]]),
            spread(list(plain / np.asarray(times[way.name]))),
            round(found[way.name], 1),
        )
        for way in ways
    ]


def load(mouths: Any, sessions: int, seconds: float) -> Load:
    """Sessions whose frames come due at FPS, each at a moment of its own; batches as in the network's process."""
    rng = np.random.default_rng(sessions)
    window = np.full((1, 80, 16), -1, np.float32)
    crops = rng.integers(0, 255, (sessions, 96, 96, 3)).astype(np.uint8)
    batcher = Batcher(mouths.buckets)
    for session in range(sessions):
        mouths.answer([((f"load-{session}", 0), crops[session], window)])
    began = time.monotonic() + 0.05
    due = began + rng.uniform(0, 1 / FPS, sessions)
    batches, sizes, lateness, asked = [], [], [], 0
    while (now := time.monotonic()) < began + seconds:
        while (session := int(due.argmin())) >= 0 and due[session] <= now:
            batcher.ask(Asked(str(session), asked, (f"load-{session}", 0), None, window, float(due[session] + 1 / FPS)))
            asked += 1
            due[session] += 1 / FPS
        batch = batcher.next(now, mouths.most)
        if not batch:
            time.sleep(max(0.0, min(float(due.min()) - time.monotonic(), 0.002)))
            continue
        mouths.answer([(each.key, crops[int(each.session)], each.heard) for each in batch])
        ended = time.monotonic()
        batcher.done(batch, now, ended)
        batches.append(ended - now)
        sizes.append(len(batch))
        lateness += [ended - each.due for each in batch]
    counts = batcher.counts
    return Load(
        sessions, asked, counts.late, counts.replaced, spread(batches, 1000), spread(sizes), spread(lateness, 1000)
    )


def _most(loads: Sequence[Load]) -> int:
    good = [each.sessions for each in loads if each.late + each.left_out <= PATIENCE * each.frames / 5]
    return max(good, default=0)


def _memory() -> float:
    """MiB of this process now; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * resource.getpagesize() / 2**20
