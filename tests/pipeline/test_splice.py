"""What is left out, said twice or made up joins on without a click and keeps its pitch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.pipeline.splice import (
    FADE,
    LOOK,
    MAX_LAG,
    MIN_LAG,
    PAST,
    ROOM,
    TAIL,
    SoundQueue,
    best_lag,
    clean,
    continued,
    quiet,
)


def tone(frequency: float, count: int, start: int = 0) -> Samples:
    wave = np.sin(2 * np.pi * frequency * (start + np.arange(count)) / LISTENING_RATE)
    return np.asarray(wave * 0.3, np.float32)


def steepest(sound: Samples) -> float:
    return float(np.abs(np.diff(sound)).max())


@pytest.mark.parametrize("frequency", [90, 120, 200, 203.7, 311, 399])
def test_the_lag_is_a_whole_number_of_periods(frequency: float) -> None:
    lag, likeness = best_lag(tone(frequency, LOOK))
    periods = lag * frequency / LISTENING_RATE
    assert MIN_LAG <= lag <= MAX_LAG
    assert likeness > 0.99
    assert periods == pytest.approx(round(periods), abs=0.02)


def test_noise_is_like_nothing() -> None:
    assert best_lag(np.random.default_rng(1).normal(0, 0.1, LOOK).astype(np.float32))[1] < 0.5
    assert best_lag(np.zeros(LOOK, np.float32))[1] == pytest.approx(0)


@pytest.mark.parametrize("frequency", [97.3, 150, 200, 388])
@pytest.mark.parametrize("end", [0, 17, 61, 100])
def test_what_might_have_followed_joins_on(frequency: float, end: int) -> None:
    past = tone(frequency, PAST, end)
    sound = continued(past, TAIL)
    assert steepest(np.concatenate([past, sound])) < steepest(past) * 1.2
    assert abs(sound[-1]) < 0.001
    assert np.abs(sound[:FADE]).max() > 0.15  # at first it goes on as loud


def test_what_follows_noise_joins_on_as_well() -> None:
    past = np.convolve(np.random.default_rng(2).normal(0, 0.1, PAST + 60), np.ones(61) / 61, "valid").astype(np.float32)
    sound = continued(past, TAIL)
    assert steepest(np.concatenate([past, sound])) < steepest(past) * 1.5


def test_cleaning() -> None:
    fine = tone(200, 100)
    assert clean(fine) is not None
    assert np.shares_memory(clean(fine), fine)
    odd = np.array([np.nan, np.inf, -np.inf, 3, -3, 0.5], np.float32)
    assert clean(odd).tolist() == [0, 1, -1, 1, -1, 0.5]
    assert len(clean(np.zeros(0, np.float32))) == 0


def test_quiet_counts_whole_blocks_at_the_start() -> None:
    sound = np.concatenate([np.full(3 * FADE + 10, 0.001, np.float32), tone(200, 2 * FADE)])
    assert quiet(sound, 0.002) == 3 * FADE
    assert quiet(sound, 0.0005) == 0
    assert quiet(sound[:FADE], 0.002) == FADE
    assert quiet(sound[: FADE - 1], 0.002) == 0


def test_left_out_and_said_twice() -> None:
    sound = tone(200, 9600)
    queue = SoundQueue()
    queue.append(sound)
    lag, _ = best_lag(queue.ahead(LOOK))
    assert queue.leave_out(lag, lag) == lag
    assert queue.depth == len(sound) - lag
    queue.say_twice(lag, lag)
    assert queue.depth == len(sound) - lag  # what is said twice waits once
    assert not queue.pure()
    assert queue.span == len(sound)
    assert np.abs(queue.ahead(9600) - sound).max() < 1e-3  # a period less, a period more: the very same tone
    assert queue.advance(lag) == 0
    assert queue.pure()


def test_a_hole_is_filled_from_where_it_is_played() -> None:
    queue = SoundQueue()
    queue.append(np.full(100, 0.3, np.float32), hole=50)
    queue.advance(20)
    assert queue.fill(20, np.full(10, 0.2, np.float32)) == 10
    assert (queue.hole, queue.clear) == (0, 10)


def test_saying_twice_right_after_the_queue_was_packed() -> None:
    queue = SoundQueue()
    for _ in range(50):
        queue.append(tone(200, 4800))
        queue.advance(queue.span - 2 * ROOM)
        queue.say_twice(ROOM, ROOM)
        assert queue.span == 3 * ROOM
        queue.advance(ROOM)


def test_holes_are_filled_and_counted() -> None:
    queue = SoundQueue()
    queue.append(np.full(100, 0.1, np.float32))
    queue.append(np.full(100, 0.3, np.float32), hole=50)
    assert (queue.span, queue.depth, queue.clear, queue.hole) == (250, 200, 100, 0)
    assert queue.fill(90, np.full(30, 0.2, np.float32)) == 20  # 10 lie on what is there
    assert queue.fill(90, np.full(30, 0.2, np.float32)) == 0
    assert (queue.depth, queue.clear) == (220, 120)
    assert queue.advance(130) == 120
    assert (queue.hole, queue.clear) == (20, 0)
    assert queue.advance(20) == 0
    assert queue.ahead(100).tolist() == pytest.approx([0.3] * 100)


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 3000), st.integers(0, 900), st.booleans(), st.integers(0, 4000)), max_size=30
    )
)
def test_every_sample_leaves_the_queue_once(steps: list[tuple[int, int, bool, int]]) -> None:
    queue, given_in, out = SoundQueue(), 0, 0
    for count, hole, burst, take in steps:
        queue.append(np.full(count, 0.5, np.float32), hole=0 if burst else hole, burst=burst)
        given_in += count
        out += queue.advance(min(take, queue.span))
        queue.broken()
        assert given_in == out + queue.depth
        assert queue.clear <= queue.span
