"""Which words there are, how often each is used, and after which other word."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate

WORD_LETTERS = "abcdefghijklmnopqrstuvwxyz'"
END = len(WORD_LETTERS)  # in what `Lexicon` answers: that the word ends
ENDS = '.!?"'  # after these a sentence may begin
START, COMMA = ".", ","  # stand before the first word of a sentence, and after other marks
KEPT_WORDS = 2048  # whose followers are remembered in order, some 10 MB; all are forgotten beyond
_LAST = "{"  # behind z
_WORD = re.compile(r"[a-z']+")
_TOKEN = re.compile(r"[a-z']+|[^a-z' ]")


class Lexicon:
    """Words with their weights. pairs: of words after others; those of one text and those of a list are added."""

    def __init__(self, words: Mapping[str, int], pairs: Mapping[str, Mapping[str, int]], listed: Listed) -> None:
        self._listed = listed
        self._pairs = pairs
        self._all = _Sorted(listed.words, words)
        self._after: dict[str, _Sorted] = {}

    def node(self, prefix: str) -> list[int]:
        """The weights of the letters, and of the end, that follow the beginning of a word."""
        return self._all.node(prefix)

    def node_after(self, before: str, prefix: str) -> list[int]:
        """The same, of what was seen after another word."""
        known = self._after.get(before)
        if known is None:
            if len(self._after) >= KEPT_WORDS:
                self._after.clear()
            known = self._after[before] = _Sorted(self._listed.after(before), self._pairs.get(before, {}))
        return known.node(prefix)


class _Sorted:
    """Words in order, with their weights added up, so that those of a common beginning are one difference."""

    def __init__(self, listed: Mapping[str, int], told: Mapping[str, int]) -> None:
        words = dict(listed)
        for word, weight in told.items():
            words[word] = words.get(word, 0) + weight
        self._words = sorted(words)
        self._sums = [0, *accumulate(words[word] for word in self._words)]

    def node(self, prefix: str) -> list[int]:
        found = [0] * (END + 1)
        words, sums, length = self._words, self._sums, len(prefix)
        at = bisect_left(words, prefix)
        end = bisect_left(words, prefix + _LAST, at)
        if at < end and words[at] == prefix:
            found[END] = sums[at + 1] - sums[at]
            at += 1
        while at < end:
            letter = words[at][length]
            after = bisect_left(words, prefix + letter + _LAST, at, end)
            found[WORD_LETTERS.index(letter)] = sums[after] - sums[at]
            at = after
        return found


class Listed:
    """Words and pairs of a frequency list, as text: "word number" and "word word number" in lines, a byte string each.

    unit: how many of the list's count as one occurrence in a text of ours.
    """

    def __init__(self, words: bytes, pairs: bytes, unit: int) -> None:
        self._unit = unit
        self.words = {}
        for line in words.decode("utf-8-sig").splitlines():
            word, _, number = line.rpartition(" ")
            if is_word(word):
                self.words[word] = int(number) // unit + 1
        rows: dict[str, list[str]] = {}
        for line in pairs.decode("utf-8-sig").splitlines():
            before, _, rest = line.partition(" ")
            rows.setdefault(before, []).append(rest)
        self._pairs = {before: " ".join(rests) for before, rests in rows.items()}  # strings: a third of the memory

    def after(self, before: str) -> dict[str, int]:
        """Word -> weight of what follows another word."""
        cells = self._pairs.get(before, "").split()
        return {
            word: int(number) // self._unit + 1
            for word, number in zip(cells[::2], cells[1::2], strict=True)
            if not word.strip(WORD_LETTERS)
        }


def is_word(text: str) -> bool:
    """Whether only WORD_LETTERS are in it."""
    return _WORD.fullmatch(text) is not None


def counted(lines: Iterable[str], weight: int) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """The words of lines of text, and the words after each, each time with that weight."""
    words: Counter[str] = Counter()
    pairs: dict[str, Counter[str]] = {}
    for line in lines:
        before = START
        for token in _TOKEN.findall(line.lower()):
            word = token.strip("'")
            if not is_word(word):
                before = START if token in ENDS else COMMA
                continue
            words[word] += weight
            pairs.setdefault(before, Counter())[word] += weight
            before = word
    return words, pairs
