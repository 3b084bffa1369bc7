"""Characters that the model has no symbol for: those seen before on this connection cost few bits, others 8 or 19."""

from __future__ import annotations

from txt2vid.core.wire import WireError
from txt2vid.textwire.arithmetic import Packer, Unpacker

KEPT = 512  # characters that are remembered; later ones are written out each time
_BLOCK_BITS = 7  # of a code point within its block: an alphabet has one to three
_CODE_POINTS = 0x110000
_HALVES = range(0xD800, 0xE000)  # surrogates, which are no characters


class Others:
    """The characters of one direction of one connection."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._total = 0
        self._block = 0

    def put(self, packer: Packer, char: str) -> None:
        """Writes a character."""
        shares, new = self._total, len(self._seen) + 1
        if char in self._seen:
            start = 0
            for known, count in self._seen.items():
                if known == char:
                    packer.put(start, count, shares + new)
                    break
                start += count
        else:
            packer.put(shares, new, shares + new)
            block, place = divmod(ord(char), 1 << _BLOCK_BITS)
            packer.put(int(block != self._block), 1, 2)
            if block != self._block:
                packer.put(block, 1, _CODE_POINTS >> _BLOCK_BITS)
            packer.put(place, 1, 1 << _BLOCK_BITS)
        self._learn(char)

    def take(self, unpacker: Unpacker) -> str:
        """Reads a character. Raises WireError where it is none."""
        shares, new = self._total, len(self._seen) + 1
        point = unpacker.peek(shares + new)
        if point >= shares:
            unpacker.take(shares, new)
            char = self._new(unpacker)
        else:
            char = self._old(unpacker, point)
        self._learn(char)
        return char

    def _old(self, unpacker: Unpacker, point: int) -> str:
        start, char, count = 0, "", 0
        for char, count in self._seen.items():  # noqa: B007 - the one it stops at is meant
            if point < start + count:
                break
            start += count
        unpacker.take(start, count)
        return char

    def _new(self, unpacker: Unpacker) -> str:
        block = self._block
        if _taken(unpacker, 2):
            block = _taken(unpacker, _CODE_POINTS >> _BLOCK_BITS)
        code = (block << _BLOCK_BITS) + _taken(unpacker, 1 << _BLOCK_BITS)
        if code in _HALVES or chr(code) in self._seen:
            raise WireError("a text message is damaged: a character that is none")
        return chr(code)

    def _learn(self, char: str) -> None:
        self._block = ord(char) >> _BLOCK_BITS
        if char in self._seen or len(self._seen) < KEPT:
            self._seen[char] = self._seen.get(char, 0) + 1
            self._total += 1


def _taken(unpacker: Unpacker, total: int) -> int:
    """One of so many that are equally likely."""
    point = unpacker.peek(total)
    unpacker.take(point, 1)
    return point
