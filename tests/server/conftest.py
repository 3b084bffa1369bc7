"""Real servers in processes of their own, and what talks to them."""

from __future__ import annotations

import http.client
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.screens import screen
from tests.server import browsers
from tests.server.browsers import Browser
from tests.server.face_site import SOFTWARE
from tests.server.page_site import Site, site
from tests.sinks import sink
from txt2vid.core import wire

START_SECONDS = 60.0  # on a machine that has other things to do
PATIENCE = 30.0
Body = bytes | Iterator[bytes] | None
SMALL = ("--size", "128", "--workers", "1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over HTTP."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def _asked(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], body: Body = None
) -> http.client.HTTPResponse:
    connection.request(method, path, body, headers)
    return connection.getresponse()


class Talk:
    """A sender's end of a websocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.ready: wire.Ready | None = None

    def say(self, message: wire.ClientMessage | wire.Packet | str | bytes) -> None:
        if isinstance(message, wire.Packet):
            self.connection.send(wire.encode_packet(message))
        else:
            self.connection.send(message if isinstance(message, str | bytes) else wire.encode(message))

    def hear(self, seconds: float = PATIENCE) -> wire.ServerMessage:
        text = self.connection.recv(seconds)
        assert isinstance(text, str)
        return wire.decode_server(text)

    def until(self, kind: type[wire.ServerMessage], seconds: float = PATIENCE) -> Any:
        """The next message of that kind; others are passed over."""
        end = time.monotonic() + seconds
        while not isinstance(message := self.hear(max(0.1, end - time.monotonic())), kind):
            assert not isinstance(message, wire.Error), message
        return message

    def refusal(self, seconds: float = PATIENCE) -> tuple[str | None, int | None]:
        """The error that ends the conversation, and the close code after it."""
        code = None
        try:
            while True:
                message = self.hear(seconds)
                if isinstance(message, wire.Error) and not message.warning:
                    code = message.code
        except ConnectionClosed as closed:
            return code, closed.rcvd.code if closed.rcvd else None


class Server:
    """A running `txt2vid serve`."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self._log = process, log
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
        line = process.stdout.readline() if ready else ""
        assert line.startswith("{"), self.log
        self.announced = json.loads(line)
        self.port = int(self.announced["url"].rstrip("/").rpartition(":")[2])

    @property
    def log(self) -> str:
        return self._log.read_text()

    @contextmanager
    def open(
        self, path: str, method: str = "GET", body: Body = None, /, **headers: str
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer whose body is still to be read; hangs up afterwards. body: an iterator is sent in chunks."""
        with (
            closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection,
            _asked(connection, method, path, headers, body) as answer,
        ):
            yield answer

    def ask(self, path: str, method: str = "GET", body: Body = None, /, **headers: str) -> Answer:
        with self.open(path, method, body, **headers) as answer:
            return Answer(answer.status, answer.headers, answer.read())

    def state(self, session: str) -> Any:
        return self.ask(f"/api/sessions/{session}").json

    def metric(self, name: str) -> float:
        lines = self.ask("/metrics").body.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    @contextmanager
    def connected(self, query: str = "", **options: Any) -> Iterator[Talk]:
        """A websocket that has said nothing yet."""
        options = {"subprotocols": [Subprotocol(wire.SUBPROTOCOL)], "compression": None, "close_timeout": 2, **options}
        with connect(f"ws://127.0.0.1:{self.port}/speak{query}", **options) as connection:
            yield Talk(connection)

    @contextmanager
    def talk(self, hello: wire.Hello | None = None, **fields: Any) -> Iterator[Talk]:
        """A sender that has been let in."""
        with self.connected() as talk:
            talk.say(replace(hello or wire.Hello(), **fields))
            talk.ready = talk.until(wire.Ready)
            yield talk

    def studios(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "spawn_main" in _words(child)]


def _words(process: psutil.Process) -> str:
    """What it was started with; empty where it is gone, or dead and not yet collected."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


@contextmanager
def serving(
    folder: Path, *arguments: object, program: tuple[object, ...] = ("-m", "txt2vid", "serve", "--port", "0", "--json")
) -> Iterator[Server]:
    """`txt2vid serve` at a free port, ended with its children; or another program that says as JSON where it serves."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, *map(str, program), *map(str, arguments)]
    log = folder / "serve.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Server(process, log)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


Serving = Callable[..., Any]


@pytest.fixture(name="serving")
def _serving(tmp_path: Path) -> Serving:
    """`serving`, in the test's own folder."""
    return lambda *arguments, **program: serving(tmp_path / "serve", *arguments, **program)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Iterator[Server]:
    """One server for many tests: two faces, hero and twin."""
    faces = ("--face", hero, "--face", f"twin={hero}")
    with serving(tmp_path_factory.mktemp("server"), *faces, *SMALL, "--max-sessions", "12") as running:
        yield running


TOKEN = "d3b07384d113edec49eaa6238ad5ff00"  # noqa: S105 - of these tests
WATCH_TOKEN = "9f86d081884c7d659a2feaa0c55ad015"  # noqa: S105 - of these tests


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Iterator[Server]:
    """A server with a token, and one for watching alone."""
    tokens = ("--token", TOKEN, "--watch-token", WATCH_TOKEN)
    with serving(tmp_path_factory.mktemp("guarded"), "--face", hero, *SMALL, *tokens) as running:
        yield running


@pytest.fixture(scope="session")
def lens(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Iterator[Server]:
    """A server for the mesh page, with room for two cameras."""
    with serving(tmp_path_factory.mktemp("lens"), "--face", hero, *SMALL, "--max-cameras", "2") as running:
        yield running


@pytest.fixture(scope="session")
def head(hero: Path) -> Any:
    """Frames of a head that moves (heads.moving_head)."""
    from tests.server.heads import moving_head  # heavy: an engine

    return moving_head(hero)


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def window(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with getattr(browsers, request.param)(tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


@pytest.fixture(scope="session", params=["chromium", "firefox"])
def artist(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with WebGL, which needs no graphics card, and with sound."""
    folder = tmp_path_factory.mktemp("artist")
    if request.param == "chromium":
        with browsers.chromium(folder, more=SOFTWARE) as opened:
            yield opened
        return
    with sink(tmp_path_factory.mktemp("sink")) as sound, screen(1280, 1000) as display:
        around = {"DISPLAY": display, "LIBGL_ALWAYS_SOFTWARE": "1"}
        around |= {name: sound[name] for name in ("XDG_RUNTIME_DIR", "PULSE_SERVER")}
        with browsers.firefox(folder, around) as opened:
            yield opened


@pytest.fixture(scope="module")
def the_site() -> Iterator[Site]:
    with site() as made:
        yield made
