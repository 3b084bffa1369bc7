"""The driver of sound that learned."""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pytest

from tests.drivers.sound_contract import SoundDriverContract, speech
from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE
from txt2vid.drivers.speech import SpeechDriver

__all__ = ["speech"]  # a fixture


class TestSpeechDriver(SoundDriverContract):
    driver = SpeechDriver
    closes = 0.75
    shut_vowels = 0.16  # what closes more, closes too much at times

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
