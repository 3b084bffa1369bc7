"""Which character follows which others in a text: what is known of all contexts up to six characters, in sorted arrays.

Kneser and Ney's counts (1995): of contexts shorter than the longest it is counted in how many longer ones a character
was seen, not how often. So what only ever follows "Angele" does not become likely elsewhere.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

LONGEST = 6  # characters of context
SHORTEST = 2  # of which all are remembered whole, fallen back to the shorter ones
SHARE_BITS = 20
SHARE = 1 << SHARE_BITS  # all of a probability
_BITS = 7  # of a symbol's number in a context's key
MAX_SYMBOLS = 1 << _BITS
_DISCOUNTS = (5, 6, 7, 7, 8, 8, 9)  # tenths of a count, by order: what a symbol that was seen leaves to all others


class Letters:
    """What follows what in a text. symbols: its characters' numbers, each below `size`."""

    def __init__(self, symbols: Numbers, size: int) -> None:
        self._orders = [_Order(symbols, order) for order in range(LONGEST + 1)]
        self._size = size
        self._short: dict[int, Numbers] = {}

    def after(self, key: int, rows: Numbers) -> int:
        """Fills rows with the shares of symbols after a context's last SHORTEST characters, one more, and so on.

        Returns how many: longer contexts were never seen. rows: (LONGEST - SHORTEST + 1, symbols).
        """
        rows[0] = self._after_short(key & (1 << _BITS * SHORTEST) - 1)
        for order in range(SHORTEST + 1, LONGEST + 1):
            at = order - SHORTEST
            if not self._orders[order].add(key, rows[at - 1], rows[at]):
                return at
        return LONGEST - SHORTEST + 1

    def _after_short(self, key: int) -> Numbers:
        known = self._short.get(key)
        if known is None:  # at most size ** SHORTEST are ever kept
            known = np.full(self._size, SHARE // self._size, np.int64)
            for order in range(SHORTEST + 1):
                self._orders[order].add(key, known, known)
            self._short[key] = known
        return known


class _Order:
    """All contexts of one length: keys, sorted; where the symbols after each begin; these and what each gains of SHARE;
    and the share of the shorter context's opinion, the rest.
    """

    def __init__(self, symbols: Numbers, order: int) -> None:
        if order == LONGEST:
            grams, counts = np.unique(_grams(symbols, order + 1), return_counts=True)
        else:
            longer = np.unique(_grams(symbols, order + 2))
            grams, counts = np.unique(longer & ((1 << _BITS * (order + 1)) - 1), return_counts=True)
        keys, starts = np.unique(grams >> _BITS, return_index=True)
        tenths = counts.astype(np.int64) * 10
        left = np.minimum(tenths, _DISCOUNTS[order])
        totals = np.add.reduceat(tenths, starts)
        owners = np.repeat(np.arange(len(keys)), np.diff([*starts, len(grams)]))
        self._mask = (1 << _BITS * order) - 1
        self._keys = array("q", keys.tobytes())
        self._starts = array("q", np.append(starts, len(grams)).astype(np.int64).tobytes())
        self._symbols = grams & (MAX_SYMBOLS - 1)
        self._gains: Numbers = (tenths - left << SHARE_BITS) // totals[owners]
        self._rest = array("q", ((np.add.reduceat(left, starts) << SHARE_BITS) // totals).tobytes())

    def add(self, key: int, lower: Numbers, row: Numbers) -> bool:
        """Fills a row from that of the shorter context; False where this one was never seen."""
        key &= self._mask
        at = bisect_left(self._keys, key)
        if at == len(self._keys) or self._keys[at] != key:
            return False
        np.multiply(lower, self._rest[at], out=row)
        np.right_shift(row, SHARE_BITS, out=row)
        start, end = self._starts[at], self._starts[at + 1]
        if end == start + 1:
            row[self._symbols[start]] += self._gains[start]
        else:
            row[self._symbols[start:end]] += self._gains[start:end]
        return True


def extended(key: int, symbol: int) -> int:
    """The key of a context's last LONGEST characters after one more."""
    return (key << _BITS | symbol) & ((1 << _BITS * LONGEST) - 1)


def _grams(symbols: Numbers, length: int) -> Numbers:
    """Every run of that many symbols as one number."""
    grams = np.zeros(len(symbols) - length + 1, np.int64)
    for offset in range(length):
        grams = grams << _BITS | symbols[offset : len(symbols) - length + 1 + offset]
    return grams
