from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.faces.conftest import GROUND, Film, error, landmarks_of, shrunk
from txt2vid.core.media import Pixels
from txt2vid.core.options import FaceOptions
from txt2vid.errors import FaceError, UsageError, VideoError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.prepare import prepare_face

W, H, N = 400, 300, 30


@pytest.fixture(scope="module")
def head(portrait: Pixels) -> Pixels:
    """The head alone, 160x160, from (140, 20) of the portrait."""
    return portrait[20:180, 140:300]


def with_heads(*heads: tuple[Pixels, int, int]) -> Pixels:
    canvas = np.full((H, W, 3), GROUND, np.uint8)
    for head, x, y in heads:
        canvas[y : y + head.shape[0], x : x + head.shape[1]] = head
    return canvas


def at(truth: Landmarks, x: float, y: float, scale: float = 1.0) -> Landmarks:
    moved: Landmarks = (truth - np.array([140, 20, 0], np.float32)) * np.float32(scale)
    return moved + np.array([x, y, 0], np.float32)


def path_x(i: int) -> int:
    """Still for ten frames, then 6 pixels a frame."""
    return 20 + 6 * max(0, i - 10)


def test_a_moving_face_is_followed_without_lag(head: Pixels, truth: Landmarks, film: Film) -> None:
    face = prepare_face(FaceOptions(film([with_heads((head, path_x(i), 60)) for i in range(N)])))
    assert not face.is_still
    assert face.fps == 25
    assert face.matte is None
    assert face.size == (W, H)
    assert len(face.frames) == N
    for i in range(N):
        points = landmarks_of(face, i)
        assert error(points, at(truth, path_x(i), 60)) < 0.03, i
        assert abs(points[:, 0].mean() - at(truth, path_x(i), 60)[:, 0].mean()) < 2, i
        assert face.frames.pixels(i).shape == (H, W, 3)
    backward = [face.frames.pixels(i)[140, 30:390].astype(int) for i in (N - 1, 0)]
    assert np.abs(backward[0] - backward[1]).mean() > 5  # they are different pictures, read in any order


def test_gaps_are_bridged_and_ends_held(head: Pixels, truth: Landmarks, film: Film) -> None:
    empty = with_heads()
    seen = [with_heads((head, 20 + 4 * i, 60)) if 5 <= i < 12 or 18 <= i < 24 else empty for i in range(N)]
    face = prepare_face(FaceOptions(film(seen)))
    assert error(landmarks_of(face, 0), at(truth, 40, 60)) < 0.05
    assert error(landmarks_of(face, 29), at(truth, 20 + 4 * 23, 60)) < 0.05
    assert error(landmarks_of(face, 14), at(truth, 20 + 4 * 14, 60)) < 0.06


def test_the_same_person_is_followed_when_another_becomes_larger(head: Pixels, truth: Landmarks, film: Film) -> None:
    small = shrunk(head, 0.8)
    frames = [
        with_heads((head, 10, 60), (small, 220, 80)) if i < 10
        else with_heads((small, 220, 80)) if i < 16  # ours is away: the other must not be taken
        else with_heads((small, 10 + i, 80), (head, 220, 60))
        for i in range(N)
    ]  # fmt: skip
    film_path = film(frames)
    first = prepare_face(FaceOptions(film_path))
    assert all(landmarks_of(first, i)[:, 0].mean() < 190 for i in range(N))
    second = prepare_face(FaceOptions(film_path, index=1))
    assert all(landmarks_of(second, i)[:, 0].mean() > 200 for i in range(N))
    assert error(landmarks_of(second, 3), at(truth, 220, 80, 0.8)) < 0.04


def test_frame_rate_size_and_length_as_asked(head: Pixels, truth: Landmarks, film: Film) -> None:
    path = film([with_heads((head, 60, 60))] * N)
    face = prepare_face(FaceOptions(path, size=200), fps=Fraction(50), max_frames=20)
    assert face.fps == 50
    assert face.size == (200, 150)
    assert len(face.frames) == 20
    assert error(landmarks_of(face, 19), at(truth, 60, 60) / 2) < 0.04


def test_jitter_is_taken_out(head: Pixels, film: Film) -> None:
    rng = np.random.default_rng(2)
    still = with_heads((head, 60, 60)).astype(np.int16)
    noisy = [np.clip(still + rng.normal(0, 14, still.shape), 0, 255).astype(np.uint8) for _ in range(N)]
    face = prepare_face(FaceOptions(film(noisy)))
    track = np.stack([landmarks_of(face, i)[:, :2] for i in range(N)])
    step = np.linalg.norm(np.diff(track, axis=0), axis=2).mean()
    assert step < 0.25  # pixels a frame


def test_box_tells_which_face(head: Pixels, film: Film) -> None:
    path = film([with_heads((head, 10, 60), (shrunk(head, 0.8), 220, 80))] * 5)
    face = prepare_face(FaceOptions(path, box=(240, 90, 90, 110)))
    assert all(landmarks_of(face, i)[:, 0].mean() > 200 for i in range(5))


def test_errors(head: Pixels, film: Film, tmp_path: Path) -> None:
    with pytest.raises(FaceError, match=r"no face found in .*: give --face-box"):
        prepare_face(FaceOptions(film([with_heads()] * 5)))
    with pytest.raises(FaceError, match=r"no face found in the box 20,20,90,90 of .*: place it") as raised:
        prepare_face(FaceOptions(film([with_heads()] * 2), box=(20, 20, 90, 90)))
    assert "--face-box" not in str(raised.value)
    with pytest.raises(FaceError, match="10,300,90,90 lies outside the picture of 400x300"):
        prepare_face(FaceOptions(film([with_heads()] * 2), size=200, box=(10, 300, 90, 90)))
    path = film([with_heads((head, 60, 60))] * 5)
    with pytest.raises(FaceError, match="shows 1 face at its start, none with index 2"):
        prepare_face(FaceOptions(path, index=2))
    with pytest.raises(UsageError, match="--landmarks"):
        prepare_face(FaceOptions(path, landmarks=tmp_path / "points.csv"))
    with pytest.raises(VideoError, match="does not exist"):
        prepare_face(FaceOptions(tmp_path / "none.mp4"))


def test_nothing_is_left_in_the_temporary_folder(
    head: Pixels, film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    face = prepare_face(FaceOptions(film([with_heads((head, 60, 60))] * 5)))
    assert len(face.frames) == 5
    assert not list(folder.iterdir())
