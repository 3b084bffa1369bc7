from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.faces.conftest import GROUND, error
from txt2vid.core.media import Pixels
from txt2vid.core.options import TrackingOptions
from txt2vid.errors import UsageError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.many import FaceTracker
from txt2vid.faces.pictures import load_picture

W, H = 640, 480
Placed = tuple[Pixels, int, int]


@pytest.fixture(scope="module")
def woman(portrait: Pixels) -> Pixels:
    """The photograph's head alone, 160x160, from (140, 20) of it."""
    return portrait[20:180, 140:300]


@pytest.fixture(scope="module")
def man(hero: Path) -> Pixels:
    """The drawn face, 200x200."""
    return load_picture(hero, 200).pixels


def scene(*placed: Placed, size: tuple[int, int] = (W, H)) -> Pixels:
    """Heads on a plain ground, cut where they reach over its edges."""
    width, height = size
    canvas = np.full((height, width, 3), GROUND, np.uint8)
    for head, x, y in placed:
        left, top = max(0, x), max(0, y)
        part = head[top - y : height - y, left - x : width - x]
        canvas[top : top + part.shape[0], left : left + part.shape[1]] = part
    return canvas


def resized(head: Pixels, side: int) -> Pixels:
    return np.asarray(cv2.resize(head, (side, side)), np.uint8)


def ids(tracker: FaceTracker, *placed: Placed, frames: int = 1) -> list[int]:
    """The ids in the last of some frames that show the same."""
    for _ in range(frames - 1):
        tracker.track(scene(*placed))
    return [face.id for face in tracker.track(scene(*placed))]


def test_landmarks_are_where_a_careful_search_finds_them(woman: Pixels, truth: Landmarks) -> None:
    tracker = FaceTracker()
    for i in range(8):
        faces = tracker.track(scene((woman, 40 + 10 * i, 100)))
        expected = truth + np.array([40 + 10 * i - 140, 80, 0], np.float32)
        assert len(faces) == 1
        assert faces[0].id == 0
        assert faces[0].confidence > 0.9
        assert error(faces[0].landmarks, expected) < 0.03


def test_of_five_the_largest_is_followed_and_stays(woman: Pixels, man: Pixels) -> None:
    small = [(resized(woman, 100), 10 + 110 * i, 10) for i in range(4)]
    tracker = FaceTracker()
    for i in range(7):
        faces = tracker.track(scene(*small, (man, 200 + 5 * i, 200)))
        assert [face.id for face in faces] == [0]
        assert faces[0].landmarks[:, 1].mean() > 200
    everybody = FaceTracker(TrackingOptions(max_faces=8))
    assert ids(everybody, *small, (man, 200, 200), frames=12) == [0, 1, 2, 3, 4]


def test_who_leaves_and_returns_has_the_same_id(woman: Pixels, man: Pixels) -> None:
    tracker = FaceTracker(TrackingOptions(max_faces=2))
    assert ids(tracker, (man, 20, 100)) == [0]
    assert ids(tracker, (man, 20, 100), (woman, 400, 150), frames=12) == [0, 1]
    assert ids(tracker, (woman, 400, 150), frames=3) == [1]
    assert ids(tracker, frames=3) == []
    assert ids(tracker, (man, 420, 100), frames=3) == [0]  # from the other side, where she was
    assert ids(tracker, (man, 420, 100), (woman, 20, 150), frames=12) == [0, 1]


def test_a_cut_to_somebody_else_is_a_new_face(woman: Pixels, man: Pixels) -> None:
    tracker = FaceTracker()
    large, other = resized(woman, 200), np.ascontiguousarray(man[:, :, ::-1])  # blue skin, and brown shadows
    ids(tracker, (large, 100, 100), frames=3)
    assert ids(tracker, (other, 100, 100), frames=2) == [1]
    assert ids(tracker, (large, 100, 100), frames=2) == [0]


def test_options_hold_from_the_next_frame_on(woman: Pixels, man: Pixels) -> None:
    both = ((man, 20, 100), (woman, 400, 150))
    tracker = FaceTracker()
    assert ids(tracker, *both, frames=3) == [0]
    tracker.options = TrackingOptions(max_faces=2)
    assert ids(tracker, *both, frames=12) == [0, 1]
    tracker.options = TrackingOptions(max_faces=1)
    assert ids(tracker, *both) == [0]
    tracker.options = TrackingOptions(min_detection_confidence=1.0)
    assert ids(tracker, *both, frames=8) == [0]  # who is followed needs no detector
    ids(tracker)
    assert ids(tracker, *both, frames=8) == []


@pytest.mark.parametrize("x", [-50, W - 110])
def test_a_face_cut_by_the_frame(x: int, woman: Pixels) -> None:
    assert ids(FaceTracker(), (woman, x, 200), frames=2) == [0]


def test_darkness(woman: Pixels) -> None:
    tracker = FaceTracker()
    dim = (scene((woman, 100, 100)) * 0.06).astype(np.uint8)
    assert len(tracker.track(dim)) == 1
    assert tracker.track(np.zeros_like(dim)) == []
    assert [face.id for _ in range(3) for face in tracker.track(dim)][:1] == [0]


def test_a_small_face_in_4k(woman: Pixels) -> None:
    faces = FaceTracker().track(scene((resized(woman, 300), 3000, 1500), size=(3840, 2160)))
    assert len(faces) == 1
    assert np.abs(faces[0].landmarks[:, :2].mean(axis=0) - (3150, 1650)).max() < 60


def test_frames_may_change_their_size(woman: Pixels) -> None:
    tracker = FaceTracker()
    for width, height in ((640, 480), (320, 240), (480, 640), (41, 29)):
        frame = scene((woman, 20, 20), size=(width, height))
        assert [face.id for face in tracker.track(frame)] in ([0], [])


def test_options_out_of_range() -> None:
    for count in (0, 1000):
        with pytest.raises(UsageError, match="faces cannot be followed: choose 1 to"):
            TrackingOptions(max_faces=count)
    for value in (-0.1, 1.5, float("nan")):
        with pytest.raises(UsageError, match=r"min detection confidence .* choose 0 to 1"):
            TrackingOptions(min_detection_confidence=value)
        with pytest.raises(UsageError, match=r"min tracking confidence .* choose 0 to 1"):
            TrackingOptions(min_tracking_confidence=value)
