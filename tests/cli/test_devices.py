from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NO_CARD = "pcm.nothing { type hw card 99 }\n"  # PortAudio aborts where ALSA knows no device at all
NO_PYAUDIO = "import sys; sys.modules['pyaudio'] = None; from txt2vid.cli.main import main; sys.exit(main({}))"


def run(folder: Path, alsa: str, *arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    (folder / "asoundrc").write_text(alsa)
    environment = {**os.environ, "HOME": str(folder), "ALSA_CONFIG_PATH": str(folder / "asoundrc")}
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "txt2vid", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_no_microphone_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, NO_CARD, "devices")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "no microphone" in done.stderr
    assert "--file" in done.stderr


def test_no_pyaudio_is_one_line(tmp_path: Path) -> None:
    for arguments in (["devices"], ["send", "--mic"]):
        done = run(tmp_path, NO_CARD, code=NO_PYAUDIO.format(arguments))
        assert done.returncode == 8
        assert done.stderr.count("\n") == 1
        assert "txt2vid[mic]" in done.stderr
