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
from txt2vid.drivers.phonemes import PRESS
from txt2vid.drivers.speech import SpeechDriver
from txt2vid.drivers.visemes import visemes

STREAMS, SEED = 12, 77
MET = 0.05  # jawOpen less mouthClose: lips that are nearer touch
TUCKED = 0.2  # mouthRollLower: more, and the lip is at the teeth
SHUT = 0.5 * PRESS  # mouthPressLeft: more, and lips that should be at the teeth are shut instead
SHUT_SOUNDS = ("p", "b", "m")


def closures(network: SpeechNetwork, seed: int = 0) -> Iterator[str]:
    """Lines for the log."""
    found = shares(lambda: SpeechDriver(network=network), seed)
    line = "voices held out: {} with {lips} {:.1%}, {} with {lips} {:.1%}"
    yield line.format("p, b and m", found.shut, "vowels", found.shut_vowels, lips="lips that meet")
    yield line.format("f", found.f, "vowels", found.tucked_vowels, lips="a lip at the teeth")
    yield f"voices held out: v with a lip at the teeth {found.v:.1%}, with shut lips at some time {found.shut_v:.1%}"


class Shares(NamedTuple):
    """Of p, b and m: whose lips meet; of f and of v: whose lower lip is at the teeth; of open vowels' middles: both.

    shut_v: of v, in whose time the lips are shut, if only for a hundredth of a second.
    """

    shut: float
    shut_vowels: float
    f: float
    v: float
    shut_v: float
    tucked_vowels: float


def shares(driver: Callable[[], Driver], seed: int = 0) -> Shares:
    """Of voices that were not trained on."""
    found: dict[str, list[bool]] = {name: [] for name in Shares._fields}
    rng = np.random.default_rng(SEED + seed)
    for _, said in corpus.spoken(STREAMS, SEED + seed, held_out=True):
        sound, phonemes = joined(said, rng)
        apart, roll, press = _mouth(driver(), sound)
        for phoneme in phonemes:
            start, stop = phoneme.start // HOP, phoneme.stop // HOP
            near = slice(max(0, start - 1), stop + 2)
            if phoneme.symbol in SHUT_SOUNDS:
                found["shut"].append(bool(apart[near].min(initial=1) < MET))
            elif phoneme.symbol in ("f", "v"):
                found[phoneme.symbol].append(bool(roll[near].max(initial=0) > TUCKED))
                if phoneme.symbol == "v":
                    found["shut_v"].append(bool(press[start + 1 : stop].max(initial=0) > SHUT))
            elif _is_long_vowel(phoneme):
                found["shut_vowels"].append(bool(apart[(start + stop) // 2] < MET))
                found["tucked_vowels"].append(bool(roll[(start + stop) // 2] > TUCKED))
    return Shares(**{name: float(np.mean(each)) for name, each in found.items()})


def _is_long_vowel(phoneme: TimedPhoneme) -> bool:
    long = phoneme.stop - phoneme.start > SPEECH_RATE // 16
    return long and phoneme.symbol[:1] in "aɑæɛeɐʌ" and any(viseme.vowel for viseme in visemes(phoneme.symbol))


def _mouth(driver: Driver, sound: Samples) -> NDArray[np.float64]:
    """The opening, the roll of the lower lip, and how the lips press, at each hundredth of a second, (3, n)."""
    padded = np.concatenate((sound, np.zeros(SPEECH_RATE, np.float32)))
    rows, given = [], 0
    for index in range(len(sound) // HOP):
        frame = FrameTime(index, Fraction(HOP_RATE))
        end = frame.span(SPEECH_RATE)[1] + driver.lookahead
        moved = driver.drive(frame, padded[given:end])
        rows.append((moved["jawOpen"] - moved["mouthClose"], moved["mouthRollLower"], moved["mouthPressLeft"]))
        given = end
    return np.array(rows).T
