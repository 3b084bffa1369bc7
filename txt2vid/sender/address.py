"""Where a server's door for senders is."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit, urlunsplit

from txt2vid.errors import UsageError

DEFAULT = "ws://127.0.0.1:8080/speak"
DOOR = "/speak"
_PORT = 8080  # of `txt2vid serve`, for addresses without a scheme
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def speak_url(address: str) -> str:
    """The websocket's URL of what people type: "ws://host:8080/speak", "https://host", "host", "host:port".

    Raises UsageError where it is none.
    """
    bare = "://" not in address
    try:
        parts = urlsplit(f"ws://{address}" if bare else address)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if not host or parts.scheme not in _SCHEMES or any(char.isspace() for char in address):
        raise UsageError(f"{address!r} is no address of a server: write, for instance, {DEFAULT}")
    place = f"{parts.netloc}:{_PORT}" if bare and port is None else parts.netloc
    path = parts.path.rstrip("/")
    path = path if path.endswith(DOOR) else path + DOOR
    return urlunsplit(SplitResult(_SCHEMES[parts.scheme], place, path, parts.query, ""))


def shown(url: str) -> str:
    """A URL for messages: without what may be secret in it."""
    parts = urlsplit(url)
    return urlunsplit(SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_loopback(url: str) -> bool:
    """Whether it is this machine, which no proxy reaches."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
