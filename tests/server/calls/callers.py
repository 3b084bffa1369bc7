"""A caller's end of /call/{room}/live, and a room to call in."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from txt2vid.core.callwire import SUBPROTOCOL, CallerMessage, encode

Server = Any  # of conftest.py, which tests cannot import
PATIENCE = 30.0


class Caller:
    """One who calls; after `join` or a `welcome`, what the room gave is here."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.welcome: Any = None
        self.members: list[Any] = []

    @property
    def token(self) -> str:
        return str(self.welcome["token"])

    @property
    def bearer(self) -> str:
        return f"Bearer {self.token}"

    @property
    def session(self) -> str:
        return str(self.welcome["session"])

    def say(self, message: CallerMessage | str | bytes) -> None:
        self.connection.send(message if isinstance(message, str | bytes) else encode(message))

    def hear(self, seconds: float = PATIENCE) -> Any:
        """The next message."""
        message = json.loads(self.connection.recv(seconds))
        if message["type"] == "welcome":
            self.welcome = message
        elif message["type"] == "room":
            self.members = message["members"]
        return message

    def until(self, kind: str, seconds: float = PATIENCE) -> Any:
        """The next message of that kind; others are passed over."""
        end = time.monotonic() + seconds
        while (message := self.hear(max(0.1, end - time.monotonic())))["type"] != kind:
            assert message["type"] != "error", message
        return message

    def until_error(self) -> Any:
        """The next error; others are passed over."""
        while (message := self.hear())["type"] != "error":
            pass
        return message

    def sees(self, condition: Callable[[list[Any]], object]) -> list[Any]:
        """Waits for a room like that."""
        end = time.monotonic() + PATIENCE
        while not condition(self.members):
            assert time.monotonic() < end, self.members
            self.hear()
        return self.members

    def end(self) -> tuple[Any, int | None]:
        """The last message, and the close code after it."""
        last = None
        try:
            while True:
                last = self.hear()
        except ConnectionClosed as closed:
            return last, closed.rcvd.code if closed.rcvd else None

    def cut(self) -> None:
        """The network is gone: no close frame goes out."""
        self.connection.socket.shutdown(socket.SHUT_RDWR)


def make_room(server: Server, **headers: str) -> str:
    answer = server.ask("/call", "POST", **headers)
    assert answer.status == 201, answer.body
    assert answer.json["url"] == answer.headers["Location"] == f"/call/{answer.json['room']}"
    return str(answer.json["room"])


@contextmanager
def connected(server: Server, room: str, **options: Any) -> Iterator[Caller]:
    """One who has said nothing yet."""
    options = {"subprotocols": [Subprotocol(SUBPROTOCOL)], "compression": None, **options}
    with connect(f"ws://127.0.0.1:{server.port}/call/{room}/live", close_timeout=2, **options) as connection:
        yield Caller(connection)


@contextmanager
def joined(server: Server, room: str, name: str = "Anna", **fields: str) -> Iterator[Caller]:
    """One in the room."""
    with connected(server, room) as caller:
        caller.say(json.dumps({"type": "join", "name": name, **fields}))
        caller.until("welcome")
        caller.until("room")
        yield caller
