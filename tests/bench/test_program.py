"""Children: what they say is read, and none is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from txt2vid.bench.program import Program
from txt2vid.bench.usage import busy, usage
from txt2vid.errors import Txt2VidError

ECHO = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"


def python(code: str) -> Program:
    return Program([sys.executable, "-c", code], "the test's program")


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_lines_go_both_ways_and_others_are_passed_over() -> None:
    with python("print('no json', flush=True)\n" + ECHO) as program:
        program.tell({"event": "a", "n": 1})
        program.tell({"event": "b"})
        assert program.wait_for("b", 30) == {"event": "b"}
        program.tell({"event": "c"})
        assert program.wait_for(None, 30) == {"event": "c"}
        assert program.events() == []


def test_a_program_that_ends_says_why() -> None:
    with python("import sys; sys.exit('no such face')") as program, pytest.raises(Txt2VidError, match="no such face"):
        program.wait_for("ready", 30)


def test_a_program_that_says_nothing_is_not_waited_for() -> None:
    with python("input()") as program, pytest.raises(Txt2VidError, match="did nothing for"):
        program.wait_for("ready", 0.3)


def test_a_failure_of_its_own_is_told() -> None:
    with python(ECHO) as program:
        program.tell({"event": "failed", "why": "no room"})
        with pytest.raises(Txt2VidError, match="no room"):
            program.wait_for("ready", 30)


def test_its_children_end_with_it_even_if_it_is_killed() -> None:
    code = (
        "import json, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(json.dumps({'event': 'ready', 'child': child.pid}), flush=True)\n"
        "time.sleep(600)"
    )
    with python(code) as program:
        child = program.wait_for("ready", 30)["child"]
        os.kill(program.pid, 9)
    deadline = time.monotonic() + 30
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(child)


def test_a_viewer_ends_when_nobody_listens_to_it() -> None:
    command = [sys.executable, "-m", "txt2vid.bench.viewer"]
    viewer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert viewer.stdin is not None
    viewer.stdin.close()
    assert viewer.wait(30) == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells by /proc")
def test_usage_sees_a_process_and_what_it_started() -> None:
    code = (
        "import subprocess, time\n"
        "subprocess.Popen('ffmpeg -v error -nostdin -re -f lavfi -i sine -f null -'.split())\n"
        "end = time.process_time() + 0.2\n"
        "while time.process_time() < end: pass\n"
        'print(\'{"event": "busy"}\', flush=True)\n'
        "input()"
    )
    with python(code) as program:
        program.wait_for("busy", 60)
        deadline = time.monotonic() + 30
        while not ((found := usage(program.pid)) and found.files["ffmpeg"]) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert found is not None
    assert 0.1 < found.cpu["server"] < 30
    assert 1 < found.memory["server"] < 500
    assert found.files["server"] >= 3
    assert found.files["ffmpeg"] >= 3
    assert found.cpu["studio"] == 0
    assert (busy() or 0.0) > found.cpu["server"]
