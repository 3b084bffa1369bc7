from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core.media import LISTENING_RATE, SPEECH_RATE, Samples
from txt2vid.pipeline.hearing import FACTOR, Decimator


def tone(hertz: float, seconds: float = 1.0) -> Samples:
    at = np.arange(int(seconds * LISTENING_RATE)) / LISTENING_RATE
    return np.asarray(np.sin(2 * np.pi * hertz * at), np.float32)


@pytest.mark.parametrize("hertz", [50, 440, 3000, 5500])
def test_speech_passes_in_its_place(hertz: float) -> None:
    sound = tone(hertz)
    speech = Decimator().push(sound)
    assert len(speech) == pytest.approx(SPEECH_RATE, abs=FACTOR * Decimator.delay)
    assert np.abs(speech - sound[::FACTOR][: len(speech)])[50:].max() < 0.01


@pytest.mark.parametrize("hertz", [10_000, 13_000, 20_000])
def test_what_would_fold_into_speech_is_gone(hertz: float) -> None:
    assert np.abs(Decimator().push(tone(hertz))[50:]).max() < 0.002


@given(st.lists(st.integers(0, 2000), max_size=20))
def test_it_does_not_matter_how_the_stream_is_cut(cuts: list[int]) -> None:
    sound = np.random.default_rng(1).standard_normal(sum(cuts)).astype(np.float32)
    whole = Decimator().push(sound)
    decimator = Decimator()
    parts = [decimator.push(part) for part in np.split(sound, np.cumsum(cuts))]
    assert np.allclose(np.concatenate(parts), whole, atol=1e-6)


def test_a_sample_is_there_once_the_delay_is_pushed() -> None:
    decimator = Decimator()
    got = 0
    for pushed in range(1, 500):
        got += len(decimator.push(np.ones(1, np.float32)))
        assert got == max(0, (pushed - Decimator.delay - 1) // FACTOR + 1) if pushed > Decimator.delay else got == 0
