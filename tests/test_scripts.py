"""The set-up scripts, as far as they can be tried without changing the machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

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
