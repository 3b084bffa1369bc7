"""The driver of sound that learned."""

from __future__ import annotations

from tests.drivers.sound_contract import SoundDriverContract, speech
from txt2vid.drivers.speech import SpeechDriver

__all__ = ["speech"]  # a fixture


class TestSpeechDriver(SoundDriverContract):
    driver = SpeechDriver
    closes = 0.75
    shut_vowels = 0.16  # what closes more, closes too much at times
