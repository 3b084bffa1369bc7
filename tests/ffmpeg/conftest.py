"""Real media, made by ffmpeg in the test; and a look after each test at what it left running or lying about."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

Make = Callable[..., Path]
Ask = Callable[[Path], dict[str, Any]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A function that has ffmpeg make a file of this name with these arguments, and gives the file's path."""

    def run(name: str, *arguments: str) -> Path:
        path = tmp_path / name
        command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments, f"file:{path}"]
        subprocess.run(command, check=True, timeout=60)
        return path

    return run


@pytest.fixture
def ask() -> Ask:
    """What ffprobe says of a file: {"streams": […], "format": {…}, "programs": […]}, with the packets counted."""

    def run(path: Path) -> dict[str, Any]:
        shown = ["-show_streams", "-show_format", "-show_programs", "-count_packets"]
        command = ["ffprobe", "-v", "error", "-of", "json", *shown]
        done = subprocess.run([*command, f"file:{path}"], check=True, timeout=60, capture_output=True)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    before = {thread.name for thread in threading.enumerate()}
    children = psutil.Process().children(recursive=True)  # of other tests: multiprocessing's resource tracker
    yield
    assert set(psutil.Process().children(recursive=True)) <= set(children)
    assert list(tmp_path.rglob("*.part")) == []
    assert {thread.name for thread in threading.enumerate()} - before == set()
