from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.engines.contract import SAMPLES, EngineContract
from txt2vid.core.media import Pixels
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.options import FaceOptions
from txt2vid.engines.base import Job
from txt2vid.engines.mesh import MeshEngine
from txt2vid.faces.face import Face, Landmarks
from txt2vid.faces.prepare import prepare_face

Draw = Callable[..., Pixels]
Seen = Callable[[Pixels], Landmarks]


class TestMeshEngine(EngineContract):
    engine = MeshEngine


@pytest.fixture(scope="module")
def hero() -> Face:
    return prepare_face(FaceOptions(SAMPLES / "hero.png", size=640))


@pytest.fixture(scope="module")
def astronaut() -> Face:
    """Smiles with her teeth showing."""
    return prepare_face(FaceOptions(SAMPLES / "astronaut.png"))


def drawn(face: Face, *, pose: tuple[float, float, float] = (0, 0, 0), gaze: tuple[float, float] = (0, 0),
          **blendshapes: float) -> Pixels:  # fmt: skip
    engine = MeshEngine()
    motion = Motion(coefficients(**blendshapes), rotation=np.array(pose, np.float32), gaze=np.array(gaze, np.float32))
    return engine.render([Job(engine.prepare(face), 0, motion)])[0]


@pytest.fixture
def seen(tmp_path: Path) -> Seen:
    """The landmarks that the face mesh finds in a frame: what a person would see."""

    def look(frame: Pixels) -> Landmarks:
        path = tmp_path / "frame.png"
        Image.fromarray(frame[:, :, ::-1]).save(path)
        return prepare_face(FaceOptions(path)).frames.landmarks(0)

    return look


def gap(points: Landmarks) -> float:
    """The inner lips' distance over the face's height."""
    return float(np.linalg.norm(points[13] - points[14]) / np.linalg.norm(points[10] - points[152]))


def width(points: Landmarks) -> float:
    """The mouth's width over the face's."""
    return float(np.linalg.norm(points[61] - points[291]) / np.linalg.norm(points[234] - points[454]))


def eye(points: Landmarks) -> float:
    """The left eye's height over its width."""
    return float(np.linalg.norm(points[386] - points[374]) / np.linalg.norm(points[362] - points[263]))


def test_at_rest_the_frame_is_the_picture(hero: Face) -> None:
    difference = np.abs(drawn(hero).astype(int) - hero.frames.pixels(0))
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99.9) <= 12  # one edge pixel in a thousand may be resampled visibly


def test_the_jaw_opens_the_mouth_in_proportion(hero: Face, seen: Seen) -> None:
    gaps = [gap(seen(drawn(hero, jawOpen=value))) for value in (0.0, 0.15, 0.3, 0.5)]
    assert gaps[0] < 0.012
    assert gaps == sorted(gaps)
    assert gaps[3] > 0.08


@pytest.mark.parametrize("jaw", [0.15, 0.35])
def test_mouth_close_shuts_what_the_jaw_opened(hero: Face, seen: Seen, jaw: float) -> None:
    assert gap(seen(drawn(hero, jawOpen=jaw, mouthClose=jaw))) < 0.014


def test_rounding_narrows_and_stretching_widens(hero: Face, seen: Seen) -> None:
    rest = width(seen(drawn(hero)))
    assert width(seen(drawn(hero, mouthPucker=0.8))) < 0.93 * rest
    assert width(seen(drawn(hero, mouthStretch=0.8))) > 1.03 * rest


def test_a_smile_lifts_the_corners(hero: Face) -> None:
    rest, smile = drawn(hero).astype(int), drawn(hero, mouthSmile=0.8).astype(int)
    corner = hero.frames.landmarks(0)[61].astype(int)
    box = np.s_[corner[1] - 16 : corner[1] + 10, corner[0] - 14 : corner[0] + 14]
    dark = [np.argmin(frame[box].sum(axis=2).mean(axis=1)) for frame in (rest, smile)]
    assert dark[1] < dark[0] - 2


def test_a_toothy_picture_closes(astronaut: Face, seen: Seen) -> None:
    assert gap(astronaut.frames.landmarks(0)) > 0.03
    assert gap(seen(drawn(astronaut))) < 0.02


def test_a_toothy_picture_shows_its_own_teeth_again(astronaut: Face) -> None:
    points = astronaut.frames.landmarks(0)
    teeth = points[[13, 14], :2].mean(axis=0).astype(int)
    box = np.s_[teeth[1] - 2 : teeth[1] + 2, teeth[0] - 8 : teeth[0] + 8]
    own = astronaut.frames.pixels(0)[box].mean()
    assert abs(drawn(astronaut, jawOpen=0.2)[box].mean() - own) < 45


def test_a_blink_shuts_the_eyes(hero: Face, seen: Seen) -> None:
    assert eye(seen(drawn(hero, eyeBlink=1.0))) < 0.45 * eye(seen(drawn(hero)))


@pytest.mark.parametrize("sideways", [-0.6, 0.6])
def test_gaze_moves_the_irises(hero: Face, seen: Seen, sideways: float) -> None:
    rest, turned = seen(drawn(hero)), seen(drawn(hero, gaze=(sideways, 0)))
    for iris in (468, 473):
        assert np.sign(sideways) * (turned[iris, 0] - rest[iris, 0]) > 2
    np.testing.assert_allclose(turned[[33, 263], :2], rest[[33, 263], :2], atol=5)


