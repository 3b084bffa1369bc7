"""A service on a real socket of this machine that answers as it is told, well or badly."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came. path: with its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What goes back.

    parts: the body, chunk by chunk, `pause` seconds between them. hang: seconds before anything. cut: the connection
    breaks off before the body is complete.
    """

    status: int = 200
    parts: tuple[bytes, ...] = (b"",)
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0
    hang: float = 0.0
    cut: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200, **more: Any) -> Answer:
        """A JSON object."""
        return cls(
            status,
            (json.dumps(value).encode(),),
            {"Content-Type": "application/json", **more.pop("headers", {})},
            **more,
        )


Answering = Callable[[Request], Answer]


class Service:
    """Answers by `plan`, one answer a request, then by `always`; keeps what came in `requests`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.plan: deque[Answer] = deque()
        self.always: Answering = lambda _: Answer.of({"error": {"code": 404, "message": "nothing here"}}, 404)
        self.ended = threading.Event()
        self.url = ""

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.plan.popleft() if self.plan else self.always(request)


@contextmanager
def running() -> Iterator[Service]:
    """A service while the block runs; `url` is its address."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = service.answer(Request(self.command, self.path, headers, body))
            service.ended.wait(answer.hang)
            try:
                self._send(answer)
            except OSError:
                self.close_connection = True

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in answer.parts:
                if part:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                    self.wfile.flush()
                service.ended.wait(answer.pause)
            if answer.cut:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = _serve  # noqa: N815 - the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        service.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Polls. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)
