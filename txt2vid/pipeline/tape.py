"""Samples on their way from a stream to a reader."""

from __future__ import annotations

import numpy as np

from txt2vid.core.media import Samples


class Tape:
    """Appended at the end, forgotten from the start; positions count from the stream's first sample.

    channels: None for (n,) samples. Holds what lies between the last `forget` and the last `append`: readers forget as
    they go, and ask before more is appended, so it never is longer than a lookahead, a frame and a chunk together.
    """

    def __init__(self, channels: int | None = None) -> None:
        shape = (0,) if channels is None else (0, channels)
        self._held = np.zeros(shape, np.float32)
        self.start = 0  # position of the first sample held

    @property
    def end(self) -> int:
        """Position after the last sample held."""
        return self.start + len(self._held)

    def append(self, samples: Samples) -> None:
        """Adds samples at the end; copied."""
        self._held = np.concatenate([self._held, samples])

    def between(self, first: int, last: int) -> Samples:
        """Samples [first, last), zeros where the stream has ended; not to be written into."""
        part = self._held[max(first - self.start, 0) : max(last - self.start, 0)]
        if len(part) == last - first:
            return part
        return np.concatenate([part, np.zeros((last - first - len(part), *part.shape[1:]), np.float32)])

    def fade_out(self, first: int, length: int) -> None:
        """From position `first` the sound ends softly within `length` samples; after that is silence."""
        rest = self._held[max(first - self.start, 0) :]
        ramp = np.zeros(len(rest), np.float32)
        ramp[:length] = np.linspace(1, 0, length, dtype=np.float32)[: len(rest)]
        rest *= ramp if rest.ndim == 1 else ramp[:, np.newaxis]

    def forget(self, before: int) -> None:
        """Drops what lies before a position."""
        drop = min(max(before - self.start, 0), len(self._held))
        self._held = self._held[drop:]
        self.start += drop
