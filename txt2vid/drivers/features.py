"""What speech sounds like, hop by hop: mel bands, four wide bands, what is loud for this voice, and what is noise.

The bands follow the vowel plane: an open jaw raises the first formant out of `LOW` into `F1`, spread lips and a front
tongue put the second formant into `F2`, rounded lips take it out again, and hiss (s, f, sh) is in `HIGH`.
"""

from __future__ import annotations

import functools
import math
from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import SPEECH_RATE, Samples

HOP = SPEECH_RATE // 100  # samples: 10 ms
HOP_RATE = SPEECH_RATE // HOP  # hops a second
WINDOW = SPEECH_RATE // 40  # samples: 25 ms, two periods of a deep voice
PITCH = (SPEECH_RATE // 400, SPEECH_RATE // 80)  # samples: the periods of 400 to 80 Hz
FFT = 1024  # at least twice a window, so that its autocorrelation does not wrap around
VOICED = 0.6  # of the energy repeats after one period
BANDS = ((100, 500), (600, 1250), (1900, 3200), (3500, 7600))  # Hz
LOW, F1, F2, HIGH = range(len(BANDS))
MELS, MEL_RANGE = 32, (80, 7600)  # narrow bands, evenly spaced on the mel scale; Hz
SILENCE_DB = -120.0  # below the last bit of 16-bit sound
FAINT_DB = -160.0  # the same, of a narrow band that is weak in a faint voice

MARGIN_DB = 10.0  # above the noise before it counts: the peaks of 25 ms of steady noise stay below
RANGE_DB = 26.0  # below a voice's loud parts before it no longer counts: breath, rooms
NOISE_DB = 4.0  # the mean of steady noise above its lowest
CLEANED_DB = 13.0  # what is taken off a band at most, where there is nothing but noise
SOFT_DB = 8.0  # from "counts" to "counts fully"
NOISE_SECONDS = 2.0  # a sound that lasts as long without a dip is noise (minimum statistics, Martin 2001)
NOISE_BLOCKS = 8
SETTLING_HOPS = 30  # of sound: so long, or until a voice is heard, a recording's beginning is taken for noise
HELD_HOPS = 20  # a vowel that a recording begins with, so long and without a dip, is a voice for all that
VOWEL_DB = 6.0  # so far below the murmur is the stronger formant of a vowel at most: of a hum, less is there
SPECTRUM_DB = (-1.0, -7.0, -17.0, -20.0)  # of average speech (Byrne et al. 1994), a band against the whole
BELOW_VOICE_DB = 30.0  # where noise is thought to be under that
COLOUR_DB = 15.0  # how far microphones and lines may bend that
AVERAGE_HZ = (
    80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000,
)  # fmt: skip
AVERAGE_DB = (
    43.5, 54.4, 57.7, 56.8, 60.2, 60.3, 59.0, 62.1, 62.1, 60.5, 56.8, 53.7, 53.0, 52.0, 48.7, 48.1, 46.8, 45.6, 44.5,
    44.3, 43.7,
)  # fmt: skip
"""Average speech in thirds of an octave (Byrne et al. 1994)."""
LOUD = 0.9  # "loud" is the level that a voice exceeds a tenth of the time
LEVEL_STEP_DB, COLOUR_STEP_DB = 0.5, 0.2  # a hop: whispering is learned in about five seconds
FAR_DB, FAR_SHARE = 6.0, 0.2  # a hop, of what is more than that above loud: shouting is learned in a tenth of a second
LEARNING_HOPS = 12  # at first the loudest so far is loud

KEPT_HOPS = 2 * HOP_RATE  # that an Ear remembers for drivers that lag: they are at most a frame and a lookahead apart

Levels = NDArray[np.float64]
"""dB, 0 is a full-scale sine: (hops, bands)."""
Row = list[float]
"""The levels of one hop, dB, a number a band: plain numbers, since arrays of four cost more than they save."""


class Bands:
    """Cuts a stream of samples into hops and measures the bands; hop k is centred on sample k * HOP."""

    def __init__(self, warp: float = 1.0) -> None:
        """warp: of the mel bands, for training."""
        self._pending = np.zeros(WINDOW // 2, np.float32)
        self._window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
        frequency = np.arange(FFT // 2 + 1) * SPEECH_RATE / FFT
        inside = [(frequency >= low) & (frequency < high) for low, high in BANDS]
        full_scale = FFT * np.sum(self._window**2) / 4  # the power of a sine, summed over its bins
        self._weights = np.concatenate((np.array(inside, np.float32).T, mel_filters(warp).T), axis=1)
        self._weights /= np.float32(full_scale)
        floor = np.concatenate((np.full(len(BANDS), SILENCE_DB), np.full(MELS, FAINT_DB)))
        self._floor = 10 ** (floor / 10)
        taper = np.fft.irfft(np.abs(np.fft.rfft(self._window, FFT)) ** 2)[: PITCH[1]]
        self._taper = taper[0] / taper[PITCH[0] :]

    def push(self, samples: Samples) -> tuple[Levels, NDArray[np.bool_], Levels]:
        """The levels (hops, bands), whether they are voiced (hops,), and the mel bands' levels (hops, MELS).

        Of the hops that `samples` completes.

        samples: float32 (n,) at SPEECH_RATE, in [-1, 1]; n may be too few for a hop, which is no hops then.
        """
        if not np.abs(samples).max(initial=0) <= 1:  # nor are NaNs
            samples = np.clip(np.nan_to_num(samples, posinf=0, neginf=0), -1, 1)
        sound = np.concatenate((self._pending, samples))
        hops = max(0, (len(sound) - WINDOW) // HOP + 1)
        self._pending = sound[hops * HOP :]
        if not hops or not sound.any():  # silence: whoever says nothing costs nothing
            return np.full((hops, len(BANDS)), SILENCE_DB), np.zeros(hops, np.bool_), np.full((hops, MELS), SILENCE_DB)
        sound = np.ascontiguousarray(sound, np.float32)
        frames: Samples = np.ndarray((hops, WINDOW), np.float32, sound, strides=(4 * HOP, 4))  # overlapping views
        spectrum = np.fft.rfft(frames * self._window, FFT)
        power = spectrum.real**2 + spectrum.imag**2
        repeats = np.fft.irfft(power)
        voiced = np.max(repeats[:, PITCH[0] : PITCH[1]] * self._taper, axis=1) > VOICED * repeats[:, 0]
        levels: Levels = 10 * np.log10(power @ self._weights + self._floor)
        return levels[:, : len(BANDS)], voiced, levels[:, len(BANDS) :]


def mel_filters(warp: float = 1.0) -> NDArray[np.float32]:
    """Triangles over the bins of an FFT, (MELS, FFT // 2 + 1), evenly spaced on the mel scale (O'Shaughnessy 1987).

    warp: the frequencies are so many times higher: how a shorter vocal tract sounds.
    """
    low, high = (2595 * np.log10(1 + edge / 700) for edge in MEL_RANGE)
    edges = 700 * (10 ** (np.linspace(low, high, MELS + 2) / 2595) - 1) * warp
    frequency = np.arange(FFT // 2 + 1) * SPEECH_RATE / FFT
    rising = (frequency - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequency) / (edges[2:] - edges[1:-1])[:, None]
    filters: NDArray[np.float32] = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return filters


@functools.cache
def average_speech() -> NDArray[np.float64]:
    """Average speech in the mel bands, (MELS,) dB against the whole."""
    frequency = np.arange(FFT // 2 + 1) * SPEECH_RATE / FFT
    a_bin = np.array(AVERAGE_DB) - 10 * np.log10((2 ** (1 / 6) - 2 ** (-1 / 6)) * np.array(AVERAGE_HZ))
    power = 10 ** (np.interp(frequency, AVERAGE_HZ, a_bin) / 10) * (frequency > AVERAGE_HZ[0])
    return np.asarray(10 * np.log10(mel_filters() @ power / power.sum()))


class Hop(NamedTuple):
    """What is heard in 10 ms.

    levels: of the bands. cleaned: without the noise in them. loud: what is loud for this voice, as known by then.
    speech: how surely it is speech, in [0, 1], exactly 0 in silence and noise. mels: (MELS,) dB against what is loud
    for this voice in each, with the noise in them. sounds: the same against nothing, as they are.
    """

    levels: Row
    cleaned: Row
    loud: Row
    speech: float
    mels: NDArray[np.float64]
    sounds: NDArray[np.float64]


_NOTHING = [SILENCE_DB] * len(BANDS)
_NO_MELS = np.full(MELS, SILENCE_DB)
SILENT = Hop(_NOTHING, _NOTHING, _NOTHING, 0.0, _NO_MELS, _NO_MELS)


class Ear:
    """Hears a stream of samples once, for all drivers of its time line; the last KEPT_HOPS hops are remembered."""

    def __init__(self, warp: float = 1.0) -> None:
        """warp: see `mel_filters`."""
        self._bands, self._voice = Bands(warp), Voice()
        self._heard = 0  # samples
        self._hops: deque[Hop] = deque()
        self._first = 0  # the number of the first hop that is remembered

    def hear(self, position: int, samples: Samples) -> list[Hop]:
        """The hops that samples [position, position + n) complete; whoever asks first has them measured.

        Each driver gives all samples in order, from 0. Raises ValueError where they do not go on where the ear is, or
        are longer forgotten than KEPT_HOPS.
        """
        start, stop = _hops_in(position), _hops_in(position + len(samples))
        if position > self._heard or start < self._first:
            raise ValueError(f"samples from {position} on do not follow {self._heard} that were heard")
        news = samples[self._heard - position :]
        if len(news):
            self._heard += len(news)
            for levels, voiced, mels in zip(*self._bands.push(news), strict=True):
                self._hops.append(self._voice.push(levels.tolist(), bool(voiced), mels))
        found = [self._hops[i - self._first] for i in range(start, stop)]
        while len(self._hops) > KEPT_HOPS and self._first < start:
            self._hops.popleft()
            self._first += 1
        return found


def _hops_in(samples: int) -> int:
    """How many hops the first so many samples complete."""
    return max(0, (samples + WINDOW // 2 - WINDOW) // HOP + 1)


class Voice:
    """Learns, from the levels of one hop after the other, what is loud for this voice and what is noise.

    Nothing in it depends on the recording's level: a whisper and a shout end up alike.
    """

    def __init__(self) -> None:
        self._smooth = [SILENCE_DB] * len(BANDS)
        self._minima: deque[Row] = deque(maxlen=NOISE_BLOCKS)
        self._before = [math.inf] * len(BANDS)  # the lowest of all minima but the last
        self._block = 0
        self._settling = SETTLING_HOPS
        self._held = 0  # hops of a vowel in a row before any voice is known
        self._active = 0
        self._level = SILENCE_DB
        self._colour = list(SPECTRUM_DB)
        self._average = average_speech()
        self._mel_colour = self._average.copy()

    def push(self, levels: Row, voiced: bool, mels: NDArray[np.float64]) -> Hop:
        """Takes the levels of the next hop."""
        speech = self._speech(levels, voiced, mels)
        against = mels - (self._level + self._mel_colour) if self._active else _NO_MELS  # before a voice is known
        return Hop(levels, self._clean(levels), self._loud(), speech, against, mels)

    def _loud(self) -> Row:
        return [self._level + colour for colour in self._colour]

    def _noise(self) -> Row:
        """The lowest that each band has been lately."""
        return list(map(min, self._before, self._minima[-1]))

    def _clean(self, levels: Row) -> Row:
        """A hop's levels less the noise in them: closed lips show in noise (spectral subtraction, Boll 1979)."""
        if not self._minima:
            return levels
        faintest = 10 ** (-CLEANED_DB / 10)
        return [
            level + 10 * math.log10(max(1 - 10 ** ((noise + NOISE_DB - level) / 10), faintest))
            for level, noise in zip(levels, self._noise(), strict=True)
        ]

    def _speech(self, levels: Row, voiced: bool, mels: NDArray[np.float64]) -> float:
        sound = max(levels) > SILENCE_DB + 3
        if self._settling:
            self._settling = 0 if voiced and sound else self._settling - sound
        if not self._settling or sound:
            self._hear_noise(levels)
        if not sound:
            return 0.0
        if not self._active:
            self._hear_held(levels, voiced)
        above_noise = [level - noise - MARGIN_DB for level, noise in zip(levels, self._noise(), strict=True)]
        speech = self._counts(levels, above_noise)
        if speech > 0:
            self._learn(levels, voiced, mels)
            speech = self._counts(levels, above_noise)
        return min(1.0, max(0.0, speech))

    def _counts(self, levels: Row, above_noise: Row) -> float:
        """How far the clearest band is above the noise and into the voice's range; 1 counts fully."""
        offset = RANGE_DB - self._level
        bands = zip(levels, self._colour, above_noise, strict=True)
        return max([min(above, level - colour + offset) for level, colour, above in bands]) / SOFT_DB

    def _hear_noise(self, levels: Row) -> None:
        """Keeps the lowest that each band has been lately; while settling, simply the last."""
        if not self._minima and self._settling:
            self._smooth = levels
        smooth = [0.7 * old + 0.3 * new for old, new in zip(self._smooth, levels, strict=True)]
        self._smooth = list(map(max, smooth, levels)) if self._settling else smooth
        if self._block == 0:
            self._minima.append(self._smooth)
            older = list(self._minima)[:-1]
            self._before = [min(band) for band in zip(*older, strict=True)] if older else [math.inf] * len(BANDS)
        lowest = list(map(min, self._minima[-1], self._smooth))
        self._minima[-1] = self._smooth if self._settling else lowest
        self._block = (self._block + 1) % int(NOISE_SECONDS * HOP_RATE / NOISE_BLOCKS)

    def _hear_held(self, levels: Row, voiced: bool) -> None:
        """Tells a voice that begins with a held vowel from the noise that beginnings are taken for."""
        vowel = voiced and max(levels[F1], levels[F2]) > levels[LOW] - VOWEL_DB
        self._held = self._held + 1 if vowel else 0
        if self._held == HELD_HOPS:
            self._minima[-1] = self._smooth = [level - BELOW_VOICE_DB for level in levels]

    def _learn(self, levels: Row, voiced: bool, mels: NDArray[np.float64]) -> None:
        """Moves what is loud towards the quantile LOUD of what is heard."""
        level = 10 * math.log10(sum(10 ** (band / 10) for band in levels))
        if self._active < LEARNING_HOPS:
            self._active += 1
            self._level = max(self._level, level)
            return
        if voiced:  # a click is not a shout
            self._level += max(0.0, FAR_SHARE * (level - self._level - FAR_DB))
        self._level += LEVEL_STEP_DB * (LOUD if level > self._level else LOUD - 1)
        for i, (band, loud) in enumerate(zip(levels, self._loud(), strict=True)):
            colour = self._colour[i] + COLOUR_STEP_DB * (LOUD if band > loud else LOUD - 1)
            self._colour[i] = min(SPECTRUM_DB[i] + COLOUR_DB, max(SPECTRUM_DB[i] - COLOUR_DB, colour))
        louder = mels > self._level + self._mel_colour
        self._mel_colour += COLOUR_STEP_DB * np.where(louder, LOUD, LOUD - 1)
        np.clip(self._mel_colour, self._average - COLOUR_DB, self._average + COLOUR_DB, out=self._mel_colour)
