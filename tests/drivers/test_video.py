from __future__ import annotations

import numpy as np
import pytest

from txt2vid.core.motion import INDEX, TURN_LIMITS, Motion, coefficients
from txt2vid.drivers.hero import for_hero
from txt2vid.drivers.neutral import _BROWS, USUAL_BROWS, openings
from txt2vid.drivers.video import FADE, RETURN, VideoDriver
from txt2vid.faces.canonical import canonical
from txt2vid.faces.face import Landmarks
from txt2vid.faces.geometry import measure
from txt2vid.faces.head import Points, head_of
from txt2vid.faces.landmarks import CHIN, FOREHEAD_TOP
from txt2vid.faces.shapes import Shapes

FPS = 25


def turned(pitch: float, yaw: float, roll: float) -> Points:
    p, y, r = np.radians((pitch, -yaw, roll))
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    made: Points = tilt @ turn @ nod
    return made


class Person:
    """Someone of other proportions than the average, whose face does what is asked, anywhere in a picture.

    Brows are where people have them, not where the drawn average face has.
    """

    def __init__(self, stretch: tuple[float, float, float] = (1.08, 0.95, 1.0)) -> None:
        self._face = (canonical() * (400, 400, 400) * stretch).astype(np.float32)
        self._face[_BROWS, 1] += USUAL_BROWS * float(self._face[CHIN, 1] - self._face[FOREHEAD_TOP, 1])
        self._shapes = Shapes(self._face, measure(self._face)).displacements

    def __call__(self, pose: tuple[float, float, float] = (0, 0, 0), **values: float) -> Landmarks:
        face = self._face + np.tensordot(coefficients(**values), self._shapes, axes=1)
        moved: Landmarks = (face @ turned(*pose).T + (320, 240, 0)).astype(np.float32)
        return moved


@pytest.fixture(scope="module")
def person() -> Person:
    return Person()


@pytest.fixture
def driver(person: Person) -> VideoDriver:
    """One that has seen the person rest, and present."""
    driver = VideoDriver()
    driver.learn([person()] * 60)
    for i in range(FPS):
        driver.drive(person(), i / FPS - 1)
    return driver


def held(driver: VideoDriver, landmarks: Landmarks | None, start: float = 0.0, frames: int = FPS) -> Motion:
    """The motion after that many frames of the same."""
    return [driver.drive(landmarks, start + i / FPS) for i in range(frames)][-1]


@pytest.mark.parametrize(
    "values",
    [
        {"jawOpen": 0.5}, {"mouthPucker": 0.7}, {"mouthSmile": 0.6}, {"jawOpen": 0.3, "mouthUpperUp": 0.6},
        {"mouthSmileLeft": 0.7}, {"browDown": 0.8}, {"browInnerUp": 0.8}, {"mouthFrown": 0.6},
    ],
)  # fmt: skip
@pytest.mark.parametrize("pose", [(0.0, 0.0, 0.0), (10.0, -20.0, 8.0)])
def test_what_a_face_does_is_told_whatever_its_pose(
    driver: VideoDriver, person: Person, values: dict[str, float], pose: tuple[float, float, float]
) -> None:
    found = held(driver, person(pose, **values)).blendshapes
    wanted = coefficients(**values)
    for index in np.flatnonzero(wanted):
        assert found[index] == pytest.approx(wanted[index], abs=0.15)
    others = np.delete(found, np.flatnonzero(wanted))
    assert others.max() < 0.25


def test_the_pose_is_told_against_the_persons_own(person: Person) -> None:
    driver = VideoDriver()
    driver.learn([person((5, 15, 0))] * 60)
    held(driver, person((5, 15, 0)), -1.0)
    motion = held(driver, person((5, 27, 0)))
    assert np.degrees(motion.rotation) == pytest.approx([0, 12, 0], abs=1.5)


