"""The driver of sound that learned."""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.drivers.sound_contract import TEXT, VOICES, SoundDriverContract, opening, speech, tell, vowel_frames
from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.motion import INDEX
from txt2vid.core.phonemes import TimedPhoneme
from txt2vid.drivers.network import TOLD, SpeechNetwork, layers
from txt2vid.drivers.speech import SpeechDriver
from txt2vid.tts.base import Synthesizer

__all__ = ["speech"]  # a fixture
LABIODENTALS = ("Five very fine vans drove over the frozen river.", "Vera never forgave her father for leaving.")
TUCKED = 0.2  # mouthRollLower of a lip that is at the teeth


class TestSpeechDriver(SoundDriverContract):
    driver = SpeechDriver
    closes = 0.75
    shut_vowels = 0.16  # what closes more, closes too much at times

    @pytest.mark.parametrize(("voice", "name"), VOICES)
    def test_f_and_v_tuck_the_lower_lip_and_vowels_do_not(self, voice: type[Synthesizer], name: str) -> None:
        sound, phonemes = tell(voice(name), *LABIODENTALS, TEXT)
        rows = self.move(sound)
        roll, apart = rows[:, INDEX["mouthRollLower"]], opening(rows)
        near = {sounds: [_near(p) for p in phonemes if p.symbol in tuple(sounds)] for sounds in ("f", "fv")}
        tucked = {sounds: np.mean([roll[each].max() > TUCKED for each in found]) for sounds, found in near.items()}
        assert tucked["f"] >= 0.7
        assert tucked["fv"] >= 0.4  # between vowels a v is too much like b and m, for which lips meet
        vowels = np.flatnonzero(vowel_frames(sound, phonemes))
        assert np.mean(roll[vowels] > TUCKED) < 0.1
        assert np.mean([apart[each].mean() for each in near["fv"]]) < 0.65 * apart[vowels].mean()

    @pytest.mark.parametrize(("voice", "name"), VOICES)
    def test_the_first_f_of_a_speech_is_tucked_before_its_vowel(self, voice: type[Synthesizer], name: str) -> None:
        sound, phonemes = tell(voice(name), LABIODENTALS[0])
        first = next(phoneme for phoneme in phonemes if phoneme.symbol == "f")
        roll = self.move(sound)[:, INDEX["mouthRollLower"]]
        assert roll[first.start // 160 : first.stop // 160].max() > TUCKED
        assert roll[: first.start // 160 - 12].max() < 0.05  # not before anybody speaks

    def test_a_tucked_lip_shows_the_upper_teeth_and_lips_that_meet_do_not(self, speech: Samples) -> None:
        plain, tucked, shut = (
            _mouth_that_is_told(speech, **sure) for sure in ({}, {"tucked": 8}, {"tucked": 8, "closed": 8})
        )
        names = ("mouthRollLower", "mouthUpperUpLeft", "mouthLowerDownLeft", "jawOpen")
        assert [bool(tucked[INDEX[name]] > plain[INDEX[name]]) for name in names] == [True, True, False, False]
        assert tucked[INDEX["mouthRollLower"]] > TUCKED
        assert opening(tucked[None])[0] > 0  # room for the teeth
        assert opening(shut[None])[0] == 0
        assert shut[INDEX["mouthRollLower"]] < TUCKED

    @pytest.mark.slow
    def test_twenty_minutes_of_white_noise_leave_it_as_small_and_as_shut_as_a_minute(self) -> None:
        """The hand-made driver is in it, too."""
        rng, driver, given, sizes = np.random.default_rng(9), SpeechDriver(), 0, []
        for index in range(20 * 60 * 25):
            end = FrameTime(index, Fraction(25)).span(SPEECH_RATE)[1] + driver.lookahead
            noise = 0.1 * rng.standard_normal(end - given).astype(np.float32)
            motion, given = driver.drive(FrameTime(index, Fraction(25)), noise), end
            assert index < 25 or not motion.blendshapes.any()
            if index % 1500 == 1499:
                sizes.append(len(pickle.dumps(driver)))
        assert max(sizes) <= 1.02 * sizes[0]


def _near(phoneme: TimedPhoneme) -> slice:
    """The hundredths of a second of it, and one to each side."""
    return slice(phoneme.start // 160 - 1, phoneme.stop // 160 + 2)


def _mouth_that_is_told(sound: Samples, **sure: float) -> NDArray[np.float32]:
    """The coefficients (52,) in the middle of a sound, where the network tells always the same: the given logits."""
    weights = {name: np.zeros(shape, np.float32) for name, shape in layers().items()}
    weights["told.bias"][:] = [sure.get(name, -8 if name in ("closed", "tucked") else -1) for name in TOLD]
    driver, index = SpeechDriver(network=SpeechNetwork(weights)), len(sound) // SPEECH_RATE * 25 // 2
    ends = [FrameTime(i, Fraction(25)).span(SPEECH_RATE)[1] + driver.lookahead for i in range(index + 1)]
    moved = [
        driver.drive(FrameTime(i, Fraction(25)), sound[start:end])
        for i, (start, end) in enumerate(zip([0, *ends], ends, strict=False))
    ]
    return moved[-1].blendshapes
