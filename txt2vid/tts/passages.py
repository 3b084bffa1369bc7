"""What a text becomes once its tags are read: passages, each said in one manner, with marks where something happens."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from txt2vid.core.expressions import Cue
from txt2vid.tts.sentences import clean
from txt2vid.tts.style import PLAIN, Style

_ASCII = re.compile(r"[0-9A-Za-z]")


def letters(text: str) -> int:
    """How many letters and digits a voice is given of the text."""
    if text.isascii():
        return len(_ASCII.findall(text))
    return sum(unicodedata.category(char)[0] in "LN" for char in clean(text))


@dataclass(frozen=True, slots=True)
class Mark:
    """Something happens before the letter with the number `letters` (letters and digits of the cleaned text)."""

    letters: int
    cue: Cue


@dataclass(frozen=True, slots=True)
class Passage:
    """What is said in one manner. text: without tags, perhaps empty. marks: in order.

    pause: seconds of silence from its last sound to the first one after it; None is as the voice does it.
    """

    text: str
    style: Style = PLAIN
    marks: tuple[Mark, ...] = ()
    pause: float | None = None


@dataclass(frozen=True, slots=True)
class Tagged:
    """A text whose tags are read. notes: what looked like one and was none, a sentence each, NOTES at most."""

    passages: tuple[Passage, ...]
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The text without any tag."""
        return "".join(passage.text for passage in self.passages)
