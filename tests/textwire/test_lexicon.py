from __future__ import annotations

from txt2vid.textwire.lexicon import COMMA, END, START, WORD_LETTERS, Lexicon, Listed, counted

LISTED = Listed(b"\xef\xbb\xbfto 500\ntoo 300\nt\xc3\xb4t 900\n", b"to be 4000\nto bed 100\nto b-b 100\n", 100)


def node(weights: list[int]) -> dict[str, int]:
    names = (*WORD_LETTERS, "end")
    return {name: weight for name, weight in zip(names, weights, strict=True) if weight}


def test_text_becomes_words_and_pairs() -> None:
    words, pairs = counted(["To be, or not to be? 'Tis so.", "To bed!"], 7)
    assert words == {"to": 21, "be": 14, "or": 7, "not": 7, "tis": 7, "so": 7, "bed": 7}
    assert pairs["to"] == {"be": 14, "bed": 7}
    assert pairs[START] == {"to": 14, "tis": 7}
    assert pairs[COMMA] == {"or": 7}


def test_what_may_follow_the_beginning_of_a_word() -> None:
    words, pairs = counted(["To be or not to be."], 10)
    lexicon = Lexicon(words, pairs, LISTED)
    assert node(lexicon.node("")) == {"b": 20, "n": 10, "o": 10, "t": 30}
    assert node(lexicon.node("to")) == {"end": 26, "o": 4}
    assert node(lexicon.node_after("to", "be")) == {"end": 61, "d": 2}
    assert lexicon.node("x") == lexicon.node_after("nobody", "") == [0] * (END + 1)
