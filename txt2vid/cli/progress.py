"""A progress bar on a terminal, and nothing in a pipe."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from typing_extensions import Self


class Bar:
    """A bar on stderr with speed and remaining time, while its block runs.

    unit: what is counted; bytes are shown as megabytes, with their speed. visible: stderr is a terminal.
    """

    def __init__(self, unit: str, label: str) -> None:
        self.visible = sys.stderr.isatty()
        self._unit, self._label = unit, label
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if self.visible:
            self._progress = _progress(self._unit)
            self._task = self._progress.add_task(self._label, total=None)
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def update(self, done: int, total: int | None) -> None:
        """So many are done; total is None where nobody knows yet."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done, total=total)

    def say(self, line: str) -> None:
        """A line on stderr, above the bar."""
        if self._progress is not None:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(line, err=True)


def _progress(unit: str) -> Progress:
    from rich.console import Console  # only where there is a terminal: it takes a moment to import
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.table import Column

    counted: tuple[ProgressColumn, ...] = (MofNCompleteColumn(), TextColumn(unit))
    if unit == "bytes":
        counted = (DownloadColumn(), TransferSpeedColumn())
    label = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
    return Progress(label, BarColumn(), *counted, TimeRemainingColumn(), console=Console(stderr=True))
