"""From the listener's 48 kHz to the models' 16 kHz, with a delay that is known and a fraction of a millisecond."""

from __future__ import annotations

import numpy as np

from txt2vid.core.media import LISTENING_RATE, SPEECH_RATE, Samples

FACTOR = LISTENING_RATE // SPEECH_RATE
HALF = 24  # taps to either side: half a millisecond; -6 dB at 7.4 kHz, -60 dB from 10 kHz on
CUT = 0.92 * SPEECH_RATE / 2  # Hz


def _taps() -> Samples:
    """A windowed sinc (Kaiser, beta 6), of unit gain."""
    at = np.arange(-HALF, HALF + 1)
    taps = np.sinc(2 * CUT / LISTENING_RATE * at) * np.kaiser(2 * HALF + 1, 6.0)
    return np.asarray(taps / taps.sum(), np.float32)


class Decimator:
    """Every third sample of a stream, low-passed.

    Streaming resamplers of libraries hand out what they have in bursts, up to 36 ms late (soxr HQ): live, that would be
    36 ms of delay for every word. Sample k of the result is at sample 3k of the stream, exactly; it comes as soon as
    HALF samples more are there.
    """

    delay = HALF
    """Samples at LISTENING_RATE past a moment that must have been pushed before that moment is in what came out."""

    def __init__(self) -> None:
        self._taps = _taps()
        self._held = np.zeros(HALF, np.float32)  # before the beginning is silence

    def push(self, samples: Samples) -> Samples:
        """The speech, (m,) at SPEECH_RATE, that `samples`, (n,) at LISTENING_RATE, complete."""
        sound = np.concatenate([self._held, samples])
        count = max(0, (len(sound) - 2 * HALF - 1) // FACTOR + 1)
        self._held = sound[count * FACTOR :]
        if not count:
            return np.zeros(0, np.float32)
        if not sound.any():
            return np.zeros(count, np.float32)
        return np.convolve(sound, self._taps, "valid")[: count * FACTOR : FACTOR]  # the taps are symmetric
