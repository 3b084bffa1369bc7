"""The door of a port that speaks TLS, with an echo behind it: who is let in, and how the others are sent away."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.server.certificates import Files, issued
from txt2vid.server import limits
from txt2vid.server.certificate import proof
from txt2vid.server.door import HINT, Door
from txt2vid.server.settings import Tls

PATIENCE = 30.0


class Echo(asyncio.Protocol):
    """Sends back what comes; hangs up at "bye"."""

    gone = threading.Event()  # one of them is

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)
        if data == b"bye":
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self.gone.set()
        self._transport.close()  # Python 3.10 warns of a transport that its protocol has not closed


class Place:
    """A door in a thread of its own."""

    def __init__(self, files: Files) -> None:
        self.trust = ssl.create_default_context(cafile=str(files.ca))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._door = Door(self._listener, proof(Tls(files.certificate, files.key), "127.0.0.1", ()).context)
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(self._door.run(Echo))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            self._loop.run_until_complete(asyncio.sleep(0))  # what was cancelled closes its connections

    def plain(self) -> socket.socket:
        """A connection that has said nothing."""
        return socket.create_connection(self.address, timeout=PATIENCE)

    def echoes(self, words: bytes = b"hello") -> bool:
        with self.plain() as below, self.trust.wrap_socket(below, server_hostname="127.0.0.1") as end:
            end.sendall(words)
            return end.recv(len(words)) == words

    def in_the_loop(self, what: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(what)

    def close(self) -> None:
        self.in_the_loop(self._task.cancel)
        self._thread.join()
        self._loop.close()
        self._listener.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return issued(tmp_path_factory.mktemp("files"))


@pytest.fixture
def place(files: Files) -> Iterator[Place]:
    made = Place(files)
    yield made
    made.close()


def read_all(end: socket.socket) -> bytes:
    said = b""
    while data := end.recv(65536):
        said += data
    return said


def test_tls_is_let_in(place: Place) -> None:
    assert place.echoes()
    assert place.echoes(b"x" * 10_000)


@pytest.mark.parametrize(
    "words", [b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", b"POST / HTTP/1.1\r\n", b"\x00\x01nonsense"]
)
def test_who_speaks_no_tls_is_told_so(place: Place, words: bytes) -> None:
    with place.plain() as end:
        end.sendall(words)
        said = read_all(end)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert HINT in said.decode()
    assert place.echoes()


def test_the_answer_arrives_though_more_is_sent(place: Place) -> None:
    """What is not read when a connection is closed would reset it, and the answer with it."""
    with place.plain() as end:
        end.sendall(b"POST /x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + b"z" * 1_000_000)
        end.shutdown(socket.SHUT_WR)
        assert HINT in read_all(end).decode()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio knows no limit")
def test_who_says_no_goodbye_is_gone_all_the_same(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GOODBYE_SECONDS", 0.2)
    Echo.gone.clear()
    with place.plain() as below, place.trust.wrap_socket(below, server_hostname="127.0.0.1") as end:
        end.sendall(b"bye")  # and nothing is read: what is ours goes unanswered
        assert Echo.gone.wait(PATIENCE / 2)


def test_who_breaks_off_does_no_harm(place: Place) -> None:
    place.plain().close()
    with place.plain() as end:
        end.sendall(b"\x16\x03\x01\x00\x05hello")
    stranger = ssl.create_default_context()  # does not trust it, and says so
    with place.plain() as below, pytest.raises(ssl.SSLCertVerificationError):
        stranger.wrap_socket(below, server_hostname="127.0.0.1")
    assert place.echoes()


@pytest.mark.parametrize("words", [b"", b"\x16", b"\x16\x03\x01"])
def test_who_says_nothing_is_sent_away(place: Place, words: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GREETING_SECONDS", 0.2)
    with place.plain() as end:
        end.sendall(words)
        assert read_all(end) == b""


def test_at_the_limit_the_one_that_takes_longest_goes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GREETINGS", 3)
    waiting = [place.plain() for _ in range(5)]
    try:
        assert [read_all(end) for end in waiting[:2]] == [b"", b""]
        assert place.echoes()
        assert read_all(waiting[2]) == b""
        waiting[4].sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert HINT in read_all(waiting[4]).decode()
    finally:
        for end in waiting:
            end.close()


def test_its_end_sends_away_who_is_not_in_yet(files: Files) -> None:
    place = Place(files)
    with place.plain() as end:
        assert place.echoes()  # it has been accepted
        place.close()
        assert read_all(end) == b""


def test_no_open_file_is_left_is_said_and_waited_for(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Open files are the process's, and the clients' here as well: they are opened before."""
    monkeypatch.setattr(limits, "ACCEPT_SECONDS", 0.05)
    ends, filled = [socket.socket() for _ in range(2)], list[socket.socket]()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(each.name) for each in Path("/proc/self/fd").iterdir())
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
        with suppress(OSError):
            while True:
                filled.append(socket.socket())
        for end in ends:
            end.settimeout(PATIENCE)
            end.connect(place.address)
        deadline = time.monotonic() + PATIENCE
        while "no connection can be accepted" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        for full in filled:
            full.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with place.trust.wrap_socket(ends[0], server_hostname="127.0.0.1") as tls:
        tls.sendall(b"there")
        assert tls.recv(5) == b"there"
    for end in ends:
        end.close()
