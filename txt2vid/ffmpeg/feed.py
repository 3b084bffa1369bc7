"""Writing into a child's pipe from a thread of its own, so that no caller waits for another pipe of the same child."""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress

from txt2vid.ffmpeg.program import widen


class Feed:
    """A bounded queue of bytes, and the thread that writes it into one end of a pipe.

    `reader` is the end for the child; close it here (`close_reader`) once the child has it. Once `open` has been
    called, however that ended, call `close_reader`, `abandon` and `join`.
    """

    def __init__(self, name: str) -> None:
        self.reader = self._writer = -1
        self._queue: deque[bytes] = deque()
        self._held = 0
        self._written = 0
        self._closed = False
        self._broken = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def open(self) -> None:
        """Make the pipe, and start the thread."""
        self.reader, self._writer = os.pipe()
        widen(self._writer)
        self._thread.start()

    @property
    def broken(self) -> bool:
        """Whether the child has closed its end."""
        return self._broken

    @property
    def written(self) -> int:
        """Bytes that the pipe has taken."""
        return self._written

    def close_reader(self) -> None:
        """Close our copy of the child's end: only then does the child's death break the pipe."""
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def put(self, data: bytes, limit: int, timeout: float) -> bool:
        """Queue the data once less than `limit` bytes wait; False where that takes longer than `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._held < limit or self._broken, timeout):
                return False
            self._queue.append(data)
            self._held += len(data)
            self._changed.notify_all()
        return True

    def finish(self) -> None:
        """No more data: the child sees the end of the pipe after what is queued."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Drop what is queued and end. The thread is gone once the child has closed its end, or read on."""
        with self._changed:
            self._queue.clear()
            self._held = 0
        self.finish()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; whether it has ended."""
        with suppress(RuntimeError):  # not started, or not quite, because an interrupt came
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while data := self._next():
                self._write(memoryview(data))
        except BrokenPipeError:
            with self._changed:
                self._broken = True
                self._queue.clear()
                self._changed.notify_all()
        finally:
            os.close(self._writer)

    def _next(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            if not self._queue:
                return b""
            data = self._queue.popleft()
            self._held -= len(data)
            self._changed.notify_all()
            return data

    def _write(self, data: memoryview) -> None:
        while data:
            count = os.write(self._writer, data)
            self._written += count
            data = data[count:]
