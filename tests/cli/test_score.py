from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ffmpeg

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def still(tmp_path: Path, hero: Path, speech: Path) -> Path:
    """The hero, who does not move, and a voice."""
    path = tmp_path / "still.mp4"
    ffmpeg("-loop", 1, "-i", hero, "-i", speech, "-vf", "scale=160:160", "-r", 10, "-t", 1.2, path)
    return path


def test_table_and_json(txt2vid: Command, tmp_path: Path, still: Path) -> None:
    done = txt2vid("score", still, "--plot", "curves.png")
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("no confident offset", "motion in silence", "frames with a face", "100.0%"):
        assert words in done.stdout
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    done = txt2vid("score", still, "--reference", still, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["video"] == str(still)
    assert (said["frames"], said["detected"]) == (pytest.approx(12, abs=3), 1)
    assert said["sync"]["offset_ms"] is None
    assert said["reference"]["sound"]["correlation"] == pytest.approx(1, abs=0.01)
    assert said["syncnet"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        ([], 2, "Missing argument 'VIDEO'"),
        (["none.mp4"], 3, "none.mp4 does not exist"),
        (["hero.png"], 3, "still picture"),
        (["voice.wav"], 3, "no moving pictures"),
        (["faceless.mp4"], 4, "no face found"),
        (["mute.mp4"], 3, "holds no sound"),
        (["voice.wav", "--plot", "voice.wav"], 2, "would be overwritten"),
        (["voice.wav", "--plot", "none/a.png"], 2, "does not exist"),
        (["faceless.mp4", "--syncnet", "voice.wav"], 5, "is no checkpoint"),
    ],
)
def test_what_cannot_be_scored(
    txt2vid: Command, tmp_path: Path, hero: Path, speech: Path, arguments: list[str], code: int, why: str
) -> None:
    (tmp_path / "hero.png").symlink_to(hero)
    (tmp_path / "voice.wav").symlink_to(speech)
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=128x96:duration=0.4", "-i", speech, tmp_path / "faceless.mp4")
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=128x96:duration=0.4", tmp_path / "mute.mp4")
    done = txt2vid("score", *arguments)
    assert done.returncode == code, done.stderr
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
