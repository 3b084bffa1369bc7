"""Packed texts at a real server: state over many messages, interruptions, and all that can be wrong with them."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from typing import Any

import pytest

from txt2vid.core import wire
from txt2vid.core.wire import AudioFormat, End, Ended, Hello, Interrupt, Spoken, Text
from txt2vid.textwire import codec

Server = Any  # of conftest.py, which tests cannot import
LINES = ("Yes.", "No, not yet.", "Wait.", "Yes.", "All right, then.", "¿Sí? 🙂", "No, not yet.")


def bomb() -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return codec.DEFLATED + squeeze.compress(b"a" * 40_000_000) + squeeze.flush()


def test_packed_texts_are_spoken(server: Server) -> None:
    with server.talk(session="packed", text_codec=codec.name()) as talk:
        assert talk.ready.text_codec == codec.name()
        encoder = codec.Encoder()
        messages = [encoder.encode(line) for line in LINES]
        for message in messages:
            talk.say(message)
        talk.say(End())
        assert [talk.until(Spoken).id for _ in LINES] == list(range(1, len(LINES) + 1))
        talk.until(Ended)
        labels = '{session="packed"}'
        assert server.metric(f"txt2vid_received_text_bytes_total{labels}") == sum(map(len, messages))
        assert server.metric(f"txt2vid_received_characters_total{labels}") == sum(map(len, LINES))


def test_the_command_packs_what_it_sends(server: Server) -> None:
    text = "The shop is closed today. Please come back tomorrow, after ten."
    url = f"ws://127.0.0.1:{server.port}/speak"
    command = [sys.executable, "-m", "txt2vid", "send", url, "--session", "typed", "--text", text, "--json"]
    report = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    assert report["characters_sent"] == len(text)
    assert report["text_bytes_sent"] * 8 <= 2.2 * len(text)


def test_json_between_packed_texts_and_an_interruption(server: Server) -> None:
    with server.talk(session="mixed", text_codec=codec.name()) as talk:
        encoder = codec.Encoder()
        long = "This will not be heard to its end, since somebody is in a hurry today. " * 3
        talk.say(encoder.encode(long))
        talk.say(Interrupt(1))
        assert talk.until(Spoken) == Spoken(1, dropped=True)
        encoder.hear("Hello.")
        talk.say(Text("Hello.", 41))
        talk.say(encoder.encode("Hello."))
        assert [talk.until(Spoken).id for _ in range(2)] == [41, 42]


@pytest.mark.parametrize("name", [None, "words-1-0000000000000000", "zstd"])
def test_another_model_is_not_agreed_to(server: Server, name: str | None) -> None:
    with server.talk(session="other", text_codec=name) as talk:
        assert talk.ready.text_codec is None
        talk.say(Text("Yes.", 1))
        assert talk.until(Spoken).id == 1
        talk.say(codec.Encoder().encode("Yes."))
        assert talk.refusal() == ("protocol", 4000)


@pytest.mark.parametrize(
    "message",
    [
        b"\x80",
        b"\x80" * wire.MAX_MESSAGE,
        b"\xfe" * 1000,
        b"\xff",
        b"\xff" * wire.MAX_MESSAGE,
        codec.Encoder().encode("Yes, of course.") + b"\0",
        codec.Encoder().encode("It was not me who did this.")[:-2],
        bomb(),
    ],
    ids=["short", "zeros", "ones", "empty", "noise", "longer", "cut", "bomb"],
)
def test_damaged_messages_are_one_error_each(server: Server, message: bytes) -> None:
    with server.talk(session="damaged", text_codec=codec.name()) as talk:
        talk.say(message)
        assert talk.refusal() == ("protocol", 4000)
    assert server.ask("/healthz").status == 200


def test_sound_and_packed_texts_on_one_connection(server: Server) -> None:
    hello = Hello(session="both", audio=AudioFormat("pcm_s16le", 16_000), text_codec=codec.name())
    with server.talk(hello) as talk:
        talk.say(wire.Packet(talk.ready.epoch, 0, b"\0\0" * 320))
        talk.say(codec.Encoder().encode("Yes."))
        assert talk.until(Spoken).id == 1


def test_a_name_that_is_too_long(server: Server) -> None:
    with server.connected() as talk:
        talk.say('{"type":"hello","text_codec":"' + "x" * 65 + '"}')
        assert talk.refusal() == ("protocol", 4000)