@pytest.mark.parametrize(("side", "other"), [("Left", "Right"), ("Right", "Left")])
def test_one_eye_shuts(driver: VideoDriver, person: Person, side: str, other: str) -> None:
    motion = held(driver, person((0, 0, 0), **{f"eyeBlink{side}": 1.0}))
    assert motion[f"eyeBlink{side}"] > 0.9
    assert motion[f"eyeBlink{other}"] < 0.1


def test_a_person_at_rest_moves_nothing(driver: VideoDriver, person: Person) -> None:
    motion = held(driver, person())
    assert motion.blendshapes.max() < 0.08
    assert np.abs(np.degrees(motion.rotation)).max() < 0.5
    assert np.abs(motion.translation).max() < 0.01
    assert np.abs(motion.gaze).max() < 0.05


def test_a_still_person_is_a_still_hero_in_spite_of_noise(driver: VideoDriver, person: Person) -> None:
    draw = np.random.default_rng(3)
    motions = [
        driver.drive(person() + draw.normal(0, 0.4, (478, 3)).astype(np.float32), i / FPS) for i in range(4 * FPS)
    ]
    late = np.array([motion.rotation for motion in motions[FPS:]])
    assert np.degrees(late.std(axis=0)).max() < 0.15
    assert np.array([motion["jawOpen"] for motion in motions[FPS:]]).std() < 0.01


def test_rest_is_found_among_speech(person: Person) -> None:
    """Lips that hardly ever shut, blinks in between: rest is neither the mean nor the first frame."""
    wave = np.abs(np.sin(np.arange(250) / 4))
    frames = [person(jawOpen=0.5 * w, mouthSmile=0.2 * w, eyeBlink=float(i % 40 < 4)) for i, w in enumerate(wave)]
    driver = VideoDriver()
    driver.learn(frames)
    held(driver, person(), -1.0)
    assert held(driver, person()).blendshapes.max() < 0.15


@pytest.mark.parametrize("lower", [0.0, 0.4])
def test_who_never_shuts_their_lips_does_not_scowl(person: Person, lower: float) -> None:
    """Brows are told against the person's own, as soon as they are seen, not against a drawn face's, which are high."""
    wave = np.abs(np.sin(np.arange(100) / 4))
    frames = [person(jawOpen=0.25 + 0.4 * w, browDown=lower) for w in wave]
    driver = VideoDriver()
    driver.learn(frames)
    motion = held(driver, frames[-1])
    assert max(motion["browDownLeft"], motion["browOuterUpLeft"], motion["browInnerUp"]) < 0.1
    assert held(driver, person(browDown=lower + 0.5))["browDownLeft"] > 0.35


def test_what_lasts_from_start_to_end_is_told_against_a_face_at_rest_that_is_given(person: Person) -> None:
    """Brows that are always low are the person's own, unless their face at rest shows that they are not."""
    told = {}
    for given in (None, person((0, 8, 0))):
        driver = VideoDriver(learns=True, neutral=given)
        driver.learn([person(browDown=0.7, mouthSmile=0.5)] * 60)
        told[given is None] = held(driver, person(browDown=0.7, mouthSmile=0.5))
    assert told[True]["browDownLeft"] < 0.1
    assert told[False]["browDownLeft"] > 0.5
    assert told[False]["mouthSmileLeft"] > 0.35 > told[True]["mouthSmileLeft"]
    assert np.degrees(np.abs(told[False].rotation).max()) < 1, "the pose is told against the video's own all the same"


def test_a_lost_face_fades_and_returns_without_a_jump(driver: VideoDriver, person: Person) -> None:
    shown, opened = [], person((0, 15, 0), jawOpen=0.5)
    for i in range(6 * FPS):
        seen = opened if i < 2 * FPS or i >= 4 * FPS else None
        motion = driver.drive(seen, i / FPS)
        shown.append((motion["jawOpen"], float(motion.rotation[1]), driver.presence))
        if i == 2 * FPS + 1:
            assert driver.presence == 1  # a frame or two that were missed do not count
    jaw, yaw, presence = np.array(shown).T
    gone = slice(3 * FPS, 4 * FPS)
    assert jaw[gone].max() == yaw[gone].max() == presence[gone].max() == 0
    assert jaw[-1] == pytest.approx(0.5, abs=0.1)
    assert presence[-1] == 1
    after = np.abs(np.diff(jaw))[2 * FPS :]
    assert after.max() < 0.5 * 2.5 / (min(FADE, RETURN) * FPS)


