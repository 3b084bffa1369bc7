"""For a long time, with senders and viewers that come and go: does anything grow, or drift?"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from txt2vid.bench.first import PICTURE_SECONDS
from txt2vid.bench.latency import NEAR, QUARTER, TAIL_SECONDS, seen
from txt2vid.bench.marks import AvOffset, av_offset, in_stream
from txt2vid.bench.program import Program
from txt2vid.bench.speaking import Line, Microphone, speaking
from txt2vid.bench.spread import slope
from txt2vid.bench.target import Target
from txt2vid.bench.tone import Track, bursts
from txt2vid.bench.usage import usage
from txt2vid.core import wire
from txt2vid.core.media import LISTENING_RATE
from txt2vid.errors import Txt2VidError
from txt2vid.pipeline.live import LOUD
from txt2vid.sender.loop import beside, run

STAY = (3.5, 6.0)  # seconds that a sender or a viewer stays: 250 of both come and go in 10 minutes
SAMPLES = 120  # looks at the server over the whole run ...
SAMPLE_SECONDS = 1.0  # ... but not oftener
TRIES, TRY_SECONDS = 20, 0.25  # to be let in again: the server may notice a broken connection a moment later

# What counts as steady. Over the second half of a run: the first one fills caches and allocators' arenas.
GROWTH = 0.02  # of the memory ...
GROWTH_MIB = 4.0  # ... and so much more, which is what single samples differ by
MORE_FILES = 4  # of a sender and a viewer that happen to be there
DRIFT_MS = 20.0  # of the A/V offset
PLAYOUT_MS = 40.0  # a frame


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. time: seconds since the start. memory: MiB. playout: milliseconds, nan where no sender was there."""

    time: float
    memory: float
    files: int
    playout: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """start, end: means of the first and the last quarter. growth: what the slope of the second half adds in it."""

    what: str
    start: float
    end: float
    growth: float
    steady: bool


@dataclass(frozen=True, slots=True)
class Soak:
    """senders, viewers: how often one came. refused: how often one had to try again. av_offset: of each quarter."""

    seconds: float
    senders: int
    viewers: int
    refused: int
    steady: bool
    verdicts: list[Verdict]
    av_offset: list[AvOffset]
    samples: list[Sample] = field(default_factory=list)


@dataclass(slots=True)
class _Run:
    """What happens, and what was seen."""

    target: Target
    codec: str
    ends: float
    senders: int = 0
    viewers: int = 0
    refused: int = 0
    playout: float = math.nan
    samples: list[Sample] = field(default_factory=list)


def measure(
    target: Target,
    watcher: Program,
    fps: Fraction,
    seconds: float,
    codec: str,
    report: Callable[[Sample], None] = lambda _: None,
) -> Soak:
    """watcher: a viewer that is ready. Raises Txt2VidError where the server fails, or shows no marks."""
    watcher.events()
    watcher.tell({**target.watched, "patience": PICTURE_SECONDS})
    watcher.wait_for("first", PICTURE_SECONDS)
    state = _Run(target, codec, time.monotonic() + seconds)
    microphone = Microphone(Track(bursts(seconds, fps)), codec)
    run(beside(_talk(state, microphone, int(seconds * LISTENING_RATE)), _watch(state, watcher), _look(state, report)))
    events = watcher.events()
    sounds, squares = seen(events, "sound", "rising"), seen(events, "square", "white")
    pairs = [(sound.time, square.time) for sound, square in in_stream(sounds, squares, NEAR)]
    if len(pairs) < QUARTER:
        raise Txt2VidError("the viewer saw too few marks: start the server with txt2vid serve --mark, or soak longer")
    parts = [list(part) for part in np.array_split(np.asarray(pairs), QUARTER)]
    offsets = [av_offset([(float(a), float(b)) for a, b in part], float(1 / fps), LOUD) for part in parts]
    verdicts = judge(state.samples, offsets)
    steady = all(verdict.steady for verdict in verdicts)
    return Soak(seconds, state.senders, state.viewers, state.refused, steady, verdicts, offsets, state.samples)


