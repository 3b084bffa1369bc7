"""What is seen between the lips: its light, where teeth are, and whose they are."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engines.contract import SAMPLES
from txt2vid.core.media import Pixels
from txt2vid.core.options import FaceOptions
from txt2vid.engines.rig import teeth
from txt2vid.engines.rig.light import light_of
from txt2vid.engines.rig.own import Own, own_interior
from txt2vid.engines.rig.rig import Rig
from txt2vid.engines.rig.rims import settle_rims
from txt2vid.engines.rig.slit import Contour
from txt2vid.faces.face import Face
from txt2vid.faces.geometry import Array, measure
from txt2vid.faces.landmarks import LOWER_LIP, LOWER_SEAM, UPPER_LIP, UPPER_SEAM, Row
from txt2vid.faces.prepare import prepare_face

LIP, DARK, TOOTH = (110, 110, 190), (25, 20, 45), (205, 220, 228)  # BGR
HALF = 100.0  # pixels from the middle of the mouth below to its corners


@pytest.fixture(scope="module")
def toothy() -> Face:
    return prepare_face(FaceOptions(SAMPLES / "astronaut.png"))


def plain(*colour: float) -> Array:
    return np.full((64, 3), colour, np.float32)


def contour(gap: float) -> Contour:
    """A level mouth in a picture of 400 x 300, open by so many pixels in its middle."""
    x = np.linspace(-HALF, HALF, 11, dtype=np.float32)
    bow = 0.5 * gap * (1 - (x / HALF) ** 2)
    rims = [np.stack([x, sign * bow], axis=1).astype(np.float32) for sign in (-1, 1)]
    right, down = np.eye(2, dtype=np.float32)
    return Contour(np.array((200, 150), np.float32), right, down, HALF, *rims)


def opened(gap: float, *bands: tuple[float, tuple[int, int, int]]) -> Own | None:
    """What is taken of a mouth that shows bands of colour, each down to a share of its opening."""
    mouth = contour(gap)
    ys, xs = np.mgrid[0:300, 0:400].astype(np.float32)
    along, across = mouth.places(np.stack([xs, ys], axis=-1))
    top, bottom = mouth.rim("upper", along), mouth.rim("lower", along)
    share = (across - top) / np.maximum(bottom - top, 1e-3)
    patch: Pixels = np.full((300, 400, 3), LIP, np.uint8)
    for until, colour in reversed(bands):
        patch[(share > 0) & (share < until) & (np.abs(along) < HALF)] = colour
    return own_interior(mouth, patch, (0, 0), along, across)


@pytest.mark.parametrize("gains", [(0.7, 0.88, 1.0), (1.0, 0.9, 0.8)])
def test_teeth_have_the_colour_of_the_light(still: Face, gains: tuple[float, float, float]) -> None:
    """A picture under a lamp has teeth under that lamp, and not half under it."""
    picture, landmarks = still.frames.pixels(0), still.frames.landmarks(0)
    lamp = np.clip(picture * np.array(gains), 0, 255).astype(np.uint8)
    white, tinted = (Rig.light(pixels, landmarks).tooth for pixels in (picture, lamp))
    expected = np.log(gains[0] / gains[2])
    assert np.log((tinted[0] / tinted[2]) / (white[0] / white[2])) == pytest.approx(expected, rel=0.3)


def test_a_grey_picture_has_grey_teeth_and_shade() -> None:
    light = light_of(plain(180, 180, 180), plain(220, 220, 220), plain(170, 170, 170))
    for colour in (light.tooth, light.flesh, light.dark, light.curve(0.5, 0.8)[0, 200]):
        assert np.ptp(colour) <= 1


def test_shade_in_a_living_mouth_is_warm() -> None:
    """Half the light there is leaves teeth warmer, not the grey that multiplying makes of them."""
    light = light_of(plain(126, 158, 212), plain(200, 205, 212), plain(120, 150, 200))
    bright, shaded = light.tooth, light.shaded(light.tooth, np.full((1, 1), 0.4, np.float32))[0, 0]
    assert shaded[2] / shaded[0] > 1.2 * bright[2] / bright[0]


def test_dark_glasses_are_no_whites_of_eyes() -> None:
    skin = plain(65, 91, 126)
    seen, hidden = light_of(skin, plain(26, 32, 20), skin), light_of(skin, skin[:0], skin)
    np.testing.assert_array_equal(seen.tooth, hidden.tooth)


def test_it_is_dark_where_the_mouth_is_dark() -> None:
    skin = plain(126, 158, 212)
    assert light_of(skin, skin[:0], 0.7 * skin).tooth.mean() < 0.8 * light_of(skin, skin[:0], skin).tooth.mean()


def test_teeth_are_darker_to_the_sides(still: Face) -> None:
    landmarks = still.frames.landmarks(0)
    mouth = Contour.through(landmarks[:, :2] - 0.5, UPPER_SEAM, LOWER_SEAM)
    along = np.linspace(-1, 1, 201, dtype=np.float32)[None] * mouth.half
    at = teeth.places(mouth, measure(landmarks), mouth.origin, 0.0, along, np.zeros_like(along))
    row = teeth.upper_teeth(Rig.light(still.frames.pixels(0), landmarks), at)[0]
    middle, side = row[90:110], row[np.r_[20:35, 166:181]]
    assert side[..., 1].mean() < 0.68 * middle[..., 1].mean()


def test_a_turned_head_shows_less_of_its_far_teeth(still: Face) -> None:
    """The face turned by 40 degrees, its nose to the picture's left: the arch goes out of sight on that side."""
    landmarks, angle = still.frames.landmarks(0), np.radians(40)
    turned = landmarks - landmarks.mean(axis=0)
    turned = turned @ np.array(
        ((np.cos(angle), 0, -np.sin(angle)), (0, 1, 0), (np.sin(angle), 0, np.cos(angle))), np.float32
    )
    mouth = Contour.through(turned[:, :2], UPPER_SEAM, LOWER_SEAM)
    along = np.array([[-0.7, 0.7]], np.float32) * mouth.half
    axes, middle = measure(turned), turned[[13, 14], :2].mean(axis=0)
    left, right = teeth.places(mouth, axes, middle, 0.0, along, np.zeros_like(along)).aside[0]
    far, near = (left, right) if axes.axes[2, 0] > 0 else (right, left)
    assert abs(far) > 1.4 * abs(near)


