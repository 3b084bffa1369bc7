"""Lower lids begin where the picture's eyes end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.options import FaceOptions
from txt2vid.engines.rig.lids import settle_lids
from txt2vid.engines.rig.rig import Rig
from txt2vid.faces.face import Face, Landmarks
from txt2vid.faces.landmarks import LOWER_LID_LEFT, LOWER_LID_RIGHT
from txt2vid.faces.prepare import prepare_face

HERO = Path(__file__).parents[2] / "sample_data" / "hero.png"
LOWER = (LOWER_LID_LEFT, LOWER_LID_RIGHT)


@pytest.fixture(scope="module")
def hero() -> Face:
    return prepare_face(FaceOptions(HERO, size=512))


def raised(points: Landmarks, by: float) -> Landmarks:
    """As landmarks of large drawn eyes are: the lower lids too high by so many pixels in the middle."""
    wrong = points.copy()
    for rim, beside, _ in LOWER:
        for row, share in ((rim, 1.0), (beside, 0.5)):
            arch = 1 - np.linspace(-1, 1, len(row)) ** 2
            wrong[list(row), 1] -= by * share * arch
    return wrong


def middles(points: Landmarks) -> list[float]:
    """How far down both rims are."""
    return [float(points[rows[0][4], 1]) for rows in LOWER]


@pytest.mark.parametrize("by", [0.0, 3.0, 5.0])
def test_a_lid_that_is_too_high_is_lowered(hero: Face, by: float) -> None:
    points = hero.frames.landmarks(0)
    settled = settle_lids(hero.frames.pixels(0), raised(points, by))
    for found, told in zip(middles(settled), middles(points), strict=True):
        assert -1.2 < found - told < 2.2  # the landmarks of this eye are too high themselves, by a pixel
    others = np.setdiff1d(np.arange(len(points)), [i for rows in LOWER for row in rows[:2] for i in row])
    np.testing.assert_array_equal(settled[others], points[others])


def test_where_the_picture_does_not_tell_nothing_moves(hero: Face) -> None:
    points = raised(hero.frames.landmarks(0), 4)
    grey, fog = np.full_like(hero.frames.pixels(0), 128), np.asarray(hero.frames.pixels(0) // 8 + 100, np.uint8)
    for picture in (grey, fog):
        np.testing.assert_array_equal(settle_lids(picture, points), points)


def test_shut_eyes_show_nothing_of_the_eye(hero: Face) -> None:
    """Neither at once nor once the lids of a large eye are found."""
    points, picture = hero.frames.landmarks(0), hero.frames.pixels(0)
    shut = Motion(coefficients(eyeBlink=1.0))
    drawn = [Rig(picture, each, hero.matte).draw(shut).astype(int) for each in (points, raised(points, 4))]
    for rows in LOWER:
        (left, top), (right, bottom) = points[list(rows[0]), :2].min(axis=0), points[list(rows[0]), :2].max(axis=0)
        below = np.s_[int(top) : int(bottom) + 4, int(left) : int(right)]
        white = [int((one[below].min(axis=-1) > 170).sum()) for one in drawn]
        assert max(white) <= 4