def test_nothing_seen_at_all_moves_nothing() -> None:
    driver = VideoDriver()
    motion = held(driver, None)
    assert driver.presence == 0
    assert not motion.blendshapes.any()
    assert not motion.rotation.any()


def test_landmarks_that_are_none_count_as_no_face(driver: VideoDriver) -> None:
    held(driver, np.full((478, 3), np.nan, np.float32), frames=3 * FPS)
    assert driver.presence == 0


def test_a_picture_is_compared_to_the_average_face(person: Person) -> None:
    driver = VideoDriver(single=True)
    motion = driver.drive(person((0, 10, 0), jawOpen=0.6, eyeBlinkLeft=1.0), 0.0)
    assert motion["jawOpen"] == pytest.approx(0.6, abs=0.2)
    assert motion["eyeBlinkLeft"] > 0.8
    assert motion["eyeBlinkRight"] < 0.3
    assert np.degrees(motion.rotation[1]) == pytest.approx(10, abs=3)


def test_a_picture_is_compared_to_a_face_at_rest_that_is_given() -> None:
    other = Person((1.25, 0.85, 1.0))
    driver = VideoDriver(single=True, neutral=other((0, 4, 0)))
    motion = driver.drive(other((0, 10, 0), jawOpen=0.5), 0.0)
    assert motion["jawOpen"] == pytest.approx(0.5, abs=0.1)
    assert np.sort(motion.blendshapes)[-2] < 0.15
    assert np.degrees(motion.rotation[1]) == pytest.approx(6, abs=1)
    assert np.abs(motion.gaze).max() < 1e-3


def test_an_eye_is_measured_by_its_opening(person: Person) -> None:
    head = head_of(person())
    shut = head_of(person(eyeBlinkLeft=1.0))
    assert head is not None
    assert shut is not None
    assert openings(shut.points)[0] < 0.2 * openings(head.points)[0]
    assert openings(shut.points)[1] == pytest.approx(openings(head.points)[1], rel=0.05)


@pytest.mark.parametrize("degrees", [-170.0, -20.0, 3.0, 60.0])
def test_a_heros_head_turns_no_further_than_its_picture_allows(degrees: float) -> None:
    seen = Motion(rotation=np.radians([degrees] * 3).astype(np.float32), translation=np.full(3, 9, np.float32))
    hero = for_hero(seen)
    assert (np.abs(hero.rotation) <= np.array(TURN_LIMITS) + 1e-6).all()
    assert np.sign(hero.rotation).tolist() == [np.sign(degrees)] * 3
    assert np.abs(hero.translation).max() < 0.2
    assert not for_hero(seen, pose=0).rotation.any()


def test_drawn_lids_are_shut_further_until_they_are_shut() -> None:
    half, full = (for_hero(Motion(coefficients(eyeBlink=value)))["eyeBlinkLeft"] for value in (0.4, 1.0))
    assert 0.45 < half < 0.65
    assert full == 1
    assert INDEX["eyeBlinkLeft"] == 0


@pytest.mark.parametrize("down", [-1.0, 0.0, 0.4, 1.0])
def test_lids_shut_wherever_the_eyes_look_behind_them(down: float) -> None:
    seen = Motion(coefficients(eyeBlink=1.0), gaze=np.array((0, down), np.float32))
    assert for_hero(seen)["eyeBlinkRight"] == 1
    opened = Motion(coefficients(eyeBlink=0.1), gaze=np.array((0, down), np.float32))
    assert for_hero(opened)["eyeBlinkRight"] < 0.16
