"""Files that appear under their names only once they are whole."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from txt2vid.errors import OutputError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to: renamed to it at the block's end, removed where that is an exception.

    Raises OutputError where the system refuses to write, within the block as well.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        part.replace(path)
    except OSError as err:
        if str(part) not in (err.filename, err.filename2):
            raise  # about something else that happened within the block
        raise OutputError(f"{path} cannot be written: {err.strerror or err}. Choose another name or folder") from err
    finally:
        part.unlink(missing_ok=True)
