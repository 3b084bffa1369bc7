"""Any rate to the wire's, by ffmpeg's resampler: soxr is not on a sender's machine."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from txt2vid.core.media import LISTENING_RATE, Samples


class Resampler:
    """A stream of mono sound at `rate` Hz into one at 48 kHz; sample 0 stays sample 0."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._position = 0
        self._swr = None
        if rate != LISTENING_RATE:
            import av

            self._av = av
            self._swr = av.AudioResampler("flt", "mono", LISTENING_RATE)

    def push(self, samples: Samples) -> Samples:
        """What (n,) samples complete, (m,)."""
        if self._swr is None or not len(samples):
            return samples
        frame = self._av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32)[np.newaxis], "flt", "mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._position, Fraction(1, self._rate)
        self._position += len(samples)
        return self._joined(self._swr.resample(frame))

    def flush(self) -> Samples:
        """What is left at the end."""
        return (
            np.zeros(0, np.float32)
            if self._swr is None or not self._position
            else self._joined(self._swr.resample(None))
        )

    @staticmethod
    def _joined(frames: list) -> Samples:  # type: ignore[type-arg]
        return np.concatenate([np.zeros(0, np.float32), *(frame.to_ndarray().reshape(-1) for frame in frames)])
