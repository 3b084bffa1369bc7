from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_this_machine_is_healthy(txt2vid: Command) -> None:
    done = txt2vid("doctor", "--json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    works = {check["what"]: check["works"] for check in report["checks"]}
    assert report["works"]
    assert works["python"]
    assert works["ffmpeg"]
    assert works["face model"]
    assert works["engine mesh"]
    assert works["voice flite"]
    assert works["voice espeak"]
    assert works["opus"]
    assert works["server"]
    assert works["player"]
    assert {"ear pocketsphinx", "ear vosk", "ear faster-whisper", "ear google"} <= set(works)
    assert {"torch", "microphone", "weights"} <= set(works)


def test_weights_are_found(txt2vid: Command, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "some.pth").touch()
    assert "works    weights           some.pth" in txt2vid("doctor").stdout


def test_without_ffmpeg(tmp_path: Path) -> None:
    """PATH leads nowhere: the programs are missing, each with what to type, and the exit code says so."""
    done = subprocess.run(
        [sys.executable, "-m", "txt2vid", "doctor"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 8
    assert "MISSING  ffmpeg            ffmpeg is not installed: sudo apt install ffmpeg" in done.stdout
    assert "Traceback" not in done.stderr
