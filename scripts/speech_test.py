"""How a speech driver does on voices that it was not trained on and whose phonemes are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import speech_corpus as corpus
from numpy.typing import NDArray
from speech_targets import joined

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.motion import INDEX
from txt2vid.core.phonemes import TimedPhoneme
from txt2vid.drivers.base import Driver
from txt2vid.drivers.features import HOP, HOP_RATE
from txt2vid.drivers.network import SpeechNetwork
from txt2vid.drivers.speech import SpeechDriver
from txt2vid.drivers.visemes import visemes

STREAMS, SEED = 12, 77
MET = 0.05  # jawOpen less mouthClose: lips that are nearer touch
SHUT_SOUNDS = ("p", "b", "m")


def closures(network: SpeechNetwork, seed: int = 0) -> Iterator[str]:
    """Lines for the log."""
    found = share_of_closures(lambda: SpeechDriver(network=network), seed)
    yield "voices held out: p, b and m with lips that meet {:.1%}, vowels with lips that meet {:.1%}".format(*found)


def share_of_closures(driver: Callable[[], Driver], seed: int = 0) -> tuple[float, float]:
    """Of p, b and m, and of the middles of vowels, how many are said with lips that meet."""
    shut: list[bool] = []
    vowels: list[bool] = []
    rng = np.random.default_rng(SEED + seed)
    for _, said in corpus.spoken(STREAMS, SEED + seed, held_out=True):
        sound, phonemes = joined(said, rng)
        apart = _apart(driver(), sound)
        for phoneme in phonemes:
            start, stop = phoneme.start // HOP, phoneme.stop // HOP
            if phoneme.symbol in SHUT_SOUNDS:
                shut.append(bool(apart[start - 1 : stop + 2].min(initial=1) < MET))
            elif _is_long_vowel(phoneme):
                vowels.append(bool(apart[(start + stop) // 2] < MET))
    return float(np.mean(shut)), float(np.mean(vowels))


def _is_long_vowel(phoneme: TimedPhoneme) -> bool:
    long = phoneme.stop - phoneme.start > SPEECH_RATE // 16
    return long and phoneme.symbol[:1] in "aɑæɛeɐʌ" and any(viseme.vowel for viseme in visemes(phoneme.symbol))


def _apart(driver: Driver, sound: Samples) -> NDArray[np.float64]:
    """The opening at each hundredth of a second."""
    padded = np.concatenate((sound, np.zeros(SPEECH_RATE, np.float32)))
    rows, given = [], 0
    for index in range(len(sound) // HOP):
        frame = FrameTime(index, Fraction(HOP_RATE))
        end = frame.span(SPEECH_RATE)[1] + driver.lookahead
        moved = driver.drive(frame, padded[given:end])
        rows.append(float(moved.blendshapes[INDEX["jawOpen"]] - moved.blendshapes[INDEX["mouthClose"]]))
        given = end
    return np.array(rows)
