"""Only what shows something is sampled: what is left out must be empty."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from txt2vid.core.motion import SHIFT_LIMITS, TURN_LIMITS, Motion, coefficients
from txt2vid.core.options import FaceOptions
from txt2vid.engines.i420 import to_i420
from txt2vid.engines.mesh import MeshEngine
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.canvas import Canvas
from txt2vid.engines.rig.inverse import nodes
from txt2vid.engines.rig.plate import FAINT
from txt2vid.engines.rig.pose import pose_of
from txt2vid.engines.rig.rig import Rig
from txt2vid.faces.face import Face
from txt2vid.faces.prepare import prepare_face

HERO = Path(__file__).parents[2] / "sample_data" / "hero.png"
TURNS = [(0.0, 0.0, 0.0), (0.2, 0.45, 0.1), (-0.3, -0.45, 0.4), (0.4, 0.1, -0.4)]


@pytest.fixture(scope="module")
def hero() -> Face:
    return prepare_face(FaceOptions(HERO, size=256))


@pytest.fixture(scope="module")
def rig(hero: Face) -> Rig:
    made: Rig = MeshEngine().prepare(hero).rig(0)
    return made


def motion(turn: tuple[float, float, float], jaw: float) -> Motion:
    shift = np.array((0.1, -0.08, 0.12), np.float32) * np.sign(turn[1])
    return Motion(coefficients(jawOpen=jaw, eyeBlink=jaw, eyeWideLeft=1 - jaw), np.array(turn, np.float32), shift)


@pytest.mark.parametrize("jaw", [0.0, 1.0])
@pytest.mark.parametrize("turn", TURNS)
def test_the_head_is_empty_outside_its_bands(rig: Rig, turn: tuple[float, float, float], jaw: float) -> None:
    head, moved = rig._head, motion(turn, jaw)
    displacement = head._sheets.displacement(rig._weights.of(moved), pose_of(moved, rig._axes, rig._pivot))
    rows, columns = within = head._within(displacement[0])
    (shift,) = head._sheets.shifts(displacement[:, rows, columns])
    places = head._sheets.places(shift, (rows.start, columns.start))
    left = imaging.sample(head._texture.with_patch(None), places)
    whole = int((left[..., 3] > 0).sum())
    sampled = 0
    for part in head._bands(shift, within):
        sampled += left[part][..., 3].size
        left[part] = 0
    assert not left.any()
    assert whole < sampled < left[..., 3].size


@pytest.mark.parametrize("turn", TURNS)
def test_nothing_moves_outside_the_canvas(rig: Rig, turn: tuple[float, float, float]) -> None:
    """Only a part of the grid is drawn, another for each frame: drawn as a whole it shows nothing else outside that."""
    head, moved = rig._head, motion(turn, 0.4)
    pose, weights = pose_of(moved, rig._axes, rig._pivot), rig._weights.of(moved)
    canvas = head.begin(weights, pose)
    (shift,) = head._sheets.shifts(head._sheets.displacement(weights, pose))
    drawn = imaging.sample(head._texture.with_patch(None), head._sheets.places(shift))
    whole = head.finish(Canvas(imaging.colours(drawn), imaging.plane(drawn, 3), head.grid.x, head.grid.y))
    changed = np.abs(head.finish(canvas).astype(int) - whole).max(axis=2)
    height, width = canvas.alpha.shape
    changed[max(canvas.y, 0) : canvas.y + height, max(canvas.x, 0) : canvas.x + width] = 0
    assert canvas.alpha.size < drawn[..., 3].size
    assert changed.max() <= 3


@pytest.mark.parametrize("signs", list(itertools.product((-1, 0, 1), repeat=3)))
def test_no_head_is_cut_by_its_canvas(rig: Rig, signs: tuple[int, int, int]) -> None:
    """As far as drivers turn and shift it: at the canvas's edge there is no more of it than there was at rest."""
    shift = np.array(SHIFT_LIMITS, np.float32) * (signs[1], -signs[0], 0)
    moved = Motion(coefficients(jawOpen=0.4), np.array(TURN_LIMITS, np.float32) * signs, shift)
    canvas = rig._head.begin(rig._weights.of(moved), pose_of(moved, rig._axes, rig._pivot))
    rest = rig._head._alpha[canvas.y - rig._head.grid.y :, canvas.x - rig._head.grid.x :]
    rest = rest[: canvas.alpha.shape[0], : canvas.alpha.shape[1]]
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        assert (canvas.alpha[edge].astype(int) - rest[edge]).max() < 20


