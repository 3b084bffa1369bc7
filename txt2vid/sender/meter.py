"""The line on a terminal: how loud, what the connection does, how late the viewer hears; and its keys."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, TextIO

from txt2vid.sender.keys import Keys
from txt2vid.sender.status import Status

if TYPE_CHECKING:
    from txt2vid.sender.client import Client

REFRESH_SECONDS = 0.1
BAR = 20  # characters
FLOOR = -60.0  # dBFS at the bar's left end
HOT = -3.0  # dBFS from which it is close to clipping
HELP = "m mute   i interrupt   q end"


def bar(level: float) -> str:
    """A level in dBFS as a bar of BAR characters."""
    full = round(BAR * min(1.0, max(0.0, 1 - level / FLOOR)))
    return "█" * full + "░" * (BAR - full)


def line(status: Status) -> str:
    """All that the meter says, without colours."""
    level = "  muted" if status.muted else f"{status.level:4.0f} dB" if status.level > FLOOR else "  quiet"
    words = [bar(FLOOR if status.muted else status.level), level, status.state]
    if status.stats is not None and status.state == "live":
        viewers = status.stats.viewers
        words.append(f"{status.stats.playout:.0f} ms to the stream")
        words.append(f"{viewers} viewer{'' if viewers == 1 else 's'}")
    return "  ".join(words)


class Meter:
    """Shows a client on a terminal. out: where, a terminal. keys: the file descriptor of its keyboard, or None."""

    def __init__(self, client: Client, out: TextIO, keys: int | None) -> None:
        self._client, self._out, self._keys = client, out, keys

    async def show(self) -> None:
        """Until it is cancelled."""
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        def shown() -> Text:
            status = self._client.status
            style = "dim" if status.muted else "red" if status.level > HOT else "green"
            text = Text(line(status), no_wrap=True, overflow="ellipsis")
            text.stylize(style, 0, BAR)
            if self._keys is not None:
                text.append(f"  [{HELP}]", "dim")
            return text

        live = Live(shown(), console=Console(file=self._out), auto_refresh=False, transient=True)
        with contextlib.ExitStack() as held:
            if self._keys is not None:
                held.enter_context(Keys(self._keys, self._pressed))
            held.enter_context(live)
            while True:
                live.update(shown(), refresh=True)
                await asyncio.sleep(REFRESH_SECONDS)

    def _pressed(self, key: str) -> None:
        if key in "mM":
            self._client.mute(not self._client.status.muted)
        elif key in "iI":
            self._client.interrupt()
        elif key in "qQ\x04":
            self._client.stop()
