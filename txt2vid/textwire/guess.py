"""The guess of the next symbol: several opinions, mixed as they have proved themselves so far.

Opinions are shares of each symbol: of the words that may be meant, of what this connection has said, and of contexts of
some characters, each falling back on the shorter one (Kneser and Ney, 1995). Their logarithms are added up with
weights, which learn after each symbol (Mattern, "Mixing strategies in data compression", 2012).
"""

from __future__ import annotations

import numpy as np

from txt2vid.textwire.history import History
from txt2vid.textwire.letters import LONGEST, SHARE, SHARE_BITS, SHORTEST, Numbers, extended
from txt2vid.textwire.lexicon import COMMA, ENDS, START
from txt2vid.textwire.model import EOM, LATIN, Model
from txt2vid.textwire.tables import CLIFF, COARSE
from txt2vid.textwire.weights import ONE, Weights

END = "\n"  # stands for EOM in contexts
_WORD, _PAIR, _HEARD, _LETTERS = 0, 1, 2, 3  # rows of opinions; those of letters go on
OPINIONS = _LETTERS + LONGEST - SHORTEST + 1
_SPELLING = frozenset("'").union(char for char in map(chr, range(LATIN)) if char.isalpha())
"""What words are written with. Of Latin alone: what is a letter beyond it depends on Python's version."""
LOOK_BACK = 48  # characters: a word and the one before


class Guess:
    """The state of one direction of one connection. `shares`, then `learn` what it was, and so on.

    weights: begin as those that were given, and change.
    """

    def __init__(self, model: Model, weights: Weights) -> None:
        self._model, self.weights = model, weights.copy()
        self._history = History()
        self._text = END
        self._key = EOM
        size = model.alphabet.size
        self._opinions: Numbers = np.zeros((OPINIONS, size), np.int64)
        self._logs: Numbers = np.zeros((OPINIONS, size), np.int64)
        self._powers: Numbers = np.ones(size, np.int64)
        self._mixing = self.weights.of(0, 0, OPINIONS)
        self.total = size

    def shares(self) -> Numbers:
        """The share of each symbol, at least 1; `total` is their sum, below 2**28."""
        rows = self._opinions
        known = self._model.letters.after(self._key, rows[_LETTERS:])
        count = _LETTERS + known
        best = rows[count - 1]
        rows[_HEARD] = best
        heard = self._history.improve(self._text, rows[_HEARD])
        case = self._words(rows, best) * 5 + known - 1
        self._logs = self._model.logarithms[rows[:count] >> COARSE]
        self._mixing = self.weights.of(case * 4 + heard, self._key & 127, count)
        mixed = self._mixing.weights @ self._logs >> ONE
        self._powers = self._model.powers[np.minimum(mixed.max() - mixed, CLIFF - 1)]
        self.total = int(self._powers.sum())
        return self._powers

    def learn(self, symbol: int, char: str) -> None:
        """What came: a symbol, and the character that it stood for (END for EOM)."""
        self._mixing.learn(self._logs[:, symbol] - self._logs @ self._powers // self.total)
        self.hear(symbol, char)

    def hear(self, symbol: int, char: str) -> None:
        """What came, where no guess was asked for."""
        self._history.add(self._text[-LONGEST:], symbol)
        self._text = (self._text + char)[-LOOK_BACK:]
        self._key = extended(self._key, symbol)

    def _words(self, rows: Numbers, best: Numbers) -> int:
        """Opinions of the word that is being written. Returns what kind of case this is, of 9."""
        before, written = self._written()
        prefix = written.lower()
        nodes = self._model.word(before, prefix)
        doubt = best >> 5
        alphabet, base = self._model.alphabet, rows[_LETTERS]
        marks = base * alphabet.marks
        total = int(marks.sum())
        large = 0 if prefix else int((base * alphabet.capitals).sum())
        if prefix:
            marks = (marks << SHARE_BITS) // (total or 1)
        for row, node in zip((_WORD, _PAIR), nodes, strict=True):
            if node is None:
                rows[row] = best
            elif prefix:
                letters = node.capitals if len(written) > 1 and written.isupper() else node.letters
                rows[row] = letters + (marks * node.end >> SHARE_BITS) + doubt
            else:
                small = max(0, SHARE - total - large)
                rows[row] = (node.letters * small + node.capitals * large >> SHARE_BITS) + marks + doubt
        if nodes[1] is not None:
            rows[_PAIR] += rows[_WORD] >> 3  # words that were never seen after this one are words as well
        known = sum(node is not None for node in nodes)
        return min(len(prefix), 3) // 2 + (prefix != "") + 3 * known

    def _written(self) -> tuple[str, str]:
        """The word before, or what stands for it, and the letters of this one so far."""
        text = self._text
        at = _word_start(text, len(text))
        end = len(text[:at].rstrip(" "))
        last = text[end - 1 : end]
        if last == END or last in ENDS:
            return START, text[at:].lstrip("'")
        start = _word_start(text, end)
        return (text[start:end].lower() if start < end else COMMA), text[at:].lstrip("'")


def _word_start(text: str, end: int) -> int:
    while end and text[end - 1] in _SPELLING:
        end -= 1
    return end
