from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.stt.restore import restore


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("hello my friend", "Hello my friend."),
        ("i think i'm late and i'll run", "I think I'm late and I'll run."),
        ("see you on monday in may or in january", "See you on Monday in May or in January."),
        ("monday's train", "Monday's train."),
        ("you may march in march", "You may march in March."),
        ("is it in", "Is it in?"),
        ("how are you today", "How are you today?"),
        ("what a day", "What a day."),
        ("when you come we go home", "When you come we go home."),
        ("when are you coming", "When are you coming?"),
        ("do not go there", "Do not go there."),
        ("do you hear me", "Do you hear me?"),
        ("can't you see", "Can't you see?"),
        ("exit", "Exit."),
        ("quit", "Quit."),
        ("[NOISE] well <unk> yes ++um++", "Well yes."),
        ("read(2) it", "Read it."),
        ("what", "What?"),
        ("", ""),
        ("  [NOISE] ", ""),
    ],
)
def test_english(words: str, sentence: str) -> None:
    assert restore(words) == sentence


@pytest.mark.parametrize(
    ("words", "language", "sentence"),
    [
        ("wer ist da", "de-DE", "Wer ist da?"),
        ("i bin da", "de", "I bin da."),
        ("où est la gare", "fr_FR", "Où est la gare?"),
        ("это хорошо", "ru", "Это хорошо."),
        ("你 好", "zh-CN", "你 好。"),
    ],
)
def test_other_languages(words: str, language: str, sentence: str) -> None:
    assert restore(words, language) == sentence


def test_what_was_cut_has_no_end() -> None:
    assert restore("and then we went", whole=False) == "And then we went"
    assert restore("home on monday", begins=False) == "home on Monday."


@given(st.text(max_size=80), st.sampled_from(["en", "de", "zh", "xx"]), st.booleans())
def test_anything_goes(words: str, language: str, whole: bool) -> None:
    text = restore(words, language, whole=whole)
    assert text == " ".join(text.split())
