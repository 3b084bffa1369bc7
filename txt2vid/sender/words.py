"""How one connection's texts are written: packed, where the server has the same model, else as JSON."""

from __future__ import annotations

import asyncio
import logging

from txt2vid.core import wire
from txt2vid.textwire import codec

_log = logging.getLogger(__name__)


class Words:
    """One connection's; a new one begins anew. What takes its time runs in a thread: pings must go on."""

    def __init__(self) -> None:
        self._coming: asyncio.Future[codec.Encoder] | None = None
        self._encoder: codec.Encoder | None = None
        self._before: wire.Text | None = None

    async def offer(self) -> str | None:
        """The name of our model for hello; None where it cannot be had here. It is loaded while the server thinks."""
        name = await asyncio.to_thread(codec.name)
        if name is None:
            _log.warning("texts go as JSON, about seven times as long: pip install %s", codec.PACKAGE)
        else:
            self._coming = asyncio.get_running_loop().run_in_executor(None, codec.Encoder)
        return name

    async def agree(self, name: str | None) -> None:
        """What ready answered."""
        if name is None:
            return
        if self._coming is None or name != codec.name():
            raise wire.WireError(f"it agreed to a text codec {name[: wire.MAX_NAME]!r} that was not offered")
        self._encoder = await self._coming

    async def written(self, text: wire.Text) -> str | bytes:
        """The message of a text."""
        before, self._before, encoder = self._before, text, self._encoder
        if encoder is None:
            return wire.encode(text)
        if text == wire.following(before, text.text):
            return await asyncio.to_thread(encoder.encode, text.text)
        await asyncio.to_thread(encoder.hear, text.text)
        return wire.encode(text)
