"""Captions as WebVTT."""

from __future__ import annotations

import re
from itertools import pairwise

import pysubs2
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core.captions import LINE, MOST, Caption, Word, pieces, webvtt


def said(text: str, start: float = 0.0, step: float = 0.3) -> Caption:
    words = re.findall(r"\S+\s*", text)
    return Caption(tuple(Word(word, start + i * step) for i, word in enumerate(words)), start + len(words) * step)


def test_each_word_has_its_time() -> None:
    assert webvtt([said("Hello there.", 1.0)]) == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:01.600\nHello <00:00:01.300>there.\n"
    )
    assert webvtt([]) == "WEBVTT\n"


def test_markup_is_text() -> None:
    written = webvtt([said("<b>a</b> & --> b")])
    assert "&lt;b&gt;a&lt;/b&gt;" in written
    assert "--&gt;" in written.split("\n", 3)[3]


def test_long_sentences_are_cut_into_parts_that_fit() -> None:
    caption = said("word " * 60)
    parts = list(pieces(caption))
    assert len(parts) > 3
    assert all(len(part.text) <= MOST for part in parts)
    assert " ".join(part.text for part in parts) == caption.text
    assert all(a.stop == b.start for a, b in pairwise(parts))
    lines = [line for block in webvtt([caption]).split("\n\n")[1:] for line in block.split("\n")[1:]]
    assert max(len(re.sub("<[^>]*>", "", line)) for line in lines) <= LINE + len("word")
    assert max(block.count("\n") for block in webvtt([caption]).strip().split("\n\n")) == 2


def test_hours() -> None:
    assert "03:25:45.000 --> 03:25:45.300" in webvtt([said("Hello.", 12_345.0)])


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=30), st.floats(0, 2)),
        min_size=1,
        max_size=40,
    )
)
def test_any_words_can_be_read_again(words: list[tuple[str, float]]) -> None:
    at, made = 0.0, []
    for text, step in words:
        made.append(Word(text + " ", at))
        at += step
    written = webvtt([Caption(tuple(made), at)])
    blocks = written.split("\n\n")[1:]
    times = [re.match(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n", block) for block in blocks]
    assert all(match is not None and match[1] < match[2] for match in times)
    starts = [match[1] for match in times if match]
    assert starts == sorted(starts)
    plain = pysubs2.SSAFile.from_string(re.sub(r"<[\d:.]+>", "", written), format_="vtt")
    assert len(plain) == len(blocks)
