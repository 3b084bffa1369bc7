from __future__ import annotations

import cv2
import numpy as np
import pytest

from txt2vid.core.media import Pixels
from txt2vid.faces.face import Landmarks
from txt2vid.faces.landmarks import CHIN, IRIS_LEFT
from txt2vid.faces.many import TrackedFace
from txt2vid.faces.overlay import FEATURES, PEOPLE, draw_faces


def near(picture: Pixels, at: Landmarks, colour: tuple[int, int, int], reach: int = 3) -> float:
    """How far the most similar pixel around a landmark is from a colour, per channel."""
    x, y = at[:2].astype(int)
    part = picture[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1].astype(int)
    return float(np.abs(part - colour).max(axis=2).min())


def test_features_are_drawn_where_they_are(portrait: Pixels, truth: Landmarks) -> None:
    before = portrait.copy()
    drawn = draw_faces(portrait, [TrackedFace(0, truth, 0.9)])
    assert np.array_equal(portrait, before)
    assert near(drawn, truth[IRIS_LEFT[0]], FEATURES["iris_left"]) < 40
    assert near(drawn, truth[CHIN], FEATURES["oval"]) < 40
    assert near(drawn, truth[0], FEATURES["lips"]) < 60
    changed = np.abs(drawn.astype(int) - portrait).max(axis=2) > 8
    low, high = truth[:, :2].min(axis=0), truth[:, :2].max(axis=0)
    assert not changed[:, : int(low[0]) - 20].any()
    assert not changed[int(high[1]) + 6 :].any()
    assert 0.1 < changed[int(low[1]) : int(high[1]), int(low[0]) : int(high[0])].mean() < 0.9


def test_people_have_colours_of_their_own(portrait: Pixels, truth: Landmarks) -> None:
    drawn = [draw_faces(portrait, [TrackedFace(i, truth, 1.0)]) for i in (0, 1, len(PEOPLE))]
    assert not np.array_equal(drawn[0], drawn[1])
    assert near(drawn[1], truth[10] - (0, 22, 0), PEOPLE[1], reach=14) < 10  # the tag over the forehead


@pytest.mark.parametrize("scale", [0.05, 0.3, 4.0])
def test_any_size(scale: float, portrait: Pixels, truth: Landmarks) -> None:
    picture = np.asarray(cv2.resize(portrait, None, fx=scale, fy=scale), np.uint8)
    drawn = draw_faces(picture, [TrackedFace(3, truth * np.float32(scale), 1.0)])
    assert drawn.shape == picture.shape
    assert not np.array_equal(drawn, picture)


def test_faces_beyond_the_frame(portrait: Pixels, truth: Landmarks) -> None:
    for shift in (-200, -10_000, 300, 10_000):
        moved = truth + np.array((shift, shift / 2, 0), np.float32)
        assert draw_faces(portrait, [TrackedFace(0, moved, 0.5)]).shape == portrait.shape
