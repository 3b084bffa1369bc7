"""Whether files are the published ones, byte by byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from txt2vid.errors import MediaError
from txt2vid.weights.known import PUBLISHED, Known, of_file

State = Literal["ok", "damaged", "unknown", "missing"]
Progress = Callable[[int, int], None]
"""Is told so many bytes of so many."""

_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file is.

    state: "ok", the published bytes; "damaged", a published file's name with other bytes; "unknown", not in the
    table; "missing". name: of the published file that it is, or should be. detail: what is wrong.
    """

    state: State
    path: Path | None
    name: str | None = None
    detail: str = ""


def verify(
    path: Path, table: tuple[Known, ...] = PUBLISHED, *, expected: Known | None = None, progress: Progress | None = None
) -> Verdict:
    """Looks at size and sha256 of one file. It is read only where a published file has its size.

    expected: what it should be, where its name alone does not tell. Raises MediaError where it cannot be read.
    """
    named = expected or of_file(path.name, table)
    try:
        if not path.is_file():
            return Verdict("missing", path, named.name if named else None)
        size = path.stat().st_size
        sized = [known for known in (*table, expected) if known is not None and known.size == size]
        digest = _digest_of(path, size, progress) if sized else None
    except OSError as err:
        raise MediaError(f"{path} cannot be read ({err.strerror}): check its rights") from err
    found = next((known for known in sized if known.sha256 == digest), None)
    if named is None:
        return Verdict("ok", path, found.name) if found else Verdict("unknown", path)
    if found is not None and found.sha256 == named.sha256:
        return Verdict("ok", path, named.name)
    return Verdict("damaged", path, named.name, _wrong(named, size, found))


def glance(path: Path, table: tuple[Known, ...] = PUBLISHED) -> str:
    """What is wrong with a file, as far as its name and its size tell; empty where nothing is."""
    named = of_file(path.name, table)
    try:
        size = path.stat().st_size
    except OSError as err:
        return f"cannot be read: {err.strerror}"
    return _sizes(named, size) if named is not None and named.size != size else ""


def digest(file: BinaryIO, size: int, progress: Progress | None = None) -> str:
    """The sha256, in hex, of what follows in a file; `size` bytes are expected."""
    sha, done = hashlib.sha256(), 0
    while data := file.read(_READ_BYTES):
        sha.update(data)
        done += len(data)
        if progress is not None:
            progress(done, size)
    return sha.hexdigest()


def _digest_of(path: Path, size: int, progress: Progress | None) -> str:
    with path.open("rb") as file:
        return digest(file, size, progress)


def _wrong(named: Known, size: int, found: Known | None) -> str:
    if found is not None:
        return f"these are the bytes of {found.name}"
    if size != named.size:
        return _sizes(named, size)
    return "the sha256 differs from the published one"


def _sizes(named: Known, size: int) -> str:
    return f"{size} bytes instead of {named.size}"
