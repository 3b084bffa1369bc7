from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.faces.conftest import GROUND, SAMPLES, Save, error, laid, landmarks_of, shrunk, turned
from txt2vid.core.media import Pixels
from txt2vid.core.options import FaceOptions
from txt2vid.errors import FaceError, PictureError
from txt2vid.faces.face import LANDMARKS, Landmarks
from txt2vid.faces.landmarks import OVAL
from txt2vid.faces.points import write_landmarks
from txt2vid.faces.prepare import prepare_face


def found(path: Path, **options: object) -> Landmarks:
    return landmarks_of(prepare_face(FaceOptions(path, **options)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["astronaut.png", "hero.png"])
def test_samples(name: str) -> None:
    face = prepare_face(FaceOptions(SAMPLES / name))
    points = landmarks_of(face)
    assert face.is_still
    assert len(face.frames) == 1
    assert points.shape == (LANDMARKS, 3)
    assert points.dtype == np.float32
    assert all(side % 2 == 0 for side in face.size)
    assert points[33, 0] < points[263, 0]  # the subject's right eye is on the picture's left
    assert points[10, 1] < points[33, 1] < points[1, 1] < points[13, 1] < points[152, 1]


@pytest.mark.parametrize("degrees", [-30, 45, -60, 90, 150, 180])
def test_tilted(portrait: Pixels, truth: Landmarks, save: Save, degrees: float) -> None:
    picture, expected = turned(portrait, truth, degrees)
    assert error(found(save(picture)), expected) < 0.03


@pytest.mark.parametrize("part", [0.1, 0.05, 0.03])
def test_small(portrait: Pixels, truth: Landmarks, save: Save, part: float) -> None:
    factor = part * 1400 / float(np.ptp(truth[:, 1]))
    picture = laid(shrunk(portrait, factor) if factor < 1 else portrait, 1000, 1400, 60, 500)
    expected = truth * np.float32(min(1.0, factor)) + np.array([60, 500, 0], np.float32)
    assert error(found(save(picture)), expected) < 0.03


@pytest.mark.parametrize("margin", [1.2, 0.9])
def test_filling_the_frame(portrait: Pixels, truth: Landmarks, save: Save, margin: float) -> None:
    x, y = truth[:, :2].mean(axis=0)
    half = margin * float(np.ptp(truth[:, :2], axis=0).max()) / 2
    left, top = int(x - half), int(y - half)
    part = portrait[top : int(y + half), left : int(x + half)]
    picture = np.asarray(cv2.resize(part, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC), np.uint8)
    expected = (truth - np.array([left, top, 0], np.float32)) * 5
    assert error(found(save(picture)), expected) < 0.05


def test_dark_grey_and_mirrored(portrait: Pixels, truth: Landmarks, save: Save) -> None:
    dark = (portrait * 0.06).astype(np.uint8)
    assert error(found(save(dark)), truth) < 0.04
    grey = np.repeat(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2)
    assert error(found(save(grey)), truth) < 0.02
    mirrored = found(save(np.ascontiguousarray(portrait[:, ::-1])))
    assert abs(512 - mirrored[1, 0] - truth[1, 0]) < 1.5


def test_size_scales_landmarks_with_the_picture(astronaut: Path, truth: Landmarks) -> None:
    face = prepare_face(FaceOptions(astronaut, size=256))
    assert face.size == (256, 256)
    assert error(landmarks_of(face) * 2, truth) < 0.02


@pytest.fixture
def couple(portrait: Pixels, save: Save) -> Path:
    """A large face to the right, a small one to the left."""
    canvas = laid(portrait, 900, 560, 380, 20)
    canvas[100:356, 40:296] = shrunk(portrait, 0.5)
    return save(canvas)


def test_several_faces_by_size(couple: Path, truth: Landmarks) -> None:
    large = truth + np.array([380, 20, 0], np.float32)
    small = truth / 2 + np.array([40, 100, 0], np.float32)
    assert error(found(couple), large) < 0.02
    assert error(found(couple, index=0), large) < 0.02
    assert error(found(couple, index=1), small) < 0.03
    with pytest.raises(FaceError, match="shows 2 faces, none with index 2: give --face-index 0 to 1"):
        found(couple, index=2)


def test_box_picks_the_face_in_it(couple: Path, truth: Landmarks) -> None:
    small = truth / 2 + np.array([40, 100, 0], np.float32)
    low, high = small[:, :2].min(axis=0), small[:, :2].max(axis=0)
    x, y, w, h = (int(v) for v in (*(low - 5), *(high - low + 10)))
    assert error(found(couple, box=(x, y, w, h)), small) < 0.03


def test_no_face_says_what_to_do(save: Save) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (200, 300, 3), np.uint8)
    for picture in (np.full((200, 300, 3), GROUND, np.uint8), noise):
        with pytest.raises(FaceError, match=r"no face found in .*: give --face-box X,Y,W,H or --landmarks FILE"):
            found(save(picture))


