"""A real HTTP server on this machine that serves a file as a test says: right, broken, or not at all."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from txt2vid.weights.fetch import fetch
from txt2vid.weights.known import Known, Terms

DATA = random.Random(0).randbytes(300_000)
TAG = '"version 1"'
MIDDLE = 100_000
PATIENCE = 60.0  # seconds: no test waits as long


def small(data: bytes = DATA, mirrors: tuple[str, ...] = ()) -> Known:
    """An entry of the table for some bytes."""
    terms = Terms("for tests only", "For tests, and for nothing else.")
    return Known("small", "small.pth", len(data), hashlib.sha256(data).hexdigest(), mirrors, "tests", terms)


def get(folder: Path, *mirrors: Mirror, timeout: float = PATIENCE) -> Path:
    """Fetches it from mirrors that run here."""
    return fetch(small(), folder, mirrors=[mirror.url() for mirror in mirrors], timeout=timeout)


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


class Request(BaseHTTPRequestHandler):
    """One request; plays answer it by its methods."""

    server: Server

    def do_GET(self) -> None:
        play = self.server.mirror.take(self.path, self.headers)
        with suppress(ConnectionError):  # clients cut off what is too much
            play(self)

    def head(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The terminal is for the tests."""

    @property
    def start(self) -> int:
        """The first byte that is wanted."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))


Play = Callable[[Request], None]


class Server(ThreadingHTTPServer):
    mirror: Mirror
    daemon_threads = False  # server_close waits for them


class Mirror:
    """plays: how the coming requests are answered; the last one stays. requests: path and headers of all so far."""

    def __init__(self, port: int, *plays: Play) -> None:
        self.port, self.plays = port, list(plays)
        self.requests: list[tuple[str, Message]] = []
        self.released = threading.Event()  # ends what stalls

    def url(self, path: str = "/small.pth") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def take(self, path: str, headers: Message) -> Play:
        self.requests.append((path, headers))
        return self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.requests]


@contextmanager
def serving(*plays: Play) -> Iterator[Mirror]:
    """A mirror, until the block ends."""
    with Server(("127.0.0.1", 0), Request) as server:
        mirror = server.mirror = Mirror(server.server_address[1], *(plays or [good]))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield mirror
        finally:
            mirror.released.set()
            server.shutdown()
            thread.join()


def good(request: Request) -> None:
    """As a well-kept server answers."""
    body(request, DATA)


def body(request: Request, data: bytes, most: int | None = None, **headers: object) -> None:
    """The wanted part of some bytes, of which at most so many really come."""
    start, sent = request.start, {"ETag": TAG, **headers}
    if request.headers.get("If-Range", TAG) != TAG:
        start = 0
    sent["Content_Length"] = len(data) - start
    if start:
        sent["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    request.head(206 if start else 200, **sent)
    request.wfile.write(data[start:] if most is None else data[start : start + most])


def breaks_off(after: int) -> Play:
    """Ends the connection after so many bytes."""
    return lambda request: body(request, DATA, after)


def stalls(after: int, size: int = len(DATA)) -> Play:
    """Sends so many bytes, and then nothing."""

    def play(request: Request) -> None:
        request.head(200, ETag=TAG, Content_Length=size)
        request.wfile.write(bytes(after) if size != len(DATA) else DATA[:after])
        request.server.mirror.released.wait()

    return play


def silent(request: Request) -> None:
    """Does not even answer."""
    request.server.mirror.released.wait()


def corrupt(request: Request) -> None:
    """One byte is another."""
    body(request, bytes([DATA[0] ^ 1]) + DATA[1:])


def refuses(status: int) -> Play:
    return lambda request: request.head(status, Content_Length=0)


def ignores_range(request: Request) -> None:
    """All of it, whatever is asked for."""
    request.head(200, Content_Length=len(DATA))
    request.wfile.write(DATA)


def wrong_range(told: str) -> Play:
    """Answers a range with another one."""

    def play(request: Request) -> None:
        if request.start:
            request.head(206, Content_Range=told, Content_Length=len(DATA))
            request.wfile.write(DATA)
        else:
            good(request)

    return play


def endless(begin: bytes) -> Play:
    """Does not say how much comes, and never ends."""

    def play(request: Request) -> None:
        request.head(200)
        request.wfile.write(begin)
        while not request.server.mirror.released.is_set():
            request.wfile.write(bytes(10_000))

    return play


def redirects(location: str, status: int = 302) -> Play:
    return lambda request: request.head(status, Location=location, Content_Length=0)
