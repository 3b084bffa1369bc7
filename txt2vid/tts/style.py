"""How a voice says something: quicker, higher, louder, or in a whisper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import Samples

RATES, PITCHES, VOLUMES = (0.5, 2.0), (0.6, 1.6), (-24.0, 12.0)  # what voices stay intelligible at; the last in dB
_FRAME = 0.02  # seconds of a window: short against phonemes, long against the pulses of a voice
_ENVELOPE = 0.0016  # seconds of cepstrum that are the throat's and the mouth's; beyond it are the pulses
_WHISPER_DB = -4.0  # breath is quieter than a voice
_LOW = 500.0  # Hz below which breath has little


@dataclass(frozen=True, slots=True)
class Style:
    """rate, pitch: factors in RATES and PITCHES. volume: dB in VOLUMES. whisper: no voice, breath alone."""

    rate: float = 1.0
    pitch: float = 1.0
    volume: float = 0.0
    whisper: bool = False

    @property
    def sounds(self) -> bool:
        """Whether something is to be done to the sound (`sounded`)."""
        return self.whisper or self.volume != 0.0

    def asked(self) -> frozenset[str]:
        """What of it only the voice itself can do: of "rate" and "pitch"."""
        return frozenset(name for name in ("rate", "pitch") if getattr(self, name) != 1.0)

    def changed(self, *, rate: float = 1.0, pitch: float = 1.0, volume: float = 0.0, whisper: bool = False) -> Style:
        """This one and another within it, in the ranges."""
        return Style(
            _within(self.rate * rate, RATES),
            _within(self.pitch * pitch, PITCHES),
            _within(self.volume + volume, VOLUMES),
            self.whisper or whisper,
        )


PLAIN = Style()


def sounded(samples: Samples, rate: int, style: Style) -> Samples:
    """What can be done to the sound of any voice: its loudness, and whispering. samples: float32 (n,), kept as long."""
    if style.whisper:
        samples = whispered(samples, rate)
    if style.volume:
        samples = np.clip(samples * np.float32(10 ** (style.volume / 20)), -1, 1)
    return samples


def whispered(samples: Samples, rate: int) -> Samples:
    """Speech without its voice: noise in the shape of its short-time spectra, which lips and tongue make.

    The shape is the cepstrum's beginning (Oppenheim and Schafer 1975); the noise is the same in each call.
    """
    if not len(samples):
        return samples
    hop = max(1, round(_FRAME * rate / 4))
    size = 4 * hop
    window = np.hanning(size + 1)[:-1]
    padded = np.pad(samples.astype(np.float64), size)
    count = 1 + (len(padded) - size) // hop
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:count] * window
    magnitude = np.abs(np.fft.rfft(frames, axis=1))
    cepstrum = np.fft.irfft(np.log(magnitude + 1e-5), size, axis=1)
    kept = max(2, round(_ENVELOPE * rate))
    cepstrum[:, kept : size - kept + 1] = 0
    envelope = np.exp(np.fft.rfft(cepstrum, axis=1).real)
    loudness = np.sqrt((magnitude**2).sum(1, keepdims=True) / np.maximum((envelope**2).sum(1, keepdims=True), 1e-12))
    tilt = np.minimum(np.fft.rfftfreq(size, 1 / rate) / _LOW, 1.0)
    noise = np.random.default_rng(0).standard_normal(len(padded))
    breath = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(noise, size)[::hop][:count] * window, axis=1)
    breath *= envelope * loudness * tilt / np.sqrt((window**2).sum())
    pieces = np.fft.irfft(breath, size, axis=1) * window
    sound = np.zeros(len(padded))
    for i, piece in enumerate(pieces):
        sound[i * hop : i * hop + size] += piece
    sound = sound[size : size + len(samples)]
    before, after = (float(np.sqrt(np.mean(each**2) + 1e-12)) for each in (samples, sound))
    return np.clip(sound * (10 ** (_WHISPER_DB / 20) * before / after), -1, 1).astype(np.float32)


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