@pytest.mark.parametrize("turn", [(0, 1), (0, -1), (0.4, 0.9), (-0.4, -0.9)])
def test_no_turn_folds_the_face(rig: Rig, hero: Face, turn: tuple[float, float]) -> None:
    """Its far rim would be notched: a fold cannot be told on a coarse grid."""
    moved = Motion(coefficients(jawOpen=0.4, mouthSmile=0.3), np.array((*turn, 0), np.float32) * TURN_LIMITS)
    grid, pose = rig._head.grid, pose_of(moved, rig._axes, rig._pivot)
    (places,) = (
        nodes(grid.rows, grid.columns) + rig._head._sheets.displacement(rig._weights.of(moved), pose) / grid.step
    )
    across, down = places[:-1, 1:] - places[:-1, :-1], places[1:, :-1] - places[:-1, :-1]
    area = (across.conj() * down).imag  # of each cell, 1 at rest
    chin = int((hero.frames.landmarks(0)[152, 1] - grid.y) / grid.step)
    assert area[:chin].min() > 0.05


def whole(hero: Face, top: int = 0) -> Rig:
    """The hero, or what is left of its picture without so many upper rows."""
    points = hero.frames.landmarks(0) - np.array((0, top, 0), np.float32)
    assert hero.matte is not None
    return Rig(np.ascontiguousarray(hero.frames.pixels(0)[top:]), points, np.ascontiguousarray(hero.matte[top:]))


def test_a_head_that_ends_before_the_edge_moves_whole(hero: Face) -> None:
    """Nothing is missing of it beyond the edge, so that its hair does not stay there; of one that is cut it does."""
    matte = hero.matte
    assert matte is not None
    first = int(np.flatnonzero((matte > FAINT).any(axis=1))[0])
    down = Motion(translation=np.array((0, 0.06, 0), np.float32))
    moved = whole(hero).draw(down).astype(int)

    def changed(top: int) -> float:
        """How much of the uppermost hair looks otherwise than in the whole picture."""
        rows = np.s_[max(first - top, 0) : first - top + 16]
        return float(np.abs(whole(hero, top).draw(down).astype(int) - moved[top:])[rows].mean())

    assert changed(first - 2) < 0.3
    assert changed(first + 12) > 1.5


@pytest.mark.parametrize("jaw", [0.0, 1.0])
@pytest.mark.parametrize("turn", TURNS)
def test_slits_are_empty_outside_their_rows(rig: Rig, turn: tuple[float, float, float], jaw: float) -> None:
    moved = motion(turn, jaw)
    pose, weights = pose_of(moved, rig._axes, rig._pivot), rig._weights.of(moved)
    parts = [(part._slit, part._middle, part._depth) for part in rig._eyes]
    for slit, middle, depth in [*parts, (rig._mouth._slit, rig._mouth._middle, rig._mouth._depth)]:
        carried, _ = pose.carry(middle, depth)
        displacement = slit._sheets.displacement(weights, pose) - np.complex64(complex(*carried.tolist()))
        places = [slit._sheets.places(shift) for shift in slit._sheets.shifts(displacement)]
        whole = imaging.over(*(imaging.sample(*pair) for pair in zip(slit._textures, places, strict=True)))
        np.testing.assert_array_equal(slit.skin(weights, pose, carried)[0], whole)


def test_the_colour_of_planes_is_that_of_four_pixels() -> None:
    one, other = (np.full((16, 16, 3), colour, np.uint8) for colour in ((90, 120, 180), (150, 110, 100)))
    mixed = one.copy()
    mixed[::2, 1::2] = other[::2, 1::2]
    mixed[1::2, ::2] = other[1::2, ::2]
    wanted = (to_i420(one)[16:].astype(float) + to_i420(other)[16:]) / 2
    assert np.abs(to_i420(mixed)[16:] - wanted).max() <= 1.5
    even = np.full((8, 8, 3), (200, 120, 30), np.uint8)
    whole = np.asarray(cv2.cvtColor(even, cv2.COLOR_BGR2YUV_I420), int)
    assert np.abs(to_i420(even) - whole).max() <= 1


@pytest.mark.parametrize("turn", [(3.0, 0.0, 0.0), (0.0, -2.0, 3.0), (0.5, 0.5, -9.0)])
def test_a_head_is_drawn_wherever_it_goes(hero: Face, turn: tuple[float, float, float]) -> None:
    """Recorded motion knows no limits: what leaves the grid is not seen, and nothing fails."""
    shift = np.array((4.0, -7.0, 9.0), np.float32)
    frame = whole(hero).draw_i420(Motion(coefficients(jawOpen=1), np.array(turn, np.float32), shift))
    assert frame.shape == (384, 256)


def test_a_matte_in_which_nobody_is_shows_the_picture(hero: Face) -> None:
    picture = hero.frames.pixels(0)
    rig = Rig(picture, hero.frames.landmarks(0), np.zeros(picture.shape[:2], np.uint8))
    turned = Motion(rotation=np.array((0, 0.3, 0), np.float32))
    np.testing.assert_allclose(rig.draw(turned).astype(int), picture, atol=2)
