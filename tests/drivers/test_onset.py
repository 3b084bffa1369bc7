"""The first sounds of a recording, heard again."""

from __future__ import annotations

import numpy as np
import pytest

from tests.drivers.sound_contract import tell
from txt2vid.core.media import SPEECH_RATE
from txt2vid.drivers.features import HOP, SILENT, Ear, Hop
from txt2vid.drivers.onset import FRESH_HOPS, Onset
from txt2vid.tts.espeak import Espeak

STEPS = (1, 4, 1000)  # hops at a time


@pytest.mark.parametrize("step", STEPS)
def test_a_hiss_before_the_first_vowel_is_known_for_what_it_is_once_that_was_heard(step: int) -> None:
    sound, phonemes = tell(Espeak("en-us"), "Five.")
    first = next(phoneme for phoneme in phonemes if phoneme.symbol == "f")
    middle, vowel = (first.start + first.stop) // 2 // HOP, first.stop // HOP
    onset, hops = Onset(), Ear().hear(0, sound)[: vowel + 6]
    again = [onset.push(hops[i : i + step]) for i in range(0, len(hops), step)][-1]
    (told,) = (again[i] for i in range(len(again)) if len(hops) - len(again) + i == middle)
    assert told.mels.max() < hops[middle].mels.max() - 10  # against the vowel, not against itself
    assert told.speech > 0.5
    assert len(again) <= len(hops)
    assert [hop.levels for hop in again] == [hop.levels for hop in hops[-len(again) :]]


def test_steady_noise_before_a_voice_is_no_sound_of_it() -> None:
    sound, _ = tell(Espeak("en-us"), "Amber.")
    noise = 0.003 * np.random.default_rng(1).standard_normal(len(sound)).astype(np.float32)
    onset = Onset()
    again: list[Hop] = []
    for hop in Ear().hear(0, sound + noise):
        again = again or onset.push([hop])
    assert again
    assert max(hop.speech for hop in again[:-1]) < 0.3


def test_nothing_is_kept_once_the_voice_is_known() -> None:
    sound, _ = tell(Espeak("en-us"), "Five fine vans.")
    onset = Onset()
    assert onset.push([SILENT] * 100) == []
    hops = Ear().hear(0, np.concatenate((sound, np.zeros(SPEECH_RATE, np.float32))))
    kept = [len(onset.push([hop])) for hop in hops]
    assert max(kept) == 20 + FRESH_HOPS
    assert kept[-1] == 0
    assert not vars(onset)["_before"]
    assert not vars(onset)["_voice"]
