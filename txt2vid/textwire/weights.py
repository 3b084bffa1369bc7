"""How far each opinion is believed, by the case at hand: begun from what was learned before, and learning on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.textwire.letters import Numbers

ONE = 16  # bits of a weight that are its fraction
RATE = 25  # 1/1024 of a weight's unit for each of UNIT, in which an opinion was better than expected
CASES = 180  # how the word goes (9), the longest context that was seen (5), what was said of it before (4)


@dataclass(frozen=True, slots=True)
class Mixing:
    """The weights of a case and of a last symbol, and their sum: (opinions,) each."""

    weights: Numbers
    first: Numbers
    second: Numbers
    rate: int

    def learn(self, errors: Numbers) -> None:
        """errors: how much better than expected each opinion was, in UNIT of logarithm. Weights change in place."""
        step = (errors * self.rate + 512) >> 10
        np.add(self.first, step, out=self.first)
        np.add(self.second, step, out=self.second)


class Weights:
    """first: (CASES, opinions). second: (symbols, opinions)."""

    def __init__(self, first: Numbers, second: Numbers, rate: int = RATE) -> None:
        self.first, self.second, self._rate = first, second, rate

    @classmethod
    def even(cls, opinions: int, symbols: int, rate: int = RATE) -> Weights:
        """All opinions count alike."""
        each = (1 << ONE) * 11 // 10 // opinions
        return cls(np.full((CASES, opinions), each, np.int64), np.zeros((symbols, opinions), np.int64), rate)

    def copy(self) -> Weights:
        """Weights that learn on their own."""
        return Weights(self.first.copy(), self.second.copy(), self._rate)

    def of(self, case: int, symbol: int, opinions: int) -> Mixing:
        """What counts now: so many opinions, the first ones."""
        first, second = self.first[case, :opinions], self.second[symbol, :opinions]
        return Mixing(first + second, first, second, self._rate)
