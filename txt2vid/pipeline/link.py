"""A socket between the server and one studio: pickled messages, with file descriptors where they carry some.

Both ends are processes of ours, started by one of them, so pickles are safe; nothing from outside is ever unpickled.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import struct
from collections import deque
from collections.abc import Sequence

_LENGTH = struct.Struct(">IB")  # bytes of the pickle, file descriptors with it
CHUNK = 256 * 1024  # bytes of a read
MAX_FDS = 16  # of one read: several messages may come at once, with two descriptors each
LIMIT = 4 << 20  # bytes that wait to be sent: some seconds of sound of a hundred sessions; then `send` says no


class Link:
    """One end, non-blocking. Messages keep their order.

    `send` queues and writes what the socket takes; call `flush` when it is writable again while `waiting`. `receive`
    gives all messages that have come whole. Raises EOFError there once the other end is gone.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._out: deque[tuple[memoryview, Sequence[int]]] = deque()
        self._waiting = 0
        self._in = bytearray()
        self._fds: deque[int] = deque()

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    @property
    def waiting(self) -> int:
        """Bytes that wait for the socket."""
        return self._waiting

    def send(self, message: object, fds: Sequence[int] = (), *, droppable: bool = False) -> bool:
        """Queues a message. fds: descriptors that go with it; they are closed here once they are on their way.

        droppable: may be left out, and is, where LIMIT bytes wait already (the other end hangs); then False.
        """
        if droppable and self._waiting > LIMIT:
            return False
        body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        data = _LENGTH.pack(len(body), len(fds)) + body
        self._out.append((memoryview(data), fds))
        self._waiting += len(data)
        self.flush()
        return True

    def flush(self) -> None:
        """Writes what the socket takes now. A broken socket is told by `receive`."""
        while self._out:
            data, fds = self._out[0]
            try:
                sent = socket.send_fds(self._socket, [data], fds) if fds else self._socket.send(data)
            except BlockingIOError:
                return
            except OSError:
                self._drop()
                return
            for fd in fds:
                os.close(fd)
            self._waiting -= sent
            if sent == len(data):
                self._out.popleft()
            else:
                self._out[0] = (data[sent:], ())

    def receive(self) -> list[tuple[object, list[int]]]:
        """All messages that are there, each with its descriptors, which are the caller's to close.

        Where this process may open no more, the system drops them: the message then comes with fewer, or none.
        """
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self._socket, CHUNK, MAX_FDS)
            except BlockingIOError:
                break
            except OSError as err:
                raise EOFError from err
            self._fds.extend(fds)
            if not data:
                raise EOFError
            self._in += data
            if len(data) < CHUNK:
                break  # what may still be there is told by the selector again
        return self._whole()

    def close(self) -> None:
        """Closes this end, and all descriptors that nobody has taken."""
        self._drop()
        for fd in self._fds:
            os.close(fd)
        self._fds.clear()
        with contextlib.suppress(OSError):
            self._socket.close()

    def _whole(self) -> list[tuple[object, list[int]]]:
        messages, at = [], 0
        while len(self._in) - at >= _LENGTH.size:
            length, count = _LENGTH.unpack_from(self._in, at)
            begin = at + _LENGTH.size
            if len(self._in) < begin + length:
                break
            body = bytes(self._in[begin : begin + length])
            messages.append((pickle.loads(body), [self._fds.popleft() for _ in range(min(count, len(self._fds)))]))  # noqa: S301 - our own
            at = begin + length
        del self._in[:at]
        return messages

    def _drop(self) -> None:
        for _, fds in self._out:
            for fd in fds:
                os.close(fd)
        self._out.clear()
        self._waiting = 0
