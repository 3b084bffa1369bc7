"""Samples of a program, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import MAX_CHANNELS, Samples
from txt2vid.errors import AudioError, UsageError

MIN_RATE, MAX_RATE = 8_000, 192_000  # Hz: telephones, and studios
LOUDEST = 8.0  # of a float: more is no sound in [-1, 1] that went over, but integers that nobody scaled
INTEGERS = {np.dtype(np.int16): 2.0**15, np.dtype(np.int32): 2.0**31}


def sound_of(samples: NDArray[Any], rate: int) -> Samples:
    """float32 (n, channels) from floats in [-1, 1], int16 or int32, (n,) or (n, channels).

    Raises UsageError on another shape, type or rate, AudioError where a sample is no number or far out of range.
    """
    check_rate(rate)
    sound = np.asarray(samples)
    if sound.ndim == 1:
        sound = sound[:, np.newaxis]
    if sound.ndim != 2 or not 1 <= sound.shape[1] <= MAX_CHANNELS:
        raise UsageError(f"samples have the shape {np.shape(samples)}: give (n,), or (n, 2) for stereo")
    if sound.dtype in INTEGERS:
        return np.asarray(sound / INTEGERS[sound.dtype], np.float32)
    if not np.issubdtype(sound.dtype, np.floating):
        raise UsageError(f"samples are of the type {sound.dtype}: give floats in [-1, 1], int16 or int32")
    if not np.isfinite(sound).all():
        raise AudioError("samples hold NaN or infinity: replace them, for instance with numpy.nan_to_num")
    loudest = float(np.abs(sound).max(initial=0))
    if loudest > LOUDEST:
        raise AudioError(f"samples reach {loudest:g}: give floats in [-1, 1], or whole numbers as int16")
    return np.asarray(sound, np.float32)


def check_rate(rate: object) -> None:
    """Raises UsageError where it is no whole number in [MIN_RATE, MAX_RATE]."""
    if not isinstance(rate, int | np.integer) or not MIN_RATE <= rate <= MAX_RATE:
        raise UsageError(f"rate {rate!r} is no number of samples a second: give {MIN_RATE} to {MAX_RATE}, as an int")


def mono(sound: Samples) -> Samples:
    """(n,) of (n, channels)."""
    return np.asarray(sound.mean(axis=1), np.float32)
