"""POST /api/sessions/NAME/expression: who may, what is refused, and what the face does, at real servers."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.server.calls.callers import joined, make_room
from tests.server.conftest import TOKEN, WATCH_TOKEN
from tests.server.onlooker import Onlooker
from txt2vid.core import wire

Server = Any  # of conftest.py, which tests cannot import
SIZE = 320
SECOND = 25  # frames
LONG = json.dumps({"name": "joy", "more": "x" * 1100})


def express(server: Server, session: str, body: object, **headers: str) -> Any:
    """The answer to one request. body: text as it is, anything else as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": "application/json", **headers}
    return server.ask(f"/api/sessions/{session}/expression", "POST", text.encode(), **headers)


def at_once(server: Server, session: str, count: int) -> list[str]:
    """The answers to so many nods that are sent in one piece, each from its status on."""
    body = '{"name": "nod"}'
    head = f"POST /api/sessions/{session}/expression HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as raw:
        raw.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode() * count)
        told = b""
        while told.count(b"HTTP/1.1 ") < count or not told.endswith(b"}"):
            told += raw.recv(65_536)
    return told.decode().split("HTTP/1.1 ")[1:]


def mood(server: Server, session: str, **headers: str) -> Any:
    return server.ask(f"/api/sessions/{session}", **headers).json["expression"]


def test_moods_stay_and_gestures_pass(server: Server) -> None:
    for sent, stays in (
        ({"name": "Happy"}, "joy"),
        ({"name": "wink", "strength": 0.5}, "joy"),
        ({"name": "anger", "seconds": 2}, "joy"),
        ({"name": "sad", "strength": 0.5, "seconds": None, "other": [1]}, "sadness"),
        ({"name": "neutral"}, ""),
    ):
        answer = express(server, "twin", sent)
        assert (answer.status, answer.json) == (200, {"expression": stays}), sent
        assert answer.headers["Cache-Control"] == "no-store"
        assert mood(server, "twin") == stays
    listed = server.ask("/api/sessions").json["sessions"]
    assert [session["expression"] for session in listed if session["name"] == "twin"] == [""]


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        ("", 400, "protocol", "no JSON"),
        ("[]", 400, "protocol", "no JSON object"),
        ("{}", 400, "protocol", "needs 'name'"),
        ('{"name": 1}', 400, "protocol", "no str"),
        ('{"name": ""}', 400, "protocol", "name"),
        ('{"name": "joy", "strength": "x"}', 400, "protocol", "no float"),
        ('{"name": "joy", "strength": NaN}', 400, "protocol", "no JSON"),
        ("[" * 1000, 400, "protocol", "no JSON"),
        ({"name": "x" * 65}, 400, "protocol", "name"),
        ({"name": "hapy"}, 422, "expression", "did you mean happy"),
        ({"name": "joy", "strength": 1.5}, 422, "expression", "write 0 to 1"),
        ({"name": "joy", "seconds": 1e6}, 422, "expression", "at most 600"),
        (LONG, 413, "protocol", "1024 bytes"),
    ],
)
def test_what_cannot_be_shown_is_one_line(server: Server, body: object, status: int, code: str, says: str) -> None:
    before = mood(server, "twin")
    answer = express(server, "twin", body)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert says in answer.json["error"]
    assert "\n" not in answer.json["error"]
    assert mood(server, "twin") == before


