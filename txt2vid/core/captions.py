"""What is said, word by word, with the time of each: for those who read along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

LINE = 42  # characters that people read at a glance
MOST = 2 * LINE  # characters of one caption on the screen
COMMAS = (",", ";", ":", "\u2013", "\u2014", "\uff0c", "\u3001", "\u060c")  # of scripts of the West, the East, Arabic
LEAST_SECONDS = 0.3  # that a caption stays: a shorter one only flickers


@dataclass(frozen=True, slots=True)
class Word:
    """A word with the space behind it, and when it begins, in seconds of the time line."""

    text: str
    start: float


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence. words: in order, their times never falling. stop: when the last one ends, in seconds."""

    words: tuple[Word, ...]
    stop: float

    @property
    def start(self) -> float:
        """When the first word begins."""
        return self.words[0].start

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(word.text for word in self.words).strip()

    def later(self, seconds: float) -> Caption:
        """The same so many seconds later."""
        return Caption(tuple(Word(word.text, word.start + seconds) for word in self.words), self.stop + seconds)


def pieces(caption: Caption) -> Iterator[Caption]:
    """A caption in parts of at most MOST characters (a longer word is one alone); each ends where the next begins.

    They are about as long as one another, or end at a comma: the last word of a sentence is not left alone.
    """
    parts: list[list[Word]] = [[]]
    rest, length = len(caption.text), 0  # characters that are in no part that is over; of the last part
    for word in caption.words:
        if parts[-1] and _is_full(parts[-1][-1].text, length, len(word.text.rstrip()), rest):
            rest, length = rest - length, 0
            parts.append([])
        parts[-1].append(word)
        length += len(word.text)
    stops = [after[0].start for _, after in pairwise(parts)] + [caption.stop]
    for part, stop in zip(parts, stops, strict=True):
        yield Caption(tuple(part), max(stop, part[0].start))


def _is_full(last: str, length: int, more: int, rest: int) -> bool:
    """Whether a part of that length, which ends with the word `last`, takes no more characters of the rest."""
    count = -(-rest // MOST)  # parts that the rest needs
    early = last.rstrip().endswith(COMMAS) and 2 * length * count > rest and 1 - (length - rest) // MOST <= count
    return length + more > MOST or length + more / 2 > rest / count or early


def webvtt(captions: Iterable[Caption]) -> str:
    """A WebVTT file (W3C, 2019), with a time stamp before each word after the first of its cue."""
    parts = [part for caption in captions for part in pieces(caption)]
    blocks = ["WEBVTT"]
    for i, part in enumerate(parts):
        until = max(part.stop, part.start + LEAST_SECONDS)
        if i + 1 < len(parts):
            until = min(until, max(parts[i + 1].start, part.start + 0.001))
        blocks.append(f"{_time(part.start)} --> {_time(until)}\n{_marked(part, until)}")
    return "\n\n".join(blocks) + "\n"


def _marked(caption: Caption, until: float) -> str:
    """The words with the times at which they begin, in one line, or two that are about as long as one another."""
    long, length, marked = len(caption.text) > LINE, 0, ""
    before = caption.start
    for i, word in enumerate(caption.words):
        if long and i and length + len(word.text.rstrip()) / 2 > len(caption.text) / 2:
            marked, long = marked.rstrip() + "\n", False
        if round(1000 * before) < round(1000 * word.start) < round(1000 * until):  # as the format wants it
            marked += f"<{_time(word.start)}>"
            before = word.start
        marked += _escaped(word.text)
        length += len(word.text)
    return marked.strip()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def _time(seconds: float) -> str:
    whole = round(1000 * max(0.0, seconds))
    minutes, rest = divmod(whole, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
