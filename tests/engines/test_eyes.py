"""Eyes: an iris is found where it is, and eyes that begin to move are still those of the picture."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.options import FaceOptions
from txt2vid.engines.mesh import MeshEngine
from txt2vid.engines.rig.eyes import _round
from txt2vid.engines.rig.rig import Rig
from txt2vid.faces.face import Face
from txt2vid.faces.geometry import Array
from txt2vid.faces.prepare import prepare_face

Levels = NDArray[np.int_]
HERO = Path(__file__).parents[2] / "sample_data" / "hero.png"
MIDDLE, RADIUS = np.array((40.3, 24.6), np.float32), 13.0


@pytest.fixture(scope="module")
def hero() -> Face:
    return prepare_face(FaceOptions(HERO, size=512))


@pytest.fixture(scope="module")
def rig(hero: Face) -> Rig:
    made: Rig = MeshEngine().prepare(hero).rig(0)
    return made


def eye(opening: float = 1.0) -> tuple[Array, NDArray[np.bool_]]:
    """A white ball with an iris, a pupil and a glint, and where it is seen between lids: (50, 80) each."""
    ys, xs = np.mgrid[0:50, 0:80].astype(np.float32)
    distance = np.hypot(xs - MIDDLE[0], ys - MIDDLE[1])
    ball = np.where(distance < RADIUS, np.where(distance < 5, 20, 90), 220).astype(np.float32)
    ball[np.hypot(xs - 44, ys - 20) < 3] = 255
    seen = np.abs(ys - 25) < opening * 22 * (1 - ((xs - 40) / 38) ** 2)
    return np.asarray(cv2.GaussianBlur(ball, (0, 0), 0.8), np.float32), seen


@pytest.mark.parametrize("opening", [1.0, 0.5])
@pytest.mark.parametrize(("off", "smaller"), [((0, 0), 1.0), ((2, 1), 0.8), ((-2, -1), 0.75), ((1, -2), 0.95)])
def test_an_iris_is_found_where_it_is(opening: float, off: tuple[float, float], smaller: float) -> None:
    """Landmarks of drawn eyes are a fifth too small, and lie beside it; lids hide what is above and below."""
    middle, radius = _round(*eye(opening), MIDDLE + np.array(off, np.float32), smaller * RADIUS)
    assert abs(radius - RADIUS) < 0.08 * RADIUS
    assert abs(middle[0] - MIDDLE[0]) < 1.2


def test_where_no_iris_is_clear_landmarks_are_believed() -> None:
    white, seen = eye()
    middle, radius = _round(np.full_like(white, 120), seen, MIDDLE, 11.0)
    np.testing.assert_array_equal(middle, MIDDLE)
    assert radius == 11.0


def opened(hero: Face, picture: Pixels) -> list[Levels]:
    """Both eyes of a picture."""
    boxes = []
    for one, other in ((33, 133), (362, 263)):
        ends = hero.frames.landmarks(0)[[one, other], :2]
        width = float(np.ptp(ends[:, 0]))
        left, top = (ends.mean(axis=0) - np.array((0.6, 0.4)) * width).astype(int)
        right, bottom = (ends.mean(axis=0) + np.array((0.6, 0.4)) * width).astype(int)
        boxes.append(picture[top:bottom, left:right].astype(int))
    return boxes


@pytest.mark.parametrize("name", ["gaze", "eyeBlink", "eyeWide"])
def test_eyes_that_begin_to_move_do_not_jump(rig: Rig, name: str) -> None:
    """What is drawn of an eye is not quite the picture (lashes): it may not be seen to come."""

    def drawn(much: float) -> Levels:
        if name == "gaze":
            return rig.draw(Motion(gaze=np.array((much, 0), np.float32))).astype(int)
        return rig.draw(Motion(coefficients(**{name: much}))).astype(int)

    steps = [drawn(much) for much in np.linspace(0, 0.08, 17)]
    for before, after in itertools.pairwise(steps):
        assert (np.abs(after - before).max(axis=2) > 30).sum() < 8


def test_eyes_that_look_a_little_aside_are_those_of_the_picture(rig: Rig, hero: Face) -> None:
    """No line of the ball's white shows along the lids."""
    moved = rig.draw(Motion(gaze=np.array((0.051, 0), np.float32)))
    for now, rest in zip(opened(hero, moved), opened(hero, rig.draw(Motion())), strict=True):
        assert np.abs(now - rest).max(axis=2).mean() < 7.7  # half a pixel of movement makes most of it


def test_eyes_opened_wide_have_no_second_rim(rig: Rig, hero: Face) -> None:
    """The picture's rim goes with the lids: where it was, there is the ball, as light as beside it."""
    wide = rig.draw(Motion(coefficients(eyeWide=1.0)))
    rest = rig.draw(Motion())
    for now, before in zip(opened(hero, wide), opened(hero, rest), strict=True):
        lighter = now.min(axis=2) - before.min(axis=2)
        assert (lighter > 40).sum() > 20
