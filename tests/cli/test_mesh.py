from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ffmpeg

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_says_who_is_there(txt2vid: Command, hero: Path) -> None:
    done = txt2vid("mesh", hero)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("face 0: ")
    assert done.stdout.count("\n") == 1


def test_writes_and_tells_as_json(txt2vid: Command, tmp_path: Path, hero: Path) -> None:
    done = txt2vid("mesh", hero, "-o", "o.png", "--points", "p.jsonl", "--obj", "f.obj", "--gltf", "f.glb", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert (said["kind"], said["frames"]) == ("picture", 1)
    assert said["files"] == ["o.png", "p.jsonl", "f.obj", "f.mtl", "f_texture.png", "f.glb"]
    assert all((tmp_path / name).stat().st_size > 50 for name in said["files"])
    (face,) = said["faces"]
    assert face["id"] == 0
    assert face["confidence"] > 0.9
    assert abs(face["yaw"]) < 15


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["none.mp4"], 3, "none.mp4 does not exist"),
        (["faceless.mp4", "-o", "o.mp4"], 4, "no face found in faceless.mp4"),
        (["faceless.mp4", "--min-tracking-confidence", "nan"], 2, "choose 0 to 1"),
        (["faceless.mp4", "--points", "o.txt"], 2, "choose one of .jsonl"),
    ],
)
def test_what_cannot_be_meshed(txt2vid: Command, tmp_path: Path, arguments: list[str], code: int, why: str) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=128x96:duration=0.3", tmp_path / "faceless.mp4")
    done = txt2vid("mesh", *arguments)
    assert done.returncode == code
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["faceless.mp4"]


def test_a_take_becomes_a_video(txt2vid: Command, tmp_path: Path, hero: Path) -> None:
    (tmp_path / "take.csv").write_text(
        "Timecode,BlendShapeCount,JawOpen\n00:00:00:00.000,1,-0.5\n00:00:00:12.000,1,0.5\n00:00:00:24.000,1,0\n"
    )
    done = txt2vid("render", "--face", hero, "--size", 96, "--from-motion", "take.csv", "--json")
    assert done.returncode == 0, done.stderr
    assert "1 coefficients are outside 0 to 1: clipped" in done.stderr
    assert "has no column EyeBlinkLeft" in done.stderr
    said = json.loads(done.stdout)
    assert (said["driver"], said["output"], said["frames"]) == ("recorded", "hero-take.mp4", 15)
    done = txt2vid("render", "--face", hero, "--from-motion", "take.csv", "--text", "Hello", "-o", "o.mp4")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
