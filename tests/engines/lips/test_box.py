from __future__ import annotations

import numpy as np
import pytest

from txt2vid.core.media import Pixels
from txt2vid.engines.lips.box import LEAST, Box, box_at, face_edges, padded
from txt2vid.faces.face import Face, Frames, Landmarks


class Moved(Frames):
    """One face that moves to the right, so many pixels a frame."""

    def __init__(self, points: Landmarks, step: float, count: int = 9) -> None:
        self._points, self._step, self._count = points, step, count

    def __len__(self) -> int:
        return self._count

    def pixels(self, index: int) -> Pixels:  # noqa: ARG002
        return np.zeros((400, 600, 3), np.uint8)

    def landmarks(self, index: int) -> Landmarks:
        return self._points + np.array((self._step * index, 0, 0), np.float32)


def test_it_holds_the_face_from_hairline_to_chin(still: Face) -> None:
    points, box = still.frames.landmarks(0), box_at(still.frames, 0, (0, 0, 0, 0))
    assert box.top == pytest.approx(points[10, 1], abs=1)
    assert box.bottom == pytest.approx(points[152, 1], abs=1)
    eyes, mouth = points[[33, 263], 1].mean(), points[[13, 14], 1].mean()
    assert 0.3 < (eyes - box.top) / box.height < 0.5
    assert 0.7 < (mouth - box.top) / box.height < 0.85


def test_pads_are_pixels_top_bottom_left_right(still: Face) -> None:
    plain, grown = (box_at(still.frames, 0, pads) for pads in ((0, 0, 0, 0), (1, 10, 3, 4)))
    assert (plain.top - grown.top, grown.bottom - plain.bottom) == (1, 10)
    assert (plain.left - grown.left, grown.right - plain.right) == (3, 4)


def test_it_ends_at_the_pictures_edge(still: Face) -> None:
    edges = face_edges(still.frames.landmarks(0))
    box = padded(edges, (9999, 9999, 9999, 9999), 384, 380)
    assert box == Box(0, 0, 384, 380)
    outside = padded(edges - 4000, (0, 0, 0, 0), 384, 384)
    assert not outside.is_seen
    assert Box(0, 0, LEAST, LEAST).is_seen


def test_it_follows_a_mean_over_five_frames(still: Face) -> None:
    points = still.frames.landmarks(0)
    steady, moving = Moved(points, 0.0), Moved(points, 6.0)
    start = box_at(steady, 4, (0, 0, 0, 0))
    assert box_at(moving, 4, (0, 0, 0, 0)).left - start.left == 24  # even motion is not delayed
    assert box_at(moving, 0, (0, 0, 0, 0)).left - start.left == 6  # of frames 0, 1 and 2
