"""What speech sounds like, hop by hop: the levels of four bands, what is loud for this voice, and what is noise.

The bands follow the vowel plane: an open jaw raises the first formant out of `LOW` into `F1`, spread lips and a front
tongue put the second formant into `F2`, rounded lips take it out again, and hiss (s, f, sh) is in `HIGH`.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import SPEECH_RATE, Samples

HOP = SPEECH_RATE // 100  # samples: 10 ms
HOP_RATE = SPEECH_RATE // HOP  # hops a second
WINDOW = SPEECH_RATE // 40  # samples: 25 ms, two periods of a deep voice
FFT = 1024  # at least twice a window, so that its autocorrelation does not wrap around
PITCH = (SPEECH_RATE // 400, SPEECH_RATE // 80)  # samples: the periods of 400 to 80 Hz
VOICED = 0.6  # of the energy repeats after one period
BANDS = ((100, 500), (600, 1250), (1900, 3200), (3500, 7600))  # Hz
LOW, F1, F2, HIGH = range(len(BANDS))
SILENCE_DB = -120.0  # below the last bit of 16-bit sound

MARGIN_DB = 10.0  # above the noise before it counts: the peaks of 25 ms of steady noise stay below
RANGE_DB = 26.0  # below a voice's loud parts before it no longer counts: breath, rooms
NOISE_DB = 4.0  # the mean of steady noise above its lowest
CLEANED_DB = 13.0  # what is taken off a band at most, where there is nothing but noise
SOFT_DB = 8.0  # from "counts" to "counts fully"
NOISE_SECONDS = 2.0  # a sound that lasts as long without a dip is noise (minimum statistics, Martin 2001)
NOISE_BLOCKS = 8
SETTLING_HOPS = 30  # of sound: so long, or until a voice is heard, a recording's beginning is taken for noise
SPECTRUM_DB = np.array([-1.0, -7.0, -17.0, -20.0])  # of average speech (Byrne et al. 1994), a band against the whole
COLOUR_DB = 15.0  # how far microphones and lines may bend that
LOUD = 0.9  # "loud" is the level that a voice exceeds a tenth of the time
LEVEL_STEP_DB, COLOUR_STEP_DB = 0.5, 0.2  # a hop: whispering is learned in about five seconds
FAR_DB, FAR_SHARE = 6.0, 0.2  # a hop, of what is more than that above loud: shouting is learned in a tenth of a second
LEARNING_HOPS = 12  # at first the loudest so far is loud

Levels = NDArray[np.float64]
"""dB, 0 is a full-scale sine: (bands,) of one hop, or (hops, bands)."""


class Bands:
    """Cuts a stream of samples into hops and measures the bands; hop k is centred on sample k * HOP."""

    def __init__(self) -> None:
        self._pending = np.zeros(WINDOW // 2, np.float32)
        self._window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
        frequency = np.arange(FFT // 2 + 1) * SPEECH_RATE / FFT
        inside = [(frequency >= low) & (frequency < high) for low, high in BANDS]
        full_scale = FFT * np.sum(self._window**2) / 4  # the power of a sine, summed over its bins
        self._weights = np.array(inside, np.float32).T / np.float32(full_scale)
        taper = np.fft.irfft(np.abs(np.fft.rfft(self._window, FFT)) ** 2)[: PITCH[1]]
        self._taper = taper[0] / taper[PITCH[0] :]

    def push(self, samples: Samples) -> tuple[Levels, NDArray[np.bool_]]:
        """The levels (hops, bands), and whether they are voiced (hops,), of the hops that `samples` completes.

        samples: float32 (n,) at SPEECH_RATE, in [-1, 1]; n may be too few for a hop, which is no hops then.
        """
        sound = np.concatenate((self._pending, np.clip(np.nan_to_num(samples, posinf=0, neginf=0), -1, 1)))
        hops = max(0, (len(sound) - WINDOW) // HOP + 1)
        self._pending = sound[hops * HOP :]
        if not hops:
            return np.empty((0, len(BANDS))), np.empty(0, np.bool_)
        frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP][:hops]
        spectrum = np.fft.rfft(frames * self._window, FFT)
        power = spectrum.real**2 + spectrum.imag**2
        repeats = np.fft.irfft(power)
        voiced = np.max(repeats[:, PITCH[0] : PITCH[1]] * self._taper, axis=1) > VOICED * repeats[:, 0]
        levels: Levels = 10 * np.log10(power @ self._weights + 10 ** (SILENCE_DB / 10))
        return levels, voiced


class Voice:
    """Learns, from the levels of one hop after the other, what is loud for this voice and what is noise.

    Nothing in it depends on the recording's level: a whisper and a shout end up alike.
    """

    def __init__(self) -> None:
        self._smooth: Levels = np.full(len(BANDS), SILENCE_DB)
        self._minima: deque[Levels] = deque(maxlen=NOISE_BLOCKS)
        self._block = 0
        self._settling = SETTLING_HOPS
        self._active = 0
        self._level = SILENCE_DB
        self._colour = SPECTRUM_DB.copy()

    @property
    def loud(self) -> Levels:
        """What is loud for this voice, in each band."""
        return self._level + self._colour

    def clean(self, levels: Levels) -> Levels:
        """A hop's levels less the noise in them: closed lips show in noise (spectral subtraction, Boll 1979)."""
        if not self._minima:
            return levels
        noise = np.minimum.reduce(list(self._minima)) + NOISE_DB
        kept = np.maximum(1 - 10 ** ((noise - levels) / 10), 10 ** (-CLEANED_DB / 10))
        cleaned: Levels = levels + 10 * np.log10(kept)
        return cleaned

    def push(self, levels: Levels, voiced: bool) -> float:
        """Takes the levels of the next hop; how surely it is speech, in [0, 1], exactly 0 in silence and noise."""
        sound = bool(levels.max() > SILENCE_DB + 3)
        if self._settling:
            self._settling = 0 if voiced and sound else self._settling - sound
        if not self._settling or sound:
            self._hear_noise(levels)
        if not sound:
            return 0.0
        above_noise = levels - np.minimum.reduce(list(self._minima)) - MARGIN_DB
        speech = float(np.minimum(above_noise, levels - self.loud + RANGE_DB).max()) / SOFT_DB
        if speech > 0:
            self._learn(levels, voiced)
            speech = float(np.minimum(above_noise, levels - self.loud + RANGE_DB).max()) / SOFT_DB
        return min(1.0, max(0.0, speech))

    def _hear_noise(self, levels: Levels) -> None:
        """Keeps the lowest that each band has been lately; while settling, simply the last."""
        if not self._minima:
            self._smooth = np.full(len(BANDS), SILENCE_DB) if not self._settling else levels
        smooth = 0.7 * self._smooth + 0.3 * levels
        self._smooth = np.maximum(smooth, levels) if self._settling else smooth
        if self._block == 0:
            self._minima.append(self._smooth)
        self._minima[-1] = self._smooth if self._settling else np.minimum(self._minima[-1], self._smooth)
        self._block = (self._block + 1) % int(NOISE_SECONDS * HOP_RATE / NOISE_BLOCKS)

    def _learn(self, levels: Levels, voiced: bool) -> None:
        """Moves what is loud towards the quantile LOUD of what is heard."""
        level = float(10 * np.log10(np.sum(10 ** (levels / 10))))
        self._active += 1
        if self._active <= LEARNING_HOPS:
            self._level = max(self._level, level)
            return
        if voiced:  # a click is not a shout
            self._level += max(0.0, FAR_SHARE * (level - self._level - FAR_DB))
        self._level += LEVEL_STEP_DB * (LOUD if level > self._level else LOUD - 1)
        self._colour += COLOUR_STEP_DB * np.where(levels > self.loud, LOUD, LOUD - 1)
        np.clip(self._colour, SPECTRUM_DB - COLOUR_DB, SPECTRUM_DB + COLOUR_DB, out=self._colour)
