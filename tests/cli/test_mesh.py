from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ffmpeg
from txt2vid.ffmpeg.probe import probe

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


@pytest.mark.skipif(sys.platform != "linux", reason="v4l2 is Linux's")
def test_a_camera_until_ctrl_c(tmp_path: Path, hero: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hero before a camera: a script gives ffmpeg another device, all else is as with a real one."""
    real, script = shutil.which("ffmpeg"), tmp_path / "bin" / "ffmpeg"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\ncase "$*" in *v4l2*) exec {real} -v error -re -loop 1 -framerate 15 -i {hero} '
        f'-vf scale=240:240,format=bgr24,setpts=PTS-STARTPTS -f nut -c:v rawvideo pipe:1 ;; esac\nexec {real} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    arguments = ["mesh", "/dev/null", "-o", "o.mp4", "--points", "p.jsonl", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "txt2vid", *arguments], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not any(part.stat().st_size > 20_000 for part in tmp_path.glob(".p.jsonl.*")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    said = json.loads(told)
    assert (said["kind"], said["width"], said["height"]) == ("camera", 240, 240)
    assert said["frames"] == len((tmp_path / "p.jsonl").read_text().splitlines())
    shown = probe(tmp_path / "o.mp4")
    assert float(shown.duration or 0) == pytest.approx(said["seconds"], abs=0.1)
