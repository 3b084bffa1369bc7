"""Senders, as they should be and as they should not: a real websocket to a real server."""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from txt2vid.core import wire
from txt2vid.core.wire import AudioFormat, End, Ended, Error, Hello, Interrupt, Packet, Ready, Spoken, Stats, Text

Server = Any  # of conftest.py, which tests cannot import
PCM = AudioFormat("pcm_s16le", 16_000)
TOKEN = "d3b07384d113edec49eaa6238ad5ff00"  # noqa: S105 - of conftest's server
WATCH_TOKEN = "9f86d081884c7d659a2feaa0c55ad015"  # noqa: S105 - of conftest's server


def tone(samples: int, at: int = 0) -> bytes:
    return struct.pack(f"<{samples}h", *(round(9000 * math.sin((at + i) / 8)) for i in range(samples)))


def test_ready_says_what_a_sender_needs(server: Server) -> None:
    with server.talk() as talk:
        assert talk.connection.subprotocol == wire.SUBPROTOCOL
        ready = talk.ready
        assert (ready.session, ready.face, ready.version) == ("hero", "hero", 1)
        assert ready.streams["ts"] == "/s/hero/stream.ts"
        assert ready.limits["message"] == wire.MAX_MESSAGE
        stats = talk.until(Stats)
        assert stats.viewers == 0
        assert stats.time >= 0


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("garbage", "protocol"),
        ("[]", "protocol"),
        ("[" * 60_000, "protocol"),
        ('{"type": "hello", "version": 99}', "protocol"),
        ('{"type": "hello", "version": "1"}', "protocol"),
        ('{"type": "dance"}', "protocol"),
        ('{"type": "text", "text": "hello"}', "protocol"),
        (b"\1\0\0\0\0\0\0\0\0\0", "protocol"),
        (b"", "protocol"),
        ('{"type": "hello", "session": "../../etc"}', "session"),
        ('{"type": "hello", "face": "nobody"}', "face"),
        ('{"type": "hello", "audio": {"codec": "mp3"}}', "audio"),
        ('{"type": "hello", "audio": {"codec": "pcm_s16le", "rate": 44099}}', "audio"),
    ],
)
def test_first_words_that_make_no_sense(server: Server, first: str | bytes, code: str) -> None:
    before = server.metric(f'txt2vid_refused_total{{code="{code}"}}')
    with server.connected() as talk:
        talk.say(first)
        assert talk.refusal() == (code, wire.CLOSE_CODES[code])
    assert server.metric(f'txt2vid_refused_total{{code="{code}"}}') == before + 1


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([Hello()], "protocol"),
        (["garbage"], "protocol"),
        ([b"\1\0\0\0\0\0\0\0"], "protocol"),
        ([b"\7\0\0\0\0\0\0\0\0\0"], "protocol"),
        ([End(), Text("more")], "protocol"),
        ([End(), Packet(0, 0, tone(320))], "protocol"),
        ([Packet(0, 0, b"\0\0\0")], "audio"),
        ([Packet(0, 0, tone(16_001))], "audio"),
        ([json.dumps({"type": "interrupt", "epoch": 256})], "protocol"),
        ([json.dumps({"type": "text", "text": "x" * 10_001})], "protocol"),
        ([Packet(0, i * 16_000, tone(16_000)) for i in range(40)], "rate"),
        ([Interrupt(0)] * 1500, "rate"),
    ],
)
def test_later_words_that_make_no_sense(server: Server, messages: list[Any], code: str) -> None:
    with server.talk(session="clumsy", audio=PCM) as talk:
        with suppress(ConnectionClosed):  # it may be refused before all of it has been said
            for message in messages:
                talk.say(message)
        assert talk.refusal() == (code, wire.CLOSE_CODES[code])


def test_sound_without_a_format(server: Server) -> None:
    with server.talk(session="mute") as talk:
        talk.say(Packet(0, 0, tone(320)))
        assert talk.refusal() == ("audio", 4015)


@pytest.mark.parametrize("message", ["x" * (wire.MAX_MESSAGE + 1), b"\1" * (wire.MAX_MESSAGE + 1)])
def test_messages_that_are_too_long(server: Server, message: str | bytes) -> None:
    with server.talk(session="long", audio=PCM) as talk:
        talk.say(message)
        assert talk.refusal()[1] == 1009


def test_no_hello_and_no_subprotocol(server: Server) -> None:
    with server.connected(subprotocols=None) as talk:
        assert talk.refusal() == ("protocol", 4000)
    with server.connected() as talk:
        assert talk.refusal() == ("protocol", 4000)  # after five seconds of silence


def test_a_text_is_spoken_and_the_end_comes_after_it(server: Server) -> None:
    with server.talk(session="talker") as talk:
        talk.say(Text("Hello.", id=7))
        talk.say(End())
        assert talk.until(Spoken) == Spoken(7)
        assert talk.until(Ended) == Ended()


def test_sound_is_shown_to_its_end(server: Server) -> None:
    with server.talk(session="singer", audio=PCM) as talk:
        for i in range(50):
            talk.say(Packet(talk.ready.epoch, i * 320, tone(320, i * 320)))
        talk.say(End())
        talk.until(Ended)
        assert server.metric('txt2vid_received_bytes_total{session="singer"}') == 50 * (640 + wire.HEADER_BYTES)
        assert server.metric('txt2vid_heard_seconds_total{session="singer"}') > 0.5


