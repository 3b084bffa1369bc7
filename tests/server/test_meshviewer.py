"""Those who draw the face themselves, at a real server: motion, sound and the face; and nothing is drawn for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.server.calls.callers import joined, make_room
from tests.server.mesh_viewer import mesh_viewer
from txt2vid.core.checks import WireError
from txt2vid.core.wire import Text
from txt2vid.server import limits
from txt2vid.server.meshviewer import position_of

Server = Any  # of conftest.py, which tests cannot import
Serving = Callable[..., Any]
STEP = 1920  # samples of a frame at 25 a second


def test_motion_and_sound_come_and_nothing_is_drawn(server: Server) -> None:
    with server.talk(session="quiet", face="hero") as talk, mesh_viewer(server.port, "quiet") as viewer:
        hello = viewer.greet()
        assert (hello["type"], hello["version"], hello["session"], hello["rate"]) == ("hello", 1, "quiet", 48_000)
        assert hello["fps"] == 25
        viewer.until(5)
        viewer.sounds.clear()
        talk.say(Text("Hello over the wire.", 1))
        while viewer.loudness() < 0.1:
            viewer.sounds.clear()
            viewer.until(5)
        viewer.until(25)
        assert viewer.motions[0].key
        assert {two.position - one.position for one, two in pairwise(viewer.motions)} == {STEP}
        assert max(moved.motion["jawOpen"] for moved in viewer.motions) > 0.1
        assert {two.time - one.time for one, two in pairwise(viewer.sounds)} == {960}
        assert viewer.sounds[-1].time > viewer.motions[-1].position - STEP  # sound comes before its picture
        state = server.state("quiet")
        assert state["viewers"] == 1
        assert state["stats"]["drawn"] == 0
        assert viewer.bytes * 8 / (len(viewer.motions) / 25) < 60_000


def test_the_face_can_be_had_by_its_number(server: Server) -> None:
    with mesh_viewer(server.port, "hero") as viewer:
        viewer.greet()
        viewer.until(1)
        number = viewer.motions[0].rig
        answer = server.ask(f"/s/hero/rig/{number}")
        assert (answer.status, answer.body[:4]) == (200, b"T2VF")
        assert "immutable" in answer.headers["cache-control"]
        assert server.ask(f"/s/hero/rig/{number + 1}").status == 404
        assert server.ask("/s/hero/rig/x").status == 404
        assert server.ask(f"/s/nobody/rig/{number}").status == 404


def test_a_late_viewer_starts_at_a_key_and_a_video_beside_it_is_drawn(server: Server) -> None:
    with mesh_viewer(server.port, "twin") as one, mesh_viewer(server.port, "twin") as other:
        one.greet()
        one.until(10)
        other.greet()
        other.until(3)
        assert other.motions[0].key
        with server.open("/s/twin/stream.ts") as stream:
            assert len(stream.read(20_000)) == 20_000
            one.until(10)
        assert {two.position - first.position for first, two in pairwise(one.motions)} == {STEP}


def test_one_that_says_nothing_gets_no_more_than_is_bounded_and_goes_on_at_a_key(server: Server) -> None:
    with mesh_viewer(server.port, "hero") as slow, mesh_viewer(server.port, "hero") as quick:
        slow.acknowledges = False
        for viewer in (slow, quick):
            viewer.greet()
        slow.until(1)
        first = slow.motions[0].position
        while quick.motions == [] or quick.motions[-1].position - first < (limits.MESH_AHEAD + 1.5) * 48_000:
            quick.read()
        slow.rest()
        last = slow.motions[-1].position
        assert last - first <= (limits.MESH_AHEAD + 0.5) * 48_000
        slow.got(last)
        before = len(slow.motions)
        slow.until(3)
        fresh = slow.motions[before:]
        assert any(moved.key for moved in fresh)
        assert fresh[-1].position - last > 48_000  # what lay between is left out
        assert quick.motions[-1].position - first > 0


@pytest.mark.parametrize(
    "word",
    ["", "{", "[]", '{"type":"got"}', '{"type":"got","position":-1}', '{"type":"got","position":true}', b"\0"],
)
def test_words_that_make_no_sense_end_it(server: Server, word: str | bytes) -> None:
    with mesh_viewer(server.port, "hero") as viewer:
        viewer.greet()
        viewer.connection.send(word)
        assert viewer.refusal() == ("protocol", 4000)


def test_positions_are_checked() -> None:
    assert position_of('{"type":"got","position":17}') == 17
    with pytest.raises(WireError):
        position_of("[" * 100_000)


def test_a_session_that_is_not_there_is_refused(server: Server) -> None:
    with mesh_viewer(server.port, "nobody") as viewer:
        assert viewer.refusal() == ("session", 4004)


def test_a_token_is_wanted(guarded: Server) -> None:
    with pytest.raises(InvalidStatus) as refused, mesh_viewer(guarded.port, "hero"):
        pass
    assert refused.value.response.status_code == 401
    for token in (
        "d3b07384d113edec49eaa6238ad5ff00",
        "9f86d081884c7d659a2feaa0c55ad015",
    ):  # the second one only watches
        with mesh_viewer(guarded.port, "hero", f"?token={token}") as viewer:
            viewer.greet()
            viewer.until(1)


def test_a_call_is_for_its_members_and_ends_with_their_pass(server: Server) -> None:
    room = make_room(server)
    with joined(server, room, name="Anna") as anna:
        with pytest.raises(InvalidStatus) as refused, mesh_viewer(server.port, anna.session):
            pass
        assert refused.value.response.status_code == 401
        with mesh_viewer(server.port, anna.session, f"?token={anna.token}") as viewer:
            viewer.greet()
            viewer.until(2)
            number = viewer.motions[0].rig
            path = f"/s/{anna.session}/rig/{number}"
            assert server.ask(path).status == 401
            assert server.ask(path, Authorization=anna.bearer).status == 200
            anna.connection.send(json.dumps({"type": "leave"}))
            assert viewer.refusal()[1] is not None


@pytest.mark.slow
def test_a_video_says_so(serving: Serving, hero: Path) -> None:
    clip = hero.parent / "driving.mp4"
    small = ("--size", "96", "--workers", "1")
    with serving("--face", clip, *small) as server, mesh_viewer(server.port, "driving") as viewer:
        viewer.greet()
        assert viewer.refusal() == ("face", 4005)
