"""The two things that flow through every pipeline: sound and pictures, each with its place in time.

Positions and pts are integers; a float never says when something happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Sound in [-1, 1]: (n,) for one channel, (n, channels) otherwise."""
Pixels = NDArray[np.uint8]
"""A picture, (height, width, 3), BGR, 8 bits a channel, sRGB transfer."""

SPEECH_RATE = 16_000  # Hz, mono: what drivers and models listen to
LISTENING_RATE = 48_000  # Hz: the session timeline, and what voices are resampled to for the listener
MAX_CHANNELS = 2  # more are mixed down: a talking head is not a concert


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """Consecutive samples of one stream.

    samples: float32 (n, channels) in [-1, 1].
    rate: samples a second.
    position: index of the first sample since the stream's start.
    """

    samples: Samples
    rate: int
    position: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2:
            raise ValueError(f"samples must be (n, channels), not {self.samples.shape}")

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def channels(self) -> int:
        """How many there are."""
        return int(self.samples.shape[1])

    @property
    def end(self) -> int:
        """Index of the sample after the last one."""
        return self.position + len(self.samples)


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One picture, and when it is shown: `pts * time_base` seconds after the stream's start."""

    pixels: Pixels
    pts: int
    time_base: Fraction

    @property
    def time(self) -> Fraction:
        """Seconds since the stream's start, exactly."""
        return self.pts * self.time_base
