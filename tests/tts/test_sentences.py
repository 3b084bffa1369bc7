import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.tts.sentences import (
    COMMA_PAUSE,
    MAX_CHARS,
    PARAGRAPH_PAUSE,
    SENTENCE_PAUSE,
    clean,
    sentences,
    speakable,
)


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ("Dr. Smith met Mr. Jones on Jan. 3. It rained.", ["Dr. Smith met Mr. Jones on Jan. 3.", "It rained."]),
        ("J. R. Tolkien, e.g. that one, wrote it.", ["J. R. Tolkien, e.g. that one, wrote it."]),
        ("It is 3.50 euros... or so. Fine!", ["It is 3.50 euros... or so.", "Fine!"]),
        ("Wait… What?", ["Wait...", "What?"]),
        ("“Really?” she asked. “Yes.” He left.", ["“Really?” she asked.", "“Yes.”", "He left."]),
        ("hi. how are you?! fine", ["hi.", "how are you?!", "fine"]),
        ("你好！再见。真的？是", ["你好!", "再见。", "真的?", "是"]),
        ("नमस्ते। आप कैसे हैं?", ["नमस्ते।", "आप कैसे हैं?"]),
        ("one line\nwrapped here\r\n\r\nnext", ["one line wrapped here", "next"]),
        ("😀. Hi 👍🏽 you! --- ?", ["Hi you!"]),
        ("a\0b \ud800c \u202edef\u202c", ["a b c def"]),
        ("١٢ Ｈｅｌｌｏ 𝖜𝖔𝖗𝖑𝖉", ["12 Hello world"]),
        ("", []),
        (" \n\n ?! 😀 \x1b", []),
    ],
)
def test_cuts_as_people_read(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_pauses_are_longer_between_paragraphs() -> None:
    assert [s.pause for s in sentences("One. Two.\n\nThree.")] == [SENTENCE_PAUSE, PARAGRAPH_PAUSE, PARAGRAPH_PAUSE]


def test_a_long_sentence_is_cut_at_a_comma() -> None:
    clause = "this clause goes on for quite some time without any end in sight"
    first, *rest = sentences(", ".join([clause] * 8) + ".")
    assert first.text.endswith("sight,")
    assert first.pause == COMMA_PAUSE
    assert rest[-1].pause == PARAGRAPH_PAUSE


@given(st.text(max_size=2000))
def test_any_text_is_bounded_and_keeps_its_words(text: str) -> None:
    parts = list(sentences(text))
    assert all(0 < len(part.text) <= MAX_CHARS and speakable(part.text) for part in parts)
    spoken = [char for part in parts for char in part.text if char.isalpha()]
    assert spoken == [char for char in clean(text) if char.isalpha()]


@pytest.mark.parametrize("piece", [".", ".)", "? )", "a", "a,", "\n", "\n ", "hi. ", "\0\ud800", "A\u0301", "。"])
def test_a_megabyte_takes_no_more_than_linear_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece)) + "x"
    start = time.process_time()
    assert sum(len(sentence.text) for sentence in sentences(text)) <= len(text)
    assert time.process_time() - start < 20  # a second in practice; hours where time grows with the square
