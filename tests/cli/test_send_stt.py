"""`txt2vid send --stt` as it is typed: files, a microphone, a terminal, and the real server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_send import Terminal, peer, send, serving, wait_for
from tests.sender.conftest import Stage
from tests.sender.test_microphone import pulse
from txt2vid.core import wire

pytest.importorskip("pocketsphinx", reason="the extra stt is not installed")

__all__ = ["pulse", "serving"]

SAMPLE = Path(__file__).resolve().parent.parent.parent / "sample_data" / "speech.wav"


def test_a_file_is_quiet_in_a_pipe(serving: Stage, speech: Path) -> None:
    done = send(serving.url, "--stt", "--file", speech, "--tts", "espeak")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (text,) = peer(serving).texts
    assert text.text.startswith("Hello ")
    assert text.tts == "espeak"
    assert peer(serving).hello.audio is None


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--stt", "--text", "a"], 2, "--stt makes text of sound, which --text is already"),
        (["--stt", "--codec", "pcm"], 2, "--codec says nothing about --stt --mic: leave it out"),
        (["--stt", "--file", "a", "--device", "b"], 2, "--device says nothing about --stt --file"),
        (["--mic", "--stt-model", "a"], 2, "--stt-model says nothing about --mic"),
        (["--text", "a", "--stt-language", "de"], 2, "--stt-language says nothing about --text"),
        (
            ["--stt", "--stt-backend", "horn", "--file", "a"],
            2,
            "choose one of pocketsphinx, vosk, faster-whisper, google",
        ),
        (["--stt", "--file", SAMPLE, "--stt-language", "de"], 2, "hears English only, not 'de'"),
        (["--stt", "--file", SAMPLE, "--stt-model", SAMPLE], 6, "is no folder with a model: give --stt-model"),
        (["--stt", "--file", "nothing.wav"], 3, "nothing.wav"),
    ],
)
def test_what_cannot_work_is_one_line(arguments: list[object], code: int, says: str) -> None:
    done = send("127.0.0.1:1", *arguments)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


@pytest.mark.parametrize("backend", ["vosk", "faster-whisper", "google"])
def test_ears_that_need_something_say_what(backend: str) -> None:
    nothing = dict.fromkeys(("GOOGLE_API_KEY", "GOOGLE_API_KEY_FILE", "GOOGLE_APPLICATION_CREDENTIALS"), "")
    done = send("127.0.0.1:1", "--stt", "--file", SAMPLE, "--stt-backend", backend, **nothing)
    assert done.returncode in (6, 8)
    assert done.stderr.count("\n") == 1
    assert f"{backend} needs" in done.stderr or f"'{backend}' needs" in done.stderr


def test_typed_words_end_nothing_and_sentences_stay(serving: Stage, tmp_path: Path) -> None:
    sound = tmp_path / "sound.wav"  # the sample, and then a minute of silence
    pad = ["-af", "apad=pad_dur=60", str(sound)]
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(SAMPLE), *pad], check=True, timeout=60)
    terminal = Terminal(serving.url, "--stt", "--file", str(sound))
    wait_for(lambda: "live" in terminal.shown)
    for key in b"exit\rquit\rEXIT QUIT  i q\r":
        terminal.press(bytes([key]))
    wait_for(lambda: serving.peers and peer(serving).texts, 60)
    wait_for(lambda: "watch my lips" in terminal.shown)
    assert "give me a few words" in terminal.shown.lower()
    assert terminal.running.poll() is None
    assert not any(isinstance(message, wire.Interrupt) for message in peer(serving).got)
    terminal.press(b"\x18")
    wait_for(lambda: wire.Interrupt(1) in peer(serving).got)
    terminal.press(b"\x04")
    assert terminal.close() == 0
    assert peer(serving).got[-1] == wire.End()


def test_exit_and_quit_are_words_to_a_reader_of_lines(serving: Stage) -> None:
    done = send(serving.url, "--text-file", "-", stdin="exit\nquit\n")
    assert done.returncode == 0
    assert [text.text for text in peer(serving).texts] == ["exit", "quit"]


@pytest.mark.slow
def test_what_is_said_to_a_microphone_is_sent(pulse: dict[str, str], serving: Stage) -> None:
    command = [sys.executable, "-m", "txt2vid", "send", serving.url, "--stt"]
    with subprocess.Popen(command, env=pulse, stderr=subprocess.PIPE) as sending:
        try:
            wait_for(lambda: serving.peers)
            play = ["paplay", "--device=hole", str(SAMPLE)]
            subprocess.run(play, env=pulse, check=True, timeout=60)
            wait_for(lambda: peer(serving).texts)  # though nobody ended anything: the pause did
        finally:
            sending.send_signal(signal.SIGTERM)
        assert sending.wait(30) == 128 + signal.SIGTERM
        assert sending.stderr is not None
        assert sending.stderr.read() == b"txt2vid: stopped\n"
    assert "words" in peer(serving).texts[0].text


@pytest.mark.slow
def test_the_real_server_speaks_it(tmp_path: Path, hero: Path, speech: Path) -> None:
    if shutil.which("flite") is None:
        pytest.skip("flite is not installed")
    command = [sys.executable, "-m", "txt2vid", "serve", "--face", str(hero), "--size", "128", "--port", "0", "--json"]
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env={**os.environ}) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            done = send(url, "--stt", "--file", speech, "--json")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["texts_sent"], report["seconds_sent"]) == (1, 0.0)
