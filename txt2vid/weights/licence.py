"""Which terms this user has accepted: kept in $XDG_CONFIG_HOME/txt2vid/accepted.json as {name: sha256 of the terms}."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from txt2vid.errors import OutputError
from txt2vid.weights.known import Known
from txt2vid.weights.place import xdg


def accepted(known: Known) -> bool:
    """Whether exactly these terms were accepted; terms that have changed are new ones."""
    return _read().get(known.name) == _digest(known)


def accept(known: Known) -> None:
    """Remembers it, whole or not at all. Raises OutputError where it cannot be kept."""
    path = _path()
    if path is None:
        raise OutputError("this user has no home in which accepted terms could be kept: set XDG_CONFIG_HOME")
    text = json.dumps({**_read(), known.name: _digest(known)}, indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as err:
        raise OutputError(f"accepted terms cannot be kept in {path} ({err.strerror}): make it writable") from err


def _path() -> Path | None:
    base = xdg("XDG_CONFIG_HOME", ".config")
    return base / "txt2vid" / "accepted.json" if base else None


def _digest(known: Known) -> str:
    return hashlib.sha256(known.terms.text.encode()).hexdigest()


def _read() -> dict[str, str]:
    """What is kept; a file that cannot be read or understood holds nothing, so that the terms are shown again."""
    path = _path()
    try:
        kept = json.loads(path.read_bytes()) if path else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: value for name, value in kept.items() if isinstance(value, str)} if isinstance(kept, dict) else {}


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
