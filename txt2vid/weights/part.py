"""The file that grows while it is fetched: NAME.part, with NAME.part.json beside it, which says where it comes from."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, cast

from txt2vid.errors import OutputError
from txt2vid.weights.verify import digest

if TYPE_CHECKING:
    from typing_extensions import Self

_FULL = (errno.ENOSPC, errno.EDQUOT)
_MAKE_ROOM = "the disk is full. Make room and type the same again, or choose another folder with -o FOLDER"


class Part:
    """The part of one file, held by this process alone while its block runs.

    done: bytes in it. An empty one is removed at the end, any other is kept, so that it can be continued. All methods
    raise OutputError where the folder cannot be written.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self.done = 0
        self._note = target.with_name(f"{target.name}.part.json")
        self._file: FileIO | None = None
        self._finished = False

    def __enter__(self) -> Self:
        with self._writing():
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._hold()
            self.done = os.fstat(self._file.fileno()).st_size
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        with self._file, suppress(OSError):  # removed while it is held: nobody else's is
            if not self.done and not self._finished:
                self._note.unlink(missing_ok=True)
                self.path.unlink(missing_ok=True)
        self._file = None

    def write(self, data: bytes) -> None:
        """Adds bytes."""
        rest = memoryview(data)
        with self._writing():
            while rest:
                written = self._held.write(rest)
                self.done += written
                rest = rest[written:]

    def clear(self) -> None:
        """Begins anew."""
        if self.done:
            with self._writing():
                self._held.truncate(0)
                self.done = 0

    def note(self, mirror: str, validator: str | None) -> None:
        """Writes down whose bytes these are, and which version of the mirror's file they are of."""
        with self._writing():
            self._note.write_text(json.dumps({"mirror": mirror, "validator": validator}), encoding="utf-8")

    def validator(self, mirror: str) -> str | None:
        """Which version of this mirror's file these bytes are of, as far as that is known."""
        try:
            note = json.loads(self._note.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(note, dict) or note.get("mirror") != mirror:
            return None
        value = note.get("validator")
        return value if isinstance(value, str) and value.isascii() and value.isprintable() else None

    def digest(self) -> str:
        """The sha256 of what is on the disk, in hex."""
        with self._writing():
            self._held.seek(0)
            return digest(cast(BinaryIO, self._held), self.done)

    def finish(self) -> None:
        """Gives it its name, in place of whatever has it."""
        with self._writing():
            os.fsync(self._held.fileno())
            self._note.unlink(missing_ok=True)
            self._finished = True  # from here on, a file of this name may be another process's
            self.path.replace(self.target)

    @property
    def _held(self) -> FileIO:
        if self._file is None:
            raise RuntimeError("a part is used outside of its block")
        return self._file

    def _hold(self) -> FileIO:
        """Opens and locks it. Who held it before may have renamed or removed it meanwhile: then there is a new one."""
        while True:
            file = self.path.open("a+b", buffering=0)  # closed by __exit__
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(self.path, file):
                    return file
            except BlockingIOError as err:
                file.close()
                raise OutputError(
                    f"{self.target} is being fetched by another txt2vid: wait until that is done, or stop it"
                ) from err
            except BaseException:
                file.close()
                raise
            file.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            if err.errno in _FULL:
                raise OutputError(f"{self.target} cannot be written: {_MAKE_ROOM}") from err
            raise OutputError(
                f"{self.target} cannot be written ({err.strerror}): choose another folder with -o FOLDER"
            ) from err


def _is_at(path: Path, file: FileIO) -> bool:
    """Whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
