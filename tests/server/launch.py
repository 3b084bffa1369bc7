"""Starts browsers that are driven over a websocket."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0  # seconds for anything: the machine may be slow
POLL = 0.02  # seconds between looks


@contextmanager
def launched(
    program: str, options: list[str], folder: Path, file: Path, read: Callable[[str], str], **variables: str
) -> Iterator[ClientConnection]:
    """Run a browser in a process group of its own, and connect to the address that it writes into `file`.

    variables: of its environment.
    """
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    environment = {**os.environ, "HOME": str(folder), **variables}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *options], stdout=log, stderr=log, start_new_session=True, env=environment, cwd=folder
        )
        try:
            with connect(_address(file, read, process, folder / "log"), max_size=None) as socket:
                yield socket
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _address(file: Path, read: Callable[[str], str], process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with suppress(FileNotFoundError, ValueError, KeyError):  # it is not written, or not to its end
            return read(file.read_text())
        time.sleep(POLL)
    raise AssertionError(f"the browser does not start: {log.read_text(errors='replace')[-2000:]}")
