"""What one connection has said so far: counts as of the shared text (letters.py), in a dictionary that grows."""

from __future__ import annotations

import numpy as np

from txt2vid.textwire.letters import LONGEST, MAX_SYMBOLS, SHARE_BITS, Numbers

SHORTEST = 3  # characters of context: what follows fewer is known well enough without
SURE = 8  # symbols in a row that were foretold: a whole sentence comes again
_DOUBT, _SURE_DOUBT = 1, 4  # bits: a half of a count is left to others, or a sixteenth
MAX_CHARACTERS = 8_000  # after which all is forgotten: ten minutes of speech, at most 5 MB


class History:
    """Counts after contexts of SHORTEST to LONGEST characters. Contexts are text, so that any script has them."""

    def __init__(self) -> None:
        self._counts: dict[str, int | dict[int, int]] = {}  # most have one symbol: count * MAX_SYMBOLS + symbol
        self._length = 0
        self._run = 0

    def improve(self, text: str, row: Numbers) -> int:
        """Changes the shares of the symbols after a text by what was seen there.

        Returns how well that is known: 0 not at all, 1 a little, 2 from a long context, 3 from several in a row.
        """
        longest = 0
        doubt = _SURE_DOUBT if self._run >= SURE else _DOUBT
        for order in range(SHORTEST, LONGEST + 1):
            seen = _counted(self._counts.get(text[-order:]))
            if not seen:
                break
            total = sum(seen.values()) << doubt
            np.multiply(row, (len(seen) << SHARE_BITS) // total, out=row)
            np.right_shift(row, SHARE_BITS, out=row)
            for symbol, count in seen.items():
                row[symbol] += ((count << doubt) - 1 << SHARE_BITS) // total
            longest = order
        return (longest > 0) + (longest == LONGEST) + (longest == LONGEST and self._run >= SURE)

    def add(self, text: str, symbol: int) -> None:
        """One more symbol after a text; shorter contexts hear of it only where it is new to the longer one."""
        known = _counted(self._counts.get(text[-LONGEST:]))
        self._run = self._run + 1 if len(known) == 1 and symbol in known else 0
        for order in range(min(LONGEST, len(text)), SHORTEST - 1, -1):
            context = text[-order:]
            seen = _counted(self._counts.get(context))
            count = seen.get(symbol, 0) + 1
            if seen.keys() <= {symbol}:
                self._counts[context] = count * MAX_SYMBOLS + symbol
            else:
                self._counts[context] = {**seen, symbol: count}
            if count > 1:
                break
        self._length += 1
        if self._length >= MAX_CHARACTERS:
            self._counts.clear()
            self._length = 0


def _counted(entry: int | dict[int, int] | None) -> dict[int, int]:
    """Symbol -> how often it was seen."""
    if isinstance(entry, int):
        count, symbol = divmod(entry, MAX_SYMBOLS)
        return {symbol: count}
    return entry or {}
