from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sender.conftest import Peer, Stage, accept
from txt2vid.core import wire

SEND = [sys.executable, "-m", "txt2vid", "send"]


@pytest.fixture
def serving() -> Iterator[Stage]:
    """A server that takes everything, in a thread of its own."""
    stage, started, ended = Stage(accept), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        async with stage.open():
            started.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    started.wait(30)
    yield stage
    loop.call_soon_threadsafe(ended.set)
    thread.join(30)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def send(*arguments: object, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SEND, *map(str, arguments)],
        input=stdin,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def peer(stage: Stage) -> Peer:
    (found,) = stage.peers
    return found


def test_a_file_is_sent_in_silence(serving: Stage, speech: Path) -> None:
    done = send(serving.url, "--file", speech)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(peer(serving).packets) > 40


def test_json_at_the_end(serving: Stage) -> None:
    done = send(serving.url.replace("ws", "http").removesuffix("/speak"), "--text", "Hello.", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == {
        "session": "stage",
        "seconds_sent": 0.0,
        "seconds_dropped": 0.0,
        "texts_sent": 1,
        "characters_sent": 6,
        "text_bytes_sent": len('{"type":"text","text":"Hello.","id":1,"interrupt":false}'),
        "motions_sent": 0,
        "reconnects": 0,
        "stats": None,
    }


def test_lines_go_as_they_are_typed(serving: Stage) -> None:
    with subprocess.Popen([*SEND, serving.url, "--text-file", "-"], stdin=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        for number, line in enumerate(("One.", "Two – zwei."), 1):
            running.stdin.write(line + "\n\n")
            running.stdin.flush()
            wait_for(lambda number=number: serving.peers and len(serving.peers[0].texts) == number)  # type: ignore[misc]
        running.stdin.close()
        assert running.wait(30) == 0
    assert [text.text for text in peer(serving).texts] == ["One.", "Two – zwei."]
    assert peer(serving).got[-1] == wire.End()


def test_the_token_comes_from_where_nobody_sees_it(serving: Stage, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of the file\n")
    environment = {"TXT2VID_TOKEN": "of the environment"}
    send(serving.url, "--text", "a", **environment)
    send(serving.url, "--text", "a", "--token-file", tmp_path / "token", **environment)
    assert [found.hello.token for found in serving.peers] == ["of the environment", "of the file"]


def test_a_stopped_sender_unwinds(serving: Stage) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(
            [*SEND, serving.url, "--text-file", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        ) as running:
            before = len(serving.peers)
            wait_for(lambda before=before: len(serving.peers) > before)  # type: ignore[misc]
            running.send_signal(number)
            assert running.wait(30) == 128 + number
            assert running.stderr is not None
            assert running.stderr.read() == b"txt2vid: stopped\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to send"),
        (["--mic", "--text", "a"], "--mic and --text are more than one"),
        (["--text", ""], "nothing to say"),
        (["--text", "…"], "nothing to say"),
        (["--text", "a", "--codec", "pcm"], "--codec says nothing about --text"),
        (["--file", "a", "--unknown-tags", "drop"], "--unknown-tags says nothing about --file"),
        (["--text", "a", "--unknown-tags", "sing"], "choose one of speak, refuse, drop"),
        (["--text", "a", "--expression", "hapy"], "did you mean happy"),
        (["--text", "a", "--expression", "nod"], "nod is a gesture"),
        (["--file", "a", "--voice", "b"], "--voice says nothing about --file"),
        (["--file", "a", "--device", "b"], "--device says nothing about --file"),
        (["--mic", "--codec", "pcm", "--bitrate", "9000"], "--bitrate is for Opus"),
        (["--text", "a", "--session", "../b"], "--session '../b' is no name"),
        (["--text", "a", "--bitrate", "5"], "6000"),
        (["ftp://a", "--text", "a"], "no address"),
        (["--text", "a", "--token", ""], "a token has"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], says: str) -> None:
    done = send(*arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


def test_nobody_listens() -> None:
    done = send("127.0.0.1:1", "--text", "a")
    assert done.returncode == 10
    assert done.stderr.count("\n") == 1
    assert "txt2vid serve" in done.stderr


HEAVY = {"torch", "mediapipe", "cv2", "soxr", "pyaudio", "scipy", "PIL", "rich"}
LOADED = (
    "import json, sys; from txt2vid.cli.main import main; c = main(sys.argv[1:]); print(json.dumps([c, *sys.modules]))"
)


def test_a_sender_is_light(serving: Stage, speech: Path) -> None:
    command = [sys.executable, "-c", LOADED, "send", serving.url, "--file", str(speech)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    code, *loaded = json.loads(done.stdout)
    assert code == 0
    parts = {str(name).partition(".")[0] for name in loaded}
    assert {"av", "numpy", "websockets"} <= parts
    assert parts & HEAVY == set()


def test_a_mistyped_command_is_lighter_still() -> None:
    code = "import json, sys, txt2vid.cli.send, txt2vid.cli.devices; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    parts = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert parts & (HEAVY | {"av", "numpy", "websockets", "asyncio"}) == set()


class Terminal:
    """The command on a terminal of its own. shown: all that it wrote there."""

    def __init__(self, *arguments: str) -> None:
        self.ours, self.theirs = pty.openpty()
        self.before = termios.tcgetattr(self.theirs)
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160"}
        self.running = subprocess.Popen(
            [*SEND, *arguments], stdin=self.theirs, stderr=self.theirs, env=environment, start_new_session=True
        )
        self.shown = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while self.running.poll() is None:
            self.shown += os.read(self.ours, 4096).decode(errors="replace")

    def press(self, key: bytes) -> None:
        os.write(self.ours, key)

    def close(self) -> int:
        code = self.running.wait(30)
        os.write(self.theirs, b"\n")  # wakes the reader
        self._reader.join(10)
        assert termios.tcgetattr(self.theirs) == self.before
        os.close(self.ours)
        os.close(self.theirs)
        return code


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    path = tmp_path / "long.wav"
    tone = "sine=frequency=200:duration=120:sample_rate=16000"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", tone, str(path)], check=True)
    return path


def test_keys_and_the_meter(serving: Stage, long_file: Path) -> None:
    terminal = Terminal(serving.url, "--file", str(long_file), "--codec", "pcm")
    wait_for(lambda: "█" in terminal.shown and "live" in terminal.shown and "dB" in terminal.shown)
    found = peer(serving)
    assert any(found.packets[-1].payload)
    terminal.press(b"m")
    wait_for(lambda: "muted" in terminal.shown and not any(found.packets[-1].payload))
    terminal.press(b"m")
    wait_for(lambda: any(found.packets[-1].payload))
    terminal.press(b"i")
    wait_for(lambda: wire.Interrupt(1) in found.got and found.packets[-1].epoch == 1)
    terminal.press(b"q")
    assert terminal.close() == 0
    assert found.got[-1] == wire.End()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_terminal_is_left_as_it_was(serving: Stage, long_file: Path, number: signal.Signals) -> None:
    terminal = Terminal(serving.url, "--file", str(long_file))
    wait_for(lambda: "live" in terminal.shown)
    assert termios.tcgetattr(terminal.theirs) != terminal.before
    terminal.running.send_signal(number)
    assert terminal.close() == 128 + number
    assert "stopped" in terminal.shown
