"""How a speech driver does on voices that it was not trained on and whose phonemes are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import speech_corpus as corpus
from numpy.typing import NDArray
from speech_targets import joined

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.phonemes import TimedPhoneme
from txt2vid.drivers.base import Driver
from txt2vid.drivers.features import HOP, HOP_RATE
from txt2vid.drivers.network import SpeechNetwork
from txt2vid.drivers.speech import SpeechDriver
from txt2vid.drivers.visemes import visemes

STREAMS, SEED = 12, 77
MET = 0.05  # jawOpen less mouthClose: lips that are nearer touch
TUCKED = 0.2  # mouthRollLower: more, and the lip is at the teeth
SHUT_SOUNDS, TUCK_SOUNDS = ("p", "b", "m"), ("f", "v")


def closures(network: SpeechNetwork, seed: int = 0) -> Iterator[str]:
    """Lines for the log."""
    found = shares(lambda: SpeechDriver(network=network), seed)
    line = "voices held out: {} with {} {:.1%}, vowels with {} {:.1%}"
    yield line.format("p, b and m", "lips that meet", found.shut, "lips that meet", found.shut_vowels)
    yield line.format("f and v", "a lip at the teeth", found.tucked, "a lip at the teeth", found.tucked_vowels)


class Shares(NamedTuple):
    """Of p, b and m: whose lips meet; of f and v: whose lower lip is at the teeth; of open vowels' middles: both."""

    shut: float
    shut_vowels: float
    tucked: float
    tucked_vowels: float


def shares(driver: Callable[[], Driver], seed: int = 0) -> Shares:
    """Of voices that were not trained on."""
    found: tuple[list[bool], ...] = ([], [], [], [])
    rng = np.random.default_rng(SEED + seed)
    for _, said in corpus.spoken(STREAMS, SEED + seed, held_out=True):
        sound, phonemes = joined(said, rng)
        apart, roll = _mouth(driver(), sound)
        for phoneme in phonemes:
            start, stop = phoneme.start // HOP, phoneme.stop // HOP
            near = slice(max(0, start - 1), stop + 2)
            if phoneme.symbol in SHUT_SOUNDS:
                found[0].append(bool(apart[near].min(initial=1) < MET))
            elif phoneme.symbol in TUCK_SOUNDS:
                found[2].append(bool(roll[near].max(initial=0) > TUCKED))
            elif _is_long_vowel(phoneme):
                found[1].append(bool(apart[(start + stop) // 2] < MET))
                found[3].append(bool(roll[(start + stop) // 2] > TUCKED))
    return Shares(*(float(np.mean(each)) for each in found))


def _is_long_vowel(phoneme: TimedPhoneme) -> bool:
    long = phoneme.stop - phoneme.start > SPEECH_RATE // 16
    return long and phoneme.symbol[:1] in "aɑæɛeɐʌ" and any(viseme.vowel for viseme in visemes(phoneme.symbol))


def _mouth(driver: Driver, sound: Samples) -> NDArray[np.float64]:
    """The opening, and the roll of the lower lip, at each hundredth of a second, (2, n)."""
    padded = np.concatenate((sound, np.zeros(SPEECH_RATE, np.float32)))
    rows, given = [], 0
    for index in range(len(sound) // HOP):
        frame = FrameTime(index, Fraction(HOP_RATE))
        end = frame.span(SPEECH_RATE)[1] + driver.lookahead
        moved = driver.drive(frame, padded[given:end])
        rows.append((moved["jawOpen"] - moved["mouthClose"], moved["mouthRollLower"]))
        given = end
    return np.array(rows).T