def test_what_is_asked_wrongly(server: Server) -> None:
    before = mood(server, "twin")
    form = express(server, "twin", "name=joy", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert (form.status, form.json) == (415, {"error": "the body must be application/json", "code": "protocol"})
    assert express(server, "nobody", {"name": "joy"}).json["code"] == "session"
    assert express(server, "nobody", {"name": "joy"}).status == 404
    answer = server.ask("/api/sessions/twin/expression")
    assert (answer.status, answer.headers["Allow"], b"use POST" in answer.body) == (405, "POST", True)
    assert express(server, "twin", {"name": "joy"}, Origin="http://evil.example").status == 403
    assert express(server, "twin", {"name": "joy"}, Host="evil.example").status == 421
    assert mood(server, "twin") == before


def test_who_hangs_up_in_the_middle_does_no_harm(server: Server) -> None:
    head = b"POST /api/sessions/twin/expression HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as raw:
        raw.sendall(head + b'Content-Length: 20\r\n\r\n{"name"')
    assert server.ask("/healthz").status == 200
    assert "Traceback" not in server.log


def test_who_may(guarded: Server) -> None:
    before = mood(guarded, "hero", Authorization=f"Bearer {WATCH_TOKEN}")
    for session in ("hero", "nobody"):
        assert express(guarded, session, {"name": "joy"}).status == 401
        answer = express(guarded, session, {"name": "joy"}, Authorization=f"Bearer {WATCH_TOKEN}")
        assert (answer.status, b"watching alone" in answer.body) == (403, True)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert mood(guarded, "hero", Authorization=f"Bearer {WATCH_TOKEN}") == before
    assert express(guarded, "hero", {"name": "joy"}, **bearer).status == 200
    assert mood(guarded, "hero", Authorization=f"Bearer {WATCH_TOKEN}") == "joy"  # it is seen anyhow
    assert express(guarded, "hero", {"name": "neutral"}, **bearer).status == 200


def test_public_viewing_moves_nothing(serving: Any, hero: Path) -> None:
    options = ("--face", hero, "--size", "128", "--workers", "1", "--token", TOKEN, "--public-viewing")
    with serving(*options) as server:
        assert express(server, "hero", {"name": "joy"}).status == 401
        assert mood(server, "hero") == ""
        assert express(server, "hero", {"name": "joy"}, Authorization=f"Bearer {TOKEN}").status == 200


def test_faces_in_a_call_are_moved_in_the_call_alone(server: Server) -> None:
    room = make_room(server)
    with joined(server, room) as anna, joined(server, room) as bob:
        assert express(server, anna.session, {"name": "joy"}).status == 401
        assert express(server, anna.session, {"name": "joy"}, Authorization=bob.bearer).status == 401
        own = express(server, anna.session, {"name": "joy"}, Authorization=anna.bearer)
        assert (own.status, own.json["code"]) == (403, "call")
        assert mood(server, anna.session, Authorization=bob.bearer) == ""


def test_too_many_are_refused_and_others_are_not(serving: Any, hero: Path) -> None:
    options = ("--face", hero, "--face", f"twin={hero}", "--size", "128", "--workers", "1")
    with serving(*options) as server:
        answers = at_once(server, "hero", 60)
        assert [answer.startswith("200 ") for answer in answers[:8]] == [True] * 8
        late = [answer for answer in answers if answer.startswith("429 ")]
        assert len(late) > 20
        assert "retry-after: 1\r\n" in late[0].lower()
        assert '"code":"rate"' in late[0]
        assert express(server, "twin", {"name": "nod"}).status == 200


def test_the_face_shows_it_whoever_speaks(serving: Any, hero: Path) -> None:
    with serving("--face", hero, "--size", str(SIZE), "--workers", "1") as server:
        assert express(server, "hero", {"name": "joy"}).status == 200  # before anybody watches
        viewer = Onlooker(f"http://127.0.0.1:{server.port}/stream.ts", SIZE)
        try:
            smile = viewer.later(2 * SECOND).width
            with server.talk() as talk:
                assert viewer.later(SECOND).width > 0.95 * smile
                talk.say(wire.Expression("neutral"))  # the sender's own counts, as it came later
                rest = viewer.until(lambda head: head.width < smile / 1.1).width
                assert express(server, "hero", {"name": "joy"}).status == 200  # and so does this
                viewer.until(lambda head: head.width > 1.08 * rest)
                talk.say(wire.Expression("neutral"))
                viewer.until(lambda head: head.width < 1.04 * rest)
            viewer.until(lambda head: head.width > 1.08 * rest)  # its sender has left
            assert express(server, "hero", {"name": "neutral"}).status == 200
            viewer.until(lambda head: head.width < 1.04 * rest)
        finally:
            viewer.close()
