from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txt2vid.core import wire
from txt2vid.core.wire import WireError

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
TYPES = ("hello", "text", "expression", "interrupt", "end", "ready", "stats", "spoken", "ended", "error")
FIELDS = (  # noqa: SIM905 - shorter
    "version session face token audio resume text id interrupt tts voice epoch streams limits time buffered playout "
    "av_offset viewers drawn late dropped code message warning codec rate name strength seconds unknown_tags "
    "text_codec language"
).split()
MESSAGES: tuple[wire.ClientMessage | wire.ServerMessage, ...] = (
    wire.Hello(),
    wire.Hello(session="a", face="b.png", token="t" * 512, audio=wire.AudioFormat("pcm_s16le", 16_000), resume="r"),
    wire.Hello(text_codec="words-1-0123456789abcdef"),
    wire.Text("Grüße 🙂 \u2028", 7, True, "espeak", "de", "de-AT", "refuse"),
    wire.Expression("happy", 0.5, 2.0),
    wire.Interrupt(255),
    wire.End(),
    wire.Ready("a", "b", 3, "secret", {"ts": "/s/a/stream.ts"}, {"message": 65536}),
    wire.Stats(1.5, 20.0, 180.0, -3.25, 2, 40, 1, 0, 9),
    wire.Spoken(7, True),
    wire.Ended(),
    wire.Error("token", "it is missing"),
)
STATS = wire.encode(next(each for each in MESSAGES if isinstance(each, wire.Stats)))


def decode(text: str) -> wire.ClientMessage | wire.ServerMessage:
    try:
        return wire.decode_client(text)
    except WireError:
        return wire.decode_server(text)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.TYPE)
def test_what_is_said_is_understood(message: wire.ClientMessage | wire.ServerMessage) -> None:
    text = wire.encode(message)
    assert decode(text) == message
    assert None not in json.loads(text).values()


@given(st.text())
def test_any_text_is_a_message_or_an_error(text: str) -> None:
    for read in (wire.decode_client, wire.decode_server):
        with pytest.raises(WireError):
            read(text)


@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(FIELDS), JSON))
@settings(max_examples=400, deadline=None)
def test_any_object_is_a_message_or_an_error(kind: str, body: dict[str, Any]) -> None:
    text = json.dumps({**body, "type": kind})
    for read in (wire.decode_client, wire.decode_server):
        try:
            message = read(text)
        except WireError as err:  # noqa: PERF203
            assert err.code in wire.CLOSE_CODES  # noqa: PT017
            assert len(str(err).encode()) < 1000  # noqa: PT017
        else:
            assert decode(wire.encode(message).encode().decode()) == message  # it can be told on, and is the same


@given(st.integers(0, 255), st.integers(0, 2**48 - 1), st.binary(min_size=1, max_size=100))
def test_packets_come_back(epoch: int, position: int, payload: bytes) -> None:
    packet = wire.Packet(epoch, position, payload)
    assert wire.decode_packet(wire.encode_packet(packet)) == packet


@given(st.binary(max_size=64))
def test_any_bytes_are_a_packet_or_an_error(data: bytes) -> None:
    try:
        packet = wire.decode_packet(data)
    except WireError:
        assert len(data) <= wire.HEADER_BYTES or data[0] != wire.AUDIO
    else:
        assert wire.encode_packet(packet) == data


def test_the_example_of_the_protocol_page() -> None:
    data = wire.encode_packet(wire.Packet(3, 4_294_968_256, b"\xfc\xff\xfe"))
    assert data.hex(" ") == "01 03 00 01 00 00 03 c0 fc ff fe"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "no JSON object"),
        ("{", "no JSON"),
        ("[" * 60_000, "no JSON"),
        ('{"type":' + "[" * 900 + "]" * 900 + "}", "'list' are not known"),
        ('{"type":"dance"}', "'dance' are not known"),
        ('{"type":"text"}', "needs 'text'"),
        ('{"type":"text","text":""}', "1 to 10000"),
        ('{"type":"text","text":"' + "a" * 10_001 + '"}', "1 to 10000"),
        ('{"type":"text","text":"\\ud800"}', "half a character"),
        ('{"type":"text","text":"a","id":true}', "is no int"),
        ('{"type":"text","text":"a","id":1.0}', "is no int"),
        ('{"type":"text","text":"a","id":1' + "0" * 4000 + "}", "too large"),
        ('{"type":"interrupt","epoch":256}', "0 to 255"),
        ('{"type":"hello","version":2}', "version 2"),
        ('{"type":"hello","session":"../x"}', "no name"),
        ('{"type":"hello","token":"' + "a" * 513 + '"}', "at most 512"),
        ('{"type":"hello","text_codec":"' + "a" * 65 + '"}', "at most 64"),
        ('{"type":"hello","audio":{"codec":"mp3"}}', "opus and pcm_s16le"),
        ('{"type":"hello","audio":{"codec":"opus","rate":16000}}', "48000"),
        ('{"type":"hello","audio":[]}', "no AudioFormat"),
    ],
)
def test_nonsense_of_senders(text: str, says: str) -> None:
    with pytest.raises(WireError, match=says):
        wire.decode_client(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"type":"ready","session":"a","face":"b","epoch":0,"resume":"r","streams":{"ts":5}}', "no str"),
        ('{"type":"ready","session":"a","face":"b","epoch":0,"resume":"r","limits":{"text":"5"}}', "no int"),
        (STATS.replace("1.5", "1e999"), "too large"),
        (STATS.replace("1.5", "NaN"), "no JSON"),
        (STATS.replace("1.5", "1" + "0" * 400), "too large"),
    ],
)
def test_nonsense_of_servers(text: str, says: str) -> None:
    with pytest.raises(WireError, match=says):
        wire.decode_server(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type":"hello","face":"a b"}', "face"),
        ('{"type":"hello","session":"a b"}', "session"),
        ('{"type":"hello","audio":{"codec":"mp3"}}', "audio"),
        ('{"type":"hello","audio":{"codec":"pcm_s16le","rate":1}}', "audio"),
    ],
)
def test_errors_tell_what_is_wrong(text: str, code: str) -> None:
    with pytest.raises(WireError) as caught:
        wire.decode_client(text)
    assert caught.value.code == code


def test_fields_that_are_not_known_are_passed_over() -> None:
    assert wire.decode_client('{"type":"end","soon":1}') == wire.End()


def test_every_fatal_error_has_a_close_code() -> None:
    assert wire.CLOSE_CODES.keys() >= wire.FATAL
    assert len(set(wire.CLOSE_CODES.values())) == len(wire.CLOSE_CODES)
    assert all(4000 <= number < 5000 for number in wire.CLOSE_CODES.values())


def test_what_a_packed_text_stands_for() -> None:
    first = wire.following(None, "Yes.")
    assert first == wire.Text("Yes.", 1)
    before = wire.Text("No.", 7, True, "espeak", "de")
    assert wire.following(before, "Yes.") == wire.Text("Yes.", 8, False, "espeak", "de")
    with pytest.raises(WireError, match="1 to 10000"):
        wire.following(before, "")


def test_sound_and_packed_texts_are_told_apart() -> None:
    assert not wire.is_packed(wire.encode_packet(wire.Packet(255, 2**48 - 1, b"\xff")))
    assert not wire.is_packed(b"")
    assert wire.is_packed(b"\x80")
