"""Callers by WebRTC: a microphone with the pass of its own session, faces with the pass of the room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("aiortc")

from tests.server.calls.callers import joined, make_room
from tests.server.conftest import Server
from tests.server.peers import Tone, ask, asked, line, offer, on_loopback, until  # noqa: F401
from txt2vid.core.callwire import Leave
from txt2vid.core.wire import AudioFormat, Stats

BOTH = ("audio", "video")


def test_one_speaks_and_the_other_sees_until_the_pass_ends(server: Server) -> None:
    room = make_room(server)
    with joined(server, room, hero="twin") as anna, joined(server, room) as bob:

        def state() -> Any:
            return server.ask(f"/api/sessions/{anna.session}", Authorization=anna.bearer).json

        async def main() -> None:
            mine, his = {"Authorization": anna.bearer}, {"Authorization": bob.bearer}
            async with (
                line(server, f"/whep/{anna.session}", takes=BOTH, headers=his) as down,
                line(server, f"/whip/{anna.session}?face=hero", sends=Tone(), headers=mine),
            ):
                await until(lambda: len(down.pictures) > 25 and len(down.sounds) > 50, "a second came")
                before = await asyncio.to_thread(state)
                assert (before["face"], before["live"], before["viewers"]) == ("twin", True, 1)  # the call chooses
                bob.say(Leave())
                await until(lambda: down.connection.connectionState in ("closed", "failed"), "his peer is closed")
                await until(lambda: asked(server, "GET", "/healthz").status == 200, "the server goes on")
            after = await asyncio.to_thread(state)
            assert after["viewers"] == 0

        asyncio.run(main())


def test_a_member_is_heard_on_another_line_once_it_sends_and_on_the_old_one_until_then(server: Server) -> None:
    """A page goes from the websocket to WebRTC, and from one network to another, without a gap."""
    room = make_room(server)
    with joined(server, room) as anna:
        path, mine = f"/whip/{anna.session}", {"Authorization": anna.bearer}

        async def main(talk: Any) -> None:
            silent = await offer(sends=Tone())  # connected it is never
            assert (await ask(server, "POST", path, silent.localDescription.sdp, **mine)).status == 201
            await silent.close()
            await asyncio.to_thread(talk.until, Stats)  # it is heard as before
            async with line(server, path, sends=Tone(), headers=mine):
                closed = await asyncio.to_thread(talk.refusal)
                assert closed == ("busy", 4009)
                async with (
                    line(server, path, sends=Tone(), headers=mine) as last,
                    line(server, f"/whep/{anna.session}", takes=BOTH, headers=mine) as down,
                ):
                    await until(lambda: sum(loud > 1000 for _, _, loud in down.sounds) > 50, "a second of the tone")
                    anna.say(Leave())
                    await until(lambda: last.connection.connectionState == "closed", "it ends with the place")

        with server.talk(session=anna.session, token=anna.token, audio=AudioFormat()) as talk:
            asyncio.run(main(talk))


def test_a_peer_without_the_right_pass_is_refused(server: Server) -> None:
    room = make_room(server)
    with joined(server, room) as anna, joined(server, room) as bob:
        for headers in ({}, {"Authorization": bob.bearer}):
            assert asked(server, "POST", f"/whip/{anna.session}", "v=0", **headers).status == 401
        assert asked(server, "POST", f"/whep/{anna.session}", "v=0").status == 401
        assert asked(server, "POST", f"/whep/{anna.session}", "v=0", Authorization=bob.bearer).status == 400
