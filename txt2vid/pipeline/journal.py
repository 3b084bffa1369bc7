"""What a batch has finished, kept beside its outputs, so that a second run does only what is new or has changed."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from txt2vid.errors import OutputError
from txt2vid.pipeline.jobs import Row

NAME = ".txt2vid-jobs.json"
_FORMAT = 1
_SAVE_EVERY = 1.0  # seconds: a crash costs at most the rows since, and a long list is not rewritten for every row


class Journal:
    """The finished rows of a folder: output -> digest of what it was made from.

    A journal that cannot be understood counts as empty: the rows are then rendered again, no more.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved = time.monotonic()
        self._digests: dict[str, str] = {}
        try:
            stored = json.loads((folder / NAME).read_text(encoding="utf-8"))
            if stored["format"] == _FORMAT:
                self._digests = {str(name): str(digest) for name, digest in stored["done"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            pass

    def has(self, row: Row) -> bool:
        """True where the row's output is there, made from just what the row says now."""
        return self._digests.get(self._name(row)) == digest(row) and row.output.is_file()

    def add(self, row: Row, made_from: str) -> None:
        """Notes that a row is done. `made_from` is its digest of before it began: inputs may have changed since."""
        self._digests[self._name(row)] = made_from
        if time.monotonic() - self._saved >= _SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Writes the journal, whole or not at all. Raises OutputError where that fails."""
        part = self._folder / f"{NAME}.part"
        text = json.dumps({"format": _FORMAT, "done": self._digests}, indent=0, sort_keys=True)
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(self._folder / NAME)
        except OSError as err:
            raise OutputError(f"{self._folder / NAME} cannot be written ({err.strerror}): choose another -O") from err
        finally:
            part.unlink(missing_ok=True)
        self._saved = time.monotonic()

    def _name(self, row: Row) -> str:
        return row.output.relative_to(self._folder).as_posix()


def digest(row: Row) -> str:
    """Changes with the row's cells, and with the path, size or modification time of any file that it reads."""
    stamps = [_stamp(path) for path in row.inputs()]
    return hashlib.sha256(json.dumps([dict(row.cells), stamps], sort_keys=True).encode()).hexdigest()


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:  # the row will fail, and say why
        return str(path.absolute()), -1, -1
    return str(path.absolute()), found.st_size, found.st_mtime_ns
