"""What is learned from: what a driver hears of made speech, hop by hop, and what the mouth does there."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import soxr
import speech_augment as augment
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from speech_corpus import Spoken

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.motion import INDEX
from txt2vid.core.phonemes import TimedPhoneme
from txt2vid.drivers.features import HOP, HOP_RATE, Ear
from txt2vid.drivers.network import CLOSED, FREED, SEEN, TOLD, TUCKED, seen
from txt2vid.drivers.phonemes import PRESS, SNAP, PhonemeDriver
from txt2vid.drivers.visemes import visemes

JAW_BY_EFFORT = 0.06  # how much wider a mouth opens, a dB (Schulman 1989: loud vowels open about twice as far)
FREED_HOPS = 7  # to each side of f and v: so far away, no lips meet for their sake
V_COUNTS, F_COUNTS, LIPS_COUNT = 4.0, 2.0, 2.0  # hops of v and around it, of f, and of p, b and m; all others: 1
VOICED_SHARE = 0.93  # of streams; the rest bring one more example, of what must not move a mouth


class Example(NamedTuple):
    """seen (n, SEEN) and told (n, len(TOLD)), hop by hop; counts (n,): how much each does in what is told of teeth."""

    seen: NDArray[np.float32]
    told: NDArray[np.float32]
    counts: NDArray[np.float32]


def examples(said: Iterable[Spoken], seed: int, versions: int) -> list[Example]:
    """The same sentences, said at one speed, heard in so many ways."""
    rng = np.random.default_rng(seed)
    sound, phonemes = joined(said, rng)
    told = _told(phonemes, len(sound))
    counts = _counts(phonemes, len(told))
    made = []
    for _ in range(versions):
        by = augment.effort(len(sound), rng)
        heard = augment.heard(augment.with_effort(sound, by), rng)
        made.append(Example(_seen(heard, rng), _wider(told, by), counts))
    if rng.random() > VOICED_SHARE:
        made.append(_unmoved(rng))
    return made


def joined(said: Iterable[Spoken], rng: np.random.Generator) -> tuple[Samples, list[TimedPhoneme]]:
    """Faster or slower (and so higher or lower), with pauses in between."""
    speed = float(np.exp(rng.normal(0, 0.09)))
    sounds, phonemes, at = [], [], 0
    for each in said:
        pause = np.zeros(int(rng.uniform(0.05, 1.2) ** 2 * SPEECH_RATE), np.float32)
        fresh = soxr.resample(each.sound, SPEECH_RATE * speed, SPEECH_RATE).astype(np.float32)
        at += len(pause)
        phonemes += [
            TimedPhoneme(p.symbol, at + round(p.start / speed), at + round(p.stop / speed), p.stress)
            for p in each.phonemes
        ]
        sounds += [pause, fresh]
        at += len(fresh)
    return np.concatenate(sounds), phonemes


def _told(phonemes: list[TimedPhoneme], length: int) -> NDArray[np.float32]:
    """What the phoneme driver does at each hop, (hops, len(TOLD))."""
    driver = PhonemeDriver()
    driver.feed(phonemes, SPEECH_RATE)
    nothing = np.zeros(0, np.float32)
    frames = (FrameTime(index, Fraction(HOP_RATE)) for index in range(length // HOP))
    rows = np.array([driver.drive(frame, nothing).blendshapes for frame in frames])
    rows = 0.5 * (rows[:-1] + rows[1:])  # hop k lies between the middles of frames k - 1 and k
    told = np.stack([rows[:, INDEX.get(name, INDEX.get(f"{name}Left", 0))] for name in TOLD], axis=1)
    told[:, CLOSED] = rows[:, INDEX["mouthPressLeft"]] / PRESS
    told = np.concatenate((told[:1], told))
    tucked = _tucked(phonemes, len(told))
    for column, wide in ((TUCKED, 0), (FREED, FREED_HOPS)):
        told[:, column] = maximum_filter1d(tucked, 2 * wide + 1) * (1 - told[:, CLOSED])
    return told.astype(np.float32)


def _tucked(phonemes: list[TimedPhoneme], hops: int) -> NDArray[np.float64]:
    """How far the lower lip is at the teeth, (hops,): for f and v as long as they last, and SNAP to get there and away.

    Not their roll of the lip, which blends into the neighbours: who hears it would tuck vowels.
    """
    at = np.arange(hops) / HOP_RATE
    tucked = np.zeros(hops)
    for phoneme in phonemes:
        shown = visemes(phoneme.symbol)
        edges = np.linspace(phoneme.start, phoneme.stop, len(shown) + 1) / SPEECH_RATE
        for viseme, start, stop in zip(shown, edges[:-1], edges[1:], strict=True):
            if viseme.tucked:
                away = np.maximum(start - at, at - stop)
                near = np.clip(1 - away / SNAP, 0, 1)
                tucked = np.maximum(tucked, near * near * (3 - 2 * near))
    return tucked


def _counts(phonemes: list[TimedPhoneme], hops: int) -> NDArray[np.float32]:
    """How much each hop counts in what is learned of f and v, (hops,).

    They are few; a v, and what is around it, is hard to tell from p, b and m, and these from it.
    """
    counts = np.ones(hops, np.float32)
    for closed in (False, True):
        for phoneme in phonemes:
            shown = visemes(phoneme.symbol)
            start, stop = phoneme.start // HOP, phoneme.stop // HOP + 1
            if closed and any(viseme.closed for viseme in shown):
                counts[start:stop] = LIPS_COUNT
            elif not closed and any(viseme.tucked for viseme in shown):
                voiced = "f" not in phoneme.symbol
                around = FREED_HOPS * voiced
                counts[max(0, start - around) : stop + around] = V_COUNTS if voiced else F_COUNTS
    return counts


def _wider(told: NDArray[np.float32], by: NDArray[np.float64]) -> NDArray[np.float32]:
    """Louder speech opens the mouth further."""
    factor = np.clip(1 + JAW_BY_EFFORT * by[::HOP][: len(told)], 0.3, 1.7)[:, None]
    wider = told.copy()
    for name, share in (("jawOpen", 1.0), ("mouthUpperUp", 0.5), ("mouthLowerDown", 0.7)):
        column = TOLD.index(name)
        wider[:, column] *= (1 + share * (factor[:, 0] - 1)).astype(np.float32)
    return wider


def _seen(sound: Samples, rng: np.random.Generator) -> NDArray[np.float32]:
    ear = Ear(warp=float(np.exp(rng.normal(0, 0.08))))
    rows = np.empty((len(sound) // HOP + 1, SEEN), np.float32)
    at = 0
    for start in range(0, len(sound), SPEECH_RATE):
        hops = ear.hear(start, sound[start : start + SPEECH_RATE])
        rows[at : at + len(hops)] = seen(hops)
        at += len(hops)
    return rows[:at]


def _unmoved(rng: np.random.Generator) -> Example:
    """Music, breath or noise, for which nothing moves."""
    length = 10 * SPEECH_RATE
    made = (augment.music, augment.breath, augment.background)[rng.integers(3)](length, rng)
    rows = _seen(augment.heard(made, rng), rng)
    return Example(rows, np.zeros((len(rows), len(TOLD)), np.float32), np.ones(len(rows), np.float32))
