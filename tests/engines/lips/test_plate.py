"""How mouths are laid back: colour, edges, detail."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.core.motion import Motion, coefficients
from txt2vid.engines.base import Job
from txt2vid.engines.lips.box import Box, box_at
from txt2vid.engines.lips.plate import TOP, Plate, cut_out, paste_hard
from txt2vid.engines.mesh import MeshEngine
from txt2vid.faces.face import Face


@pytest.fixture(scope="module")
def box(still: Face) -> Box:
    return box_at(still.frames, 0)


@pytest.fixture(scope="module")
def plate(still: Face, box: Box) -> Plate:
    return Plate(still.frames.pixels(0), still.frames.landmarks(0), box)


@pytest.fixture(scope="module")
def spoken(still: Face) -> Pixels:
    """The picture with its mouth open: what a good network would draw, in full size."""
    engine = MeshEngine()
    return engine.render([Job(engine.prepare(still), 0, Motion(coefficients(jawOpen=0.3)))])[0]


def region(plate: Plate, picture: Pixels) -> NDArray[np.int64]:
    x, y = plate.place
    part: NDArray[np.int64] = picture[y : plate.box.bottom, x : plate.box.right].astype(int)
    return part


def test_the_picture_itself_comes_back_as_it_is(plate: Plate) -> None:
    patch = plate.patch(plate.crop[TOP:])
    difference = np.abs(patch.pixels.astype(int) - region(plate, plate.picture))
    mouth = difference[difference.shape[0] // 3 :, difference.shape[1] // 4 : -difference.shape[1] // 4]
    assert difference.mean() < 1.5
    assert mouth.mean() < 4  # there the network's 96 pixels are shown


def test_a_shift_of_all_colours_is_taken_back(plate: Plate, spoken: Pixels, box: Box) -> None:
    mouth = cut_out(spoken, box)[TOP:]
    plain = plate.patch(mouth).pixels.astype(int)
    tinted = plate.patch(np.clip(np.add(mouth, np.array((14, -9, 18))), 0, 255).astype(np.uint8)).pixels.astype(int)
    assert np.abs(tinted - plain).mean() < 1.5


def test_a_slow_change_of_light_is_taken_back(plate: Plate, spoken: Pixels, box: Box) -> None:
    mouth = cut_out(spoken, box)[TOP:]
    ramp = np.linspace(-14, 14, 96)[None, :, None]
    plain = plate.patch(mouth).pixels.astype(int)
    lit = plate.patch(np.clip(np.rint(mouth + ramp), 0, 255).astype(np.uint8)).pixels.astype(int)
    assert np.abs(lit - plain).mean() < 4


def test_edges_are_the_pictures_whatever_the_network_draws(plate: Plate) -> None:
    rng = np.random.default_rng(0)
    patch = plate.patch(rng.integers(0, 255, (96 - TOP, 96, 3)).astype(np.uint8)).pixels.astype(int)
    own = region(plate, plate.picture)
    for edge in (np.s_[:3], np.s_[:, :3], np.s_[:, -3:], np.s_[-1:]):
        assert np.abs(patch[edge] - own[edge]).max() <= 3


def test_the_mouth_is_the_networks(plate: Plate, spoken: Pixels, box: Box, still: Face) -> None:
    patch = plate.patch(cut_out(spoken, box)[TOP:]).pixels.astype(int)
    x, y = (still.frames.landmarks(0)[[13, 14], :2].mean(axis=0) - plate.place).astype(int)
    mouth = np.s_[y - 6 : y + 12, x - 14 : x + 14]
    wanted, rest = region(plate, spoken)[mouth], region(plate, plate.picture)[mouth]
    assert np.abs(patch[mouth] - wanted).mean() < 0.35 * np.abs(rest - wanted).mean()


def test_fine_detail_of_the_cheeks_is_kept(plate: Plate, spoken: Pixels, box: Box) -> None:
    """Variance of the Laplacian over the cheeks: as the picture's, not as that of 96 pixels enlarged."""
    patch = plate.patch(cut_out(spoken, box)[TOP:]).pixels
    own = region(plate, plate.picture).astype(np.uint8)
    height, width = own.shape[:2]
    cheek = np.s_[height // 6 : height // 3, width // 8 : width // 4]

    def sharp(picture: Pixels) -> float:
        return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.CV_64F)[cheek].var())

    small = np.asarray(cv2.resize(cv2.resize(own, (96, 48), interpolation=cv2.INTER_AREA), (width, height)), np.uint8)
    assert sharp(patch) > 0.7 * sharp(own)
    assert sharp(patch) > 2 * sharp(small)


def test_voice_is_how_much_of_it_is_shown(plate: Plate, spoken: Pixels, box: Box) -> None:
    mouth = cut_out(spoken, box)[TOP:]
    none, half, whole = (plate.patch(mouth, voice).pixels.astype(int) for voice in (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(none, region(plate, plate.picture))
    assert np.abs(half - (none + whole) / 2).max() <= 1


@pytest.mark.parametrize("side", [9, 40, 300])
def test_boxes_of_any_size(side: int) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (320, 320, 3)).astype(np.uint8)
    points = np.zeros((478, 3), np.float32)
    angles = np.linspace(0, 2 * np.pi, 478)
    points[:, 0], points[:, 1] = 160 + side / 2 * np.sin(angles), 160 - side / 2 * np.cos(angles)
    small = Box(160 - side // 2, 160 - side // 2, 160 + (side + 1) // 2, 160 + (side + 1) // 2)
    patch = Plate(picture, points, small).patch(np.full((96 - TOP, 96, 3), 128, np.uint8))
    assert patch.pixels.shape[1] == side


def test_hard_overwrites_the_box(still: Face, box: Box) -> None:
    picture = still.frames.pixels(0).copy()
    paste_hard(picture, box, np.full((96, 96, 3), 7, np.uint8))
    assert (picture[box.top : box.bottom, box.left : box.right] == 7).all()
    picture[box.top : box.bottom, box.left : box.right] = still.frames.pixels(0)[
        box.top : box.bottom, box.left : box.right
    ]
    np.testing.assert_array_equal(picture, still.frames.pixels(0))
