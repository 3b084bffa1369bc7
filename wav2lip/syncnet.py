"""SyncNet, which judges whether lips and sound belong together (Chung & Zisserman 2016, "Out of time: automated lip
sync in the wild"): every tensor has its published name and shape, and LSE-D and LSE-C are told as published with
Wav2Lip (Prajwal et al. 2020).

Five frames of a face at 25 frames a second become 1024 numbers, a fifth of a second of sound becomes 1024 numbers, and
their distance is small where both were recorded at once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

SIDE = 224
"""Pixels a side of the face crops."""
FPS = 25
FRAMES = 5
"""Of a window of the lips: 200 ms."""
COEFFICIENTS, STEPS = 13, 20
"""MFCCs, and how many of a window of the sound: the same 200 ms."""
EMBEDDED = 1024
SHIFTS = 15
"""Frames to either side that are tried."""

RATE = 16_000  # Hz
STEP, LENGTH = RATE // 100, RATE // 40  # samples: 10 ms and 25 ms, without a window function
STEPS_A_FRAME = RATE // STEP // FPS
_FFT, _BANDS = 512, 26
_BLOCK = 512  # rows at once: 2 MB of spectrum
_EMPHASIS = 0.97
_LIFTER = 22  # sine lifter's length
_FULL_SCALE = 32768.0  # the weights were trained with 16-bit numbers: the first coefficient is their log energy
_NEAR_ZERO = 1e-6  # added to each difference before distances are taken, as torch does

Pixels = NDArray[np.uint8]
Samples = NDArray[np.float32]
Mfcc = NDArray[np.float32]
"""(steps, COEFFICIENTS)."""


def _sound(given: int, made: int, kernel: tuple[int, int] = (3, 3), padding: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(given, made, kernel, padding=padding), nn.BatchNorm2d(made), nn.ReLU()]


def _lips(given: int, made: int, kernel: tuple[int, int, int] = (1, 3, 3), stride: int = 1,
          padding: int = 1) -> list[nn.Module]:  # fmt: skip
    """A convolution over the whole window's time in the first layer, over each frame's picture in the others."""
    return [
        nn.Conv3d(given, made, kernel, (1, stride, stride), (0, padding, padding)), nn.BatchNorm3d(made), nn.ReLU(),
    ]  # fmt: skip


def _pool(padding: int = 0) -> nn.Module:
    return nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, padding, padding))


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, EMBEDDED))


class SyncNet(nn.Module):
    """Two streams, one for lips and one for sound, that end in the same space."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_sound(1, 64), nn.MaxPool2d(1, 1),
            *_sound(64, 192), nn.MaxPool2d(3, (1, 2)),
            *_sound(192, 384), *_sound(384, 256), *_sound(256, 256), nn.MaxPool2d(3, 2),
            *_sound(256, 512, (5, 4), 0),
        )  # fmt: skip
        self.netfcaud = _head()
        self.netcnnlip = nn.Sequential(
            *_lips(3, 96, (FRAMES, 7, 7), 2, 0), _pool(),
            *_lips(96, 256, (1, 5, 5), 2), _pool(1),
            *_lips(256, 256), *_lips(256, 256), *_lips(256, 256), _pool(),
            *_lips(256, 512, (1, 6, 6), padding=0),
        )  # fmt: skip
        self.netfclip = _head()

    def hear(self, sound: Tensor) -> Tensor:
        """(n, 1, COEFFICIENTS, STEPS) to (n, EMBEDDED)."""
        heard: Tensor = self.netfcaud(self.netcnnaud(sound).flatten(1))
        return heard

    def see(self, lips: Tensor) -> Tensor:
        """(n, 3, FRAMES, SIDE, SIDE), BGR in [0, 255], to (n, EMBEDDED)."""
        seen: Tensor = self.netfclip(self.netcnnlip(lips).flatten(1))
        return seen


