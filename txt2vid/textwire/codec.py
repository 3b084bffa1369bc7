"""Texts of one connection into bytes, and back: `Encoder` at the sender, `Decoder` at the server.

Both learn from each text, so a decoder must see what the encoder made, all of it, in order. A connection that begins
anew needs a new pair. Messages begin with a bit that is 1, so that they are told from sound (core/wire.py).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from txt2vid.core.wire import MAX_TEXT, WireError
from txt2vid.textwire import shared
from txt2vid.textwire.arithmetic import Packer, Unpacker
from txt2vid.textwire.guess import END, Guess
from txt2vid.textwire.model import EOM, FIRST, OTHER
from txt2vid.textwire.others import Others

LONG = 2_000  # characters; longer texts are deflated, which takes no time, and 2.7 bits instead of 2
DEFLATED = b"\xff"  # the first byte of such a message; no other begins with it (arithmetic.py)
_UTF8 = 4  # bytes of a character at most
_WINDOW = 32_768  # bytes that deflate looks back (RFC 1951)

PACKAGE = shared.PACKAGE
name = shared.name


class _End:
    """What both ends of a connection keep."""

    def __init__(self) -> None:
        model, weights = shared.loaded()
        self._alphabet = model.alphabet
        self._guess = Guess(model, weights)
        self._others = Others()

    def hear(self, text: str) -> None:
        """A text that went the same way by other means: later ones are shorter where they are like it."""
        if len(text) <= LONG:
            for char in text:
                self._guess.hear(self._alphabet.numbers.get(char, OTHER), char)
            self._guess.hear(EOM, END)


class Encoder(_End):
    """Makes messages of one connection's texts. Takes 0.2 to 0.4 ms a character."""

    def encode(self, text: str) -> bytes:
        """A text's message. Raises WireError where it is empty, longer than MAX_TEXT, or holds half a character."""
        if not 0 < len(text) <= MAX_TEXT:
            raise WireError(f"a text has 1 to {MAX_TEXT} characters, not {len(text)}")
        try:
            plain = text.encode()
        except UnicodeEncodeError as err:
            raise WireError("the text holds half a character") from err
        return _deflated(plain) if len(text) > LONG else self._packed(text)

    def _packed(self, text: str) -> bytes:
        packer, guess = Packer(), self._guess
        for symbol, char in (*((self._alphabet.numbers.get(char, OTHER), char) for char in text), (EOM, END)):
            shares = guess.shares()
            packer.put(int(shares[:symbol].sum()), int(shares[symbol]), guess.total)
            if symbol == OTHER:
                self._others.put(packer, char)
            guess.learn(symbol, char)
        return packer.bytes()


class Decoder(_End):
    """Makes texts of one connection's messages."""

    def decode(self, message: bytes) -> str:
        """The text of a message. Raises WireError where it cannot be one of an Encoder's; nothing can be decoded then.

        A message makes at most MAX_TEXT characters, whatever it says.
        """
        return _inflated(message[1:]) if message[:1] == DEFLATED else self._unpacked(message)

    def _unpacked(self, message: bytes) -> str:
        unpacker, guess = Unpacker(message), self._guess
        chars: list[str] = []
        while not unpacker.exhausted:
            sums = np.cumsum(guess.shares())
            point = unpacker.peek(guess.total)
            symbol = int(np.searchsorted(sums, point, side="right"))
            start = int(sums[symbol - 1]) if symbol else 0
            unpacker.take(start, int(sums[symbol]) - start)
            if symbol == EOM:
                guess.learn(EOM, END)
                if not chars or not unpacker.is_whole():
                    break
                return "".join(chars)
            char = self._others.take(unpacker) if symbol == OTHER else self._alphabet.chars[symbol - FIRST]
            chars.append(char)
            if len(chars) > LONG:
                raise WireError(f"a text of more than {LONG} characters must be deflated")
            guess.learn(symbol, char)
        raise WireError(f"a text message of {len(message)} bytes is damaged, or of another model")


def _dictionary() -> bytes:
    """The end of the shared texts: what deflate may refer to before a message's own beginning."""
    return b"\n".join(path.read_bytes() for path in shared.texts())[-_WINDOW:]


def _deflated(plain: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=_dictionary())
    return DEFLATED + squeeze.compress(plain) + squeeze.flush()


def _inflated(data: bytes) -> str:
    expand = zlib.decompressobj(-zlib.MAX_WBITS, zdict=_dictionary())
    try:
        text = expand.decompress(data, _UTF8 * MAX_TEXT + 1).decode()
    except (zlib.error, UnicodeDecodeError) as err:
        raise WireError("a deflated text is damaged") from err
    if not expand.eof or expand.unused_data or not LONG < len(text) <= MAX_TEXT:
        raise WireError(f"a deflated text has {LONG + 1} to {MAX_TEXT} characters and nothing behind it")
    return text


def bits(texts: Sequence[str]) -> int:
    """What one connection's texts take as messages, in bits, everything counted but the websocket's own frames."""
    encoder = Encoder()
    return 8 * sum(len(encoder.encode(text)) for text in texts)
