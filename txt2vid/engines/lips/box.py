"""Where the network's face crop lies in a picture: a box shaped like those of the detector it was trained with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from txt2vid.faces.face import Edges, Frames, Landmarks, outline

PADS = (0, 10, 0, 0)
"""Pixels that the box grows by, top, bottom, left, right, as published."""
SMOOTHED = 5  # frames over whose boxes a mean is taken, as published; here the frame itself is the middle one
LEAST = 8  # pixels a side: below that there is no mouth to see


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels inside a picture: columns [left, right), rows [top, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def is_seen(self) -> bool:
        """Whether enough of it lies in the picture for a face."""
        return self.width >= LEAST and self.height >= LEAST


def face_edges(points: Landmarks, detected: Edges | None = None) -> Edges:
    """Left, top, right, bottom of the face, in pixels; detected: as in Face.

    Without a detector it is the face mesh's outline, from hairline to chin and from ear to ear. That is what S3FD's
    boxes hold: it was trained with WIDER FACE, whose boxes are drawn tightly around forehead, chin and cheeks.
    """
    edges = outline(points)
    if detected is None:
        return edges
    moved: Edges = edges + detected * np.tile(edges[2:] - edges[:2], 2)
    return moved


def box_at(frames: Frames, index: int, pads: tuple[int, int, int, int] = PADS, detected: Edges | None = None) -> Box:
    """The box in frame `index`: the mean over SMOOTHED frames around it, padded, cut at the picture's edge."""
    reach = SMOOTHED // 2
    near = range(max(0, index - reach), min(len(frames), index + reach + 1))
    edges = np.mean([face_edges(frames.landmarks(each), detected) for each in near], axis=0)
    height, width = frames.pixels(index).shape[:2]
    return padded(edges, pads, width, height)


def padded(edges: Edges, pads: tuple[int, int, int, int],
           width: int, height: int) -> Box:  # fmt: skip
    """The box of whole pixels around edges (left, top, right, bottom) and pads, inside a picture of that size."""
    top, bottom, left, right = pads
    grown = edges + np.array((-left, -top, right, bottom))
    inside: Callable[[float, int], int] = lambda edge, size: int(np.clip(round(edge), 0, size))  # noqa: E731
    return Box(inside(grown[0], width), inside(grown[1], height), inside(grown[2], width), inside(grown[3], height))
