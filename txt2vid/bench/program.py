"""A program of ours that says what happens as lines of JSON on stdout, and is told what to do the same way."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from txt2vid.errors import Txt2VidError
from txt2vid.interrupts import apart

if TYPE_CHECKING:
    from typing_extensions import Self

EVENTS = 100_000  # that wait to be read: hours of marks; then the program waits
LINE_BYTES = 1 << 20  # of one event
TAIL_LINES, TAIL_BYTES = 12, 1000  # of stderr that are kept for an error
STOP_SECONDS = 8.0  # for a polite end: a server gives its own children 5

Event = dict[str, Any]


class Program:
    """Runs while its block does, in a session of its own; `ended` politely (SIGTERM), then killed with its children.

    ffmpeg's own class for children (txt2vid.ffmpeg.program.Child) has no stdin, no signals and no lines.
    """

    def __init__(self, command: Sequence[str], what: str) -> None:
        self._command, self._what = command, what
        self._process: subprocess.Popen[bytes] | None = None
        self._events: queue.Queue[Event] = queue.Queue(EVENTS)
        self._tail: deque[bytes] = deque(maxlen=TAIL_LINES)
        self._threads: list[threading.Thread] = []
        self.started = 0.0
        """When it was spawned, on time.monotonic()."""

    def __enter__(self) -> Self:
        try:
            apart(self._start)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid if self._process else -1

    def tell(self, message: Mapping[str, Any]) -> None:
        """One line to its stdin; nothing where it has ended."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):
                self._process.stdin.write(json.dumps(message).encode() + b"\n")
                self._process.stdin.flush()

    def wait_for(self, name: str | None, seconds: float) -> Event:
        """The next event of that name (None: of any), others are dropped. Raises Txt2VidError where none comes."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=min(left, 0.2))
            except queue.Empty:
                if self._process is not None and self._process.poll() is not None and self._events.empty():
                    raise Txt2VidError(f"{self._what} ended: {self.words}") from None
                continue
            if name is None or event.get("event") == name:
                return event
            if event.get("event") == "failed":
                raise Txt2VidError(f"{self._what}: {event.get('why')}")
        raise Txt2VidError(f"{self._what} did nothing for {seconds:g} s ({name or 'no line'}): {self.words}")

    def events(self) -> list[Event]:
        """All that came and was not read yet."""
        found = []
        while True:
            try:
                found.append(self._events.get_nowait())
            except queue.Empty:  # noqa: PERF203 - the one way to empty a queue
                return found

    @property
    def words(self) -> str:
        """The last lines of its stderr, as one."""
        return "; ".join(line.decode(errors="replace").strip() for line in self._tail)[-500:] or "it said nothing"

    def end(self) -> None:
        """Ends it, and its children. Twice is safe."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # its session, which is empty where all went well
        process.wait()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _start(self) -> None:
        self.started = time.monotonic()
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
        self._threads = [
            threading.Thread(target=work, name=f"bench-{work.__name__}", daemon=True)
            for work in (self._read_events, self._read_errors)
        ]
        for thread in self._threads:
            thread.start()

    def _read_events(self) -> None:
        out = self._process.stdout if self._process else None
        while out is not None and (line := out.readline(LINE_BYTES)):
            with suppress(ValueError):  # a line that is no JSON is none of ours
                event = json.loads(line)
                if isinstance(event, dict):
                    self._events.put(event)

    def _read_errors(self) -> None:
        out = self._process.stderr if self._process else None
        while out is not None and (line := out.readline(TAIL_BYTES)):
            self._tail.append(line)
