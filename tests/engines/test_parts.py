"""Only what shows something is sampled: what is left out must be empty."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.options import FaceOptions
from txt2vid.engines.i420 import to_i420
from txt2vid.engines.mesh import MeshEngine
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.rig import Rig, pose_of
from txt2vid.faces.prepare import prepare_face

HERO = Path(__file__).parents[2] / "sample_data" / "hero.png"
TURNS = [(0.0, 0.0, 0.0), (0.2, 0.45, 0.1), (-0.3, -0.45, 0.4), (0.4, 0.1, -0.4)]


@pytest.fixture(scope="module")
def rig() -> Rig:
    made: Rig = MeshEngine().prepare(prepare_face(FaceOptions(HERO, size=256))).rig(0)
    return made


def motion(turn: tuple[float, float, float], jaw: float) -> Motion:
    shift = np.array((0.1, -0.08, 0.12), np.float32) * np.sign(turn[1])
    return Motion(coefficients(jawOpen=jaw, eyeBlink=jaw, eyeWideLeft=1 - jaw), np.array(turn, np.float32), shift)


@pytest.mark.parametrize("jaw", [0.0, 1.0])
@pytest.mark.parametrize("turn", TURNS)
def test_the_head_is_empty_outside_its_bands(rig: Rig, turn: tuple[float, float, float], jaw: float) -> None:
    head, moved = rig._head, motion(turn, jaw)
    pose = pose_of(moved, rig._axes, rig._pivot)
    (shift,) = head._sheets.shifts(head._sheets.displacement(rig._weights.of(moved), pose))
    left = imaging.sample(head._texture.with_patch(None), head._sheets.places(shift))
    whole = int((left[..., 3] > 0).sum())
    sampled = 0
    for part in head._bands(shift):
        sampled += left[part][..., 3].size
        left[part] = 0
    assert not left.any()
    assert whole < sampled < left[..., 3].size


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
