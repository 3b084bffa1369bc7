"""Which voices a sender may name: none that costs money, runs a program or opens a file of the server's."""

from __future__ import annotations

from typing import Any

import pytest

from txt2vid.core.options import SpeakerOptions
from txt2vid.core.wire import Error, Spoken, Text
from txt2vid.server.voice import Voice

Server = Any  # of conftest.py, which tests cannot import


@pytest.mark.parametrize(
    ("tts", "voice"),
    [
        ("command", "rm -rf /"),
        ("command", None),
        ("google", None),
        ("resemble", "25c7823f"),
        ("piper", "/etc/passwd"),
        ("piper", "../x.onnx"),
        ("piper", "x.onnx#1"),
        (None, "/srv/x.onnx"),
        (None, "x.onnx"),
        ("auto", "x.onnx#0"),
        ("klingon", None),
    ],
)
def test_what_is_refused(tts: str | None, voice: str | None) -> None:
    refusal = Voice(SpeakerOptions("flite")).refusal(Text("Hello.", tts=tts, voice=voice))
    assert refusal is not None
    assert "not for senders to choose" in refusal


@pytest.mark.parametrize(
    ("tts", "voice"),
    [(None, None), (None, "rms"), ("flite", "rms"), ("espeak", "de+f3"), ("piper", "anna"), ("auto", None)],
)
def test_what_is_not(tts: str | None, voice: str | None) -> None:
    assert Voice().refusal(Text("Hello.", tts=tts, voice=voice)) is None


def test_what_the_server_was_started_with_may_be_named() -> None:
    mine = Voice(SpeakerOptions("command", "my-program --wav", fallback="flite"))
    assert mine.refusal(Text("Hello.")) is None
    assert mine.refusal(Text("Hello.", tts="command")) is None
    assert mine.say("s", Text("Hello.", tts="command")).speaker == mine.speaker
    assert mine.refusal(Text("Hello.", tts="command", voice="other")) is not None
    paid = Voice(SpeakerOptions("google"))
    assert paid.refusal(Text("Hello.", tts="google", voice="en-US-Neural2-C")) is None


def test_languages_and_the_fallback_are_kept() -> None:
    mine = Voice(SpeakerOptions("google", None, "en", "flite"))
    assert mine.say("s", Text("Hallo.", language="de")).speaker == SpeakerOptions("google", None, "de", "flite")
    asked = mine.say("s", Text("Hi.", tts="espeak", voice="en-us")).speaker
    assert asked == SpeakerOptions("espeak", "en-us", "en", "flite")


def test_a_sender_is_told_and_may_go_on(server: Server) -> None:
    with server.talk() as talk:
        talk.say(Text("Hello.", 5, tts="command", voice="touch /tmp/owned"))
        error = talk.until(Error)
        assert (error.code, error.warning) == ("text", True)
        assert "not for senders to choose" in error.message
        assert talk.until(Spoken) == Spoken(5, dropped=True)
        talk.say(Text("Hi.", 6, language="en"))
        assert talk.until(Spoken) == Spoken(6)
