"""How soon a picture is there: after `txt2vid serve` was typed, and for a viewer who comes later."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np

from txt2vid.bench.program import Event, Program
from txt2vid.bench.spread import Spread, spread
from txt2vid.bench.target import Target
from txt2vid.errors import Txt2VidError

VIEWER = (sys.executable, "-m", "txt2vid.bench.viewer")
LATER = 10  # viewers
PAUSES = (0.2, 1.0)  # seconds before each of them, so that they fall anywhere between two keyframes
PICTURE_SECONDS = 30.0
READY_SECONDS = 60.0  # for Python and PyAV to load on a busy machine


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """Seconds. server: from the spawn of `txt2vid serve` to the first decoded picture; None where it ran before.

    viewers: from connecting to the first decoded picture, at random moments.
    """

    server: float | None
    viewers: Spread


def viewer() -> Program:
    """A viewer that may be told what to watch as soon as it is ready (`READY_SECONDS`)."""
    return Program(VIEWER, "the viewer")


def first_frame(target: Target, watcher: Program) -> FirstFrame:
    """Asks a server that has just begun. watcher: a viewer that is ready."""
    first = _first(target, watcher)
    chance = np.random.default_rng(0)
    seconds = []
    for _ in range(LATER):
        time.sleep(float(chance.uniform(*PAUSES)))
        seconds.append(float(_first(target, watcher)["seconds"]))
    began = round(float(first["at"]) - target.started, 3) if target.started else None
    return FirstFrame(began, spread(seconds, digits=3))


def _first(target: Target, watcher: Program) -> Event:
    watcher.tell({**target.watched, "first": True, "patience": PICTURE_SECONDS})
    while True:
        event = watcher.wait_for(None, PICTURE_SECONDS)
        if event["event"] == "ended":
            raise Txt2VidError(f"{target.stream()} shows no picture ({event.get('why')}): look at the server's log")
        if event["event"] == "first":
            watcher.wait_for("ended", PICTURE_SECONDS)
            return event