def judge(samples: Sequence[Sample], offsets: Sequence[AvOffset]) -> list[Verdict]:
    """Memory and files where the system tells them, playout delay, and the A/V offset of each quarter."""
    first, last = offsets[0], offsets[-1]
    drift = last.best - first.best
    verdicts = [Verdict("A/V offset, ms", first.best, last.best, round(drift, 2), abs(drift) <= DRIFT_MS)]
    known = [each for each in samples if not math.isnan(each.playout)]
    limits = {
        "playout delay, ms": (known, [each.playout for each in known], lambda _: PLAYOUT_MS),
        "memory, MiB": (samples, [each.memory for each in samples], lambda level: GROWTH * level + GROWTH_MIB),
        "open files": (samples, [float(each.files) for each in samples], lambda _: MORE_FILES),
    }
    for what, (looks, values, limit) in limits.items():
        if len(values) >= QUARTER and any(values):
            verdicts.append(_verdict(what, [each.time for each in looks], values, limit))
    return verdicts


def _verdict(what: str, times: Sequence[float], values: Sequence[float], limit: Callable[[float], float]) -> Verdict:
    half, quarter = len(values) // 2, max(1, len(values) // QUARTER)
    start, end = float(np.mean(values[:quarter])), float(np.mean(values[-quarter:]))
    growth = slope(times[half:], values[half:]) * (times[-1] - times[half])
    return Verdict(what, round(start, 2), round(end, 2), round(growth, 2), growth <= limit(end))


async def _talk(state: _Run, microphone: Microphone, until: int) -> None:
    """One sender after the other: every second one breaks its connection and resumes, the others say goodbye."""
    chance = np.random.default_rng(1)
    resume: str | None = None
    while microphone.position < until:
        stop = min(until, microphone.position + int(chance.uniform(*STAY) * LISTENING_RATE))
        breaks = state.senders % 2 == 1
        state.senders += 1
        async with _let_in(state, resume) as line:
            await beside(microphone.play(line, stop), line.listen(), _note(state, line))
            resume = line.ready.resume if breaks else None
            if breaks:
                line.socket.transport.abort()
    await asyncio.sleep(TAIL_SECONDS)


@asynccontextmanager
async def _let_in(state: _Run, resume: str | None) -> AsyncIterator[Line]:
    """A connection, after some tries where the place is taken still. Raises Txt2VidError after the last."""
    target, left = state.target, TRIES
    line: Line | None = None
    async with AsyncExitStack() as stack:
        while line is None:
            try:
                line = await stack.enter_async_context(speaking(target, target.session, state.codec, resume))
            except Txt2VidError:  # noqa: PERF203 - a few times
                left -= 1
                state.refused += 1
                if not left:
                    raise
                await asyncio.sleep(TRY_SECONDS)
        yield line


async def _note(state: _Run, line: Line) -> None:
    """The latest playout delay."""
    while True:
        if line.stats:
            said: wire.Stats = line.stats[-1][1]
            state.playout = said.playout
        await asyncio.sleep(SAMPLE_SECONDS / 2)


async def _watch(state: _Run, watcher: Program) -> None:
    chance = np.random.default_rng(2)
    while True:
        state.viewers += 1
        await asyncio.sleep(float(chance.uniform(*STAY)))
        watcher.tell({**state.target.watched, "patience": PICTURE_SECONDS})


async def _look(state: _Run, report: Callable[[Sample], None]) -> None:
    started = time.monotonic()
    every = max(SAMPLE_SECONDS, (state.ends - started) / SAMPLES)
    while True:
        await asyncio.sleep(every)
        found = usage(state.target.pid) if state.target.pid else None
        memory, files = (sum(found.memory.values()), sum(found.files.values())) if found else (0.0, 0)
        state.samples.append(
            Sample(round(time.monotonic() - started, 1), round(memory, 1), files, round(state.playout, 1))
        )
        state.playout = math.nan
        report(state.samples[-1])