@pytest.mark.parametrize(("lip", "down"), [(UPPER_LIP, 1), (LOWER_LIP, -1)])
def test_teeth_that_landmarks_leave_on_a_lip_are_taken_off(toothy: Face, lip: tuple[Row, ...], down: int) -> None:
    """They would stay on it when it shuts: a white line between shut lips."""
    picture, landmarks = toothy.frames.pixels(0), toothy.frames.landmarks(0)
    rim, axes = list(lip[-1][3:-3]), measure(landmarks)
    missed = landmarks.copy()
    missed[rim] += down * 0.03 * axes.mouth_width * axes.axes[1]
    off, settled = (
        (points[rim] - landmarks[rim]) @ axes.axes[1] * down for points in (missed, settle_rims(picture, missed))
    )
    assert settled.mean() < 0.55 * off.mean()


def test_shut_lips_have_no_teeth_on_them(still: Face) -> None:
    landmarks = still.frames.landmarks(0)
    assert settle_rims(still.frames.pixels(0), landmarks) is landmarks


def test_dark_between_lips_is_no_teeth() -> None:
    assert opened(30, (1.0, DARK)) is None


def test_teeth_that_fill_the_opening_stay_with_the_skull() -> None:
    own = opened(40, (1.0, TOOTH))
    assert own is not None
    assert own.lower is None
    assert own.upper[150, 200, 3] > 250


def test_what_is_below_the_upper_teeth_goes_with_the_jaw() -> None:
    own = opened(60, (0.4, TOOTH), (0.8, DARK), (1.0, TOOTH))
    assert own is not None
    assert own.lower is not None
    ends = int(np.flatnonzero(own.upper[:, 200, 3] > 128)[-1])
    assert abs(ends - (120 + 0.4 * 60)) < 5  # where the upper teeth end
    assert own.lower[170, 200, :3].mean() > 150  # its lower teeth
    assert own.lower[ends - 8, 200, :3].mean() < 60  # behind the upper ones it goes on dark, not white


@pytest.mark.parametrize("bands", [((1.0, TOOTH),), ((0.4, TOOTH), (1.0, DARK))])
def test_the_layers_leave_no_gap_beside_the_mouth(bands: tuple[tuple[float, tuple[int, int, int]], ...]) -> None:
    """A mouth that is drawn wider than in its picture shows no slit of another colour in its corners."""
    own = opened(60, *bands)
    assert own is not None
    layers = [layer for layer in (own.upper, own.lower) if layer is not None]
    assert max(layer[150, 200 + round(1.12 * HALF), 3] for layer in layers) > 250
