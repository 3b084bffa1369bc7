"""A server of one stream, and what a test does with it."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.server.certificates import Files
from tests.transports.media import FRAGMENTED, encode
from txt2vid.server.streaming import StreamProtocol, stream_response
from txt2vid.transports.broadcast import Broadcaster

PATIENCE = 30.0
T = TypeVar("T")


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Site:
    """A server in a thread of its own, with one session, whose encoder runs when it is told to. tls: speaks it."""

    def __init__(self, most: int, tls: Files | None = None) -> None:
        self._tls = tls
        self._trust = None if tls is None else ssl.create_default_context(cafile=str(tls.ca))
        self._loop = asyncio.new_event_loop()
        self.broadcaster = Broadcaster(most)
        app = Starlette(routes=[Route("/stream.{container}", self._stream)])
        config = uvicorn.Config(
            app,
            port=0,
            log_config=None,
            ws="websockets-sansio",
            http=StreamProtocol,
            timeout_graceful_shutdown=1,
            ssl_certfile=None if tls is None else tls.certificate,
            ssl_keyfile=None if tls is None else tls.key,
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

    def connections(self) -> int:
        return self.call(lambda: len(self._server.server_state.connections))

    def waiting(self) -> int:
        """Bytes that wait for sockets, in asyncio's hands; to be called in the loop."""
        return sum(each.transport.get_write_buffer_size() for each in self._server.server_state.connections)

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

    def reach(self, receive: int | None = None) -> socket.socket:
        """A connection that has asked for nothing. receive: bytes of its buffer."""
        end = socket.socket()
        end.settimeout(PATIENCE)
        if receive is not None:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        end.connect(("127.0.0.1", self.port))
        return end if self._trust is None else self._trust.wrap_socket(end, server_hostname="127.0.0.1")

    def connect(self, path: str = "/stream.ts", method: str = "GET", receive: int | None = None) -> socket.socket:
        """A connection that has asked for a stream."""
        end = self.reach(receive)
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
        url = f"127.0.0.1:{self.port}/stream.{container}"
        url = f"http://{url}" if self._tls is None else f"https://{url}"
        trust = [] if self._tls is None else ["-tls_verify", "1", "-ca_file", str(self._tls.ca)]
        output = ["-map", "0:v", "-frames:v", str(count), "-f", "framemd5", "pipe:1"]
        look = ["-analyzeduration", "500000", "-probesize", "100000"]
        command = ["ffmpeg", "-v", "error", "-nostdin", *look, *trust, "-i", url, *output]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def played(player: subprocess.Popen[bytes]) -> tuple[int, str]:
    """How many pictures a player got, and its complaints."""
    out, err = player.communicate(timeout=PATIENCE)
    return sum(not line.startswith(b"#") for line in out.splitlines()), err.decode()


def drain(end: socket.socket) -> None:
    """Reads to the end."""
    while end.recv(65536):
        pass
