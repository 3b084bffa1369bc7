"""The hand-made driver of sound."""

from __future__ import annotations

from tests.drivers.sound_contract import SoundDriverContract, speech
from txt2vid.drivers.bands import BandDriver

__all__ = ["speech"]  # a fixture


class TestBandDriver(SoundDriverContract):
    driver = BandDriver
