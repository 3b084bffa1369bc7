"""Many videos on several processes: rows in, their states out; one failing row never stops the others.

Each worker process renders one row at a time. Rows that share a face go to one worker, which prepares it once; a
worker with nothing else to do helps with the face that has most rows left, where enough are left to be worth
preparing it again. A worker holds the faces of one group only, so memory does not grow with the list.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Literal

from txt2vid.core.machine import cores
from txt2vid.errors import OutputError
from txt2vid.pipeline.jobs import Row, read_jobs
from txt2vid.pipeline.journal import Journal, digest
from txt2vid.pipeline.worker import Outcome, Worker

MIN_SHARE = 4  # rows left of a face that make a second worker prepare it too: some seconds of work against about one


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row.

    number: the row as spreadsheets count it; the header is row 1.
    state: "skipped" where an earlier run had finished it.
    error: one line, where it failed. frames, elapsed (seconds): where it is done.
    """

    number: int
    output: Path
    state: Literal["done", "skipped", "failed"]
    error: str | None = None
    frames: int | None = None
    elapsed: float | None = None


Report = Callable[[RowResult, int], None]
"""Called with each row's result as soon as it is known, and how many rows there are in all."""


def render_jobs(
    jobs: Path,
    folder: Path,
    *,
    defaults: Mapping[str, str] | None = None,
    workers: int | None = None,
    report: Report | None = None,
) -> list[RowResult]:
    """Renders all rows of a jobs file into `folder`, and returns their results in the file's order.

    defaults: cells for where a row's own are empty. workers: processes; None takes half of the cores, as a render
    and its encoder keep about two busy. Raises UsageError before anything runs where the file makes no sense, and
    OutputError where `folder` cannot be written. Interrupted, it ends its workers, which leave nothing half-written.
    """
    rows = read_jobs(jobs, folder, defaults)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise OutputError(f"folder {folder} cannot be made ({err.strerror}): choose another -O") from err
    journal = Journal(folder)
    batch = _Batch(journal, len(rows), report or (lambda _result, _total: None))
    for row in rows:
        if journal.has(row):
            batch.settle(RowResult(row.number, row.output, "skipped"))
        else:
            batch.groups.setdefault(row.face_key(), deque()).append(row)
    journal.save()  # where the folder cannot be written, say so before the work
    try:
        batch.run(workers or default_workers())
    finally:
        journal.save()
    return sorted(batch.results, key=lambda result: result.number)


def default_workers() -> int:
    """Half of the cores that this process may use, and at least one."""
    return max(1, cores() // 2)


@dataclass
class _Task:
    """A row at work, in a worker."""

    row: Row
    digest: str
    started: float


@dataclass
class _Batch:
    """A batch under way: what waits, what runs, what is done."""

    journal: Journal
    total: int
    report: Report
    groups: dict[tuple[str, ...], deque[Row]] = field(default_factory=dict)
    results: list[RowResult] = field(default_factory=list)
    _taken: set[tuple[str, ...]] = field(default_factory=set)
    _running: dict[Worker, _Task] = field(default_factory=dict)

    def run(self, workers: int) -> None:
        """Does all that waits, on up to so many processes, which end with it however it ends."""
        with _crew() as crew:
            while len(self._running) < workers and (row := self._next(None)):
                crew.append(Worker())
                self._start(crew[-1], row)
            while self._running:
                by_connection = {worker.connection: worker for worker in self._running}
                for connection in wait(list(by_connection)):
                    self._take(by_connection[connection], crew)  # type: ignore[index]

    def settle(self, result: RowResult) -> None:
        """Notes a row's result, and reports it."""
        self.results.append(result)
        self.report(result, self.total)

    def _take(self, worker: Worker, crew: list[Worker]) -> None:
        """Takes a worker's outcome, and gives it its next row; a new worker takes the place of a dead one."""
        task, outcome = self._running.pop(worker), worker.receive()
        self._finish(task, outcome)
        row = self._next(task.row.face_key())
        if row is None or worker.ended:
            crew.remove(worker)
            worker.end()
        if row:
            if worker.ended:
                worker = Worker()
                crew.append(worker)
            self._start(worker, row)

    def _start(self, worker: Worker, row: Row) -> None:
        self._running[worker] = _Task(row, digest(row), time.monotonic())
        worker.send(row)

    def _finish(self, task: _Task, outcome: Outcome) -> None:
        row, elapsed = task.row, round(time.monotonic() - task.started, 3)
        if outcome.error is None:
            self.journal.add(row, task.digest)
            self.settle(RowResult(row.number, row.output, "done", None, outcome.frames, elapsed))
        else:
            self.settle(RowResult(row.number, row.output, "failed", outcome.error))

    def _next(self, key: tuple[str, ...] | None) -> Row | None:
        """The row for a worker whose prepared face is `key`."""
        if key is not None and key in self.groups:
            return self._pop(key)
        for other in self.groups:
            if other not in self._taken:
                return self._pop(other)
        longest = max(self.groups, key=lambda other: len(self.groups[other]), default=None)
        return self._pop(longest) if longest is not None and len(self.groups[longest]) >= MIN_SHARE else None

    def _pop(self, key: tuple[str, ...]) -> Row:
        self._taken.add(key)
        row = self.groups[key].popleft()
        if not self.groups[key]:
            del self.groups[key]
        return row


@contextmanager
def _crew() -> Iterator[list[Worker]]:
    """A list of workers, all of which end with the block: at rest if it ends well, else at once."""
    crew: list[Worker] = []
    try:
        yield crew
    except BaseException:
        for worker in crew:
            worker.interrupt()
        raise
    finally:
        for worker in crew:
            worker.end()
