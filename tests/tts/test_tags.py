"""Tags in texts: read in one pass, whatever is written."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txt2vid.core.expressions import OWN
from txt2vid.core.options import UNKNOWN_TAGS
from txt2vid.errors import UsageError
from txt2vid.tts.passages import Passage, Tagged, letters
from txt2vid.tts.style import PITCHES, RATES, VOLUMES
from txt2vid.tts.tags import MAX_DEPTH, MAX_PAUSE, MAX_TAGS, read, silence

Seen = list[tuple[int, str, float]]


def marks(passage: Passage) -> Seen:
    return [(mark.letters, mark.cue.name, mark.cue.strength) for mark in passage.marks]


def cues(tagged: Tagged) -> list[str]:
    return [mark.cue.name for passage in tagged.passages for mark in passage.marks]


def test_the_example_of_the_page() -> None:
    first, second, third = read(
        "[happy] Hello! [whisper] [pause 300ms] Psst. [/whisper] [look left] [nod] Ok [happy 0.5] so [/happy] "
        "[neutral] end"
    ).passages
    assert (first.text.strip(), first.pause, marks(first)) == ("Hello!", 0.3, [(0, "joy", 1.0)])
    assert (second.text.strip(), second.style.whisper) == ("Psst.", True)
    assert not third.style.whisper
    assert marks(third) == [
        (0, "look left", 1.0), (0, "nod", 1.0), (2, "joy", 0.5), (4, "joy", 1.0), (4, "neutral", 1.0),
    ]  # fmt: skip


def test_a_text_without_tags_is_one_passage() -> None:
    text = "Dear Mr. Smith,\n\nsee [1] and [sic]; a < b, 3 <4 & 5> 2. C:\\temp R&D <3 {x} [a][b] <b>."
    (passage,) = read(text).passages
    assert passage == Passage(text)
    assert not read(text).notes


@pytest.mark.parametrize(
    "text", [r"\[happy\] it says", r"\[happy] it says", r"\<break/> it says", "&lt;break/&gt; it says"]
)
def test_escapes(text: str) -> None:
    (passage,) = read(text, "refuse").passages
    assert not passage.marks
    assert passage.text in ("[happy] it says", "<break/> it says")


def test_moods_close_to_what_was_before() -> None:
    assert cues(read("[happy] a [sad] b [/sad] c [/happy] d")) == ["joy", "sadness", "joy", OWN]
    assert cues(read("[happy] a [/] b")) == ["joy", OWN]
    assert cues(read("[/happy] b")) == [OWN]  # what a text before has opened


def test_seconds_and_strength_in_any_order() -> None:
    (passage,) = read("[happy 0.5 2s] [look left 300ms] [sad, 0.3] x").passages
    assert [(m.cue.strength, m.cue.seconds) for m in passage.marks] == [(0.5, 2.0), (1.0, 0.3), (0.3, None)]


def test_manners_replace_each_other_and_end() -> None:
    passages = read("[slow] a [fast] b [/fast] c [whisper] d [neutral] e").passages
    assert [(p.style.rate, p.style.whisper) for p in passages] == [
        (0.75, False), (1.35, False), (0.75, False), (0.75, True), (1.0, False),
    ]  # fmt: skip


def test_ssml() -> None:
    text = (
        '<speak>One <break time="700ms"/> two <prosody rate="slow" pitch="+10%" volume="-6dB">three'
        '<emphasis level="strong">four</emphasis></prosody> <break strength="strong"/> five</speak>'
    )
    one, two, three, four, five = read(text, "refuse").passages
    assert one.pause == 0.7
    assert two.style.rate == 1.0
    assert (three.style.rate, three.style.volume) == (0.8, -6.0)
    assert three.style.pitch == pytest.approx(1.1)
    assert four.style.rate < three.style.rate
    assert four.pause == 0.7
    assert five.style.rate == 1.0


def test_pauses_add_up_and_are_bounded() -> None:
    assert read("a [pause 1s] [pause 200ms] b").passages[0].pause == pytest.approx(1.2)
    assert read("a " + "[pause 9s] " * 20 + "b").passages[0].pause == MAX_PAUSE
    assert silence("a [pause 1s] b [look left 4s] c") == pytest.approx(5.0)
    with pytest.raises(UsageError, match="pauses of the text"):
        read("a [pause 10s] " * 400)


@pytest.mark.parametrize(
    ("tag", "says"),
    [
        ("[hapy]", "did you mean happy"),
        ("[happy 7]", "write 0 to 1"),
        ("[pause 99s]", "longer than 10 s"),
        ("[pause 3x]", "300ms or 1.5s"),
        ("[whisper 3]", "takes no number"),
        ("[/whisper]", "closes nothing"),
        ("[/happy]", "closes nothing"),
        ("</prosody>", "closes nothing"),
        ("<audio src='x'>", "<break>, <emphasis> and <prosody> are"),
        ("<prosody rate='warp'>", "choose one of x-slow"),
        ("<break time='1 hour'/>", "300ms or 1.5s"),
        ("<emphasis level='9'>", "choose one of strong"),
    ],
)
def test_what_makes_no_sense(tag: str, says: str) -> None:
    text = f"Well {tag} then."
    with pytest.raises(UsageError, match=says) as err:
        read(text, "refuse")
    assert tag in str(err.value)
    assert "\n" not in str(err.value)
    assert read(text, "drop").words == "Well  then."
    spoken = read(text, "speak").words
    assert spoken == ("Well  then." if "closes" in says else text)


def test_bombs() -> None:
    with pytest.raises(UsageError, match=f"more than {MAX_TAGS} tags"):
        read("[nod] " * (MAX_TAGS + 1))
    with pytest.raises(UsageError, match=f"more than {MAX_DEPTH} deep"):
        read("<prosody rate='fast'>" * 100 + "x")
    assert read("[slow] a [fast] b " * 100).passages  # one after the other is not within each other
    start = time.monotonic()
    for bomb in ("[" * 10**6, "<a " * 10**5, "&" * 10**6, "<a b='" * 10**5, "[1]" * 10**5, "\\" * 10**6, "[/" * 10**5):
        assert read(bomb).words == bomb.replace("\\\\", "\\")
    assert time.monotonic() - start < 30  # each in one pass; some seconds on a slow machine


WORDS = st.sampled_from(
    [
        "[happy]", "[/happy]", "[happy 0.3]", "[whisper]", "[/whisper]", "[pause 300ms]", "[nod]", "[neutral]", "[x]",
        "[", "]", "<break/>", "<prosody rate='50%'>", "</prosody>", "<p>", "&amp;", "\\", "\\[", "Hello", "wörld.",
        "42", "。", "\n\n", "ﬁ", " ",
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(WORDS | st.text(max_size=8), max_size=30).map("".join), st.sampled_from(UNKNOWN_TAGS))
def test_any_text_is_read_or_refused_in_a_line(text: str, unknown: str) -> None:
    try:
        tagged = read(text, unknown)
    except UsageError as err:
        assert unknown == "refuse" or "deep" in str(err)  # noqa: PT017
        return
    for passage in tagged.passages:
        total, before = letters(passage.text), 0
        assert passage.pause is None or 0 <= passage.pause <= MAX_PAUSE
        for value, (low, high) in (
            (passage.style.rate, RATES),
            (passage.style.pitch, PITCHES),
            (passage.style.volume, VOLUMES),
        ):
            assert low <= value <= high
        for mark in passage.marks:
            assert before <= mark.letters <= total + 1  # a ligature may be cut
            before = mark.letters


@given(st.text(alphabet=st.characters(exclude_characters="[]<>&\\"), max_size=100))
def test_text_without_brackets_is_left_alone(text: str) -> None:
    assert read(text).words in (text, "")
