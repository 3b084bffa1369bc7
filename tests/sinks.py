"""Sound output that nobody hears, and whose monitor is a microphone."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ALSA = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
SINK = "module-null-sink sink_name=hole rate=48000 channels=2"


@contextmanager
def sink(folder: Path) -> Iterator[dict[str, str]]:
    """PulseAudio with one sink; the environment for programs that are to use it, with PULSE_TEST_PID."""
    if shutil.which("pulseaudio") is None:
        pytest.skip("pulseaudio is not installed")
    home, run = folder / "home", folder / "run"
    home.mkdir()
    run.mkdir(mode=0o700)
    (home / "asoundrc").write_text(ALSA)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PULSE")},
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(run),
        "ALSA_CONFIG_PATH": str(home / "asoundrc"),
        "PULSE_SERVER": f"unix:{run}/native",
        "PULSE_SOURCE": "hole.monitor",
    }
    command = ["pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n", "--use-pid-file=no"]
    command += ["-L", f"module-native-protocol-unix socket={run}/native auth-anonymous=1", "-L", SINK]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as daemon:
        try:
            _wait_for((run / "native").exists)
            _wait_for(lambda: b"hole" in pactl(environment, "list", "short", "sources"))
            environment["PULSE_TEST_PID"] = str(daemon.pid)
            yield environment
        finally:
            daemon.kill()


def pactl(environment: dict[str, str], *arguments: str) -> bytes:
    """What it prints."""
    return subprocess.run(["pactl", *arguments], env=environment, capture_output=True, check=False).stdout


def _wait_for(condition: Callable[[], object], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
