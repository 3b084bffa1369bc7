from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.score.conftest import Cut
from txt2vid.errors import AudioError, FaceError, MediaError, Txt2VidError
from txt2vid.score.plot import draw
from txt2vid.score.result import Score
from txt2vid.score.score import Measured, measure, score

FAST = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-c:a", "aac")


def scored(path: Path) -> Score:
    return score(measure(path))


@pytest.fixture(scope="module")
def own(speaking: Path) -> Measured:
    return measure(speaking)


def test_own_render(own: Measured) -> None:
    found = score(own)
    assert found.sync.offset_ms == pytest.approx(0, abs=15)
    assert found.sync.correlation is not None
    assert found.sync.correlation > 0.6  # the yardstick is another driver than the one that drew it
    assert found.sync.better_than == 1
    assert (found.fps, found.width, found.height, found.variable_fps) == (25, 192, 192, False)
    assert (found.detected, found.profiles) == (1, 0)
    assert found.seconds == pytest.approx(found.sound_seconds, abs=0.05)
    assert 2.5 < found.speech_seconds < found.sound_seconds - 1
    mouth = found.mouth
    assert mouth.gap_by_height is not None
    assert mouth.gap_by_width is not None
    assert 0.02 < mouth.gap_by_height["p90"] < 0.15
    assert mouth.gap_by_width["p90"] > 2 * mouth.gap_by_height["p90"]
    assert mouth.silence_share is not None
    assert mouth.silence_share < 0.3
    assert found.jitter.face is not None
    assert 0 < found.jitter.face < 3
    assert json.loads(found.json())["sync"]["confident"] is True


@pytest.mark.slow
@pytest.mark.parametrize("ms", [-180, -60, 90, 250])
def test_shifted_sound(speaking: Path, cut: Cut, ms: int) -> None:
    """A picture that starts so much later than its sound, exactly: timestamps move, no frame does."""
    picture = ("-itsoffset", max(0, ms / 1000), "-i", speaking)
    sound = ("-itsoffset", max(0, -ms / 1000), "-i", speaking)
    path = cut("shifted.mkv", *picture, *sound, "-map", "0:v", "-map", "1:a", "-c", "copy")
    assert scored(path).sync.offset_ms == pytest.approx(ms, abs=15)


@pytest.mark.slow
def test_uneven_frames(speaking: Path, cut: Cut) -> None:
    """A third of the frames is missing, those that are there keep their times."""
    keep = "select='not(eq(mod(n,5),1))*not(eq(mod(n,7),3))'"
    path = cut("uneven.mkv", "-i", speaking, "-vf", keep, "-vsync", "vfr", *FAST)
    found = scored(path)
    assert found.fps < 20
    assert found.sync.offset_ms == pytest.approx(0, abs=15)
    assert found.sync.correlation is not None
    assert found.sync.correlation > 0.6


@pytest.mark.slow
def test_reference_of_another_rate_and_size(own: Measured, speaking: Path, cut: Cut) -> None:
    path = cut("other.mp4", "-i", speaking, "-vf", "fps=50,scale=256:256", "-t", 4, *FAST)
    found = score(own, measure(path)).reference
    assert found is not None
    assert found.seconds == pytest.approx(4, abs=0.1)
    for likeness in (found.gap, found.width, found.sound):
        assert likeness.correlation is not None
        assert likeness.correlation > 0.85
        assert likeness.lag_ms == pytest.approx(0, abs=15)  # the fps filter may move a frame by half of one


def test_silence(speaking: Path, cut: Cut) -> None:
    path = cut("silent.mp4", "-t", 2, "-i", speaking, "-af", "volume=0", *FAST)
    found = scored(path)
    assert (found.sync.offset_ms, found.sync.why) == (None, "nobody speaks")
    assert found.mouth.gap_by_height is None
    assert found.mouth.silence_motion is not None
    assert found.mouth.silence_share is None
    json.loads(found.json())


def test_still_picture(hero: Path, voice: Path, cut: Cut) -> None:
    path = cut("still.mp4", "-loop", 1, "-i", hero, "-i", voice, "-vf", "scale=160:160", "-r", 10, "-t", 3, *FAST)
    found = scored(path)
    assert found.sync.offset_ms is None
    assert not found.sync.confident
    assert found.sync.why
    assert found.mouth.speech_motion == pytest.approx(0, abs=0.02)


def test_one_frame(hero: Path, voice: Path, cut: Cut) -> None:
    path = cut("one.mp4", "-i", hero, "-i", voice, "-vf", "scale=160:160,trim=end_frame=1", "-t", 2, *FAST)
    found = scored(path)
    assert found.frames == 1
    assert found.sync.offset_ms is None
    assert found.jitter.face is None
    json.loads(found.json())


def test_sound_that_ends_early(speaking: Path, cut: Cut) -> None:
    path = cut("early.mp4", "-i", speaking, "-af", "atrim=end=2.5", *FAST)
    found = scored(path)
    assert found.sound_seconds == pytest.approx(2.5, abs=0.1)
    assert found.seconds > 5
    assert found.sync.best_ms == pytest.approx(0, abs=20)


def test_lost_face_and_cut(speaking: Path, cut: Cut) -> None:
    """A second of something else in the middle: the face is found again, and the cut is no movement."""
    hole = "drawbox=color=gray:t=fill:enable='between(t,1.5,2.5)'"
    found = scored(cut("hole.mp4", "-i", speaking, "-vf", hole, *FAST))
    assert found.detected == pytest.approx(1 - 25 / found.frames, abs=0.05)
    assert found.sync.offset_ms == pytest.approx(0, abs=15)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("-f", "lavfi", "-i", "testsrc=size=128x96:duration=1", *FAST, "-an"), AudioError, "holds no sound"),
        (("-f", "lavfi", "-i", "testsrc=size=128x96:duration=1", "-f", "lavfi", "-i", "sine=duration=1", *FAST),
         FaceError, "no face found"),
        (("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac"), MediaError, "no moving pictures"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored(cut: Cut, arguments: tuple[str, ...], error: type[Txt2VidError], says: str) -> None:
    with pytest.raises(error, match=says):
        measure(cut("bad.mp4", *arguments))


def test_plot(own: Measured, tmp_path: Path) -> None:
    for name, reference in (("a.png", None), ("b.svg", own)):
        draw(tmp_path / name, own, score(own), reference)
        assert (tmp_path / name).stat().st_size > 10_000
    with pytest.raises(Txt2VidError, match=r"give --plot a \.png"):
        draw(tmp_path / "a.xyz", own, score(own))
    with pytest.raises(Txt2VidError, match="cannot be written"):
        draw(tmp_path / "none" / "a.png", own, score(own))
