"""Ctrl-C and SIGTERM at any moment of a render: stopped within seconds, one line, nothing left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's process table")


@contextmanager
def rendering(folder: Path, *voice: str, face: Path) -> Iterator[subprocess.Popen[str]]:
    """A render in a session and a TMPDIR of its own, from when it handles signals."""
    (folder / "tmp").mkdir()
    (folder / "out").mkdir()
    command = [sys.executable, "-m", "txt2vid", "render", "--face", str(face), *voice, "--size", "128", "-o", "a.mp4"]
    with subprocess.Popen(
        command,
        cwd=folder / "out",
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            wait_for(lambda: handles(running.pid, signal.SIGTERM))
            yield running
        finally:
            running.kill()


def handles(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) >> (number - 1) & 1)


def wait_for(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def check_stopped(folder: Path, running: subprocess.Popen[str], children: list[psutil.Process], code: int) -> None:
    _, stderr = running.communicate(timeout=30)
    assert running.returncode in (code, 128 - code)  # or killed by one more signal while Python ends
    assert stderr == "txt2vid: stopped\n"
    assert list((folder / "out").iterdir()) == []
    assert list((folder / "tmp").iterdir()) == []
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["preparing", "begun", "rendering"])
def test_a_render_is_stopped(tmp_path: Path, hero: Path, moment: str, number: signal.Signals) -> None:
    text = "This is a long sentence that takes some time to say. " * 40
    out = tmp_path / "out"
    with rendering(tmp_path, "--text", text, face=hero) as running:
        if moment == "preparing":
            wait_for(lambda: "_framework_bindings" in Path(f"/proc/{running.pid}/maps").read_text())
        else:
            wait_for(lambda: [path for path in out.iterdir() if moment == "begun" or path.stat().st_size])
        children = psutil.Process(running.pid).children(recursive=True)
        os.killpg(running.pid, number)  # as a terminal does: the whole group
        check_stopped(tmp_path, running, children, 128 + number)


def test_a_render_that_finishes_is_stopped_or_whole(tmp_path: Path, hero: Path, speech: Path) -> None:
    """The last frames are written, the index is moved to the front, the file gets its name: interrupted all along."""
    stopped = 0
    for i in range(6):
        folder = tmp_path / str(i)
        folder.mkdir()
        with rendering(folder, "--audio", str(speech), face=hero) as running:
            wait_for(lambda running=running, folder=folder: running.poll() is not None or any_part(folder))
            time.sleep(i * 0.05)
            children = [] if running.poll() is not None else psutil.Process(running.pid).children(recursive=True)
            running.send_signal(signal.SIGINT)
            running.wait(30)
            if running.returncode == 0 or (folder / "out" / "a.mp4").exists():
                assert [path.name for path in (folder / "out").iterdir()] == ["a.mp4"]
                assert running.communicate()[1] == ""
            else:
                stopped += 1
                check_stopped(folder, running, children, 130)
    assert stopped


PRINTED = """
import ctypes, time
from txt2vid.interrupts import Terminated, unwind_on
import signal
unwind_on(signal.SIGTERM)
kill = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
try:
    print(ctypes.pythonapi.PyRun_SimpleString(kill.encode()), flush=True)  # prints what is raised, and goes on
    time.sleep(60)
except Terminated as ended:
    print(ended)
ctypes.pythonapi.PyRun_SimpleString(b"no such thing")
"""


def test_a_signal_that_c_prints_comes_again() -> None:
    """As where MediaPipe's C++ calls Python while it loads; other errors are printed as ever."""
    command = [sys.executable, "-c", PRINTED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.stdout.split() == ["-1", "SIGTERM"]
    assert done.stderr.splitlines()[-1] == "SyntaxError: invalid syntax"
    assert "Terminated" not in done.stderr


def test_these_tests_work_where_signals_are_ignored() -> None:
    """As under nohup or cron, or behind an `&` in a script: what the tests start is not to inherit that."""
    asked = f"{Path(__file__).parent / 'test_main.py'}::test_everything_else_that_ends_a_command"
    done = subprocess.run(
        ["sh", "-c", 'trap "" INT HUP; exec "$@"', "sh", sys.executable, "-m", "pytest", "-q", asked],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout


def any_part(folder: Path) -> bool:
    return any(path.suffix == ".part" for path in (folder / "out").iterdir())


def test_impatience_does_no_harm(tmp_path: Path, hero: Path) -> None:
    """Ctrl-C, again and again: the cleaning up after the first is not disturbed by the others."""
    out = tmp_path / "out"
    with rendering(tmp_path, "--text", "This takes some time to say. " * 80, face=hero) as running:
        wait_for(lambda: [path for path in out.iterdir() if path.stat().st_size])
        children = psutil.Process(running.pid).children(recursive=True)
        for _ in range(50):
            running.send_signal(signal.SIGINT)
            time.sleep(0.001)
        check_stopped(tmp_path, running, children, 130)
