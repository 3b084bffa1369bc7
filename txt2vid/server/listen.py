"""The socket that the server listens at."""

from __future__ import annotations

import errno
import socket

from txt2vid.errors import UsageError
from txt2vid.server import limits


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address; connections inherit its options. port: 0 takes a free one.

    Raises UsageError where the address cannot be had.
    """
    family, address = _resolve(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: a peer that vanished, or never reads, is dropped
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limits.DEAD_SECONDS * 1000)
        listener.bind(address)
        listener.listen(limits.BACKLOG)  # now, so that nobody else can: two may bind where neither listens
    except OSError as err:
        listener.close()
        raise UsageError(_why(err, host, port)) from err
    return listener


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as err:
        raise UsageError(f"host {host!r} is not known here: choose --host 127.0.0.1, or this machine's name") from err
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)  # localhost: 127.0.0.1, as typed
    return family, address


def _why(err: OSError, host: str, port: int) -> str:
    if err.errno == errno.EADDRINUSE:
        return f"port {port} is in use: choose another with --port, or --port 0 for any that is free"
    if err.errno == errno.EACCES:
        return f"port {port} needs more rights than you have: choose one from 1024 with --port"
    if err.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: choose --host 127.0.0.1, or 0.0.0.0 for all of its addresses"
    return f"{host}, port {port}, cannot be listened at ({err.strerror}): choose others with --host and --port"