def mfcc(pieces: Iterable[Samples]) -> Mfcc:
    """Mel-frequency cepstral coefficients of a recording at RATE, in [-1, 1], that comes in pieces (n,) of any length.

    One row every 10 ms: pre-emphasis; 25 ms without a window function; the power in 26 triangles of HTK's mel scale;
    their logarithm; its cosine transform (type II, orthonormal); a sine lifter; the first replaced by the log energy
    (Davis & Mermelstein 1980, as python_speech_features has it by default). The last row is filled up with zeros.
    """
    rows: list[Mfcc] = []
    held, last = np.zeros(0), 0.0
    for piece in pieces:
        sound = piece.astype(np.float64) * _FULL_SCALE
        held = np.concatenate([held, sound - _EMPHASIS * np.concatenate([[last], sound[:-1]])]) if len(sound) else held
        last = float(sound[-1]) if len(sound) else last
        count = max(0, (len(held) - LENGTH) // STEP + 1)
        rows.extend(_rows(held[at * STEP :], min(_BLOCK, count - at)) for at in range(0, count, _BLOCK))
        held = held[count * STEP :]
    if not rows or len(held) > LENGTH - STEP:
        rows.append(_rows(np.pad(held, (0, LENGTH - len(held))), 1))
    return np.concatenate(rows)


def _rows(sound: NDArray[np.float64], count: int) -> Mfcc:
    """The first so many rows of pre-emphasised sound."""
    pieces = np.lib.stride_tricks.sliding_window_view(sound, LENGTH)[: count * STEP : STEP]
    power = np.abs(np.fft.rfft(pieces, _FFT)) ** 2 / _FFT
    levels = np.log(_positive(power @ _triangles().T))
    cepstrum = (levels @ _cosines().T) * (1 + _LIFTER / 2 * np.sin(np.pi * np.arange(COEFFICIENTS) / _LIFTER))
    cepstrum[:, 0] = np.log(_positive(power.sum(axis=1)))
    return np.asarray(cepstrum, np.float32)


def _positive(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(power == 0, np.finfo(np.float64).eps, power)


@functools.cache
def _triangles() -> NDArray[np.float64]:
    """(_BANDS, bins): each rises from its predecessor's middle to its own, and falls to its successor's."""
    highest = 2595 * np.log10(1 + RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, highest, _BANDS + 2) / 2595) - 1)
    edges = np.floor((_FFT + 1) * hertz / RATE)
    bins = np.arange(_FFT // 2 + 1)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    inside = (bins >= left) & (bins < right)
    return np.where(inside, np.where(bins < middle, rising, falling), 0.0)


@functools.cache
def _cosines() -> NDArray[np.float64]:
    """(COEFFICIENTS, _BANDS): the orthonormal cosine transform of type II."""
    order, at = np.arange(COEFFICIENTS)[:, None], np.arange(_BANDS)
    scale = np.where(order == 0, np.sqrt(1 / _BANDS), np.sqrt(2 / _BANDS))
    return np.asarray(scale * np.cos(np.pi * order * (2 * at + 1) / (2 * _BANDS)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """distance: LSE-D, lower is better. confidence: LSE-C, higher is better. late: frames of 25 a second that the
    picture is behind the sound. windows: that were judged.
    """

    distance: float
    confidence: float
    late: int
    windows: int


class Judge:
    """Takes a video's face crops in order, and says at the end how well they fit the sound. Memory is bounded.

    Each window of FRAMES crops is compared with the sound at its own time and SHIFTS frames to either side; beyond the
    recording's ends the sound's embedding counts as zeros, as published. Windows with a missing crop are left out.
    """

    def __init__(self, network: SyncNet, sound: Mfcc, batch: int = 8) -> None:
        self._network, self._sound, self._batch = network, sound, batch
        self._last = max(0, (len(sound) - STEPS) // STEPS_A_FRAME + 1)  # windows of sound that there are
        self._recent: list[Pixels | None] = []
        self._waiting: list[tuple[int, NDArray[np.uint8]]] = []
        self._index = 0  # of the window that begins with the oldest recent crop
        self._totals = np.zeros(2 * SHIFTS + 1)
        self._windows = 0
        self._heard: dict[int, Tensor] = {}

    def add(self, crop: Pixels | None) -> None:
        """The next crop, (SIDE, SIDE, 3) BGR, at FPS; None where no face is seen. Raises ValueError on other sizes."""
        if crop is not None and crop.shape != (SIDE, SIDE, 3):
            raise ValueError(f"a crop must be ({SIDE}, {SIDE}, 3), not {crop.shape}")
        self._recent.append(crop)
        if len(self._recent) < FRAMES:
            return
        window = [each for each in self._recent if each is not None]
        if len(window) == FRAMES and self._index < self._last:
            self._waiting.append((self._index, np.stack(window)))
        self._recent.pop(0)
        self._index += 1
        if len(self._waiting) >= self._batch:
            self._judge()

    def verdict(self) -> Verdict | None:
        """Of all that was added; None where no window was whole."""
        self._judge()
        if not self._windows:
            return None
        means = self._totals / self._windows
        best = int(np.argmin(means))
        return Verdict(float(means[best]), float(np.median(means) - means[best]), SHIFTS - best, self._windows)

    def _judge(self) -> None:
        if not self._waiting:
            return
        indexes = [index for index, _ in self._waiting]
        pixels = np.stack([window for _, window in self._waiting]).transpose(0, 4, 1, 2, 3)
        with torch.inference_mode():
            seen = self._network.see(torch.from_numpy(np.ascontiguousarray(pixels)).float())
            self._listen(range(indexes[0] - SHIFTS, indexes[-1] + SHIFTS + 1))
            for row, index in zip(seen, indexes, strict=True):
                near = torch.stack([self._heard[index + shift] for shift in range(-SHIFTS, SHIFTS + 1)])
                self._totals += torch.linalg.vector_norm(row - near + _NEAR_ZERO, dim=1).double().numpy()
        self._windows += len(indexes)
        self._waiting.clear()

    def _listen(self, windows: Iterable[int]) -> None:
        """Has the embeddings of these windows of sound at hand, and no others."""
        wanted = set(windows)
        self._heard = {index: heard for index, heard in self._heard.items() if index in wanted}
        fresh = sorted(index for index in wanted - self._heard.keys() if 0 <= index < self._last)
        if fresh:
            starts = (index * STEPS_A_FRAME for index in fresh)
            sound = np.stack([self._sound[start : start + STEPS].T for start in starts])[:, None]
            self._heard |= dict(zip(fresh, self._network.hear(torch.from_numpy(sound)), strict=True))
        silent = torch.zeros(EMBEDDED)
        self._heard |= dict.fromkeys(wanted - self._heard.keys(), silent)
