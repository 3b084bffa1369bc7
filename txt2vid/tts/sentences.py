"""Text is cut into sentences before it is spoken, so that the first is heard while the second is not yet made."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from txt2vid.tts.style import PLAIN, Style

MAX_CHARS = 240
"""Characters of a sentence: about 15 s of speech, so a voice answers soon; flite's time grows with the square of it."""
SENTENCE_PAUSE = 0.3  # seconds of silence after a sentence, as careful readers leave
PARAGRAPH_PAUSE = 0.6
COMMA_PAUSE = 0.12  # where a sentence that is too long was cut at a comma
WORD_PAUSE = 0.02  # where it had to be cut between words

_ABBREVIATED = (
    "mr mrs ms dr prof rev hon gen col capt lt sgt st mt ft jr sr vs e.g i.e cf ca approx no nos vol fig figs eq p pp"
    " jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri inc ltd co corp dept est al"
    " z.b d.h bzw nr bspw u.a str hr fr mme mlle sra dra av"
)
ABBREVIATIONS = frozenset(_ABBREVIATED.split())
"""Words whose full stop does not end a sentence when another word follows."""

_PARAGRAPH = re.compile(r"\n\s*\n|\u2029")
_ENDERS = "。｡।॥؟۔።։។။"  # full stops of scripts that need no space after them
_QUOTES = "\"'”’»)]」』"
_CLOSERS = re.escape(_QUOTES)
_END = re.compile(  # a run of marks is tried from its first one only, else a long run takes its square in time
    rf"(?<![.!?])(?:[.!?]+[{_CLOSERS}]*(?=\s|$)|[.!?]+(?<=[!?])(?=[\u2e80-\U0003ffff]))|[{_ENDERS}]+[{_CLOSERS}]*"
)
_LAST_WORD = re.compile(r"[^\s(\"'“‘«]*$")
_CUTS = (
    (re.compile(r"[;:](?=\s)|[;；]"), COMMA_PAUSE),
    (re.compile(r",(?=\s)|[、，،]|,(?=[\u2e80-\U0003ffff])|\s[-–—](?=\s)|—"), COMMA_PAUSE),
    (re.compile(r"\s"), WORD_PAUSE),
)
_JOINERS = "\u200c\u200d"  # zero-width, but part of the spelling of Persian and of the Indic scripts


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a voice says in one go, and how: at most MAX_CHARS characters, and the seconds of silence after them."""

    text: str
    pause: float
    style: Style = PLAIN


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a text, one after the other; those without a letter or a digit are left out."""
    for paragraph in _PARAGRAPH.split(text):
        held: Sentence | None = None
        for sentence in _of_paragraph(" ".join(clean(paragraph).split())):
            if not speakable(sentence.text):
                continue
            if held is not None:
                yield held
            held = sentence
        if held is not None:
            yield Sentence(held.text, PARAGRAPH_PAUSE)


def clean(text: str) -> str:
    """The text without what no voice can say: control characters, emoji, bidirectional marks, lone surrogates.

    Compatibility forms (full-width letters, ligatures, "…") become plain ones (Unicode NFKC, UAX #15).
    """
    return "".join(map(_plain, unicodedata.normalize("NFKC", text)))


def speakable(text: str) -> bool:
    """Whether there is a letter or a digit of any script in the text."""
    return any(unicodedata.category(char)[0] in "LN" for char in text)


def _plain(char: str) -> str:
    if char.isascii():
        return char if char >= " " or char == "\n" else " "
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))  # of any script: voices know the digits of their own language at most
    if category in ("Cc", "Zl", "Zp"):
        return "\n" if category[0] == "Z" else " "
    if category[0] == "C":
        return char if char in _JOINERS else ""
    pictograph = category in ("So", "Sk") and ("\u2190" <= char < "\u3000" or char >= "\U0001f000")
    return " " if pictograph or "\ufe00" <= char <= "\ufe0f" else char


def _of_paragraph(text: str) -> Iterator[Sentence]:
    start = 0
    for end in _END.finditer(text):
        if _ends(text, end.start(), end.end()):
            yield from _bounded(text[start : end.end()].strip())
            start = end.end()
    yield from _bounded(text[start:].strip())


def _ends(text: str, mark: int, stop: int) -> bool:
    """Whether the punctuation text[mark:stop] ends a sentence."""
    goes_on = text[stop : stop + 2].strip()[:1].islower()
    marks = text[mark:stop]
    if marks[0] != ".":
        return not (goes_on and marks[-1] in _QUOTES)  # "Really?" she asked
    if marks.startswith(".."):
        return not goes_on
    if not text[stop : stop + 2].strip():
        return True
    found = _LAST_WORD.search(text[max(0, mark - 20) : mark])
    word = found.group().lower() if found else ""
    initial = len(word) == 1 and word.isalpha() and word != "i"
    return not (initial or word in ABBREVIATIONS or (goes_on and "." in word))


def _bounded(text: str) -> Iterator[Sentence]:
    at = 0
    while len(text) - at > MAX_CHARS:
        length, pause = _cut(text[at : at + MAX_CHARS + 1])
        yield Sentence(text[at : at + length].strip(), pause)
        at += length
    if at < len(text):
        yield Sentence(text[at:].strip(), SENTENCE_PAUSE)


def _cut(text: str) -> tuple[int, float]:
    """Where to cut a sentence that is too long: at the last good place behind its first third, else anywhere."""
    for pattern, pause in _CUTS:
        places = [match.end() for match in pattern.finditer(text, MAX_CHARS // 3) if match.end() <= MAX_CHARS]
        if places:
            return places[-1], pause
    return MAX_CHARS, 0.0
