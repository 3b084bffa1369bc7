"""Motion of a camera on a session's time: late, early, lost, out of order, with and without speech."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from txt2vid.core.clock import FrameTime
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.motionwire import TIMES, Seen
from txt2vid.pipeline.puppet import WAITING, Puppet

FPS = Fraction(25)
NOTHING = Motion()


def seen(ms: int, jaw: float, presence: float = 1.0) -> Seen:
    return Seen(ms % TIMES, Motion(coefficients(jawOpen=jaw, mouthSmile=0.5, browDown=0.5)), presence)


def played(puppet: Puppet, arrivals: dict[int, list[Seen]], frames: int, spoken: Motion = NOTHING) -> list[float]:
    """The jaw of each frame; what arrives at a frame is put just before it is drawn."""
    jaws = []
    for index in range(frames):
        for each in arrivals.get(index, []):
            puppet.put(each, float(index / FPS))
        motion, _ = puppet.over(FrameTime(index, FPS), spoken)
        jaws.append(motion["jawOpen"])
    return jaws


def steady(frames: int, start: int = 0, jaw: float = 0.4) -> dict[int, list[Seen]]:
    return {index: [seen(start + 40 * index, jaw)] for index in range(frames)}


def shown(puppet: Puppet, indexes: range, spoken: Motion) -> Motion:
    """The last frame's motion, a wide open mouth arriving with each."""
    motion = NOTHING
    for index in indexes:
        puppet.put(seen(40 * index, 0.9), float(index / FPS))
        motion, _ = puppet.over(FrameTime(index, FPS), spoken)
    return motion


def test_a_camera_takes_the_face_over_softly_and_gives_it_back() -> None:
    puppet = Puppet()
    jaws = played(puppet, steady(50), 100)
    assert jaws[0] < 0.1
    assert jaws[20:50] == pytest.approx([0.4] * 30, abs=0.01)
    assert np.abs(np.diff(jaws)).max() < 0.1
    assert jaws[-1] == 0
    assert puppet.over(FrameTime(100, FPS), NOTHING) == (NOTHING, 1.0)


def test_idle_life_has_what_nobody_is_seen_to_do() -> None:
    puppet = Puppet()
    played(puppet, {index: [seen(40 * index, 0.0, presence=0.25)] for index in range(30)}, 30)
    assert puppet.over(FrameTime(30, FPS), NOTHING)[1] == pytest.approx(0.75)


def test_uneven_arrivals_are_played_evenly() -> None:
    moves = [seen(40 * i, 0.01 * i) for i in range(90)]
    jaws = played(Puppet(), {3 * k: moves[3 * k : 3 * k + 3] for k in range(30)}, 88)
    late = np.diff(jaws)[40:80]
    assert late.min() > -0.002
    assert late.max() < 0.025


def test_a_clock_that_begins_anew_and_one_that_goes_around() -> None:
    puppet = Puppet()
    arrivals = steady(30) | {30 + i: [seen(40 * i, 0.8)] for i in range(30)}
    assert played(puppet, arrivals, 60)[-1] == pytest.approx(0.8, abs=0.01)
    around = played(Puppet(), steady(60, TIMES - 1200), 60)
    assert around[25:] == pytest.approx([0.4] * 35, abs=0.01)


def test_what_is_older_is_dropped_and_little_is_kept() -> None:
    puppet = Puppet()
    flood = [seen(i, 0.4) for i in range(5000)]
    played(puppet, {0: [*flood, seen(4900, 1.0)]}, 1)
    assert len(puppet._known) <= WAITING
    assert puppet._known[-1][1].time == 4999


def test_speech_moves_the_mouth_while_somebody_speaks() -> None:
    puppet = Puppet()
    played(puppet, steady(30), 30)
    spoken = Motion(coefficients(jawOpen=0.3))
    motion = shown(puppet, range(30, 40), spoken)
    assert motion["jawOpen"] == pytest.approx(0.3, abs=0.01)
    assert motion["browDownLeft"] == pytest.approx(0.5, abs=0.01)
    assert 0.2 < motion["mouthSmileLeft"] < 0.5
    assert shown(puppet, range(40, 60), NOTHING)["jawOpen"] == pytest.approx(0.9, abs=0.01)
