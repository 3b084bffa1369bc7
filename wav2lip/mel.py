"""What the network hears: windows of 16 frames of a mel spectrogram of 80 bands, of speech at 16 kHz.

Pre-emphasis, a short-time Fourier transform with a Hann window, magnitudes in Slaney's mel bands (Slaney 1998,
"Auditory Toolbox"), decibels, and a fixed range: as the published weights were trained with. Each frame is computed
alone, by the same operations in the same order however many come at once, so that a stream gives bit for bit what a
file gives.
"""

from __future__ import annotations

import functools
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Mel = NDArray[np.float32]
"""(frames, MELS), each value in [-4, 4]."""

RATE = 16_000  # Hz
FFT = 800  # samples of a frame: 50 ms
HOP = 200  # samples from one frame to the next: 80 frames a second
MELS, WINDOW = 80, 16  # bands; frames of a window, 200 ms
LOWEST, HIGHEST = 55.0, 7600.0  # Hz
EMPHASIS = 0.97
FLOOR = 1e-5  # of magnitudes: -100 dB
REFERENCE = 20.0  # dB that are taken off
RANGE = 4.0  # values are in [-RANGE, RANGE]; silence is -RANGE
FRAMES = Fraction(RATE, HOP)  # a second
TRAINED_FPS = 25  # frames a second of the videos that the network was trained with

_BLOCK = 256  # frames at once: 3 MB of spectrum


def spectrogram(samples: Samples) -> Mel:
    """The mel frames of a whole recording (n,), n > FFT / 2; the first and last two see its ends mirrored.

    Frame j is centred at sample j * HOP; there are n // HOP + 1. Raises ValueError on NaN or infinity, and on too few.
    """
    if len(samples) <= FFT // 2:
        raise ValueError(f"{len(samples)} samples are too few for a mel frame: {FFT // 2 + 1} are needed")
    return frames(np.pad(emphasised(_checked(samples), 0.0), FFT // 2, mode="reflect"))


class MelStream:
    """The same, of sound that comes in pieces. Before the first sample there is silence.

    Frame j is there once (j * HOP + FFT / 2) samples have been pushed: 25 ms after its middle.
    """

    def __init__(self) -> None:
        self._held = np.zeros(FFT // 2, np.float64)
        self._last = 0.0

    def push(self, samples: Samples) -> Mel:
        """The frames that `samples` (n,) complete. Raises ValueError on NaN or infinity, unheard."""
        if not len(samples):
            return np.zeros((0, MELS), np.float32)
        fresh = emphasised(_checked(samples), self._last)
        self._last = float(samples[-1])
        sound = np.concatenate([self._held, fresh])
        made = frames(sound)
        self._held = sound[len(made) * HOP :]
        return made


def frames(sound: NDArray[np.float64]) -> Mel:
    """The frames that lie whole in pre-emphasised sound (n,), the first at its start."""
    count = max(0, (len(sound) - FFT) // HOP + 1)
    made = np.empty((count, MELS), np.float32)
    if not count:
        return made
    pieces = np.lib.stride_tricks.sliding_window_view(sound, FFT)[::HOP]
    for start in range(0, count, _BLOCK):
        made[start : start + _BLOCK] = _scaled(pieces[start : min(count, start + _BLOCK)])
    return made


def emphasised(samples: Samples, last: float) -> NDArray[np.float64]:
    """High frequencies raised: each sample less EMPHASIS times the one before it; `last` is before the first."""
    sound = samples.astype(np.float64)
    before = np.concatenate([[np.float64(last)], sound[:-1]])
    return sound - EMPHASIS * before


def first_frame(index: int, fps: Fraction, *, as_published: bool = False) -> int:
    """The mel frame at which the window of video frame `index` begins; negative before the recording's start.

    The network was trained with windows that begin one frame of 25 a second earlier than those with which it was
    published to be used: as published, lips are 40 ms ahead of the sound. The default is as trained.
    """
    earlier = 0 if as_published else Fraction(1, TRAINED_FPS)
    return ((index / fps - earlier) * FRAMES).__floor__()


def windows(mel: Mel, fps: Fraction, *, as_published: bool = False) -> NDArray[np.float32]:
    """All windows of a recording, (n, 1, MELS, WINDOW): until one would reach past the end, then one at the end.

    Before its start is silence. Raises ValueError where it has no WINDOW frames.
    """
    if len(mel) < WINDOW:
        raise ValueError(f"{len(mel)} mel frames are too few: {WINDOW} are needed")
    made, index = [], 0
    while (start := first_frame(index, fps, as_published=as_published)) + WINDOW <= len(mel):
        made.append(window(mel, start))
        index += 1
    made.append(window(mel, len(mel) - WINDOW))
    return np.stack(made)


def window(mel: Mel, start: int) -> NDArray[np.float32]:
    """(1, MELS, WINDOW), new memory: the frames from `start`; silence before the first."""
    part = mel[max(0, start) : max(0, start + WINDOW)]
    missing = WINDOW - len(part)
    if missing:
        part = np.concatenate([np.full((missing, MELS), -RANGE, np.float32), part])
    return np.ascontiguousarray(part.T)[None]


def _checked(samples: Samples) -> Samples:
    if not np.isfinite(samples).all():
        raise ValueError("the sound holds NaN or infinity")
    return samples


def _scaled(pieces: NDArray[np.float64]) -> Mel:
    """The mel frames of pieces of sound (n, FFT)."""
    bins, weights, starts = _bands()
    magnitude = np.abs(np.fft.rfft(pieces * _hann(), axis=1))
    bands = np.add.reduceat(magnitude[:, bins] * weights, starts, axis=1)  # not a matrix product: its sums depend on n
    level = 20 * np.log10(np.maximum(FLOOR, bands)) - REFERENCE
    scaled: Mel = np.clip(2 * RANGE * (level + 100) / 100 - RANGE, -RANGE, RANGE).astype(np.float32)
    return scaled


@functools.lru_cache(maxsize=1)
def _hann() -> NDArray[np.float64]:
    """Periodic, as for a Fourier transform."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT))


@functools.lru_cache(maxsize=1)
def _bands() -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
    """The mel bands: the bins that each sums, their weights, and where in both each band begins."""
    filters = band_filters()
    bins = [np.flatnonzero(row) for row in filters]
    weights = [row[each] for row, each in zip(filters, bins, strict=True)]
    starts = np.cumsum([0, *(len(each) for each in bins[:-1])])
    return np.concatenate(bins), np.concatenate(weights), starts


def band_filters() -> NDArray[np.float64]:
    """(MELS, FFT / 2 + 1): triangles between neighbouring mels, of equal area each (Slaney's)."""
    edges = _hertz(np.linspace(_mels(LOWEST), _mels(HIGHEST), MELS + 2))
    frequencies = np.arange(FFT // 2 + 1) * RATE / FFT
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    filters: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling)) * area[:, None]
    return filters


_KNEE = 1000.0  # Hz: below it mels are linear in frequency, above it logarithmic
_LINEAR = 200 / 3  # Hz a mel
_STEP = np.log(6.4) / 27  # of the logarithm a mel


def _mels(hertz: float) -> float:
    return hertz / _LINEAR if hertz < _KNEE else _KNEE / _LINEAR + float(np.log(hertz / _KNEE)) / _STEP


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mels * _LINEAR
    return np.where(linear < _KNEE, linear, _KNEE * np.exp(_STEP * (mels - _KNEE / _LINEAR)))
