"""Moods and gestures over time, and beside speech: smooth, within limits, and gone when they have passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.expressions import GESTURES, MOODS, OWN, Cue
from txt2vid.core.motion import INDEX, Motion, coefficients
from txt2vid.drivers import expressions, moods
from txt2vid.drivers.expressions import ExpressionDriver, closure
from txt2vid.drivers.idle import ROLL, YAW
from txt2vid.drivers.phonemes import close_lips

Table = NDArray[np.float32]
NAMES = [*MOODS, *GESTURES]


def silent(_time: float) -> Motion:
    return Motion()


def shown(driver: ExpressionDriver, seconds: float, fps: Fraction | int = 25,
          spoken: Callable[[float], Motion] = silent, start: float = 0) -> list[Motion]:  # fmt: skip
    rate = Fraction(fps)
    frames = [FrameTime(i, rate) for i in range(round(start * rate), round((start + seconds) * rate))]
    return [driver.over(frame, spoken(float(frame.time))) for frame in frames]


def table(motions: Sequence[Motion]) -> Table:
    return np.array([np.concatenate((m.blendshapes, m.rotation, m.gaze)) for m in motions])


def test_every_name_has_a_face() -> None:
    assert set(moods.MOODS) == set(MOODS)
    assert set(moods.GESTURES) == set(GESTURES)


@pytest.mark.parametrize("name", NAMES)
def test_it_comes_smoothly_stays_in_limits_and_goes(name: str) -> None:
    driver = ExpressionDriver()
    driver.feed(Cue(name), 0.5)
    driver.feed(Cue(OWN), 3.5)
    motions = table(shown(driver, 6, 100))
    assert not motions[:35].any()
    assert not motions[-80:].any()
    if name != "neutral":
        assert np.abs(motions).max() > 0.05
    assert motions[:, :52].min() >= 0
    assert motions[:, :52].max() <= 1
    assert np.abs(motions[:, 52:55]).max() < np.radians(12)
    assert np.abs(motions[:, 55:]).max() <= 1
    speed = np.abs(np.diff(motions[:, :52], axis=0)).max() * 100
    assert speed < (20 if name in ("blink", "wink") else 8)  # a second; a lid shuts in a tenth
    assert np.abs(np.diff(motions[:, 52:55], axis=0)).max() * 100 < np.radians(90)
    bend = np.abs(np.diff(motions[:, :52], 2, axis=0)).max()
    assert bend < (0.06 if name in ("blink", "wink") else 0.02)  # no corner


@pytest.mark.parametrize("name", [*MOODS])
def test_a_mood_is_held(name: str) -> None:
    driver = ExpressionDriver(Cue(name, 0.5))
    motions = table(shown(driver, 20))
    whole = moods.MOODS[name]
    np.testing.assert_allclose(motions[0, :52], 0.5 * whole.face[:52] * 1.0, atol=0.02)  # there from the first frame
    np.testing.assert_allclose(motions[-1, :52], 0.5 * whole.sustain * whole.face[:52], atol=0.01)


def test_frame_rates_show_the_same() -> None:
    motions = []
    for fps in (25, 50, Fraction(30000, 1001)):
        driver = ExpressionDriver()
        for i, name in enumerate(("joy", "nod", "anger", "look left", OWN)):
            driver.feed(Cue(name), 0.4 + 0.7 * i)
        told = table(shown(driver, 5, fps))
        middles = (np.arange(len(told)) + 0.5) / float(fps)
        grid = np.arange(0.1, 4.8, 0.04)
        motions.append(np.array([np.interp(grid, middles, column) for column in told.T]))
    assert np.abs(motions[0] - motions[1]).max() < 0.03
    assert np.abs(motions[0] - motions[2]).max() < 0.03


def test_strength_counts_in_proportion() -> None:
    full, half = ExpressionDriver(Cue("joy")), ExpressionDriver(Cue("joy", 0.5))
    np.testing.assert_allclose(table(shown(half, 1)), table(shown(full, 1)) / 2, atol=1e-6)


def test_neutral_hides_the_mood_of_the_whole_and_gives_it_back() -> None:
    driver = ExpressionDriver(Cue("joy"))
    driver.feed(Cue("neutral"), 2)
    driver.feed(Cue(OWN), 5)
    smile = table(shown(driver, 8))[:, INDEX["mouthSmileLeft"]]
    assert smile[40] > 0.7
    assert smile[100] < 0.01
    assert smile[-1] > 0.7


def test_moods_go_into_each_other_without_rest() -> None:
    driver = ExpressionDriver()
    driver.feed(Cue("joy"), 1)
    driver.feed(Cue("smile"), 3)
    smile = table(shown(driver, 5))[:, INDEX["mouthSmileLeft"]]
    assert smile[40:].min() > 0.6


def test_a_mood_with_seconds_passes() -> None:
    driver = ExpressionDriver(Cue("smile"))
    driver.base(Cue("anger", 1.0, 2.0), 1.0)
    brows = table(shown(driver, 6))[:, INDEX["browDownLeft"]]
    assert brows[60] > 0.8
    assert brows[-1] == 0


def test_gestures_are_held_as_long_as_asked() -> None:
    long, short = ExpressionDriver(), ExpressionDriver()
    long.gesture(Cue("look left", 1.0, 4.0), 0.0)
    short.gesture(Cue("look left", 1.0, 0.1), 0.0)
    gaze = table(shown(long, 6))[:, 55], table(shown(short, 6))[:, 55]
    assert (gaze[0] > 0.7).sum() / 25 == pytest.approx(3.5, abs=0.3)
    assert gaze[1].max() > 0.7
    assert not gaze[0][105:].any()
    assert not gaze[1][30:].any()


def test_left_is_the_faces_own() -> None:
    for name, gaze, turn in (("look left", 1, 1), ("look right", -1, -1)):
        driver = ExpressionDriver()
        driver.gesture(Cue(name), 0)
        motions = shown(driver, 1)
        assert motions[15].gaze[0] * gaze > 0.5
        assert motions[15].rotation[1] * turn > YAW
    driver = ExpressionDriver()
    driver.gesture(Cue("wink"), 0)
    wink = shown(driver, 1)[7]
    assert (wink["eyeBlinkLeft"] > 0.9, wink["eyeBlinkRight"]) == (True, 0.0)
    assert wink.rotation[2] > ROLL


def test_an_interruption_drops_what_waits() -> None:
    driver = ExpressionDriver()
    driver.feed(Cue("joy"), 0.5)
    driver.feed(Cue("anger"), 3)
    driver.feed(Cue("nod"), 3)
    shown(driver, 2)
    driver.cut(2.0)
    motions = table(shown(driver, 4, start=2.0))
    assert motions[0, INDEX["mouthSmileLeft"]] > 0.5
    assert motions[:, INDEX["browDownLeft"]].max() == 0
    assert not motions[25:].any()


def test_a_mood_lapses_unless_the_text_goes_on() -> None:
    ended, goes_on = ExpressionDriver(), ExpressionDriver()
    for driver in (ended, goes_on):
        driver.feed(Cue("joy"), 0.5)
        driver.lapse(2)
    shown(goes_on, 1)
    goes_on.keep(1.5)
    assert not shown(ended, 4)[-1].blendshapes.any()
    assert shown(goes_on, 3, start=1.0)[-1]["mouthSmileLeft"] > 0.7


def saying(**shapes: float) -> Callable[[float], Motion]:
    vector = coefficients(**shapes).astype(float)
    return lambda _time: Motion(vector.astype(np.float32))


def shut(jaw: float) -> Callable[[float], Motion]:
    vector = coefficients(jawOpen=jaw).astype(float)
    close_lips(vector, 1.0)
    return lambda _time: Motion(vector.astype(np.float32))


@pytest.mark.parametrize("name", [*MOODS])
@pytest.mark.parametrize("jaw", [0.0, 0.08, 0.3])
def test_closed_lips_stay_closed(name: str, jaw: float) -> None:
    motion = shown(ExpressionDriver(Cue(name)), 2, spoken=shut(jaw))[-1]
    assert motion["jawOpen"] - motion["mouthClose"] < 0.005
    for parting in ("mouthFunnel", "mouthUpperUpLeft", "mouthLowerDownRight"):
        assert motion[parting] < 0.005


def test_a_smile_keeps_its_corners_while_vowels_open() -> None:
    rest = shown(ExpressionDriver(Cue("joy")), 2)[-1]
    vowel = shown(ExpressionDriver(Cue("joy")), 2, spoken=saying(jawOpen=0.4))[-1]
    assert vowel["mouthSmileLeft"] == pytest.approx(rest["mouthSmileLeft"], rel=0.01)
    assert 0.4 <= vowel["jawOpen"] < 0.45
    rounded = shown(ExpressionDriver(Cue("joy")), 2, spoken=saying(mouthPucker=0.8, mouthFunnel=0.4))[-1]
    assert rounded["mouthSmileLeft"] < 0.8 * rest["mouthSmileLeft"]


def test_surprise_does_not_drop_a_jaw_that_speaks() -> None:
    rest = shown(ExpressionDriver(Cue("surprise")), 0.4)[-1]
    vowel = shown(ExpressionDriver(Cue("surprise")), 0.4, spoken=saying(jawOpen=0.4))[-1]
    assert rest["jawOpen"] > 0.25
    assert vowel["jawOpen"] < 0.5
    assert vowel["browInnerUp"] == rest["browInnerUp"]


def test_a_videos_face_shows_it_with_its_mouth_alone() -> None:
    motion = shown(ExpressionDriver(Cue("joy"), mouth_only=True), 1)[-1]
    assert motion["mouthSmileLeft"] > 0.7
    assert motion["eyeSquintLeft"] == 0
    assert not motion.rotation.any()


def test_closure_is_read_off_what_closes() -> None:
    assert closure(shut(0.2)(0)) == pytest.approx(1)
    assert closure(shut(0.0)(0)) == pytest.approx(1)
    assert closure(saying(jawOpen=0.3)(0)) == 0


cues = st.builds(Cue, st.sampled_from([*NAMES, OWN]), st.floats(0, 1), st.none() | st.floats(0.05, 3))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 3), cues, st.booleans()), max_size=60))
def test_any_score_stays_in_limits_and_ends(score: list[tuple[float, Cue, bool]]) -> None:
    driver = ExpressionDriver()
    for at, cue, whole in score:
        if whole and cue.is_mood:
            driver.base(cue, at)
        else:
            driver.feed(cue, at)
    driver.base(None, 4)
    driver.lapse(4)
    motions = table(shown(driver, 12, spoken=saying(jawOpen=0.3)))
    assert np.isfinite(motions).all()
    assert motions[:, :52].min() >= 0
    assert motions[:, :52].max() <= 1
    assert np.abs(motions[:, 52:55]).max() < np.radians(90)
    assert np.abs(motions[:, 55:]).max() <= 1
    np.testing.assert_allclose(motions[-1], table([saying(jawOpen=0.3)(0)])[0], atol=1e-6)


def test_a_flood_is_bounded() -> None:
    driver = ExpressionDriver()
    for i in range(5000):
        driver.feed(Cue("joy" if i % 2 else "nod"), 100 + i)
        driver.base(Cue("anger"), i / 1000)
    assert len(driver._gestures) <= expressions.MAX_WAITING
    assert len(driver._moods._turns) <= expressions.MAX_WAITING
    shown(driver, 1)
    assert len(driver._base._turns) <= expressions.MAX_WAITING
