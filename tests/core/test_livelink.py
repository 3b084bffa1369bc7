from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from txt2vid.core.livelink import ANGLES, COEFFICIENTS, COLUMNS, EYE_TURN, Take, TakeWriter, parse_take, timecode
from txt2vid.core.motion import BLENDSHAPES, Motion, coefficients
from txt2vid.errors import MediaError

F32 = np.float32


def motions(count: int) -> Iterator[Motion]:
    rng = np.random.default_rng(7)
    looks = [i for i, name in enumerate(BLENDSHAPES) if name.startswith("eyeLook")]
    for _ in range(count):
        blendshapes = rng.uniform(0, 1, 52).astype(F32)
        blendshapes[looks] = 0  # gaze says it
        yield Motion(blendshapes, rng.uniform(-0.5, 0.5, 3).astype(F32), gaze=rng.uniform(-1, 1, 2).astype(F32))


def written(fps: Fraction, count: int = 100) -> str:
    file = io.StringIO(newline="")
    writer = TakeWriter(file)
    for i, motion in enumerate(motions(count)):
        writer.write(i / fps, motion)
    return file.getvalue()


def parsed(text: str) -> Take:
    return parse_take(io.StringIO(text), "take.csv")


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(7)])
def test_what_is_written_is_read(fps: Fraction) -> None:
    take = parsed(written(fps))
    assert take.missing == ()
    assert take.clipped == 0
    assert np.abs(take.times - np.arange(100) / float(fps)).max() < 2e-5
    assert take.duration == pytest.approx(100 / float(fps), abs=1e-3)
    for time, motion in zip(take.times, motions(100), strict=True):
        read = take.at(float(time))
        assert np.abs(read.blendshapes - motion.blendshapes).max() < 1e-6
        assert np.abs(read.rotation - motion.rotation).max() < 1e-6
        assert np.abs(read.gaze - motion.gaze).max() < 1e-6


def test_layout() -> None:
    lines = written(Fraction(25)).splitlines()
    assert lines[0].startswith("Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,")
    assert lines[0].endswith("NoseSneerRight,TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,"
                             "RightEyeYaw,RightEyePitch,RightEyeRoll")  # fmt: skip
    assert lines[1].startswith("00:00:00:00.000,61,")
    assert lines[27].startswith("00:00:01:02.400,61,")
    assert all(line.count(",") == 62 for line in lines)


def test_timecodes() -> None:
    assert timecode(Fraction(3661) + Fraction(59, 60)) == "01:01:01:59.000"
    assert timecode(Fraction(1, 30)) == "00:00:00:02.000"
    assert timecode(1 - Fraction(1, 10**6)) == "00:00:01:00.000"
    assert timecode(Fraction(25 * 3600)) == "01:00:00:00.000"


def test_gaze_is_told_by_coefficients_as_well() -> None:
    file = io.StringIO(newline="")
    TakeWriter(file).write(Fraction(0), Motion(gaze=np.array([0.5, -0.25], F32)))
    header, row = (line.split(",") for line in file.getvalue().splitlines())
    cells = dict(zip(header, row, strict=True))
    told = {name: float(cells[name]) for name in COEFFICIENTS if float(cells[name])}
    assert told == {"EyeLookOutLeft": 0.5, "EyeLookInRight": 0.5, "EyeLookUpLeft": 0.25, "EyeLookUpRight": 0.25}
    assert float(cells["LeftEyeYaw"]) == pytest.approx(0.5 * EYE_TURN, abs=1e-6)
    take = parsed(file.getvalue())
    assert not take.at(0).blendshapes.any()
    assert take.at(0).gaze == pytest.approx([0.5, -0.25], abs=1e-6)


def test_coefficients_say_where_eyes_look_if_angles_do_not() -> None:
    take = parsed("Timecode,EyeLookOutLeft,EyeLookInRight\n00:00:00:00.000,0.5,0.5\n")
    assert np.array_equal(take.at(0).blendshapes, coefficients(eyeLookOutLeft=0.5, eyeLookInRight=0.5))
    assert not take.at(0).gaze.any()


def test_other_order_case_and_columns() -> None:
    text = "\ufeffjawopen,Foo,HeadYaw,TIMECODE\n0.25,x,0.1,10:00:00:00.000\n0.75,y,0.3,10:00:00:30.000\n"
    take = parsed(text)
    assert take.at(0)["jawOpen"] == 0.25
    assert take.at(0.25)["jawOpen"] == 0.5
    assert take.at(0.25).rotation == pytest.approx([0, 0.2, 0])
    assert take.at(-5)["jawOpen"] == 0.25
    assert take.at(99)["jawOpen"] == 0.75
    assert len(take.missing) == len(COEFFICIENTS) + len(ANGLES) - 2
    assert "TongueOut" in take.missing


def test_out_of_range() -> None:
    take = parsed("Timecode,JawOpen,HeadYaw\n0:0:0:0,-0.5,20\n0:0:0:1,1.5,-10\n0:0:0:2,0.5,0\n")
    assert take.clipped == 2
    assert [take.at(t / 60)["jawOpen"] for t in range(3)] == pytest.approx([0, 1, 0.5])
    assert take.at(0).rotation[1] == pytest.approx(np.radians(20))  # 20 radians are none: they are degrees


def test_past_midnight_and_twice_at_once() -> None:
    text = "Timecode,JawOpen\n23:59:59:30.0,0\n23:59:59:30.0,0.5\n00:00:00:30.0,1\n"
    take = parsed(text)
    assert take.times == pytest.approx([0, 1])
    assert take.at(0)["jawOpen"] == 0.5


GOOD = "Timecode,JawOpen\n00:00:00:00.000,0\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no recording of Live Link Face"),
        ("hello\nworld\n", "no recording of Live Link Face"),
        ("JawOpen\n1\n", "no column Timecode"),
        ("Timecode,Foo\n0:0:0:0,1\n", "no column EyeBlinkLeft"),
        ("Timecode,JawOpen\n", "no frames"),
        ("Timecode,JawOpen,JawOpen\n0:0:0:0,1,1\n", "two columns JawOpen"),
        (GOOD + "00:00:00:01.000\n", "line 3: JawOpen: the row ends too early"),
        (GOOD + "00:00:00:01.000,nan\n", "'nan' is no number"),
        (GOOD + "00:00:00:01.000,inf\n", "'inf' is no number"),
        (GOOD + "00:00:00:01.000,much\n", "'much' is no number"),
        (GOOD + "soon,1\n", "'soon' is no timecode"),
        (GOOD + "00:00:00:999,1\n", "999 frames a second"),
        ("Timecode,JawOpen\n00:00:09:00.0,0\n00:00:08:00.0,0\n", "time goes back at 00:00:08:00.0"),
        (GOOD + '"00:00', "is not a CSV file"),
        ("Timecode,JawOpen\n\0\0\0,1\n", "is no timecode|is not a CSV file"),
    ],
)  # fmt: skip
def test_damage_is_named(text: str, words: str) -> None:
    with pytest.raises(MediaError, match=words) as caught:
        parsed(text)
    assert "take.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_columns_are_known() -> None:
    assert len(COLUMNS) == 2 + 52 + 9
