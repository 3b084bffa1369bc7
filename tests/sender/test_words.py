"""Packed texts from a real client to a real websocket server that behaves by script."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from tests.sender.conftest import Peer, Stage, accept, accept_packed
from txt2vid.core import wire
from txt2vid.errors import ServerError
from txt2vid.sender.client import Client, SendOptions
from txt2vid.sender.sources import TextSource
from txt2vid.sender.status import Status
from txt2vid.textwire import codec, shared

LINES = (
    "Good morning, everybody, and thank you for waiting.",
    "The boat to the island leaves at half past nine.",
    "Please have your tickets ready. Ärger? 🙂",
    "Good morning, everybody, and thank you for waiting.",
)


class Given(TextSource):
    async def texts(self) -> AsyncIterator[str]:
        for line in LINES:
            yield line

    def stop(self) -> None: ...
    def close(self) -> None: ...


def send(stage: Stage, *, voice: str | None = None, **options: object) -> Status:
    source = Given(None, voice)

    async def main() -> Status:
        async with stage.open():
            return await Client(SendOptions(url=stage.url, **options), source).run()  # type: ignore[arg-type]

    return asyncio.run(main())


def said(*peers: Peer) -> list[str]:
    return [text.text for peer in peers for text in peer.texts]


def test_texts_are_packed_where_both_ends_have_the_model() -> None:
    stage = Stage(accept_packed)
    status = send(stage)
    (peer,) = stage.peers
    assert peer.hello.text_codec == codec.name()
    assert peer.texts == [wire.Text(line, number) for number, line in enumerate(LINES, 1)]
    packed = [data for data in peer.raw if isinstance(data, bytes)]
    assert len(packed) == len(LINES)
    assert status.text_bytes == sum(map(len, packed)) < sum(map(len, LINES)) / 2
    assert status.characters == sum(map(len, LINES))
    assert len(packed[3]) < len(packed[0]) / 2  # the state of the connection


def test_a_server_that_does_not_know_them_gets_json() -> None:
    stage = Stage(accept)
    status = send(stage)
    (peer,) = stage.peers
    assert said(peer) == list(LINES)
    assert all(isinstance(data, str) for data in peer.raw)
    assert status.text_bytes == sum(len(data.encode()) for data in peer.raw[:-1] if isinstance(data, str))


def test_a_sender_without_the_lists_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shared.name.cache_clear()
    monkeypatch.setattr(shared, "PACKAGE", "a_package_that_nobody_has")
    stage = Stage(accept_packed)
    with caplog.at_level(logging.INFO):
        send(stage)
    shared.name.cache_clear()
    (peer,) = stage.peers
    assert said(peer) == list(LINES)
    assert peer.hello.text_codec is None
    assert "pip install" in caplog.text


def test_what_is_more_than_words_goes_as_json_once() -> None:
    stage = Stage(accept_packed)
    send(stage, voice="slt", interrupt=True)
    (peer,) = stage.peers
    assert peer.texts == [wire.Text(line, number, number == 1, None, "slt") for number, line in enumerate(LINES, 1)]
    first, *others = peer.raw[: len(LINES)]
    assert isinstance(first, str)
    assert json.loads(first)["voice"] == "slt"
    assert all(isinstance(data, bytes) for data in others)
    assert len(others[-1]) < len(codec.Encoder().encode(LINES[3])) / 2  # it was heard as JSON before


def test_a_new_connection_begins_anew() -> None:
    async def breaks(peer: Peer) -> None:
        await peer.greet(packed=True)
        await peer.hear(until=lambda: len(peer.texts) == 2)
        peer.socket.transport.abort()

    async def resumed(peer: Peer) -> None:
        await peer.greet(resume="again", packed=True)
        await peer.hear()

    stage = Stage(breaks, resumed)
    status = send(stage)
    assert status.reconnects == 1
    assert [text.text for text in stage.peers[1].texts][-2:] == list(LINES[2:])
    assert {text.id for peer in stage.peers for text in peer.texts} == {1, 2, 3, 4}


def test_a_server_that_loses_the_model_between_connections() -> None:
    async def breaks(peer: Peer) -> None:
        await peer.greet(packed=True)
        await peer.hear(until=lambda: len(peer.texts) == 1)
        peer.socket.transport.abort()

    stage = Stage(breaks, accept)
    send(stage)
    assert said(stage.peers[1])[-3:] == list(LINES[1:])
    assert all(isinstance(data, str) for data in stage.peers[1].raw)


def test_a_server_that_agrees_to_what_was_not_offered() -> None:
    async def lies(peer: Peer) -> None:
        await peer.socket.recv()
        await peer.say(wire.Ready("stage", "hero", 0, "again", text_codec="words-0-0000"))
        await peer.socket.wait_closed()

    with pytest.raises(ServerError, match="was not offered"):
        send(Stage(lies), attempts=0)
