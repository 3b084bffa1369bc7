"""`txt2vid play` against a small server that streams what a real encoder made."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from tests.ffmpeg.streams import encode
from tests.screens import screen
from txt2vid.cli.play import DEFAULT, stream_url
from txt2vid.errors import UsageError

TOKEN = "the-secret-token"  # noqa: S105 - of this test alone


class Handler(BaseHTTPRequestHandler):
    stream = b""
    stop = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/locked.ts" and self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.send_error(401)
        elif self.path in ("/page", "/full"):
            self.send_response(200 if self.path == "/page" else 503)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
        elif self.path.endswith(".ts"):
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            with suppress(OSError):
                self._send(short=self.path == "/short.ts")
        else:
            self.send_error(404)

    def _send(self, *, short: bool) -> None:
        step = len(self.stream) // 300
        for at in range(0, len(self.stream), step):
            self.wfile.write(self.stream[at : at + step])
            if not short and at > 20 * step and self.stop.wait(0.04):
                return

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    Handler.stream = encode(300)[0]
    Handler.stop.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        Handler.stop.set()
        serving.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    if shutil.which("import") is None or shutil.which("ffplay") is None:
        pytest.skip("no import or ffplay here: sudo apt install imagemagick ffmpeg")
    with screen(640, 480) as name:
        yield name


def play(*arguments: str, display: str = "", **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "SDL_AUDIODRIVER": "dummy", "DISPLAY": display, **variables}
    command = [sys.executable, "-m", "txt2vid", "play", *arguments]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def stripes(display: str) -> bool:
    """Whether the screen shows the stream's stripes, which are two greys."""
    shot = subprocess.run(
        ["import", "-display", display, "-window", "root", "-depth", "8", "gray:-"], capture_output=True, check=False
    )
    levels = set(shot.stdout)
    dark, light = [sum(level - 3 <= each <= level + 3 for each in shot.stdout) for level in (28, 63)]
    return len(levels) > 2 and dark > 3000 and light > 3000


def test_a_picture_is_shown_and_ctrl_c_ends_it(server: str, display: str) -> None:
    with play(f"{server}/locked.ts", display=display, TXT2VID_TOKEN=TOKEN) as playing:
        try:
            wait_for(lambda: stripes(display) or playing.poll() is not None)
            assert playing.poll() is None, playing.stderr and playing.stderr.read()
            children = psutil.Process(playing.pid).children(recursive=True)
            assert not any(TOKEN in word for child in children for word in child.cmdline())
            playing.send_signal(signal.SIGINT)
            _, errors = playing.communicate(timeout=30)
            assert (playing.returncode, errors) == (130, "txt2vid: stopped\n")
            assert psutil.wait_procs(children, timeout=10)[1] == []
        finally:
            playing.kill()


def test_without_a_screen(server: str) -> None:
    with play(f"{server}/stream.ts", DISPLAY="", WAYLAND_DISPLAY="", SDL_VIDEODRIVER="x11") as playing:
        _, errors = playing.communicate(timeout=60)
    assert playing.returncode == 9
    assert "connect a screen" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/locked.ts", "wants a token: add --token-file FILE"),
        ("/nothing", "/nothing does not exist"),
        ("/page", "is no video, but text/html: txt2vid play http"),
        ("/full", "no room for another viewer"),
    ],
)
def test_refusals(server: str, path: str, words: str) -> None:
    with play(server + path) as playing:
        _, errors = playing.communicate(timeout=60)
    assert playing.returncode == 10
    assert words in errors
    assert len(errors.splitlines()) == 1


def test_a_wrong_token(server: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("wrong\n")
    with play(f"{server}/locked.ts", "--token-file", str(tmp_path / "token")) as playing:
        _, errors = playing.communicate(timeout=60)
    assert playing.returncode == 10
    assert "takes no such token" in errors
    with play(f"{server}/locked.ts", "--token-file", str(tmp_path / "none")) as playing:
        _, errors = playing.communicate(timeout=60)
    assert playing.returncode == 3


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with play(url) as playing:
            _, errors = playing.communicate(timeout=60)
    assert playing.returncode == 10
    assert "cannot be reached" in errors
    assert "txt2vid serve" in errors


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (DEFAULT, DEFAULT),
        ("localhost:8080", "http://localhost:8080/stream.ts"),
        ("https://a.org/", "https://a.org/stream.ts"),
        ("http://a.org/s/anna/stream.mkv?token=x", "http://a.org/s/anna/stream.mkv?token=x"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert stream_url(text) == url


@pytest.mark.parametrize("text", ["", "file:///etc/passwd", "http://", "http://a:b", "http://a b", "ftp://a/x"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(UsageError, match="is no address of a stream"):
        stream_url(text)
