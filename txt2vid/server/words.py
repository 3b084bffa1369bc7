"""One sender's packed texts. What takes its time runs in a thread, and messages are read one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from txt2vid.core.wire import Hello, Text, WireError, following
from txt2vid.textwire import codec

T = TypeVar("T")
_reader = ThreadPoolExecutor(1, "texts")
"""One thread for all senders: many texts at once take one core at most, and wait for each other, one of each sender."""


class Words:
    """name: of the model that both ends have, None where texts come as JSON."""

    def __init__(self, name: str | None, decoder: codec.Decoder | None) -> None:
        self.name, self._decoder = name, decoder
        self._before: Text | None = None

    @classmethod
    async def of(cls, hello: Hello) -> Words:
        """What a hello's offer comes to. The first one of a server that is the same as ours takes half a second."""
        if hello.text_codec is None or hello.text_codec != await _read(codec.name):
            return cls(None, None)
        return cls(hello.text_codec, await _read(codec.Decoder))

    async def unpacked(self, message: bytes) -> Text:
        """The text of a packed message. Raises WireError where it is damaged, or none was agreed on."""
        decoder = self._decoder
        if decoder is None:
            raise WireError("a packed text came, but no text codec was agreed on: send JSON")
        self._before = following(self._before, await _read(lambda: decoder.decode(message)))
        return self._before

    async def heard(self, text: Text) -> None:
        """A text that came as JSON: the next packed one builds on it."""
        self._before, decoder = text, self._decoder
        if decoder is not None:
            await _read(lambda: decoder.hear(text.text))


async def _read(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_reader, work)
