"""A prepared face: the pictures of it, where its landmarks are, and what belongs to the person."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels

Landmarks = NDArray[np.float32]
"""(478, 3): MediaPipe's face mesh with irises, x right and y down in pixels of the picture, z in the same unit, smaller
towards the camera, 0 near the head's middle. Sub-pixel: pixel (0, 0) has its middle at x = 0.5, y = 0.5."""

LANDMARKS = 478


class Frames(ABC):
    """The pictures that a face is made of, with the landmarks of each. Reading them does not hold them in memory."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are: 1 for a still picture."""

    @abstractmethod
    def pixels(self, index: int) -> Pixels:
        """Picture `index`; do not write into it."""

    @abstractmethod
    def landmarks(self, index: int) -> Landmarks:
        """Where the face is in picture `index`; smoothed over time, bridged where none was found."""


@dataclass(frozen=True, slots=True)
class Face:
    """What every engine starts from; each caches what else it needs once (`Engine.prepare`).

    name: for messages and metrics, usually the file's name.
    frames: the pictures; all of one size.
    fps: the video's frame rate, None for a still picture.
    matte: uint8 (height, width), 255 where the person is, of a still picture; None where that is not known (a video).
    """

    name: str
    frames: Frames
    fps: Fraction | None
    matte: NDArray[np.uint8] | None

    @property
    def is_still(self) -> bool:
        """Whether it is one picture, not a video."""
        return self.fps is None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; both even, as H.264 in yuv420p needs them."""
        height, width = self.frames.pixels(0).shape[:2]
        return width, height
