"""Keys of services: from the environment, a file that it names, or a file of the user's; never shown anywhere.

For a variable NAME, in this order: NAME itself; NAME_FILE, a file that holds the key alone; a line NAME=… in
~/.config/txt2vid/keys (or wherever TXT2VID_KEYS says). Files that others may read are refused.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from txt2vid.errors import DependencyError, UsageError

FILE_VARIABLE = "TXT2VID_KEYS"
MAX_BYTES = 64 << 10  # of a file with keys
MAX_KEY = 4096  # characters: tokens of Google have about 1000
_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY}}}")  # visible ASCII: headers carry it
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")


class Secret:
    """A key. It has no text of its own: what prints or logs it shows nothing."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself, for the header that carries it."""
        return self._value

    def hidden_in(self, text: str) -> str:
        """The text without the key: services quote what they were sent."""
        return text.replace(self._value, "…")

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a key does not leave its process")


def find(service: str, *variables: str) -> Secret:
    """The key under the first of these variables that has one.

    Raises DependencyError, which names them, where there is none; UsageError where one is no key, or its file is
    unreadable or open to others.
    """
    for variable in variables:
        found = look(variable)
        if found is not None:
            return found
    named = " or ".join(variables)
    raise DependencyError(
        f"{service} needs a key: put it into the environment as {named}, into a file that {variables[0]}_FILE names, or"
        f" as a line {variables[0]}=… into {user_file()}"
    )


def look(variable: str) -> Secret | None:
    """The key under one variable, None where there is none. Raises as `find` does."""
    value = os.environ.get(variable)
    if value:
        return _secret(value, variable)
    path = os.environ.get(f"{variable}_FILE")
    if path:
        return _secret(read_private(Path(path)), f"{variable}_FILE ({path})")
    path = str(user_file())
    if not Path(path).exists():
        return None
    for line in read_private(Path(path)).splitlines():
        match = _LINE.fullmatch(line)
        if match and match[1] == variable and match[2]:
            return _secret(match[2].strip("\"'"), f"{variable} in {path}")
    return None


def missing(variables: Sequence[str]) -> bool:
    """Whether none of these variables has a key. Raises as `find` does."""
    return all(look(variable) is None for variable in variables)


def user_file() -> Path:
    """Where keys of a user lie."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return Path(named)
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home, "txt2vid", "keys")


def read_private(path: Path) -> str:
    """The text of a file that nobody else may read. Raises UsageError where others may, or it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe that nobody fills is not waited for
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"{path} is no file: give one with the key")
            if status.st_mode & 0o077 or status.st_uid not in (os.getuid(), 0):
                raise UsageError(f"{path} holds keys, and others may read or change it: chmod 600 {path}")
            data = file.read(MAX_BYTES + 1)
    except OSError as err:
        raise UsageError(f"{path} with keys cannot be read ({err.strerror}): check its name and chmod 600 it") from err
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is too long for a file with keys: give one that holds nothing else")
    return data.decode("utf-8", "replace")


def _secret(value: str, where: str) -> Secret:
    value = value.strip()
    if not _KEY.fullmatch(value):
        raise UsageError(
            f"{where} holds no key: it must be one line of visible ASCII without spaces; copy it once more"
        )
    return Secret(value)
