"""Phonemes reach the driver before the frames that need them, to the last one of a text."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pytest

from txt2vid.core.clock import FrameTime
from txt2vid.core.options import SpeakerOptions
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.drivers.phonemes import PhonemeDriver
from txt2vid.pipeline.timeline import moments
from txt2vid.pipeline.voice import TextVoice

FPS = Fraction(25)
GERMAN = "Am Montag um sieben kommt Papa mit dem Bus. Mama bäckt Apfelkuchen."
RUSSIAN = "В понедельник папа поедет на работу. Мама купит хлеб и яблоки."
LONG = "Bob and Mum put a map upon the table, and then they hope. " * 52  # 3,000 characters


class Recorder(PhonemeDriver):
    """A driver that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[TimedPhoneme, int, Fraction]] = []

    def feed(self, phonemes: Iterable[TimedPhoneme], rate: int, start: Fraction | int = 0) -> None:
        phonemes = list(phonemes)
        self.told += [(phoneme, rate, Fraction(start)) for phoneme in phonemes]
        super().feed(phonemes, rate, start)


@pytest.mark.parametrize(
    ("text", "tts", "voice"),
    [
        ("Stop.", "flite", None),
        pytest.param(LONG, "flite", None, marks=pytest.mark.slow),
        (GERMAN, "espeak", "de"),
        (RUSSIAN, "auto", None),
    ],
    ids=["short", "long", "German", "Russian"],
)
def test_the_lips_follow_as_if_all_was_known_beforehand(text: str, tts: str, voice: str | None) -> None:
    speaker, recorder, knowing = TextVoice(text, SpeakerOptions(tts, voice)), Recorder(), PhonemeDriver()
    speaker.driver = speaker._lips._phonemes = recorder
    motions = [moment.motion.blendshapes for moment in moments(speaker, [recorder], FPS)]
    for phoneme, rate, start in recorder.told:
        knowing.feed([phoneme], rate, start)
    silence = np.zeros(0, np.float32)
    ideal = [knowing.drive(FrameTime(i, FPS), silence).blendshapes for i in range(len(motions))]
    np.testing.assert_array_equal(motions, ideal)

    spoken = [(phoneme, rate, start) for phoneme, rate, start in recorder.told if phoneme.symbol != SILENCE]
    phoneme, rate, start = spoken[-1]
    last = int((start + Fraction(phoneme.start, rate)) * FPS)  # the frame of the last phoneme
    assert last < len(motions) - 5
    assert motions[last].max() > 0.05  # it moves the lips
    assert motions[-1].max() == 0  # and at the end they are closed
