"""An interruption: how long the viewer still hears and sees what shall not be said any more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from txt2vid.bench.first import PICTURE_SECONDS
from txt2vid.bench.latency import TAIL_SECONDS, seen
from txt2vid.bench.marks import MS, Seen
from txt2vid.bench.program import Program
from txt2vid.bench.speaking import Line, Microphone, speaking
from txt2vid.bench.spread import Spread, spread
from txt2vid.bench.target import Target
from txt2vid.bench.tone import Span, Track
from txt2vid.core.media import LISTENING_RATE
from txt2vid.sender.loop import beside, run

TIMES = 10
AMPLITUDE = 0.3  # softer than the marks: the 10 ms in which a cut fades out must not count as a loud frame
SILENCE = 1.5  # seconds before each tone: longer than any way to the viewer that is worth measuring
SPEECH = (2.0, 2.5)  # seconds of a tone; at random, so that it is cut anywhere in a frame


@dataclass(frozen=True, slots=True)
class Interruption:
    """Milliseconds from `Interrupt` until the viewer's sound was silent, and until its square was black."""

    times: int
    sound: Spread
    picture: Spread


def measure(target: Target, watcher: Program, codec: str, times: int = TIMES) -> Interruption:
    """Speaks steadily, interrupts, and does so again. watcher: a viewer that is ready."""
    watcher.events()
    watcher.tell({**target.watched, "patience": PICTURE_SECONDS})
    watcher.wait_for("first", PICTURE_SECONDS)
    cuts = run(_play(target, codec, plan(times)))
    events = watcher.events()
    return Interruption(
        len(cuts),
        spread(waits(cuts, seen(events, "sound", "rising", wanted=False)), MS),
        spread(waits(cuts, seen(events, "square", "white", wanted=False)), MS),
    )


def plan(times: int) -> list[Span]:
    """Tones of irregular length with silence between them."""
    chance, spans, at = np.random.default_rng(0), [], 0.0
    for _ in range(times):
        start = at + SILENCE
        at = start + float(chance.uniform(*SPEECH))
        spans.append(Span(round(start * LISTENING_RATE), round(at * LISTENING_RATE)))
    return spans


def waits(cuts: Sequence[float], ends: Sequence[Seen]) -> list[float]:
    """Seconds from each cut to the first end after it, where one came before the next tone."""
    found = []
    for cut in cuts:
        after = [end.at - cut for end in ends if 0 <= end.at - cut < SILENCE]
        if after:
            found.append(min(after))
    return found


async def _play(target: Target, codec: str, spans: Sequence[Span]) -> list[float]:
    """When `Interrupt` was sent, each time, on time.monotonic()."""
    async with speaking(target, target.session, codec) as line:
        return await beside(_speak(line, Microphone(Track(spans, amplitude=AMPLITUDE), codec), spans), line.listen())


async def _speak(line: Line, microphone: Microphone, spans: Sequence[Span]) -> list[float]:
    cuts = []
    for span in spans:
        await microphone.play(line, span.stop)
        microphone.cut()
        await line.interrupt()
        cuts.append(time.monotonic())
    await microphone.play(line, microphone.position + int(TAIL_SECONDS * LISTENING_RATE))
    return cuts
