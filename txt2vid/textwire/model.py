"""What both ends know before the first word: letters and words of ordinary English, and how far each is to be believed.

Whole numbers only, so that all machines come to the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from txt2vid.textwire.letters import MAX_SYMBOLS, SHARE, Letters, Numbers
from txt2vid.textwire.lexicon import END, WORD_LETTERS, Lexicon
from txt2vid.textwire.tables import logarithms, powers

EOM, OTHER = 0, 1  # symbols beside the characters: a message ends; a character that has no symbol follows
FIRST = 2  # symbol of the first character
LATIN = 0x250  # code points below are of languages that are written with Latin letters
KEPT_NODES = 8192  # beginnings of words whose letters are remembered, 1 kB each; all are forgotten beyond


@dataclass(frozen=True, slots=True)
class Node:
    """The share of each symbol as the next letter of a word, the same in capitals, and the share of the word's end."""

    letters: Numbers
    capitals: Numbers
    end: int


@dataclass(frozen=True)
class Alphabet:
    """The characters that have a symbol each."""

    chars: str

    def __post_init__(self) -> None:
        if len(self.chars) + FIRST > MAX_SYMBOLS:
            raise ValueError(f"{len(self.chars)} characters are more than {MAX_SYMBOLS - FIRST}")

    @property
    def size(self) -> int:
        """How many symbols there are."""
        return len(self.chars) + FIRST

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Character -> symbol."""
        return {char: number for number, char in enumerate(self.chars, FIRST)}

    @cached_property
    def marks(self) -> Numbers:
        """1 for symbols that no word has in it."""
        return np.array([1, 1, *(not (char.isalpha() or char in WORD_LETTERS) for char in self.chars)], np.int64)

    @cached_property
    def capitals(self) -> Numbers:
        """1 for capital letters."""
        return np.array([0, 0, *(char.isupper() for char in self.chars)], np.int64)

    @cached_property
    def raised(self) -> Numbers:
        """For each symbol the one whose share it has where the text is in capitals: "A" has that of "a"."""
        of = self.numbers
        own = range(FIRST, self.size)
        return np.array([0, 1, *(of.get(self.chars[i - FIRST].lower(), i) for i in own)], np.int64)

    def symbols(self, lines: Sequence[str]) -> Numbers:
        """A text's symbols, EOM after each line and before the first."""
        known = self.numbers
        found = [EOM]
        for line in lines:
            found.extend(known.get(char, OTHER) for char in line)
            found.append(EOM)
        return np.array(found, np.int64)


class Model:
    """Never changes once it is made; all connections of a process share one."""

    def __init__(self, alphabet: Alphabet, letters: Letters, lexicon: Lexicon) -> None:
        self.alphabet, self.letters = alphabet, letters
        self._lexicon = lexicon
        self._spots = np.array([alphabet.numbers[char] for char in WORD_LETTERS], np.int64)
        self._nodes: dict[tuple[str, str], Node | None] = {}
        self.logarithms, self.powers = logarithms(), powers()

    def word(self, before: str, prefix: str) -> tuple[Node | None, Node | None]:
        """What may follow the beginning of a word, of all words, and of those seen after another one."""
        return self._node("", prefix), self._node(before, prefix)

    def _node(self, before: str, prefix: str) -> Node | None:
        key = before, prefix
        if key in self._nodes:
            return self._nodes[key]
        weights = self._lexicon.node_after(before, prefix) if before else self._lexicon.node(prefix)
        total = sum(weights)
        node = None
        if total:
            shares = np.zeros(self.alphabet.size, np.int64)
            shares[self._spots] = [weight * SHARE // total for weight in weights[:END]]
            capitals = shares[self.alphabet.raised] * self.alphabet.capitals
            node = Node(shares, capitals, weights[END] * SHARE // total)
        if len(self._nodes) >= KEPT_NODES:
            self._nodes.clear()
        self._nodes[key] = node
        return node
