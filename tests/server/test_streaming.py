"""Viewers over real HTTP: players, and sockets that do what players should not."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, TypeVar

import psutil
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.transports.media import FRAGMENTED, encode
from txt2vid.server import streaming
from txt2vid.server.streaming import MEDIA_TYPES, Publishing, StreamProtocol, stream_response
from txt2vid.transports.broadcast import Broadcaster

PATIENCE = 30.0
T = TypeVar("T")


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Site:
    """A server in a thread of its own, with one session, whose encoder runs when it is told to."""

    def __init__(self, most: int) -> None:
        self._loop = asyncio.new_event_loop()
        self.broadcaster = Broadcaster(most)
        app = Starlette(routes=[Route("/stream.{container}", self._stream)])
        config = uvicorn.Config(
            app, port=0, log_config=None, ws="websockets-sansio", http=StreamProtocol, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._server.serve(),))
        self._thread.start()
        self._asked: list[http.client.HTTPResponse | http.client.HTTPConnection] = []
        self._encoder: subprocess.Popen[bytes] | None = None
        wait_for(lambda: self._server.started)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]

    async def _stream(self, request: Request) -> Response:
        return stream_response(request, self.broadcaster, request.path_params["container"])

    def call(self, function: Callable[[], T]) -> T:
        """What a function gives in the server's loop."""

        async def run() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE)

    def encode(self) -> None:
        """Starts an encoder in real time; the one before ends."""
        ts, ts_in = os.pipe()
        mp4, mp4_in = os.pipe()
        slaves = f"[f=mpegts:flush_packets=1]pipe:{ts_in}|[f=mp4:movflags={FRAGMENTED}:flush_packets=1]pipe:{mp4_in}"
        command = encode("-f", "tee", slaves, pace="-re", seconds=300)
        self.stop()
        self._encoder = subprocess.Popen(command, pass_fds=(ts_in, mp4_in), stderr=subprocess.DEVNULL)
        os.close(ts_in)
        os.close(mp4_in)
        self.call(lambda: self.broadcaster.attach(ts, mp4, Fraction(0)))

    def stop(self) -> None:
        """Ends the encoder."""
        if self._encoder is not None:
            self._encoder.kill()
            self._encoder.wait()
            self._encoder = None

    def tasks(self) -> int:
        return self.call(lambda: len(asyncio.all_tasks(self._loop)))

    def close(self) -> None:
        self.stop()
        for asked in self._asked:
            asked.close()
        self.call(self.broadcaster.close)
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._loop.close()

    def connect(self, path: str = "/stream.ts", method: str = "GET") -> socket.socket:
        """A connection that has asked for a stream."""
        end = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        end.sendall(f"{method} {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        return end

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        self._asked += [answer, connection]
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer

    def frames(self, container: str, count: int) -> subprocess.Popen[bytes]:
        """A player that ends after so many pictures."""
        url = f"http://127.0.0.1:{self.port}/stream.{container}"
        output = ["-map", "0:v", "-frames:v", str(count), "-f", "framemd5", "pipe:1"]
        look = ["-analyzeduration", "500000", "-probesize", "100000"]
        command = ["ffmpeg", "-v", "error", "-nostdin", *look, "-i", url, *output]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def played(player: subprocess.Popen[bytes]) -> tuple[int, str]:
    """How many pictures a player got, and its complaints."""
    out, err = player.communicate(timeout=PATIENCE)
    return sum(not line.startswith(b"#") for line in out.splitlines()), err.decode()


def drain(end: socket.socket) -> None:
    """Reads to the end."""
    while end.recv(65536):
        pass


Open = Callable[..., Site]


@pytest.fixture
def site() -> Iterator[Open]:
    with contextlib.ExitStack() as stack:

        def build(most: int = 100) -> Site:
            made = Site(most)
            stack.callback(made.close)
            return made

        yield build


@pytest.mark.parametrize("container", MEDIA_TYPES)
def test_a_player_plays(site: Open, container: str) -> None:
    here = site()
    here.encode()
    assert played(here.frames(container, 20)) == (20, "")
    assert played(here.frames(container, 5)) == (5, "")  # comes late
    wait_for(lambda: here.broadcaster.viewers == 0)


def test_a_viewer_waits_for_the_encoder_and_stays_when_it_changes(site: Open) -> None:
    here = site()
    player = here.frames("ts", 30)
    wait_for(lambda: here.broadcaster.viewers == 1)
    here.encode()
    wait_for(lambda: here.broadcaster.bytes_out > 50_000)
    here.encode()
    assert played(player)[0] == 30


@pytest.mark.parametrize("container", MEDIA_TYPES)
def test_head_says_what_get_would_and_watches_nothing(site: Open, container: str) -> None:
    here = site(0)
    status, headers, answer = here.ask("HEAD", f"/stream.{container}")
    assert (status, answer.read()) == (200, b"")
    assert headers["content-type"] == MEDIA_TYPES[container]
    assert headers["cache-control"] == "no-store"
    assert headers["connection"] == "close"
    assert "content-length" not in headers


def test_ranges_are_not_looked_at(site: Open) -> None:
    here = site()
    status, headers, answer = here.ask("GET", "/stream.mp4", Range="bytes=100-")
    assert status == 200
    assert "content-length" not in headers
    here.encode()
    assert answer.read(8)[4:] == b"ftyp"
    answer.close()


def test_too_many_viewers_are_told_to_come_later(site: Open) -> None:
    here = site(1)
    first = here.connect()
    wait_for(lambda: here.broadcaster.viewers == 1)
    status, headers, answer = here.ask("GET", "/stream.ts")
    assert status == 503
    assert int(headers["retry-after"]) > 0
    assert answer.read().decode().count("\n") == 1
    first.close()
    wait_for(lambda: here.broadcaster.viewers == 0)


def test_a_dead_viewer_is_noticed_where_nothing_is_sent(site: Open) -> None:
    here = site()
    for path in ("/stream.ts", "/stream.mp4"):
        end = here.connect(path)
        wait_for(lambda: here.broadcaster.viewers == 1)
        end.close()
        wait_for(lambda: here.broadcaster.viewers == 0)


def test_a_viewer_that_reads_nothing_is_cut_and_disturbs_nobody(site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(streaming, "SEND_BUFFER", 4096)
    here = site()
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect(("127.0.0.1", here.port))
    stuck.sendall(b"GET /stream.ts HTTP/1.1\r\nHost: here\r\n\r\n")
    wait_for(lambda: here.broadcaster.viewers == 1)
    here.encode()
    assert played(here.frames("ts", 40)) == (40, "")
    wait_for(lambda: here.broadcaster.viewers == 0)
    stuck.settimeout(PATIENCE)
    with contextlib.suppress(ConnectionResetError):
        drain(stuck)  # what the system still had; a TimeoutError where the connection is open yet
    stuck.close()


def test_the_end_of_a_session_ends_its_streams(site: Open) -> None:
    here = site()
    here.encode()
    _, _, answer = here.ask("GET", "/stream.ts")
    assert len(answer.read(1000)) == 1000
    here.call(here.broadcaster.close)
    rest = answer.read()  # to its end: an http.client.IncompleteRead where it was cut
    assert rest
    answer.close()


def test_fifty_viewers(site: Open) -> None:
    here = site()
    here.encode()
    ends = [here.connect() for _ in range(50)]
    player = here.frames("ts", 25)
    sizes = dict.fromkeys(ends, 0)

    def read() -> bool:
        for end in ends:
            end.settimeout(0.001)
            with contextlib.suppress(TimeoutError):
                sizes[end] += len(end.recv(1 << 20))
        return min(sizes.values()) > 20_000

    wait_for(read)
    assert here.broadcaster.dropped == 0
    for end in ends:
        end.close()
    assert played(player) == (25, "")
    wait_for(lambda: here.broadcaster.viewers == 0)


def test_two_hundred_visits_leave_nothing(site: Open) -> None:
    here = site()
    here.encode()
    here.connect().close()
    wait_for(lambda: here.broadcaster.viewers == 0)
    process: Any = psutil.Process()

    def used() -> tuple[int, int]:
        return process.num_fds(), here.tasks()

    wait_for(lambda: here.tasks() <= 4)
    before = used()
    for number in range(200):
        end = here.connect(("/stream.ts", "/stream.mp4")[number % 2])
        if number % 3:
            end.recv(100)
        end.close()
    wait_for(lambda: here.broadcaster.viewers == 0 and used() <= before)


def test_publishing_is_a_viewer_until_it_is_cancelled(site: Open) -> None:
    here = site()
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(PATIENCE)
    publishing = Publishing(here.broadcaster, [f"udp://127.0.0.1:{receiver.getsockname()[1]}"])
    task = here.call(lambda: asyncio.ensure_future(publishing.run()))
    wait_for(lambda: here.broadcaster.viewers == 1)
    here.encode()
    assert receiver.recv(2000)[::188].strip(b"G") == b""  # sync bytes of MPEG-TS
    here.call(task.cancel)
    wait_for(lambda: task.done() and here.broadcaster.viewers == 0)
    receiver.close()
