"""How many words an ear got wrong: word error rate (NIST's definition: substitutions, deletions, insertions)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def words(text: str) -> list[str]:
    """The words of a text without case and punctuation; numbers stay as they are written."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).replace("’", "'").lower())


def errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """The least number of words to replace, leave out or add (Levenshtein 1966)."""
    row = list(range(len(heard) + 1))
    for at, wanted in enumerate(reference, 1):
        before, row[0] = row[0], at
        for other, word in enumerate(heard, 1):
            before, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, before + (word != wanted))
    return row[-1]
