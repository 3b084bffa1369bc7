"""Sound that a program hands over, without a session around it."""

from __future__ import annotations

import numpy as np
import pytest

from txt2vid.core.media import LISTENING_RATE
from txt2vid.pipeline.fed import MAX_SECONDS, FedSound

RAMP = np.linspace(-1, 1, 5000, dtype=np.float32)


def test_what_goes_in_comes_out_in_order_and_then_silence() -> None:
    fed = FedSound()
    for part in np.array_split(RAMP, 7):
        fed.put(0, part)
    assert fed.depth == len(RAMP)
    taken = [fed.take(count) for count in (1, 1999, 2999, 100)]
    out = np.concatenate([each.samples for each in taken])
    assert np.array_equal(out[: len(RAMP)], RAMP)
    assert not out[len(RAMP) :].any()
    assert [each.voice for each in taken] == [True, True, True, True]
    assert not fed.take(10).voice
    assert fed.drained
    assert (fed.counters.heard, fed.counters.played, fed.counters.dropped) == (5000, 5000, 0)


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_other_rates_are_one_stream_each_to_its_last_sample(rate: int) -> None:
    fed = FedSound()
    tone = np.sin(2 * np.pi * 200 * np.arange(rate) / rate).astype(np.float32)
    for part in np.array_split(tone, 50):
        fed.feed(part, rate)
    fed.feed(np.zeros(480, np.float32), LISTENING_RATE)  # another rate ends it
    out = fed.take(fed.depth).samples
    assert len(out) == pytest.approx(LISTENING_RATE + 480, abs=10)
    wanted = np.sin(2 * np.pi * 200 * np.arange(LISTENING_RATE) / LISTENING_RATE)
    assert np.abs(out[500:47_000] - wanted[500:47_000]).max() < 0.01


def test_a_cut_drops_what_the_resampler_holds_back_as_well() -> None:
    fed = FedSound()
    fed.feed(RAMP, 16_000)
    before = fed.drained
    fed.cut()
    assert (before, fed.drained) == (False, True)
    assert not fed.take(1000).samples.any()
    assert fed.room == MAX_SECONDS


def test_a_program_may_do_with_its_samples_what_it_likes() -> None:
    fed, own = FedSound(), RAMP.copy()
    fed.feed(own, LISTENING_RATE)
    own[:] = 0
    assert np.array_equal(fed.take(len(RAMP)).samples, RAMP)
