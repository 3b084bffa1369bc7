"""What one connection has said so far: counts as of the shared text (letters.py), in dictionaries that grow."""

from __future__ import annotations

import numpy as np

from txt2vid.textwire.letters import LONGEST, SHARE_BITS, Numbers

SHORTEST = 3  # characters of context: what follows fewer is known well enough without
SURE = 8  # symbols in a row that were foretold: a whole sentence comes again
_DOUBT, _SURE_DOUBT = 1, 4  # bits: a half of a count is left to others, or a sixteenth
MAX_CHARACTERS = 20_000  # after which all is forgotten: half an hour of speech, some 10 MB


class History:
    """Counts after contexts of SHORTEST to LONGEST characters. Contexts are text, so that any script has them."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[int, int]] = {}
        self._length = 0
        self._run = 0

    def improve(self, text: str, row: Numbers) -> int:
        """Changes the shares of the symbols after a text by what was seen there.

        Returns how well that is known: 0 not at all, 1 a little, 2 from a long context, 3 from several in a row.
        """
        longest = 0
        doubt = _SURE_DOUBT if self._run >= SURE else _DOUBT
        for order in range(SHORTEST, LONGEST + 1):
            seen = self._counts.get(text[-order:])
            if seen is None:
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
        known = self._counts.get(text[-LONGEST:], {})
        self._run = self._run + 1 if len(known) == 1 and symbol in known else 0
        for order in range(min(LONGEST, len(text)), SHORTEST - 1, -1):
            seen = self._counts.setdefault(text[-order:], {})
            seen[symbol] = seen.get(symbol, 0) + 1
            if seen[symbol] > 1:
                break
        self._length += 1
        if self._length >= MAX_CHARACTERS:
            self._counts.clear()
            self._length = 0
