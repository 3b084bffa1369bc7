"""Speech to motion by a small network, which learned from voices that tell their phonemes what lips do for sounds.

How far the lips open is the mean of what the network and `drivers.bands` think: the one knows sounds, the other how
people's levels and lips go together, and they err in different places. Any language, any voice, a tenth of a second of
lookahead. What it learned from, and how well it does, stands in its model card, checkpoints/speech.md;
scripts/train_speech_driver.py trains it from nothing.
"""

from __future__ import annotations

import functools
import math
import sys
from collections import deque
from pathlib import Path
from typing import ClassVar

import numpy as np

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import Samples
from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion
from txt2vid.drivers.bands import BandDriver, held
from txt2vid.drivers.base import Driver
from txt2vid.drivers.features import HOP_RATE, SILENT, Ear
from txt2vid.drivers.network import (
    AHEAD,
    CLOSED,
    FREED,
    FUNNEL,
    JAW,
    PAST,
    SPAN,
    TOLD,
    TUCKED,
    Array,
    SpeechNetwork,
    load,
)
from txt2vid.drivers.onset import Onset
from txt2vid.drivers.phonemes import close_lips, smoothstep
from txt2vid.drivers.visemes import SHAPES, visemes

WEIGHTS = "speech.npz"
OPEN, WIDE = 0.3, 0.37  # jawOpen of a wide vowel as the network tells it, and as it is
EMPHASIS = 1.5  # a mean of guesses is flatter than any of them: small openings become smaller, wide ones wider
ROUNDED, ROUND = 0.7, 0.25  # of mouthFunnel that is taken off the jaw; so much of it parts no lips: a smaller gap
ATTACK = 5  # hops before the first sound in which lips begin to part for it
SHUT_FROM, SHUT_FULLY = 0.06, 0.35  # of how surely lips meet: less says nothing, more shuts them
FREE_FROM, FREE_FULLY = 0.32, 0.5  # of how surely f or v is near: so much keeps lips from meeting
TUCK_FROM, TUCK_FULLY = 0.07, 0.5  # of how surely the lower lip is at the teeth; were they nearer, it would jump


@functools.cache
def shipped() -> SpeechNetwork:
    """The network that comes with txt2vid, read once. Raises DependencyError where it did not come along."""
    source = Path(__file__).parents[2] / "checkpoints" / WEIGHTS
    installed = Path(sys.prefix, "share", "txt2vid", "checkpoints", WEIGHTS)
    return load(source if source.exists() else installed)


class SpeechDriver(Driver):
    """Moves the mouth by sound alone. Level, microphone and language do not matter; steady noise leaves it shut."""

    lookahead: ClassVar[int] = 1600  # 100 ms

    def __init__(self, ear: Ear | None = None, network: SpeechNetwork | None = None) -> None:
        """ear: shared with the other drivers of the time line, who so hear the sound once; None is one of its own.

        network: None is the one that comes with txt2vid.
        """
        self.ear = ear or Ear()  # for others of the time line
        self._bands = BandDriver(self.ear)
        self._network = network or shipped()
        self._given = 0  # samples
        self._onset = Onset()
        self._first = -PAST - 1  # the number of the first hop that is kept
        nothing = self._network.hear([SILENT])[0]
        self._heard: deque[Array] = deque([nothing] * -self._first)
        self._speech: deque[float] = deque([0.0] * -self._first)  # of each of them, falling by RELEASE at most

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:
        """The mouth at the middle of `frame`; see `Driver.drive`."""
        other = self._bands.drive(frame, speech)
        self._hear(speech)
        at = float(frame.time + frame.duration / 2) * HOP_RATE
        last = self._first + len(self._heard) - 1 - AHEAD  # the last hop that can be told
        before = max(-1, min(math.floor(at), last - 1))
        while self._first < before - PAST:
            self._heard.popleft()
            self._speech.popleft()
            self._first += 1
        if last < 0:
            return Motion()
        return self._between(min(1.0, max(0.0, at - before)), other)

    def _hear(self, speech: Samples) -> None:
        """Keeps what the network makes of the hops that these samples complete, and mends what it made of the first."""
        hops = self.ear.hear(self._given, speech)
        self._given += len(speech)
        if not hops:
            return
        self._heard.extend(self._network.hear(hops))
        for hop in hops:
            self._speech.append(held(hop.speech, self._speech[-1]))
        again = self._onset.push(hops)[-len(self._heard) :]
        if again:
            first = len(self._heard) - len(again)
            for place, (row, hop) in enumerate(zip(self._network.hear(again), again, strict=True), first):
                self._heard[place], self._speech[place] = row, held(hop.speech, self._speech[place - 1])

    def _between(self, share: float, other: Motion) -> Motion:
        """The mouth between the first two hops whose neighbours are all kept; other: what `drivers.bands` thinks."""
        voice = (1 - share) * self._voice(PAST) + share * self._voice(PAST + 1)
        if voice == 0:
            return Motion()
        kept = np.array([self._heard[i] for i in range(SPAN + 1)])
        if share == 0:  # at 25 and 50 frames a second, always
            told = self._network.tell(kept[None, :-1])[0]
        else:
            before, after = self._network.tell(np.stack((kept[:-1], kept[1:])))
            told = (1 - share) * before + share * after
        return _motion(told * np.float32(min(1.0, voice)), other)

    def _voice(self, place: int) -> float:
        """How surely somebody speaks at a hop, or is about to."""
        return max(self._speech[place + ahead] * (1 - ahead / (ATTACK + 1)) for ahead in range(ATTACK + 1))


def _motion(told: Array, other: Motion) -> Motion:
    """What the network tells as ARKit's coefficients; jaw and lips are opened by the mean of both opinions."""
    vector = np.zeros(len(BLENDSHAPES))
    vector[_COLUMNS] = told[_SOURCES]
    jaw = max(0.0, float(told[JAW] - ROUNDED * told[FUNNEL]))
    vector[INDEX["jawOpen"]] = (WIDE * (jaw / OPEN) ** EMPHASIS + other["jawOpen"] - other["mouthClose"]) / 2
    parted = vector[_PARTING] * max(0.0, 1 - float(told[FUNNEL]) / ROUND)
    vector[_PARTING] = (parted + other.blendshapes[_PARTING]) / 2
    shut = smoothstep((float(told[CLOSED]) - SHUT_FROM) / (SHUT_FULLY - SHUT_FROM))
    shut *= 1 - smoothstep((float(told[FREED]) - FREE_FROM) / (FREE_FULLY - FREE_FROM))
    tucked = (1 - shut) * smoothstep((float(told[TUCKED]) - TUCK_FROM) / (TUCK_FULLY - TUCK_FROM))
    vector[_SHAPES] += tucked * _INSISTS * (_LABIODENTAL.target - vector[_SHAPES])
    close_lips(vector, shut)
    return Motion(np.clip(vector, 0, 1).astype(np.float32))


_PAIRS = [
    (INDEX[full], source)
    for source, name in enumerate(TOLD)
    for full in (name, f"{name}Left", f"{name}Right")
    if full in INDEX
]
_COLUMNS, _SOURCES = np.array(_PAIRS).T
_PARTING = np.array(
    [INDEX[f"{name}{side}"] for name in ("mouthUpperUp", "mouthLowerDown") for side in ("Left", "Right")]
)
_LABIODENTAL = visemes("f")[0]
_SHAPES = np.array([INDEX[shape] for shape in SHAPES])
_INSISTS = _LABIODENTAL.weight / (_LABIODENTAL.weight + 1)
"""How much of f is seen, in each of _SHAPES, among neighbours of weight 1, as in `drivers.phonemes`."""
