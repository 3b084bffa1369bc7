"""Where connections come in if the port speaks TLS: plain HTTP is told so, in place of a connection that breaks."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from txt2vid.core.tasks import within
from txt2vid.server import limits
from txt2vid.server.logs import say

HINT = "this port speaks TLS: write https:// in place of http://, and wss:// in place of ws://"
_HANDSHAKE = b"\x16"  # the first byte of whoever speaks TLS (RFC 8446, 5.1); no request of HTTP begins with it
_BODY = f"{HINT}\n".encode()
_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)

_log = logging.getLogger(__name__)


class Door:
    """Accepts at a listener, and makes a protocol for each connection once its TLS handshake is done.

    asyncio's own servers cannot look at a connection before they shake hands, and give nobody a shorter time for it.
    """

    def __init__(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        self._listener, self._context = listener, context
        self._greeted: dict[asyncio.Task[None], None] = {}  # in the order of their coming

    async def run(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Accepts until it is cancelled."""
        self._listener.setblocking(False)
        try:
            while True:
                connection = await self._accepted()
                if connection is None:
                    continue
                if len(self._greeted) >= limits.GREETINGS:
                    longest = next(iter(self._greeted))
                    self._forget(longest)
                    longest.cancel()
                task = asyncio.create_task(self._greet(connection, protocol), name="greeting")
                self._greeted[task] = None
                task.add_done_callback(self._forget)
                await asyncio.sleep(0)  # whoever waits is accepted without a pause: others want to go on, too
        finally:
            for task in self._greeted:
                task.cancel()
            await asyncio.gather(*self._greeted, return_exceptions=True)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._greeted.pop(task, None)

    async def _accepted(self) -> socket.socket | None:
        """The next connection; None where it did not come about."""
        try:
            return (await asyncio.get_running_loop().sock_accept(self._listener))[0]
        except ConnectionError:  # it was given up meanwhile
            return None
        except OSError as err:  # no more open files, or no memory: others have to go first
            say(_log, "no connection can be accepted", logging.WARNING, why=err.strerror)
            await asyncio.sleep(limits.ACCEPT_SECONDS)
            return None

    async def _greet(self, connection: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        loop, seconds = asyncio.get_running_loop(), limits.GREETING_SECONDS
        kept, goodbye = False, dict[str, Any]()
        if sys.version_info >= (3, 11):  # before, asyncio knows no limit
            goodbye["ssl_shutdown_timeout"] = limits.GOODBYE_SECONDS
        try:
            first = await within(_first_byte(connection), seconds)
            if first == _HANDSHAKE:
                kept = True  # asyncio's from here on, whatever happens
                await loop.connect_accepted_socket(
                    protocol, connection, ssl=self._context, ssl_handshake_timeout=seconds, **goodbye
                )
            elif first:
                await within(_decline(connection), seconds)
        except (OSError, asyncio.TimeoutError) as err:  # ssl.SSLError: for instance, a certificate that is not trusted
            _log.debug("a connection did not come about: %s", err)
        finally:
            if not kept:
                connection.close()


async def _first_byte(connection: socket.socket) -> bytes:
    """It stays where it is; b"" where the other end has hung up."""
    while True:
        with suppress(BlockingIOError):
            return connection.recv(1, socket.MSG_PEEK)
        await _readable(connection)


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(connection, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(connection)


async def _decline(connection: socket.socket) -> None:
    """Says what this port is, and reads on until it was heard: what is left unread would cut our words off."""
    loop = asyncio.get_running_loop()
    await loop.sock_recv(connection, limits.HEAD_BYTES)
    await loop.sock_sendall(connection, _ANSWER)
    connection.shutdown(socket.SHUT_WR)
    while await loop.sock_recv(connection, limits.HEAD_BYTES):
        pass
