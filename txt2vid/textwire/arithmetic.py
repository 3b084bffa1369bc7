"""Arithmetic coding: shares of an interval into bytes, as few as will do, and back. Whole numbers only.

The well-kept libraries for it end a message with whole words of 32 bits, which is half of a short sentence's size.
"""

from __future__ import annotations

_BITS = 56  # of the interval's width after each step, at least 8 fewer before it
_FULL = 1 << _BITS
_LOW = 1 << (_BITS - 8)
_START, _SPAN = _FULL // 2, 127 << (_BITS - 8)  # of messages: first bytes from 0x80 to 0xFE
MAX_TOTAL = 1 << 40  # of the shares of one choice: far below _LOW, so that rounding costs nothing


class Packer:
    """Puts choices into a message. It begins with a byte from 0x80 to 0xFE: sound has smaller ones (core/wire.py)."""

    def __init__(self) -> None:
        self._low, self._width, self._shift = _START, _SPAN, 0

    def put(self, start: int, size: int, total: int) -> None:
        """A choice that has the shares [start, start + size) of total, which is at most MAX_TOTAL."""
        step = self._width // total
        self._low += start * step
        self._width = step * size
        while self._width < _LOW:
            self._low, self._width, self._shift = self._low << 8, self._width << 8, self._shift + 8

    def bytes(self) -> bytes:
        """The shortest bytes that lie in the interval, whatever is thought to follow them."""
        return shortest(self._low, self._width, self._shift + _BITS)


class Unpacker:
    """Takes choices out of a message. What lies behind its end counts as zeros."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, _BITS // 8
        head = int.from_bytes(data[: self._at].ljust(self._at, b"\0"), "big")
        self._width = _SPAN
        self._ahead = head - _START  # where the message lies in the interval
        self._low, self._shift = _START, 0
        self._step = 1

    @property
    def exhausted(self) -> bool:
        """Whether so much was taken that the message cannot be one of ours."""
        return not 0 <= self._ahead < self._width or self._at > len(self._data) + _BITS // 8 + 1

    def peek(self, total: int) -> int:
        """Which of the shares the message lies in: 0 to total - 1. `take` follows."""
        self._step = self._width // total
        return min(self._ahead // self._step, total - 1)

    def take(self, start: int, size: int) -> None:
        """The choice with the shares [start, start + size), which `peek` pointed at."""
        self._ahead -= start * self._step
        self._low += start * self._step
        self._width = self._step * size
        while self._width < _LOW:
            byte = self._data[self._at] if self._at < len(self._data) else 0
            self._at += 1
            self._ahead = (self._ahead << 8) + byte
            self._low, self._width, self._shift = self._low << 8, self._width << 8, self._shift + 8

    def is_whole(self) -> bool:
        """Whether the message is, to the byte, what a Packer makes of the choices that were taken."""
        return shortest(self._low, self._width, self._shift + _BITS) == self._data


def shortest(low: int, width: int, bits: int) -> bytes:
    """The shortest bytes that, read as a fraction and followed by zeros, lie in [low, low + width) of 2**bits."""
    drop = max(0, (width.bit_length() - 1) // 8 * 8 + 8)
    while True:
        value = -(-low >> drop)  # rounded up
        if (value << drop) < low + width:
            return value.to_bytes((bits - drop) // 8, "big")
        drop -= 8