def test_an_interruption_drops_what_is_said(server: Server) -> None:
    with server.talk(session="hasty") as talk:
        talk.say(Text("This is a rather long sentence, which nobody will hear to its end. " * 5, id=1))
        talk.say(Interrupt(9))
        assert talk.until(Spoken) == Spoken(1, dropped=True)
        end = time.monotonic() + 30
        while talk.until(Stats).epoch != 9:
            assert time.monotonic() < end
    with server.talk(session="hasty") as talk:
        assert talk.ready.epoch == 9


def test_what_a_sender_left_unspoken_keeps_nobody_waiting(server: Server) -> None:
    with server.talk(session="left") as talk:
        talk.say(Text("word. " * 1600, id=1))
    with server.talk(session="left") as talk:
        talk.say(Text("Hi.", id=2))
        assert talk.until(Spoken) == Spoken(2)


def test_one_sender_a_session(server: Server) -> None:
    with server.talk(session="shared") as first:
        with server.connected() as second:
            second.say(Hello(session="shared"))
            assert second.refusal() == ("busy", 4009)
        with server.talk(session="shared", resume=first.ready.resume) as third:
            assert third.ready.resume == first.ready.resume
            assert first.refusal() == ("replaced", 4031)
            third.say(Text("Still here.", id=3))
            assert third.until(Spoken).id == 3


def test_one_that_interrupts_takes_the_place_and_the_other_comes_back(server: Server) -> None:
    with server.talk(session="forum") as first:
        first.say(Text("This is a rather long sentence, which nobody will hear to its end. " * 5, id=1))
        with server.talk(session="forum", interrupt=True) as second:
            assert first.refusal() == ("busy", 4009)
            second.say(Text("No, wait.", id=2, interrupt=True))
            assert second.until(Spoken) == Spoken(2)
    with server.talk(session="forum", resume=first.ready.resume) as again:
        assert again.ready.resume != first.ready.resume


def test_one_that_was_cut_off_finds_its_place(server: Server) -> None:
    with server.talk(session="wobbly", audio=PCM) as talk:
        secret = talk.ready.resume
        end = talk.connection.socket
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)  # the network is gone: no goodbye
    with server.connected() as other:
        other.say(Hello(session="wobbly"))
        assert other.refusal() == ("busy", 4009)
    with server.talk(session="wobbly", audio=PCM, resume=secret) as talk:
        assert talk.ready.resume == secret
    with server.talk(session="wobbly", audio=PCM) as talk:  # it said goodbye: the place is free
        assert talk.ready.resume != secret


def test_a_session_with_a_face_of_its_own_choice(server: Server) -> None:
    with server.talk(session="changing", face="twin") as talk:
        assert (talk.ready.session, talk.ready.face) == ("changing", "twin")
        assert server.state("changing")["face"] == "twin"
    with server.talk(session="changing", face="hero") as talk:
        assert talk.ready.face == "hero"
        listed = [session["name"] for session in server.ask("/api/sessions").json["sessions"]]
        assert "changing" in listed
        assert server.ask("/s/changing/stream.ts", "HEAD").status == 200


def test_pages_of_other_sites_may_not_speak(server: Server) -> None:
    with pytest.raises(InvalidStatus) as caught, server.connected(origin="http://evil.example"):
        pass
    assert caught.value.response.status_code == 403
    with server.connected(origin=f"http://127.0.0.1:{server.port}") as talk:
        talk.say(Hello(session="page"))
        talk.until(wire.Ready)


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "0"])
def test_a_wrong_token(guarded: Server, token: str | None) -> None:
    with guarded.connected() as talk:
        talk.say(Hello(token=token))
        assert talk.refusal() == ("token", 4001)


def test_the_watching_token_does_not_speak(guarded: Server) -> None:
    with guarded.connected() as talk:
        talk.say(Hello(token=WATCH_TOKEN))
        error = talk.hear()
        assert isinstance(error, Error)
        assert (error.code, error.warning) == ("token", False)
        assert "watching alone" in error.message
        assert talk.refusal() == (None, 4001)
    with guarded.connected(query=f"?token={WATCH_TOKEN}") as talk:
        talk.say(Hello())
        assert talk.refusal() == ("token", 4001)
    with guarded.connected(query=f"?token={WATCH_TOKEN}") as talk:
        talk.say(Hello(token=TOKEN))  # one that is right is enough
        talk.until(Ready)
    assert WATCH_TOKEN not in guarded.log


def test_the_token_in_each_place_where_it_may_be(guarded: Server) -> None:
    with guarded.talk(token=TOKEN):
        pass
    with guarded.connected(query=f"?token={TOKEN}") as talk:
        talk.say(Hello())
        talk.until(wire.Ready)
    with guarded.connected(additional_headers={"Authorization": f"Bearer {TOKEN}"}) as talk:
        talk.say(Hello())
        talk.until(wire.Ready)
    assert "sender connected" in guarded.log
    assert TOKEN not in guarded.log
