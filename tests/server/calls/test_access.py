"""Who may make rooms, speak and watch: what a pass opens, and what nothing opens."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.server.calls.callers import connected, joined, make_room
from txt2vid.core import wire
from txt2vid.core.callwire import CLOSE_CODES, Join, Leave
from txt2vid.core.wire import AudioFormat, Hello, Packet, Text

Server = Any  # of conftest.py, which tests cannot import
ShortLived = Callable[..., Any]
TOKEN = "d3b07384d113edec49eaa6238ad5ff00"  # noqa: S105 - of conftest's server
PCM = AudioFormat("pcm_s16le", 16_000)


def test_who_makes_rooms(server: Server, guarded: Server) -> None:
    assert server.ask("/call", "POST", Origin="http://evil.example").status == 403
    assert server.ask("/call", "POST", Origin="null").status == 403
    assert server.ask("/call", "POST", Host="evil.example").status == 421
    assert server.ask("/call", "POST", Origin=f"http://127.0.0.1:{server.port}").status == 201
    assert guarded.ask("/call", "POST").status == 401
    assert guarded.ask("/call", "POST", Authorization=f"Bearer {TOKEN}").status == 201
    answer = guarded.ask(f"/call?token={TOKEN}", "POST")
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"


def test_whoever_has_the_link_joins_without_the_servers_token(guarded: Server) -> None:
    room = make_room(guarded, Authorization=f"Bearer {TOKEN}")
    with joined(guarded, room) as anna, joined(guarded, room) as bob:
        assert guarded.ask(f"/api/sessions/{anna.session}", Authorization=bob.bearer).status == 200
        for path in (
            "/stream.ts",
            "/s/hero/stream.mp4",
            "/api/sessions",
            "/api/sessions/hero",
            "/metrics",
        ):
            assert guarded.ask(path, Authorization=bob.bearer).status == 401, path  # a pass opens nothing else
        assert guarded.ask("/call", "POST", Authorization=bob.bearer).status == 401
        assert refused(guarded, Hello(session="hero", token=bob.token)) == ("token", 4001)
        assert refused(guarded, Hello(token=bob.token)) == ("token", 4001)


def test_sessions_of_a_call_are_private_without_a_servers_token(server: Server) -> None:
    with joined(server, make_room(server)) as anna, joined(server, make_room(server)) as stranger:
        paths = [f"/s/{anna.session}/stream.{container}" for container in ("ts", "mp4", "mkv", "avi")]
        paths += [f"/s/{anna.session}/captions", f"/api/sessions/{anna.session}", f"/whep/{anna.session}"]
        paths += [f"/whip/{anna.session}", f"/whip/{anna.session}/resource", f"/whep/{anna.session}/resource"]
        for path in paths:
            for method in ("GET", "POST", "DELETE"):
                assert server.ask(path, method).status == 401, path
                assert server.ask(path, method, Authorization=stranger.bearer).status == 401, path
                assert server.ask(f"{path}?token={TOKEN}", method).status == 401, path
        assert server.ask(f"/api/sessions/{anna.session}?token={anna.token}").status == 200
        names = [session["name"] for session in server.ask("/api/sessions").json["sessions"]]
        assert not [name for name in names if name.startswith("call-")]
        metrics = server.ask("/metrics").body.decode()
        assert anna.session not in metrics
        assert 'session="call-' in metrics


def test_whip_wants_the_pass_of_its_own_session(server: Server) -> None:
    room = make_room(server)
    with joined(server, room) as anna, joined(server, room) as bob:
        assert server.ask(f"/whip/{anna.session}", "POST", Authorization=bob.bearer).status == 401
        assert server.ask(f"/whep/{anna.session}", "POST", Authorization=bob.bearer).status != 401
        assert server.ask(f"/whip/{anna.session}", "POST", Authorization=anna.bearer).status != 401
        foreign = {"Authorization": anna.bearer, "Origin": "http://evil.example"}
        assert server.ask(f"/whip/{anna.session}", "POST", **foreign).status == 403


def test_a_member_speaks_in_its_own_session_alone(server: Server) -> None:
    room = make_room(server)
    with joined(server, room, hero="twin") as anna, joined(server, room) as bob:
        for hello in (
            Hello(session=anna.session),
            Hello(session=anna.session, token=bob.token),
            Hello(session=anna.session, token=TOKEN, interrupt=True),
        ):
            assert refused(server, hello) == ("token", 4001)
        with server.talk(session=anna.session, face="hero", token=anna.token, audio=PCM) as talk:
            assert talk.ready.session == anna.session
            assert talk.ready.face == "twin"  # the call chooses
            talk.say(Packet(0, 0, struct.pack("<320h", *range(320))))
            talk.say(Text("Hello.", id=3))
            assert talk.until(wire.Spoken).id == 3
            anna.say(Leave())
            assert talk.refusal() == ("session", 4004)
        assert refused(server, Hello(session=anna.session, token=anna.token)) == ("session", 4004)
        assert refused(server, Hello(session="call-of-my-own")) == ("session", 4004)


def refused(server: Server, hello: Hello) -> Any:
    with server.connected() as talk:
        talk.say(hello)
        return talk.refusal()


def test_the_room_is_watched_until_one_leaves(server: Server) -> None:
    room = make_room(server)
    with joined(server, room) as anna, joined(server, room) as bob:
        with (
            server.open(f"/s/{anna.session}/stream.ts", Authorization=bob.bearer) as his,
            server.open(f"/s/{bob.session}/stream.mp4?token={anna.token}") as hers,
            server.open(f"/s/{anna.session}/captions?token={anna.token}") as own,
        ):
            assert his.read(50_000)
            assert hers.read(20_000)
            assert own.read(5)
            bob.say(Leave())
            assert drained(his)  # his pass has died
            assert drained(hers)  # nobody draws any more
            assert server.ask(f"/api/sessions/{anna.session}", Authorization=bob.bearer).status == 401
        assert "Traceback" not in server.log
        assert "ASGI" not in server.log
        assert server.ask(f"/api/sessions/{anna.session}", Authorization=anna.bearer).status == 200


def drained(stream: Any) -> bool:
    """Reads to the end, which comes."""
    while stream.read(65_536):
        pass
    return True


def test_rooms_that_are_not_there(short_lived: ShortLived) -> None:
    with short_lived() as server:
        room = make_room(server)
        with connected(server, room[:-1]) as caller:
            last, code = caller.end()
            assert (last["code"], code) == ("room", CLOSE_CODES["room"])
        path = "/call/nobody-knows/heroes/hero.jpg"
        assert server.ask(path).status == 404
        statuses = [server.ask(path).status for _ in range(60)]
        assert set(statuses) == {404, 429}
        with connected(server, "another") as caller:
            assert caller.end()[1] in (CLOSE_CODES["rate"], CLOSE_CODES["room"])
        with joined(server, room):  # who has the link is not kept out by those who guess
            pass
        assert server.ask(f"/call/{room}/live").status == 426


def test_rooms_are_counted(short_lived: ShortLived) -> None:
    with short_lived(rooms=2) as server:
        make_room(server)
        make_room(server)
        answer = server.ask("/call", "POST")
        assert (answer.status, answer.json["code"]) == (503, "full")
        assert server.metric("txt2vid_calls") == 2


def test_rooms_are_made_only_so_fast(short_lived: ShortLived) -> None:
    with short_lived(rooms=1000) as server:
        statuses = [server.ask("/call", "POST").status for _ in range(60)]
        assert set(statuses) == {201, 429}


@pytest.mark.parametrize("manner", [{"unused": 0.2}, {"age": 0.2}])
def test_a_room_that_nobody_comes_to_ends(short_lived: ShortLived, manner: dict[str, float]) -> None:
    with short_lived(**manner) as server:
        room = make_room(server)
        assert ends(server, room)


def test_a_room_ends_a_while_after_its_last_member(short_lived: ShortLived) -> None:
    with short_lived(empty=0.2) as server:
        room = make_room(server)
        with joined(server, room) as anna:
            token = anna.token
        assert ends(server, room)
        assert server.metric("txt2vid_calls") == 0
        assert server.ask(f"/api/sessions/{anna.session}?token={token}").status in (401, 404)


def test_no_call_goes_on_for_ever(short_lived: ShortLived) -> None:
    with short_lived(age=6.0, members=1) as server:
        room = make_room(server)
        with joined(server, room) as anna, connected(server, room) as waiting:
            waiting.say(Join())
            assert anna.end() == ({"type": "bye", "why": "over"}, 1000)
            assert waiting.end() == ({"type": "bye", "why": "over"}, 1000)


def ends(server: Server, room: str) -> bool:
    """Whether the room is gone within a while."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if server.ask(f"/call/{room}/heroes/hero.jpg").status in (404, 429):
            return True
        time.sleep(0.1)
    return False
