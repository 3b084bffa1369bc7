"""The set-up scripts, as far as they can be tried without changing the machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import numpy as np
import psutil
import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = ("run_streaming.sh", "scripts/setup.sh", "scripts/test.sh", ".ci/run")
TOOLS = ("bash", "cat", "dirname", "env", "grep", "id", "uname")  # all that a script needs to see what is missing


@pytest.mark.parametrize("script", SCRIPTS)
def test_syntax(script: str) -> None:
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck(script: str) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", "-x", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize("script", ["run_streaming.sh", "scripts/test.sh", ".ci/run"])
def test_where_nothing_can_be_installed_it_says_what_is_missing(script: str, tmp_path: Path) -> None:
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    done = subprocess.run(
        [str(ROOT / script)], cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 8
    assert done.stderr.startswith("txt2vid: these are missing: ffmpeg flite espeak-ng")


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get update && sudo apt-get install ffmpeg flite espeak-ng"),
        ("brew", "brew install ffmpeg flite espeak-ng"),
    ],
)
def test_where_installing_fails_it_says_what_to_type(manager: str, command: str, tmp_path: Path) -> None:
    """The package manager is there and fails, as for a user without the right to install."""
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    (tmp_path / manager).symlink_to(str(shutil.which("false")))
    done = subprocess.run(
        [str(ROOT / "run_streaming.sh")], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 8
    assert f"Type: {command}" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_the_main_job_streams_and_ends(tmp_path: Path) -> None:
    """./run_streaming.sh as a newcomer types it, on a machine without a screen and a microphone."""
    if not (ROOT / ".venv" / ".txt2vid-serve").exists():
        pytest.skip("this is not the folder that ./scripts/test.sh set up")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    alone = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PORT": str(port)}
    job = subprocess.Popen(
        [str(ROOT / "run_streaming.sh"), "--for", "60"], env=alone, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert job.stderr is not None
        said = [next(job.stderr)]
        while "Ctrl-C ends all" not in said[-1]:
            said.append(next(job.stderr))
        assert f"http://127.0.0.1:{port}/" in "".join(said)
        seen = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", f"http://127.0.0.1:{port}/stream.ts", "-t", "6", "-map", "0:a",
             "-f", "f32le", "pipe:1"],
            capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        assert np.abs(np.frombuffer(seen.stdout, "<f4")).max() > 0.05
        os.killpg(job.pid, signal.SIGINT)  # as a terminal's Ctrl-C
        assert job.wait(20) == 130
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.communicate()
    assert [each for each in psutil.process_iter() if str(port) in " ".join(_words(each))] == []


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
