"""Callers by WebRTC: a microphone with the pass of its own session, faces with the pass of the room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("aiortc")

from tests.server.calls.callers import joined, make_room
from tests.server.conftest import Server
from tests.server.peers import Tone, asked, line, on_loopback, until  # noqa: F401
from txt2vid.core.callwire import Leave

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


def test_a_peer_without_the_right_pass_is_refused(server: Server) -> None:
    room = make_room(server)
    with joined(server, room) as anna, joined(server, room) as bob:
        for headers in ({}, {"Authorization": bob.bearer}):
            assert asked(server, "POST", f"/whip/{anna.session}", "v=0", **headers).status == 401
        assert asked(server, "POST", f"/whep/{anna.session}", "v=0").status == 401
        assert asked(server, "POST", f"/whep/{anna.session}", "v=0", Authorization=bob.bearer).status == 400
