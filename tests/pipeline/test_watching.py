"""The process that follows a person: what it tells, how it ends, and what becomes of its errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from txt2vid.errors import EngineError, VideoError
from txt2vid.ffmpeg.probe import MediaInfo, probe
from txt2vid.pipeline.person import landmarks_of
from txt2vid.pipeline.watching import Watcher, rows

SAMPLES = Path(__file__).parents[2] / "sample_data"
DRIVING = SAMPLES / "driving.mp4"
PATIENCE = 60  # seconds

PARENT = """
import os, sys
from fractions import Fraction
from pathlib import Path
from txt2vid.ffmpeg.probe import probe
from txt2vid.pipeline.watching import Watcher
if __name__ == "__main__":
    path = Path(sys.argv[1])
    watcher = Watcher(path, probe(path), Fraction(25))
    watcher.__enter__()
    print(watcher._process.pid, flush=True)
    sys.stdin.read()
    os._exit(0)
"""


def info() -> MediaInfo:
    return probe(DRIVING)


def gone(pid: int) -> bool:
    """Whether a process ends within PATIENCE seconds; one that nobody waits for counts as ended."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first second of the sample."""
    path = tmp_path_factory.mktemp("watching") / "clip.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", DRIVING, "-t", "1", path], check=True)
    return path


@pytest.mark.parametrize("at_rest", [False, True])
def test_what_the_process_tells_is_what_is_seen(clip: Path, *, at_rest: bool) -> None:
    neutral = landmarks_of(SAMPLES / "astronaut.png") if at_rest else None
    wanted = list(rows(clip, info(), Fraction(25), 0, neutral))
    told = []
    with Watcher(clip, info(), Fraction(25), 0, neutral) as watcher:
        while (frame := watcher.take()) is not None:
            told.append(frame)
        assert watcher.over()
    assert len(told) == len(wanted) == 25
    np.testing.assert_allclose([each.motion.blendshapes for each in told], np.array(wanted)[:, :52], atol=1e-6)
    assert all(each.seen for each in told)


def test_it_ends_when_nobody_listens(clip: Path) -> None:
    with Watcher(clip, info(), Fraction(25)) as watcher:
        assert not watcher.over()
        pid = watcher._process.pid
    assert pid is not None
    assert gone(pid)


def test_a_death_is_told_in_one_line() -> None:
    with Watcher(DRIVING, info(), Fraction(25)) as watcher:
        pid = watcher._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(EngineError, match=r"the process that follows the face died \(exit code -9\)"):
            watcher.over()


def test_an_error_of_the_process_is_the_callers(tmp_path: Path) -> None:
    (tmp_path / "cut.mp4").write_bytes(DRIVING.read_bytes()[:2000])
    with Watcher(tmp_path / "cut.mp4", info(), Fraction(25)) as watcher, pytest.raises(VideoError):
        watcher.over()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")
def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, script, DRIVING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        pid = int(parent.stdout.readline())
        parent.stdin.close()
        parent.wait(PATIENCE)
    assert gone(pid)
