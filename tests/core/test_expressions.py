from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core import wire
from txt2vid.core.expressions import ALIASES, GESTURES, MOODS, Cue, cue, named, parse_mood
from txt2vid.errors import UsageError


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("happy", "joy"),
        ("JOY", "joy"),
        ("Look-Left", "look left"),
        ("look_up", "look up"),
        ("  nod ", "nod"),
        ("yes", "nod"),
    ],
)
def test_names_are_found_as_people_write_them(name: str, found: str) -> None:
    assert named(name) == found


def test_no_word_means_two_things() -> None:
    assert not set(MOODS) & set(GESTURES)
    assert not (set(MOODS) | set(GESTURES)) & set(ALIASES)
    assert set(ALIASES.values()) <= set(MOODS) | set(GESTURES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hapy", "did you mean happy"),
        ("", "choose one of neutral"),
        ("x" * 5000, "xxx…"),
        ("happy:2", "write 0 to 1"),
        ("happy:-1", "write 0 to 1"),
        ("happy:nan", "write 0 to 1"),
        ("happy:", "NAME:STRENGTH"),
        ("happy:much", "write, for instance, happy:0.5"),
        ("nod", "nod is a gesture"),
    ],
)
def test_moods_that_are_none(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as err:
        parse_mood(text)
    assert len(str(err.value)) < 400
    assert "\n" not in str(err.value)


def test_a_mood_with_its_strength() -> None:
    assert parse_mood("sad:0.25") == Cue("sadness", 0.25)
    assert parse_mood("Happy") == Cue("joy")


@pytest.mark.parametrize("seconds", [0.0, -1.0, 601.0, math.inf, math.nan])
def test_times_that_make_no_sense(seconds: float) -> None:
    with pytest.raises(UsageError, match="makes no sense"):
        cue("joy", 1.0, seconds)


@given(st.text(max_size=200))
def test_any_word_is_a_name_or_one_line(text: str) -> None:
    try:
        assert named(text) in MOODS or named(text) in GESTURES
    except UsageError as err:
        assert len(str(err)) < 400  # noqa: PT017


def test_a_message_crosses_the_wire() -> None:
    message = wire.Expression("happy", 0.5, 2.0)
    assert wire.decode_client(wire.encode(message)) == message
    assert wire.decode_client('{"type":"expression","name":"nod"}') == wire.Expression("nod")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"type":"expression"}', "needs 'name'"),
        ('{"type":"expression","name":""}', "1 to 64"),
        ('{"type":"expression","name":"joy","strength":"1"}', "no float"),
        ('{"type":"expression","name":"joy","seconds":1e999}', "too large"),
        ('{"type":"text","text":"a","unknown_tags":"sing"}', "speak, refuse, drop"),
    ],
)
def test_messages_that_make_no_sense(text: str, says: str) -> None:
    with pytest.raises(wire.WireError, match=says):
        wire.decode_client(text)