def test_box_always_works(save: Save) -> None:
    points = found(save(np.full((200, 300, 3), GROUND, np.uint8)), box=(100, 40, 80, 100))
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    np.testing.assert_allclose((*low, *high), (100, 40, 180, 140), atol=0.5)
    assert points[10, 1] < points[159, 1] < points[1, 1] < points[13, 1] < points[152, 1]


def test_box_outside_the_picture(astronaut: Path) -> None:
    with pytest.raises(FaceError, match=r"face box 600,0,50,50 lies outside the picture of "):
        found(astronaut, box=(600, 0, 50, 50))


def test_landmarks_by_hand_are_in_pixels_of_the_original(astronaut: Path, truth: Landmarks, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    write_landmarks(path, truth)
    np.testing.assert_allclose(found(astronaut, landmarks=path), truth, atol=0.01)
    np.testing.assert_allclose(found(astronaut, landmarks=path, size=256), truth / 2, atol=0.01)
    write_landmarks(path, truth + np.array([2000, 0, 0], np.float32))
    with pytest.raises(FaceError, match="lie outside"):
        found(astronaut, landmarks=path)


def test_matte_holds_the_face_and_not_the_background(astronaut: Path, truth: Landmarks) -> None:
    matte = prepare_face(FaceOptions(astronaut)).matte
    assert matte is not None
    oval = np.zeros(matte.shape, np.uint8)
    cv2.fillPoly(oval, [truth[list(OVAL), :2].astype(np.int32)], (1,))
    assert matte[oval == 1].mean() > 250
    assert matte[:100, 380:].mean() < 15  # the shuttle's model behind her
    assert matte[:60, 40:130].mean() < 15


def test_a_drawing_on_plain_paper_has_an_outline(save: Save) -> None:
    paper = np.full((300, 300, 3), 255, np.uint8)
    cv2.circle(paper, (150, 150), 90, (120, 180, 240), -1)
    cv2.circle(paper, (150, 190), 20, (255, 255, 255), -1)  # as white as the paper, but inside
    matte = prepare_face(FaceOptions(save(paper), box=(95, 90, 110, 120))).matte
    assert matte is not None
    assert matte[190, 150] > 250
    assert matte[150, 65] > 250
    assert matte[30, 30] < 5
    assert matte[150, 50] < 5


def test_alpha_is_the_matte(portrait: Pixels, tmp_path: Path) -> None:
    alpha = np.zeros((512, 512), np.uint8)
    alpha[10:, 100:400] = 255
    path = tmp_path / "cut.png"
    Image.fromarray(np.dstack([portrait[:, :, ::-1], alpha])).save(path)
    matte = prepare_face(FaceOptions(path)).matte
    assert matte is not None
    np.testing.assert_array_equal(matte, alpha)


def test_text_named_png(tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    path.write_text("Dear Sir or Madam")
    with pytest.raises(PictureError, match="is not a picture"):
        prepare_face(FaceOptions(path))
