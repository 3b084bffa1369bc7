"""What an ear understands, on a terminal: whole sentences stay, the present one is a line that is rewritten."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from txt2vid.sender.keys import Keys
from txt2vid.sender.meter import FLOOR, HOT, REFRESH_SECONDS, bar

if TYPE_CHECKING:
    from txt2vid.sender.client import Client
    from txt2vid.sender.spoken import SpokenText

HELP = "space mute   Ctrl-X interrupt   Ctrl-D end"
MUTE, INTERRUPT, END = " ", "\x18", "\x04"
"""No letters: somebody who types "quit" or "exit" here shall not end or interrupt anything."""
TAIL = 200  # characters of a long sentence that a line can show at most


class Transcript:
    """Shows a client and its ear. out: where, a terminal. keys: the file descriptor of its keyboard, or None."""

    def __init__(self, client: Client, source: SpokenText, out: TextIO, keys: int | None) -> None:
        self._client, self._source, self._out, self._keys = client, source, out, keys

    async def show(self) -> None:
        """Until it is cancelled."""
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        source, status = self._source, self._client.status

        def line() -> Text:
            level = FLOOR if source.muted else source.level
            text = Text(bar(level), "red" if level > HOT else "green", no_wrap=True, overflow="ellipsis")
            state = "muted" if source.muted else status.state
            text.append(f"  {state}  " + (source.partial[-TAIL:] or f"[{HELP}]" * (self._keys is not None)), "dim")
            return text

        live = Live(line(), console=Console(file=self._out), auto_refresh=False, transient=True)
        with contextlib.ExitStack() as held:
            if self._keys is not None:
                held.enter_context(Keys(self._keys, self._pressed))
            held.enter_context(live)
            try:
                while True:
                    self._print(live.console.print)
                    live.update(line(), refresh=True)
                    await asyncio.sleep(REFRESH_SECONDS)
            finally:
                self._print(live.console.print)

    def _print(self, show: Callable[..., None]) -> None:
        while self._source.sentences:
            show(self._source.sentences.popleft(), markup=False, highlight=False)

    def _pressed(self, key: str) -> None:
        if key == MUTE:
            self._source.muted = not self._source.muted
        elif key == INTERRUPT:
            self._source.forget()
            self._client.interrupt()
        elif key == END:
            self._client.stop()
