"""Jitter taken out of numbers as they come: little lag where they move fast, little noise where they rest."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float32]

SPEED_CUTOFF = 1.5  # Hz: of the low-pass over the speed by which the cutoff is chosen


class OneEuro:
    """The one-euro filter (Casiez, Roussel and Vogel 2012) over a vector: a low-pass whose cutoff rises with speed.

    cutoff: Hz, of what rests. slope: by how many Hz the cutoff rises for each unit a second. calm: units a second; what
    is faster than that in a single step counts with what it is faster by, so that who turns back at once, as lids do,
    is not held up while the speeds before and after cancel each other out. All (n,).
    """

    def __init__(self, cutoff: Numbers, slope: Numbers, calm: Numbers | None = None) -> None:
        self._cutoff, self._slope = cutoff, slope
        self._calm = np.full_like(cutoff, np.inf) if calm is None else calm
        self._value: Numbers | None = None
        self._speed = np.zeros_like(cutoff)

    def restart(self) -> None:
        """The next value is taken as it is: there was a cut, or a gap."""
        self._value = None

    def __call__(self, value: Numbers, seconds: float) -> Numbers:
        """The filtered value (n,), `seconds` after the one before."""
        if self._value is None or seconds <= 0:
            self._value, self._speed = value.copy(), np.zeros_like(value)
            return self._value
        speed = (value - self._value) / np.float32(seconds)
        self._speed = self._speed + _share(SPEED_CUTOFF, seconds) * (speed - self._speed)
        fast = np.maximum(np.abs(self._speed), np.abs(speed) - self._calm)
        share = _share(self._cutoff + self._slope * fast, seconds)
        self._value = np.asarray(self._value + share * (value - self._value), np.float32)
        return self._value


def _share(cutoff: Numbers | float, seconds: float) -> Numbers:
    """How much of a new value a low-pass of that cutoff (Hz) takes over in a step."""
    turned = np.asarray(2 * math.pi * seconds * cutoff, np.float32)
    return np.asarray(turned / (turned + 1), np.float32)
