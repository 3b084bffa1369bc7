from __future__ import annotations

import pytest

from txt2vid.bench.words import errors, words


@pytest.mark.parametrize(
    ("reference", "heard", "wrong"),
    [
        ("One, two, three!", "one two three", 0),
        ("one two three", "one too three", 1),
        ("one two three", "one three", 1),
        ("one two three", "one two and three", 1),
        ("one two three", "", 3),
        ("a b c d", "b c d e", 2),
        ("It’s “Ann’s”.", "it's ann's", 0),
        ("Straße Été", "straße été", 0),
    ],
)
def test_word_errors(reference: str, heard: str, wrong: int) -> None:
    assert errors(words(reference), words(heard)) == wrong
