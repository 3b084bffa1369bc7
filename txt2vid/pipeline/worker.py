"""One process of a batch: renders the rows that it is sent, one at a time, and tells how each ended."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from txt2vid.errors import Txt2VidError
from txt2vid.interrupts import Terminated, unwind_on
from txt2vid.pipeline.jobs import Row

GRACE = 10.0  # seconds in which an interrupted worker removes what it was writing


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a row ended: its number of frames, or one line of what went wrong."""

    frames: int = 0
    error: str | None = None


class Worker:
    """The parent's end of a worker process; its `connection` is readable when `receive` will not block."""

    def __init__(self) -> None:
        # "spawn": threads of the parent (progress bar, numpy's pools) do not survive a fork in one piece
        context = get_context("spawn")
        self.connection, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other,), name="txt2vid render worker", daemon=True)
        self._process.start()
        other.close()  # so that the end of the process is the end of the connection
        self.ended = False

    def send(self, row: Row) -> None:
        """Has the worker render a row; `receive` tells how it ended, even where the process has just died."""
        try:
            self.connection.send(row)
        except OSError:
            self.ended = True

    def receive(self) -> Outcome:
        """How the row ended that was sent last."""
        try:
            outcome = self.connection.recv()
        except (EOFError, OSError):
            self.ended = True
            self._process.join(GRACE)
            code = self._process.exitcode
            return Outcome(error=f"its process died (exit code {code}): try fewer --workers, it may have lacked memory")
        return outcome if isinstance(outcome, Outcome) else Outcome(error=f"not understood: {outcome!r}")

    def interrupt(self) -> None:
        """Asks the process to unwind now, as Ctrl-C would."""
        self._process.terminate()

    def end(self) -> None:
        """Lets the process end, and waits for it; one that does not end in time is killed. Twice is safe."""
        self.connection.close()
        see_off(self._process, GRACE)


def see_off(process: BaseProcess, grace: float) -> None:
    """Waits for a process that is about to end; one that does not within so many seconds is killed."""
    process.join(grace)
    if process.is_alive():
        process.kill()
        process.join()


def _work(connection: Connection) -> None:
    """What the process runs: rows in, outcomes out, until the parent closes the connection or is gone."""
    obey_parent()
    with suppress(Terminated, EOFError, OSError):  # asked to end; or nobody is there to tell
        _render_rows(connection)


def obey_parent() -> None:
    """How a process of ours begins that has one parent: it unwinds when that says so, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C reaches all; the parent decides
    unwind_on(signal.SIGTERM)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _render_rows(connection: Connection) -> None:
    from txt2vid.pipeline.render import FaceCache, render  # here: the parent needs none of it

    faces = FaceCache()
    while True:
        row: Row = connection.recv()
        try:
            row.output.parent.mkdir(parents=True, exist_ok=True)
            outcome = Outcome(render(row.options(), faces=faces).frames)
        except Txt2VidError as err:
            outcome = Outcome(error=" ".join(str(err).split()))
        except Exception as err:  # noqa: BLE001 - whatever is wrong with one row, the others go on
            outcome = Outcome(error=f"internal error: {type(err).__name__}: {' '.join(str(err).split())}: report it")
        connection.send(outcome)
