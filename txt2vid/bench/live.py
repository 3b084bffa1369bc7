"""`txt2vid bench live`: everything that is measured of the live path, one thing after the other."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from txt2vid import __version__
from txt2vid.bench import cut, latency, load, soak
from txt2vid.bench.first import READY_SECONDS, FirstFrame, first_frame, viewer
from txt2vid.bench.target import Options, serving
from txt2vid.core.machine import cores
from txt2vid.ffmpeg import program

Tell = Callable[[str], None]
TELL_SECONDS = 10.0  # between lines of a soak


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured, and where. None or empty: it was not asked for."""

    machine: dict[str, Any]
    options: dict[str, Any]
    first_frame: FirstFrame | None = None
    latency: latency.Latency | None = None
    interruption: cut.Interruption | None = None
    load: list[load.Load] = field(default_factory=list)
    most_sessions: int | None = None
    soak: soak.Soak | None = None

    def json(self) -> str:
        """One JSON object; what is no number is null."""
        return json.dumps(_finite(asdict(self)), ensure_ascii=False)


def measure(options: Options, tell: Tell = lambda _: None) -> Result:
    """First frame, latency, interruption and load. tell: hears in a line what is done now."""
    with viewer() as watcher:
        watcher.wait_for("ready", READY_SECONDS)
        tell("first frame")
        with serving(options) as target:
            first = first_frame(target, watcher)
            tell(f"latency and A/V offset, {options.seconds:g} s")
            delays = latency.measure(target, watcher, options.fps, options.seconds, options.codec)
            tell(f"interruption, {cut.TIMES} times")
            times = cut.TIMES if options.seconds >= cut.TIMES else 3
            interruption = cut.measure(target, watcher, options.codec, times)
    tell(f"load: {', '.join(map(str, options.sessions))} sessions")
    loads = load.measure(options, lambda each: tell(f"{each.sessions} sessions: {each.late} late frames"))
    return Result(
        _machine(), _asked(options), first, delays, interruption, loads, load.sustained(loads) if loads else None
    )


def measure_soak(options: Options, minutes: float, tell: Tell = lambda _: None) -> Result:
    """One session for so long, senders and viewers coming and going."""
    with viewer() as watcher:
        watcher.wait_for("ready", READY_SECONDS)
        with serving(options) as target:
            tell(f"soak, {minutes:g} minutes")

            told = 0.0

            def report(sample: soak.Sample) -> None:
                nonlocal told
                if sample.time < told + TELL_SECONDS:
                    return
                told = sample.time
                tell(f"{sample.time:.0f} s: {sample.memory:.0f} MiB, {sample.files} files, {sample.playout:g} ms")

            soaked = soak.measure(target, watcher, options.fps, minutes * 60, options.codec, report)
    return Result(_machine(), _asked(options), soak=soaked)


def _machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        "python": platform.python_version(),
        "ffmpeg": program.version(),
        "txt2vid": __version__,
    }


def _asked(options: Options) -> dict[str, Any]:
    ca = None if options.ca is None else options.ca.name
    return {**asdict(options), "face": options.face.name, "fps": float(options.fps), "ca": ca}


def _finite(value: Any) -> Any:
    """The value with null in place of what JSON has no number for."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
