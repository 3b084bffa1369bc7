"""Learns how far the text wire's opinions are to be believed, from its own texts, and writes weights.npz.

Each file of the texts is read by a model that knows the others only: a model believes too much in what it has seen.
Takes one to three minutes. Run it whenever a text changes: the model's name, which both ends compare, changes anyway.

    python scripts/train_text_wire.py [FILE ...]    then prints the bits a character of each FILE, line by line
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from txt2vid.textwire import codec, shared
from txt2vid.textwire.guess import END, OPINIONS, Guess
from txt2vid.textwire.model import EOM, OTHER, Model
from txt2vid.textwire.weights import Weights

RATES = (120, 60, 25)  # of each pass (weights.py): quick first, then exact
SESSIONS = 3  # lines of a file that are so many apart are one connection's: more beginnings, and less of one subject
AGAIN = 12  # lines, of which one is said twice


def train() -> Weights:
    """The mean of the weights after each connection in English of the last pass: no single one counts much then."""
    texts = {path: shared.lines_of(path) for path in sorted(shared.texts(), reverse=True)}  # English comes last
    characters = shared.alphabet()
    models = {
        path: shared.made([line for other, lines in texts.items() if other != path for line in lines], characters)
        for path in texts
    }
    weights = Weights.even(OPINIONS, characters.size)
    ends: list[Weights] = []
    for rate in RATES:
        ends.clear()
        for path, lines in texts.items():
            for start in range(SESSIONS):
                weights = Weights(weights.first, weights.second, rate)
                weights = read(with_repeats(lines[start::SESSIONS]), models[path], weights)
                if path.name.startswith("english"):
                    ends.append(weights)
        print(f"rate {rate} done", flush=True)
    return Weights(_mean([end.first for end in ends]), _mean([end.second for end in ends]))


def read(lines: list[str], model: Model, weights: Weights) -> Weights:
    """The weights after a connection that said these lines."""
    guess = Guess(model, weights)
    for line in lines:
        for char in (*line, END):
            guess.shares()
            guess.learn(EOM if char == END else model.alphabet.numbers.get(char, OTHER), char)
    return guess.weights


def with_repeats(lines: list[str]) -> list[str]:
    """Each AGAIN-th line comes again a little later: people repeat themselves, texts written for this do not."""
    said = list(lines)
    for at in range(len(lines) - AGAIN, 0, -AGAIN):
        said.insert(at + AGAIN // 2, lines[at])
    return said


def _mean(arrays: list[np.ndarray]) -> np.ndarray:  # type: ignore[type-arg]  # of whole numbers
    return np.mean(arrays, axis=0).round().astype(np.int64)


def main() -> None:
    """Trains, writes, measures."""
    weights = train()
    first, second = (part.clip(-(2**31), 2**31 - 1).astype(np.int32) for part in (weights.first, weights.second))
    np.savez(Path(codec.__file__).parent / shared.WEIGHTS, first=first, second=second)
    for name in sys.argv[1:]:
        lines = shared.lines_of(Path(name))
        print(f"{name}: {codec.bits(lines) / sum(map(len, lines)):.3f} bits a character, all headers in it")


if __name__ == "__main__":
    main()
