"""What callers and the relay say, and what only looks like it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core import callwire
from txt2vid.core.callwire import (
    ChooseHero,
    Hero,
    InRoom,
    Join,
    Leave,
    Member,
    Mute,
    Ping,
    ReadAlong,
    Welcome,
    decode_caller,
    encode,
)
from txt2vid.core.checks import WireError
from txt2vid.core.wire import Expression


@pytest.mark.parametrize(
    "message",
    [
        Expression("joy", 0.5, 2.0),
        Join(),
        Join("Zoë 👩‍💻", "hero", "r" * 512),
        ChooseHero("upload-a_b"),
        Mute(on=True),
        Mute(on=False),
        Leave(),
        ReadAlong(on=True),
        Ping(),
    ],
)
def test_what_is_said_is_understood(message: callwire.CallerMessage) -> None:
    assert decode_caller(encode(message)) == message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "{}",
        "[" * 4000,
        '{"type": "welcome"}',
        '{"type": "hero"}',
        '{"type": "hero", "hero": "../hero"}',
        '{"type": "hero", "hero": 7}',
        '{"type": "mute"}',
        '{"type": "mute", "on": 1}',
        '{"type": "mute", "on": "yes"}',
        '{"type": "join", "hero": ""}',
        '{"type": "join", "name": ["a"]}',
        '{"type": "join", "name": "' + "x" * 41 + '"}',
        '{"type": "join", "name": "a\\nb"}',
        '{"type": "join", "name": "a\\u202eb"}',
        '{"type": "join", "name": "\\ud800"}',
        '{"type": "join", "resume": "' + "x" * 513 + '"}',
        '{"type": "join", "unknown": "' + "ü" * 2100 + '"}',
    ],
)
def test_what_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        decode_caller(text)


def test_what_is_not_known_is_passed_over() -> None:
    assert decode_caller('{"type": "join", "name": "Anna", "colour": {"red": [1]}, "hero": null}') == Join("Anna")


def test_binary_frames_are_none_of_a_call() -> None:
    with pytest.raises(WireError, match="text frames"):
        decode_caller(b'{"type": "leave"}')


@given(st.text(max_size=200) | st.binary(max_size=50))
def test_any_text_is_a_message_or_an_error(text: str | bytes) -> None:
    with pytest.raises(WireError):
        decode_caller(text)


def test_the_relays_words_are_json() -> None:
    welcome = Welcome("a", "call-b", "t", "r", "hero", ({"urls": "stun:x"},), (Hero("hero", "/h.jpg"),), {"members": 4})
    body = json.loads(encode(welcome))
    assert body["ice_servers"] == [{"urls": "stun:x"}]
    assert body["heroes"] == [{"name": "hero", "picture": "/h.jpg"}]
    room = json.loads(encode(InRoom((Member("a", "", "call-b", "hero", muted=False, here=True),))))
    assert room == {
        "type": "room",
        "members": [
            {"id": "a", "name": "", "session": "call-b", "hero": "hero", "muted": False, "here": True, "expression": ""}
        ],
    }


def test_names_as_others_see_them() -> None:
    assert callwire.caller(None) == callwire.caller("  ") == ""
    assert callwire.caller(" Zoe\u0308 ") == "Zoë"
