"""A prepared face: the pictures of it, where its landmarks are, and what belongs to the person."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.faces.landmarks import OVAL

Landmarks = NDArray[np.float32]
"""(478, 3): MediaPipe's face mesh with irises, x right and y down in pixels of the picture, z in the same unit, smaller
towards the camera, 0 near the head's middle. Sub-pixel: pixel (0, 0) has its middle at x = 0.5, y = 0.5."""

LANDMARKS = 478
Edges = NDArray[np.float64]
"""Left, top, right, bottom (4,), in pixels."""


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
    detected: where a detector's box lies against the landmarks' outline: what is added to each of its edges, in its
        widths and heights. None where the mesh alone found the face.
    """

    name: str
    frames: Frames
    fps: Fraction | None
    matte: NDArray[np.uint8] | None
    detected: Edges | None = None

    @property
    def is_still(self) -> bool:
        """Whether it is one picture, not a video."""
        return self.fps is None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; both even, as H.264 in yuv420p needs them."""
        height, width = self.frames.pixels(0).shape[:2]
        return width, height


def outline(points: Landmarks) -> Edges:
    """The edges of the face's outline: from hairline to chin and from ear to ear."""
    rim = points[list(OVAL), :2].astype(np.float64)
    return np.concatenate([rim.min(axis=0), rim.max(axis=0)])


def against_outline(box: tuple[float, float, float, float], points: Landmarks) -> Edges:
    """A detector's box (x, y, width, height) as `Face.detected`."""
    own = outline(points)
    x, y, width, height = box
    size = np.maximum(own[2:] - own[:2], 1.0)
    relative: Edges = (np.array((x, y, x + width, y + height)) - own) / np.tile(size, 2)
    return relative
