"""Batches of real renders on real processes."""

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

from txt2vid.ffmpeg.probe import probe
from txt2vid.pipeline.batch import RowResult, default_workers, render_jobs
from txt2vid.pipeline.journal import NAME, Journal

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, hero: Path, speech: Path) -> Path:
    """A folder with two faces, a voice and a text."""
    shutil.copy(hero, tmp_path / "one.png")
    shutil.copy(hero, tmp_path / "two.png")
    shutil.copy(speech, tmp_path / "voice.wav")
    (tmp_path / "text.txt").write_text("From a file.")
    return tmp_path


def write(folder: Path, *lines: str) -> Path:
    jobs = folder / "jobs.csv"
    jobs.write_text("\n".join(("face,audio,text,text_file,output,size", *lines)) + "\n")
    return jobs


def states(results: list[RowResult]) -> list[tuple[int, str]]:
    return [(result.number, result.state) for result in results]


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_rows_fail_alone_and_finished_ones_are_skipped(folder: Path) -> None:
    jobs = write(
        folder,
        "one.png,voice.wav,,,a.mp4,128",
        "none.png,voice.wav,,,b.mp4,128",
        "two.png,,,text.txt,deep/c.mkv,128",
        "one.png,,Hello.,,d.mp4,twelve",
        "one.png,,Bye.,,e.mp4,128",
    )
    out = folder / "out"
    reported: list[RowResult] = []
    results = render_jobs(jobs, out, workers=2, report=lambda result, _total: reported.append(result))

    assert states(results) == [(2, "done"), (3, "failed"), (4, "done"), (5, "failed"), (6, "done")]
    assert sorted(result.number for result in reported) == [2, 3, 4, 5, 6]
    assert "none.png" in str(results[1].error)
    assert "size 'twelve'" in str(results[3].error)
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert found == {"a.mp4", "deep/c.mkv", "e.mp4", NAME}
    for name in ("a.mp4", "deep/c.mkv", "e.mp4"):
        info = probe(out / name)
        assert info.video is not None
        assert info.audio is not None
        assert (info.video.width, info.video.height) == (128, 128)

    made = (out / "a.mp4").stat().st_mtime_ns
    (folder / "none.png").write_bytes((folder / "one.png").read_bytes())  # mended
    (folder / "text.txt").write_text("Another text.")  # changed
    (out / "e.mp4").unlink()  # lost
    again = render_jobs(jobs, out, workers=1)
    assert states(again) == [(2, "skipped"), (3, "done"), (4, "done"), (5, "failed"), (6, "done")]
    assert (out / "a.mp4").stat().st_mtime_ns == made


def test_a_damaged_journal_counts_as_empty(tmp_path: Path) -> None:
    for content in ("", "[]", "{}", '{"format": 1, "done": 3}', '{"format": 99, "done": {"a": "b"}}'):
        (tmp_path / NAME).write_text(content)
        Journal(tmp_path).save()
        assert json.loads((tmp_path / NAME).read_text()) == {"done": {}, "format": 1}
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [(int(child), int(parent)) for child, parent in (line.split() for line in table.splitlines())]
    found = [pid]
    for known in found:
        found += [child for child, parent in pairs if parent == known]
    return found[1:]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux's process table")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_an_interrupted_batch_leaves_nothing_behind(folder: Path, number: signal.Signals, code: int) -> None:
    long = folder / "long.wav"
    tone = "aevalsrc=0.3*sin(2*PI*150*t)*sin(2*PI*2*t):d=600:s=16000"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", tone, str(long)], check=True)
    jobs = write(
        folder, "one.png,,Hello.,,first.mp4,128", "one.png,long.wav,,,a.mp4,256", "two.png,long.wav,,,b.mp4,256"
    )
    out = folder / "out"
    command = [sys.executable, "-m", "txt2vid", "render", "--jobs", str(jobs), "-O", str(out), "--workers", "2"]
    batch = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        wait_for(lambda: len(list(out.glob(".*.part"))) == 2)  # both begin to write
        children = descendants(batch.pid)
        assert children
        if number is signal.SIGINT:
            os.killpg(batch.pid, number)  # as a terminal does: the whole group
        else:
            batch.send_signal(number)
        _, stderr = batch.communicate(timeout=30)
        assert batch.returncode == code
        wait_for(lambda: not any(alive(pid) for pid in children), 20)
    finally:
        batch.kill()
        batch.communicate()
    assert "Traceback" not in stderr
    wait_for(lambda: {path.name for path in out.iterdir()} <= {"first.mp4", NAME}, 10)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux's process table")
def test_a_dead_worker_costs_its_row_only(folder: Path) -> None:
    jobs = write(folder, "one.png,voice.wav,,,a.mp4,128", "one.png,voice.wav,,,b.mp4,128", "one.png,,Hi.,,c.mp4,128")
    out = folder / "out"

    def report(result: RowResult, _total: int) -> None:
        if result.number == 2:  # while it is at row 3, the worker dies
            os.kill(next(pid for pid in descendants(os.getpid()) if b"spawn_main" in cmdline(pid)), signal.SIGKILL)

    results = render_jobs(jobs, out, workers=1, report=report)
    assert states(results) == [(2, "done"), (3, "failed"), (4, "done")]
    assert "process died (exit code -9)" in str(results[1].error)


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_default_workers() -> None:
    assert 1 <= default_workers() <= max(1, (os.cpu_count() or 1) // 2)
