"""What happens to speech before a driver hears it: rooms, microphones, noise, music, telephones, codecs, effort.

Everything is made here, of random numbers and sines; sounds are float32 (n,) at SPEECH_RATE.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from txt2vid.core.media import LISTENING_RATE, SPEECH_RATE, Samples
from txt2vid.ffmpeg.opus import OpusDecoder, OpusEncoder

Rng = np.random.Generator
EFFORT_DB = 4.0  # how much loudness wanders from word to word, standard deviation
KNOT_SECONDS = (0.15, 0.6)  # from one turn of the effort to the next
TILT = 0.04  # of the treble that a louder voice has more, a dB (Sundberg and Nordenberg 2006)


def effort(length: int, rng: Rng) -> NDArray[np.float64]:
    """DB by which each sample is louder or softer than usual: emphasis, phrases that fade, words that are swallowed."""
    knots, at = [0.0], 0.0
    while at < length / SPEECH_RATE:
        at += rng.uniform(*KNOT_SECONDS)
        knots.append(at)
    values = rng.normal(0, EFFORT_DB * rng.uniform(0.3, 1.3), len(knots))
    wander: NDArray[np.float64] = np.interp(np.arange(length) / SPEECH_RATE, knots, np.clip(values, -12, 9))
    return wander


def with_effort(sound: Samples, by: NDArray[np.float64]) -> Samples:
    """The sound at that effort: louder is also brighter."""
    treble = np.diff(sound, prepend=sound[:1])
    return np.asarray((sound + TILT * by * treble) * 10 ** (by / 20), np.float32)


def heard(sound: Samples, rng: Rng) -> Samples:
    """The sound as some microphone in some room hears it and some line carries it."""
    if rng.random() < 0.5:
        sound = _in_room(sound, rng)
    if rng.random() < 0.8:
        sound = _coloured(sound, rng)
    if rng.random() < 0.55:
        sound = _with(sound, background(len(sound), rng), rng.uniform(5, 35))
    sound = sound / max(1e-6, float(np.abs(sound).max()))
    line = rng.random()
    if line < 0.15:
        sound = telephone(sound, rng)
    elif line < 0.27:
        sound = through_opus(sound, int(rng.choice([6000, 8000, 12000, 24000])))
    if rng.random() < 0.05:
        sound = np.clip(sound * rng.uniform(2, 8), -1, 1)
    return np.asarray(sound * 10 ** (rng.uniform(-36, 0) / 20), np.float32)


def background(length: int, rng: Rng) -> Samples:
    """Noise of some colour, hum, or music; full scale is 1."""
    kind = rng.random()
    if kind < 0.55:
        return noise(length, rng.uniform(-2, 0.5), rng)
    if kind < 0.65:
        t = np.arange(length) / SPEECH_RATE
        hum = sum(np.sin(2 * np.pi * k * rng.choice([50, 60]) * t) / k for k in range(1, 7))
        return np.asarray(0.3 * hum, np.float32)
    return music(length, rng)


def noise(length: int, slope: float, rng: Rng) -> Samples:
    """Noise whose power goes with frequency to the `slope`: 0 is white, -1 pink, -2 brown."""
    size = next_fast_len(length, real=True)
    spectrum = rfft(rng.standard_normal(size))
    frequency = np.maximum(np.arange(len(spectrum)) * SPEECH_RATE / size, 30)
    made = irfft(spectrum * frequency ** (slope / 2), size)[:length]
    return np.asarray(made / np.abs(made).max(), np.float32)


def music(length: int, rng: Rng) -> Samples:
    """Chords of plucked or held strings over a beat."""
    made = np.zeros(length + 4 * SPEECH_RATE)
    beat = int(rng.uniform(0.25, 0.7) * SPEECH_RATE)
    fade, harmonics = rng.uniform(0.5, 6), np.arange(1, rng.integers(3, 9))
    root = rng.uniform(60, 220)
    t = np.arange(2 * beat) / SPEECH_RATE
    for start in range(0, length, beat):
        for tone in root * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 12, 16, 19], 3) / 12):
            waves = np.sin(2 * np.pi * tone * harmonics[:, None] * t + rng.uniform(0, 6)) / harmonics[:, None]
            made[start : start + len(t)] += waves.sum(axis=0) * np.exp(-fade * t) * np.minimum(1, t * 50)
        if rng.random() < 0.6:
            made[start : start + len(t)] += rng.uniform(0, 2) * rng.standard_normal(len(t)) * np.exp(-t * 30)
    return np.asarray(made[:length] / np.abs(made).max(), np.float32)


def breath(length: int, rng: Rng) -> Samples:
    """Breaths in and out: soft coloured noise that swells and ebbs."""
    made, at = noise(length, rng.uniform(-1, 0), rng), 0
    swell = np.zeros(length)
    while at < length:
        lasts = int(rng.uniform(0.3, 1.2) * SPEECH_RATE)
        swell[at : at + lasts] = np.hanning(lasts)[: length - at] * rng.uniform(0.1, 1)
        at += lasts + int(rng.uniform(0.2, 2) * SPEECH_RATE)
    return np.asarray(made * swell, np.float32)


def telephone(sound: Samples, rng: Rng) -> Samples:
    """8 kHz, 300 to 3400 Hz, mu-law (ITU-T G.711)."""
    narrow = soxr.resample(_band(sound, 300, 3400), SPEECH_RATE, 8000)
    narrow = np.clip(narrow * rng.uniform(0.2, 1), -1, 1)
    code = np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256)
    code = np.round(code * 127) / 127
    back = np.sign(code) * (256 ** np.abs(code) - 1) / 255
    return _length(soxr.resample(back, 8000, SPEECH_RATE), len(sound))


def through_opus(sound: Samples, bitrate: int) -> Samples:
    """Encoded and decoded (RFC 6716)."""
    wide = soxr.resample(np.append(sound, np.zeros(SPEECH_RATE // 10)), SPEECH_RATE, LISTENING_RATE)
    encoder, decoder = OpusEncoder(bitrate), OpusDecoder()
    packets = encoder.push(wide.astype(np.float32))
    back = np.concatenate([decoder.decode(packet.data) for packet in packets])
    return _length(soxr.resample(back, LISTENING_RATE, SPEECH_RATE), len(sound))


def _with(sound: Samples, other: Samples, ratio_db: float) -> Samples:
    """Another sound under it, so many dB weaker than its loud parts."""
    loud = float(np.sqrt(np.mean(sound[np.abs(sound) > 0.02 * np.abs(sound).max()] ** 2)))
    strength = loud / max(1e-9, float(np.sqrt(np.mean(other**2)))) * 10 ** (-ratio_db / 20)
    return np.asarray(sound + strength * other, np.float32)


def _in_room(sound: Samples, rng: Rng) -> Samples:
    """Exponentially fading noise for an answer (Moorer 1979), behind the direct sound."""
    fades = rng.uniform(0.1, 0.7)  # seconds to -60 dB
    t = np.arange(int(fades * SPEECH_RATE)) / SPEECH_RATE
    answer = rng.standard_normal(len(t)) * 10 ** (-3 * t / fades)
    answer[: int(rng.uniform(0.001, 0.02) * SPEECH_RATE)] = 0
    answer *= rng.uniform(0.1, 0.8) / np.sqrt(np.sum(answer**2))
    answer[0] = 1
    size = next_fast_len(len(sound) + len(answer), real=True)
    made = irfft(rfft(sound, size) * rfft(answer, size), size)
    return np.asarray(made[: len(sound)], np.float32)


def _coloured(sound: Samples, rng: Rng) -> Samples:
    """A microphone's and a room's gain, smooth over the octaves."""
    octaves = np.log2([30, 120, 300, 800, 2000, 5000, 8000])
    gains = rng.normal(0, 5, len(octaves))
    return _filtered(sound, lambda f: 10 ** (np.interp(np.log2(np.maximum(f, 30)), octaves, gains) / 20))


def _band(sound: Samples, low: float, high: float) -> Samples:
    return _filtered(sound, lambda f: (f > low) & (f < high))


def _filtered(sound: Samples, gain: Callable[[NDArray[np.float64]], NDArray[Any]]) -> Samples:
    """gain: of frequencies in Hz."""
    size = next_fast_len(len(sound), real=True)
    spectrum = rfft(sound, size)
    frequency = np.arange(len(spectrum)) * SPEECH_RATE / size
    return np.asarray(irfft(spectrum * gain(frequency), size)[: len(sound)], np.float32)


def _length(sound: NDArray[np.floating], wanted: int) -> Samples:
    return np.asarray(np.pad(sound[:wanted], (0, max(0, wanted - len(sound)))), np.float32)
