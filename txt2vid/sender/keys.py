"""Single keys of a terminal, as they are pressed; the terminal is left as it was."""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

_READ = 64  # bytes: more keys than anyone presses at once


class Keys:
    """Within its block, each key calls `pressed`. Ctrl-C stays a signal. Needs a running loop."""

    def __init__(self, fd: int, pressed: Callable[[str], None]) -> None:
        self._fd, self._pressed = fd, pressed
        self._before: list[int | list[bytes | int]] | None = None

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd, termios.TCSADRAIN)
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        if self._before is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, _READ)
        except OSError:  # the terminal is gone
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._fd)
        for key in data.decode(errors="ignore"):
            self._pressed(key)
