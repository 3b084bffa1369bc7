"""What the lips are expected to do, by the sound alone: the speech driver's motion as an inner-lip gap, every 10 ms.

The yardstick is the hand-made driver, whatever drives the videos that are measured: numbers stay comparable.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import AudioChunk, Samples
from txt2vid.core.motion import Coefficients, Motion, coefficients
from txt2vid.drivers.bands import BandDriver
from txt2vid.drivers.base import Driver
from txt2vid.drivers.features import HOP_RATE, Ear
from txt2vid.ffmpeg.decode import AudioReader
from txt2vid.pipeline.timeline import moments
from txt2vid.pipeline.voice import Voice

GRID = HOP_RATE  # places of the common time line a second: the drivers' own hops, 10 ms
_MIDDLE = 0.5 / GRID  # seconds after a place's start: the moment that drivers tell of

# How the mesh engine's mouth answers to coefficients: its gap against jawOpen's, its width in interocular distances.
_GAP = coefficients(jawOpen=1, mouthClose=-1, mouthFunnel=0.15, mouthLowerDown=0.12, mouthUpperUp=0.06)
_WIDTH = coefficients(mouthStretch=0.07, mouthSmile=0.06, mouthPucker=-0.14, mouthFunnel=-0.08)

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording on the grid: place i is i / GRID seconds after the file's first timestamp. All (n,).

    gap: the inner-lip gap that the sound asks for, in no unit. speech: in [0, 1], how surely somebody speaks there.
    low, high: the waveform's lowest and highest sample in each place, in [-1, 1].
    """

    gap: Curve
    speech: Curve
    low: Curve
    high: Curve

    @property
    def seconds(self) -> float:
        """How long the sound is."""
        return len(self.gap) / GRID


class SoundOf(Voice):
    """The sound of a file as it is, silent or not, with a driver. Raises AudioError where there is none."""

    def __init__(self, path: Path, driver: Driver) -> None:
        self._path = path
        with AudioReader(path) as reader:
            self.rate, self.channels, self.duration = reader.rate, reader.channels, reader.duration
        self.driver, self.driver_name = driver, "speech"

    def chunks(self) -> Iterator[AudioChunk]:
        """The file's sound."""
        with AudioReader(self._path) as reader:
            yield from reader


class _Listener(Driver):
    """Moves nothing: keeps how surely each hop is speech."""

    lookahead: ClassVar[int] = BandDriver.lookahead  # as far as the driver whose ear it shares

    def __init__(self, ear: Ear) -> None:
        self._ear, self._given = ear, 0
        self.speech = array("f")

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:  # noqa: ARG002 - the sound says it all
        self.speech.extend(hop.speech for hop in self._ear.hear(self._given, speech))
        self._given += len(speech)
        return Motion()


def hear(path: Path) -> Heard:
    """Listens to the sound of a file; 16 bytes a place are kept. Raises AudioError where there is none."""
    driver = BandDriver()
    listener = _Listener(driver.ear)
    gap, low, high = array("f"), array("f"), array("f")
    for moment in moments(SoundOf(path, driver), (driver, listener), Fraction(GRID)):
        gap.append(opening(moment.motion.blendshapes))
        low.append(moment.sound.min(initial=0))
        high.append(moment.sound.max(initial=0))
    count = len(gap)
    speech = np.zeros(count)
    heard = np.array(listener.speech[:count], np.float64)
    speech[: len(heard)] = heard
    places = np.arange(count) / GRID
    expected = np.interp(places, places + _MIDDLE, np.array(gap, np.float64))
    return Heard(expected, speech, np.array(low, np.float64), np.array(high, np.float64))


def opening(blendshapes: Coefficients) -> float:
    """The inner-lip gap that ARKit's coefficients (52,) ask for, in that of jawOpen alone."""
    return max(0.0, float(blendshapes @ _GAP))


def widening(blendshapes: Coefficients) -> float:
    """How much wider than at rest the mouth is that they ask for, in interocular distances."""
    return float(blendshapes @ _WIDTH)