@pytest.mark.parametrize(
    ("pose", "axis", "sign"),
    [((0, 0.15, 0), 0, 1), ((0, -0.15, 0), 0, -1), ((0.12, 0, 0), 1, 1), ((-0.12, 0, 0), 1, -1)],
)
def test_turns_have_depth(hero: Face, seen: Seen, pose: tuple[float, float, float], axis: int, sign: int) -> None:
    rest, turned = seen(drawn(hero)), seen(drawn(hero, pose=pose))
    moved = turned - rest
    assert sign * (moved[1, axis] - moved[[234, 454], axis].mean()) > 6  # the nose's tip further than the temples


def test_roll_is_clockwise(hero: Face, seen: Seen) -> None:
    points = seen(drawn(hero, pose=(0, 0, 0.15)))
    across = points[263] - points[33]
    assert 0.09 < np.arctan2(across[1], across[0]) < 0.21


def test_nothing_outside_the_head_moves(hero: Face) -> None:
    frames = [
        drawn(hero, pose=pose, jawOpen=jaw, eyeBlink=1).astype(int)
        for pose, jaw in (((0.05, 0.08, 0.04), 0.3), ((-0.05, -0.08, -0.04), 0.0), ((0.08, 0, 0.06), 0.5))
    ]
    points = hero.frames.landmarks(0)
    face = points[454, 0] - points[234, 0]
    still = np.ones(frames[0].shape[:2], bool)
    left, right = int(points[234, 0] - 0.45 * face), int(points[454, 0] + 0.45 * face)
    still[: int(points[152, 1] + 0.52 * face), left:right] = False
    assert still.mean() > 0.4
    for frame in frames[1:]:
        assert np.abs(frame - frames[0])[still].max() <= 2  # rounding
    np.testing.assert_array_equal(frames[0][:, :60], hero.frames.pixels(0)[:, :60])


def test_no_edge_shows_where_parts_are_joined(hero: Face) -> None:
    """The mouth's and the eyes' pieces end in smooth skin: no straight step may be seen there."""
    plain, moved = drawn(hero, jawOpen=0.02), drawn(hero, jawOpen=0.25, mouthPucker=0.3, eyeBlink=0.3)
    points = hero.frames.landmarks(0)
    left, right = points[50, 0] - 10, points[280, 0] + 10
    box = np.s_[int(points[1, 1]) : int(points[152, 1]) - 10, int(left) : int(right)]

    def straight_steps(frame: Pixels) -> float:
        grey = frame[box].astype(float).mean(axis=2)
        down = np.abs(np.median(np.diff(grey, axis=0), axis=1)).max()
        across = np.abs(np.median(np.diff(grey, axis=1), axis=0)).max()
        return float(max(down, across))

    assert straight_steps(moved) < straight_steps(plain) + 2.5


@pytest.mark.parametrize("pose", [(0, 20, 0), (0, -20, 0), (12, 0, 0), (8, 18, 10)])
def test_a_turned_mouth_that_hardly_moves_changes_hardly_anything(hero: Face, pose: tuple[float, float, float]) -> None:
    """At its far side a turn shows what lies beyond the mouth's own piece: jaw and collar, where the head has them."""
    turn = (float(np.radians(pose[0])), float(np.radians(pose[1])), float(np.radians(pose[2])))
    still, moved = (drawn(hero, pose=turn, mouthSmile=smile).astype(int) for smile in (0, 0.02))
    assert 0 < np.abs(moved - still).max() < 30


def test_lips_do_not_pass_through_each_other(hero: Face) -> None:
    """Coefficients that press the lips together leave them shut, not swallowed."""
    shut = drawn(hero, mouthClose=0.0).astype(int)
    pressed = drawn(hero, jawOpen=0.1, mouthClose=0.5).astype(int)
    points = hero.frames.landmarks(0)
    box = np.s_[int(points[0, 1]) : int(points[17, 1]), int(points[61, 0]) : int(points[291, 0])]
    red = [(frame[box][..., 2] - frame[box][..., 1]).mean() for frame in (shut, pressed)]
    assert red[1] > 0.8 * red[0]


def test_a_face_without_a_matte_moves_too(hero: Face) -> None:
    bare = Face(hero.name, hero.frames, None, None)
    frame, picture = drawn(bare, pose=(0, 0.1, 0), jawOpen=0.3), hero.frames.pixels(0)
    assert np.abs(frame.astype(int) - picture).mean() > 1
    np.testing.assert_array_equal(frame[:8], picture[:8])


def test_a_videos_mouth_is_set_to_what_is_said(seen: Seen) -> None:
    """Whatever the person in the video does with the mouth, rest is shut and an open jaw is open."""
    video = prepare_face(FaceOptions(SAMPLES / "driving.mp4", size=320))
    engine = MeshEngine()
    prepared = engine.prepare(video)
    own = [gap(video.frames.landmarks(i)) for i in range(len(video.frames))]
    widest = int(np.argmax(own))
    shut, opened = engine.render(
        [Job(prepared, widest, Motion()), Job(prepared, widest, Motion(coefficients(jawOpen=0.4)))]
    )
    assert own[widest] > 0.04
    assert gap(seen(shut)) < 0.6 * own[widest]
    assert gap(seen(opened)) > 0.05


@pytest.mark.parametrize("size", [96, 200, 1024])
def test_all_sizes(size: int) -> None:
    face = prepare_face(FaceOptions(SAMPLES / "hero.png", size=size))
    frame = drawn(face, pose=(0.03, 0.05, 0.02), jawOpen=0.3, eyeBlink=0.5, gaze=(0.3, 0.1))
    assert frame.shape == (size, size, 3)
