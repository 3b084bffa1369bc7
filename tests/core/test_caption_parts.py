"""Long sentences in parts: whole, none too long, no word left alone."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core.captions import MOST, Caption, Word, pieces


def parts(text: str) -> list[str]:
    words = re.findall(r"\S+\s*", text)
    caption = Caption(tuple(Word(word, at) for at, word in enumerate(words)), len(words))
    made = list(pieces(caption))
    assert all(one.stop == other.start for one, other in pairwise(made))
    assert made[-1].stop == caption.stop
    return ["".join(word.text for word in part.words) for part in made]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Short.", ["Short."]),
        (
            "This is what it looks like on a whole screen, in two lines that are as wide as need be.",
            ["This is what it looks like on a whole screen, ", "in two lines that are as wide as need be."],
        ),
        (f"{'x' * 100} y", [f"{'x' * 100} ", "y"]),
    ],
)
def test_where_sentences_are_cut(text: str, wanted: list[str]) -> None:
    assert parts(text) == wanted


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60), st.sampled_from(["", ",", ":"]))
def test_parts_are_balanced(lengths: list[int], comma: str) -> None:
    words = ["a" * length + (comma if at % 5 == 4 else "") for at, length in enumerate(lengths)]
    text = " ".join(words)
    made = parts(text)
    assert "".join(made) == text
    assert all(len(part.rstrip()) <= MOST for part in made)
    assert len(made) <= -(-len(text) // (MOST - 21)) + 1
    if len(text) > 2 * MOST:
        assert min(len(part) for part in made) > 20
