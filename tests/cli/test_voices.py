"""`txt2vid voices`, as its users run it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from txt2vid.errors import AudioError
from txt2vid.ffmpeg.probe import probe

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GOOGLE_API_KEY", "RESEMBLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "TXT2VID_TTS_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TXT2VID_KEYS", str(tmp_path / "none"))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("TXT2VID_PIPER_VOICES", str(tmp_path / "pipers"))


def test_all_are_listed_and_what_is_missing_is_told(txt2vid: Command) -> None:
    done = txt2vid("voices")
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["slt", "en-US", "flite", "phonemes"] in rows
    assert ["de", "de", "espeak", "phonemes"] in rows
    assert len(rows) > 100
    for engine, needs in (
        ("piper", "NAME.onnx"),
        ("google", "GOOGLE_API_KEY"),
        ("resemble", "RESEMBLE_API_KEY"),
        ("command", "TXT2VID_TTS_COMMAND"),
    ):
        (line,) = [line for line in done.stderr.splitlines() if line.startswith(f"{engine}: none, since ")]
        assert needs in line


def test_json_and_a_language(txt2vid: Command) -> None:
    told = json.loads(txt2vid("voices", "--language", "pt-BR", "--json").stdout)
    assert {voice["language"] for voice in told["voices"]} <= {"pt", "pt-br"}
    assert {"name": "pt-br", "language": "pt-br", "engine": "espeak", "phonemes": True, "note": ""} in told["voices"]
    ready = {backend["engine"]: backend["ready"] for backend in told["backends"]}
    assert (ready["flite"], ready["espeak"], ready["google"]) == (True, True, False)


def test_one_backend(txt2vid: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert txt2vid("voices", "--tts", "resemble").returncode == 8
    assert len(txt2vid("voices", "--tts", "flite").stdout.splitlines()) == 5
    monkeypatch.setenv("TXT2VID_TTS_COMMAND", "espeak-ng --stdin --stdout")
    assert txt2vid("voices", "--tts", "command").stdout.startswith("espeak-ng --stdin --stdout")
    wrong = txt2vid("voices", "--tts", "klingon")
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_a_preview_in_the_voices_language(txt2vid: Command, tmp_path: Path) -> None:
    done = txt2vid("voices", "--preview", "de", "-o", "de.wav", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["engine"], told["phonemes"], told["output"]) == ("espeak", True, "de.wav")
    info = probe(tmp_path / "de.wav", AudioError)
    assert info.duration is not None
    assert abs(float(info.duration) - told["seconds"]) < 0.01
    assert sorted(path.name for path in tmp_path.iterdir()) == ["de.wav"]


def test_a_preview_of_a_text_with_any_program(txt2vid: Command, tmp_path: Path) -> None:
    arguments = ("--tts", "command", "--preview", "espeak-ng --stdin --stdout", "--text", "Hello there.")
    assert txt2vid("voices", *arguments, "-o", "x.wav").returncode == 0
    assert (tmp_path / "x.wav").stat().st_size > 20_000


def test_a_preview_through_the_loudspeaker(txt2vid: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = tmp_path / "bin" / "ffplay"
    player.parent.mkdir()
    player.write_text('#!/bin/sh\ncat > heard.wav\necho "$@" > arguments\n')
    player.chmod(0o755)
    folders = [str(Path(shutil.which(name) or "").parent) for name in ("flite", "cat")]
    monkeypatch.setenv("PATH", ":".join([str(player.parent), *folders]))
    assert txt2vid("voices", "--preview", "slt").returncode == 0
    assert (tmp_path / "heard.wav").read_bytes().startswith(b"RIFF")
    assert "-nodisp -autoexit" in (tmp_path / "arguments").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--preview", "slx", "-o", "x.wav"], 2, "no voice 'slx': choose one of"),
        (["--preview", "slt", "-o", "gone/x.wav"], 7, "gone/x.wav cannot be written"),
        (["--text", "Hello."], 2, "add it, or leave them out"),
        (["--language", "!"], 2, "language '!' is none"),
        (["--preview", "slt", "--language", "de", "-o", "x.wav"], 2, "flite speaks English alone"),
        (["--tts", "google", "--preview", "x", "-o", "x.wav"], 8, "GOOGLE_API_KEY"),
        (["--tts", "piper", "--preview", "x.onnx", "-o", "x.wav"], 2, "there is no voice x.onnx"),
        (["--tts", "command", "--preview", "no-such-thing", "-o", "x.wav"], 8, "there is no program"),
        (["--preview", "slt", "--text", " ", "-o", "x.wav"], 6, "the text is empty"),
    ],
)
def test_what_cannot_be(txt2vid: Command, tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    done = txt2vid("voices", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.splitlines()
    assert says in line
    assert list(tmp_path.iterdir()) == []


def test_render_and_serve_check_the_voice_first(txt2vid: Command, hero: Path) -> None:
    for command in (("render", "--text", "Hello.", "-o", "x.mp4"), ("serve", "--port", "0")):
        done = txt2vid(*command, "--face", hero, "--tts", "google")
        assert done.returncode == 8
        assert "GOOGLE_API_KEY" in done.stderr
        done = txt2vid(*command, "--face", hero, "--language", "?")
        assert (done.returncode, "language '?' is none" in done.stderr) == (2, True)


@pytest.mark.slow
def test_a_render_goes_on_with_the_fallback(txt2vid: Command, hero: Path) -> None:
    arguments = ("--face", hero, "--text", "Hello.", "-o", "x.mp4", "--size", "128", "--engine", "mesh", "--json")
    done = txt2vid("render", *arguments, "--tts", "resemble", "--fallback-voice", "flite")
    assert done.returncode == 0, done.stderr
    assert "RESEMBLE_API_KEY" in done.stderr
    assert json.loads(done.stdout)["driver"] == "phonemes+speech"
