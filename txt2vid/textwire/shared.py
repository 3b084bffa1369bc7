"""The shared model as it is installed: read once a process, and known by a name that both ends must agree on.

It is made of texts written for it (english_*.txt, and some of others), of weights learned from them
(scripts/train_text_wire.py), and of the frequencies of words and of pairs of words that the package symspellpy brings.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from txt2vid.textwire.letters import Letters
from txt2vid.textwire.lexicon import Lexicon, Listed, counted
from txt2vid.textwire.model import LATIN, Alphabet, Model
from txt2vid.textwire.weights import Weights

FORMAT = "words-1"  # goes up whenever the same texts, lists and weights come to be something else on the wire
PACKAGE = "symspellpy"
LISTS = ("frequency_dictionary_en_82_765.txt", "frequency_bigramdictionary_en_243_342.txt")
UNIT = 1 << 16  # of the lists' counts that are one of Lexicon's weight
SAID = 150  # such weights that a word of our own texts has, each time that it is there
WEIGHTS = "weights.npz"
_FOLDER = Path(__file__).parent
_loading = threading.Lock()


@lru_cache(maxsize=1)
def name() -> str | None:
    """What the model is called: its format and a digest of all that it is made of. None where the lists are missing.

    Takes some 20 ms the first time.
    """
    lists = _lists()
    if lists is None:
        return None
    digest = hashlib.sha256()
    for path in (*texts(), _FOLDER / WEIGHTS, *lists):
        content = path.read_bytes()
        digest.update(len(content).to_bytes(8, "big") + content)
    return f"{FORMAT}-{digest.hexdigest()[:16]}"


def loaded() -> tuple[Model, Weights]:
    """The model and its weights, which nobody may change. Any thread may ask; the first time takes half a second, and
    some 60 MB.

    Raises FileNotFoundError where the lists are missing (`name` is None).
    """
    with _loading:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> tuple[Model, Weights]:
    with np.load(_FOLDER / WEIGHTS, allow_pickle=False) as stored:
        weights = Weights(stored["first"].astype(np.int64), stored["second"].astype(np.int64))
    lines = [line for path in texts() for line in lines_of(path)]
    return made(lines, alphabet()), weights


def made(lines: Sequence[str], characters: Alphabet) -> Model:
    """A model of these lines and the lists."""
    words, pairs = counted([line for line in lines if line.isascii()], SAID)
    symbols = characters.symbols(lines)
    return Model(characters, Letters(symbols, characters.size), Lexicon(words, pairs, listed()))


def alphabet() -> Alphabet:
    """ASCII, and whatever else of Latin letters and signs the texts have in them."""
    used = {char for path in texts() for line in lines_of(path) for char in line if ord(char) < LATIN}
    return Alphabet("".join(sorted(used | {chr(code) for code in range(ord(" "), 127)})))


@lru_cache(maxsize=1)
def listed() -> Listed:
    """The lists of the package. Raises FileNotFoundError where it is missing."""
    lists = _lists()
    if lists is None:
        raise FileNotFoundError(f"the text wire needs {PACKAGE}: pip install {PACKAGE}")
    words, pairs = lists
    return Listed(words.read_bytes(), pairs.read_bytes(), UNIT)


def texts() -> list[Path]:
    """The files of the texts, in order."""
    return sorted(_FOLDER.glob("*.txt"))


def lines_of(path: Path) -> list[str]:
    """A file's lines, without empty ones."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]


def _lists() -> tuple[Path, Path] | None:
    """Where the package's lists are: it is looked for, not imported, since nothing but them is needed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    words, pairs = (Path(spec.origin).parent / file for file in LISTS)
    return (words, pairs) if words.is_file() and pairs.is_file() else None
