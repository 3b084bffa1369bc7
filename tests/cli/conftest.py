"""The command run in a folder of its own, with a look at everything that it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import pytest

SMALL = ("--size", "128")


class Command:
    """`txt2vid render` in a folder of its own, with a TMPDIR of its own; looks at what it leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.temporary = folder / "work", folder / "tmp"
        self.folder.mkdir()
        self.temporary.mkdir()

    def path(self, name: str) -> Path:
        """A file in the folder."""
        return self.folder / name

    def run(
        self, *arguments: object, prepare: Callable[[], None] | None = None, stdin: str | None = ""
    ) -> subprocess.CompletedProcess[str]:
        """Runs it to its end; a stdin of None is closed."""
        close = [] if stdin is not None else ["sh", "-c", 'exec "$@" <&-', "sh"]
        return subprocess.run(
            [*close, sys.executable, "-m", "txt2vid", "render", *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            input=stdin,
            preexec_fn=prepare,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def refuses(self, *arguments: object, code: int, says: Iterable[str], **options: object) -> None:
        """Runs it, and sees that it ends in one line and this code, and leaves nothing."""
        before = self._files()
        done = self.run(*arguments, **options)  # type: ignore[arg-type]
        assert done.returncode == code, done.stderr
        lines = done.stderr.splitlines()
        assert len(lines) == 1, done.stderr
        assert lines[0].startswith("txt2vid: ")
        for words in says:
            assert words in lines[0]
        assert done.stdout == ""
        self.left_nothing(before)

    def left_nothing(self, before: list[Path]) -> None:
        """No new file in the folder or in TMPDIR, and no process that was started there."""
        assert self._files() == before
        assert list(self.temporary.iterdir()) == []
        assert children_in(self.folder) == []

    def _files(self) -> list[Path]:
        return sorted(self.folder.rglob("*"))


def children_in(folder: Path) -> list[str]:
    """The processes that work in a folder."""
    processes = psutil.process_iter(["cwd", "name", "status"])
    found = [process.info for process in processes if process.info["cwd"] == str(folder)]
    return [info["name"] for info in found if info["status"] != psutil.STATUS_ZOMBIE]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *map(str, arguments)], check=True, timeout=60)
