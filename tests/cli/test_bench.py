"""`txt2vid bench live` as it is typed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import Command


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--sessions", "a,b"), "sessions 'a,b' are no numbers"),
        (("--sessions", "0"), "out of range"),
        (("--size", "9"), "size 9 is out of range"),
        (("--fps", "0"), "out of range"),
        (("--codec", "mp3"), "'mp3' is not one of"),
        (("-o", "nowhere/result.json"), "the folder of nowhere/result.json does not exist"),
        ((), "there is no sample face here: add --face"),
        (("--url", "localhost"), "localhost is no address of a server"),
    ],
)
def test_wrong_usage_is_one_line(txt2vid: Command, hero: Path, arguments: tuple[str, ...], says: str) -> None:
    face = () if not arguments else ("--face", hero)
    done = txt2vid("bench", "live", *face, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_face_that_is_none_is_what_the_server_says(txt2vid: Command, tmp_path: Path) -> None:
    (tmp_path / "face.png").write_text("no picture")
    done = txt2vid("bench", "live", "--face", "face.png", "--sessions", "1")
    assert done.returncode != 0
    assert "face.png" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_all_is_measured(tmp_path: Path, hero: Path) -> None:
    command = [sys.executable, "-m", "txt2vid", "bench", "live", "--face", str(hero), "--size", "128", "--json"]
    command += ["--seconds", "8", "--sessions", "1", "--container", "mp4", "-o", str(tmp_path / "result.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert json.loads((tmp_path / "result.json").read_text()) == result
    assert 0 < result["first_frame"]["server"] < 120
    assert result["first_frame"]["viewers"]["count"] == 10
    latency = result["latency"]
    assert latency["marks"] >= 4
    assert latency["sound"]["count"] >= 3
    assert latency["picture"]["count"] >= 3
    assert 100 < latency["sound"]["median"] < 10_000  # the lookahead alone takes 100 ms
    assert abs(latency["av_offset"]["best"]) < 80
    assert latency["reported"]["drawn"] > 0
    assert [stage["name"] for stage in latency["stages"]][:2] == ["capture and packet", "jitter buffer"]
    assert result["interruption"]["times"] == 3
    (load,) = result["load"]
    assert load["sessions"] == 1
    assert load["drawn"] > 0
    assert load["megabits"] > 0
    assert result["most_sessions"] in (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_it_is_stopped(tmp_path: Path, hero: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "txt2vid", "bench", "live", "--face", str(hero), "--size", "128"]
    bench = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        family: list[psutil.Process] = []
        deadline = time.monotonic() + 60
        while not any(child.name() == "ffmpeg" for child in family if child.is_running()):
            assert time.monotonic() < deadline, "no encoder runs"
            time.sleep(0.1)
            family = psutil.Process(bench.pid).children(recursive=True)
        os.kill(bench.pid, number)
        out, err = bench.communicate(timeout=60)
    finally:
        bench.kill()
        bench.wait()
    assert bench.returncode == 128 + number
    assert (out, err) == ("", "txt2vid: stopped\n")
    gone, left = psutil.wait_procs(family, timeout=30)
    assert [child.name() for child in left] == []
    assert len(gone) >= 4
