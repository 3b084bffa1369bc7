"""Callers in a room: real websockets to a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.server.calls.callers import connected, joined, make_room
from txt2vid.core.callwire import CLOSE_CODES, SUBPROTOCOL, ChooseHero, Join, Leave, Mute, Ping
from txt2vid.core.wire import EPOCHS, Expression, Interrupt, Spoken, Text

Server = Any  # of conftest.py, which tests cannot import
ShortLived = Callable[..., Any]


@pytest.fixture(name="the_room", scope="module")
def _the_room(server: Server) -> str:
    """One room for many tests, which leave it empty: a server makes only so many in a minute."""
    return make_room(server)


def test_two_see_each_other(server: Server) -> None:
    room = make_room(server)
    with joined(server, room, " Zoe\u0308 ") as anna, joined(server, room, "", hero="twin") as bob:
        assert anna.connection.subprotocol == SUBPROTOCOL
        assert [hero["name"] for hero in anna.welcome["heroes"]] == ["hero", "twin"]
        assert anna.welcome["limits"]["members"] == 4
        assert anna.welcome["ice_servers"] == []
        assert len({anna.session, bob.session, anna.token, bob.token}) == 4
        members = anna.sees(lambda members: len(members) == 2)
        assert members == bob.members
        assert members == [
            {**members[0], "name": "Zoë", "hero": "hero", "session": anna.session, "muted": False, "here": True},
            {**members[1], "name": "", "hero": "twin", "session": bob.session, "id": bob.welcome["id"]},
        ]
        text = json.dumps(members)
        assert anna.token not in text
        assert anna.welcome["resume"] not in text
        assert server.metric("txt2vid_callers") == 2
        assert room not in server.log
        assert "Zoë" not in server.log


def test_mute_and_hero_are_told_to_all(server: Server) -> None:
    room = make_room(server)
    with joined(server, room) as anna, joined(server, room) as bob:
        anna.say(Mute(on=True))
        bob.sees(lambda members: members[0]["muted"])
        anna.say(ChooseHero("twin"))
        bob.sees(lambda members: members[0]["hero"] == "twin")
        state = server.ask(f"/api/sessions/{anna.session}", Authorization=bob.bearer).json
        assert (state["face"], state["name"]) == ("twin", anna.session)
        anna.say(ChooseHero("nobody"))
        warning = anna.hear()
        while warning["type"] == "room":
            warning = anna.hear()
        assert (warning["type"], warning["code"], warning["warning"]) == ("error", "hero", True)
        anna.say(Mute(on=False))
        bob.sees(lambda members: not members[0]["muted"])
        assert bob.members[0]["hero"] == "twin"


def test_a_mood_is_told_to_all_and_what_is_none_is_a_warning(server: Server) -> None:
    room = make_room(server)
    with joined(server, room) as anna, joined(server, room) as bob:
        assert bob.members[0]["expression"] == ""
        anna.say(Expression("happy", 0.8))
        bob.sees(lambda members: members[0]["expression"] == "joy")
        anna.say(Expression("wink"))  # passes, and so does what is to last a second
        anna.say(Expression("anger", 1.0, 1.0))
        for wrong, says in (("hapy", "did you mean happy"), ("joy", "write 0 to 1")):
            anna.say(Expression(wrong, 1.0 if wrong == "hapy" else 7.0))
            warning = anna.until_error()
            assert (warning["code"], warning["warning"]) == ("expression", True)
            assert says in warning["message"]
        assert bob.members[0]["expression"] == "joy"
        anna.cut()
        with connected(server, room) as again:
            again.say(Join(resume=anna.welcome["resume"]))
            again.sees(lambda members: members and members[0]["here"] and members[0]["expression"] == "joy")
            again.say(Expression("neutral"))
            again.sees(lambda members: members[0]["expression"] == "")
            for _ in range(20):
                again.say(Expression("joy"))
            assert "passed over" in again.until_error()["message"]
            again.say(Mute(on=True))  # the connection has stayed
            again.sees(lambda members: members[0]["muted"])


def test_a_hero_that_is_not_there_does_not_keep_one_out(server: Server) -> None:
    with connected(server, make_room(server)) as anna:
        anna.say(Join(hero="of-yesterday"))
        assert anna.hear()["type"] == "welcome"
        assert anna.welcome["hero"] == "hero"
        assert anna.hear()["code"] == "hero"
        assert anna.until("room")


def test_one_who_leaves_is_gone_at_once(server: Server) -> None:
    room = make_room(server)
    with joined(server, room) as anna, joined(server, room) as bob:
        bob.say(Leave())
        assert bob.end() == ({"type": "bye", "why": "left"}, 1000)
        anna.sees(lambda members: len(members) == 1)
        with connected(server, room) as carla:
            carla.say(Join("Carla"))
            carla.until("welcome")
            carla.connection.close()
        anna.sees(lambda members: len(members) == 2)
        anna.sees(lambda members: len(members) == 1)


def test_the_lobby(short_lived: ShortLived) -> None:
    with short_lived(members=2, lobby=2) as server, ExitStack() as stack:
        room = make_room(server)
        anna, bob = (stack.enter_context(joined(server, room, name)) for name in ("Anna", "Bob"))
        carla, dora, emil = (stack.enter_context(connected(server, room)) for _ in range(3))
        carla.say(Join("Carla"))
        assert carla.hear() == {"type": "lobby", "position": 1}
        dora.say(Join("Dora"))
        assert dora.hear() == {"type": "lobby", "position": 2}
        emil.say(Join("Emil"))
        last, code = emil.end()
        assert (last["code"], code) == ("full", CLOSE_CODES["full"])
        assert server.metric("txt2vid_callers_waiting") == 2
        bob.say(Leave())
        carla.until("welcome")
        assert [member["name"] for member in carla.until("room")["members"]] == ["Anna", "Carla"]
        while dora.hear() != {"type": "lobby", "position": 1}:
            pass
        carla.connection.close()
        dora.until("welcome")
        anna.sees(lambda members: [member["name"] for member in members] == ["Anna", "Dora"])


def test_a_place_is_kept_while_the_network_is_away(server: Server) -> None:
    room = make_room(server)
    with joined(server, room, "Anna") as anna, joined(server, room, "Bob") as bob:
        bob.cut()
        anna.sees(lambda members: len(members) == 2 and not members[1]["here"])
        with connected(server, room) as again:
            again.say(Join(resume=bob.welcome["resume"]))
            again.until("welcome")
            assert again.welcome == bob.welcome
            anna.sees(lambda members: members[1]["here"] and members[1]["name"] == "Bob")


def test_a_place_is_not_kept_for_ever(short_lived: ShortLived) -> None:
    with short_lived(grace=0.3) as server:
        room = make_room(server)
        with joined(server, room) as anna, joined(server, room) as bob:
            resume = bob.welcome["resume"]
            bob.cut()
            anna.sees(lambda members: len(members) == 2 and not members[1]["here"])
            anna.sees(lambda members: len(members) == 1)
            assert server.ask(f"/api/sessions/{anna.session}?token={bob.token}").status == 401
            with connected(server, room) as again:
                again.say(Join(resume=resume))
                again.until("welcome")
                assert again.welcome["id"] != bob.welcome["id"]


def test_another_connection_takes_over(server: Server) -> None:
    room = make_room(server)
    with joined(server, room) as anna, connected(server, room) as again:
        again.say(Join(resume=anna.welcome["resume"]))
        again.until("welcome")
        last, code = anna.end()
        assert (last["code"], code) == ("replaced", 4031)
        again.say(Mute(on=True))
        again.sees(lambda members: len(members) == 1 and members[0]["muted"] and members[0]["here"])


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (["garbage"], "protocol"),
        (['{"type": "mute", "on": true}'], "protocol"),
        ([b"\1\0\0\0\0\0\0\0\0\0"], "protocol"),
        (['{"type": "join"}', '{"type": "join"}'], "protocol"),
        (['{"type": "join"}', "[]"], "protocol"),
        (['{"type": "join"}', '{"type": "hero", "hero": "../x"}'], "protocol"),
        (['{"type": "join", "name": "' + "x" * 5000 + '"}'], "protocol"),
        (['{"type": "join"}', *['{"type": "mute", "on": false}'] * 200], "rate"),
    ],
)
def test_what_makes_no_sense(server: Server, the_room: str, said: list[str | bytes], code: str) -> None:
    with connected(server, the_room) as caller:
        for each in said:
            caller.say(each)
        last, closed = caller.end()
        assert (last["code"], closed) == (code, CLOSE_CODES[code])


def test_only_its_subprotocol_is_spoken(server: Server) -> None:
    with connected(server, make_room(server), subprotocols=None) as caller:
        assert caller.end()[1] == CLOSE_CODES["protocol"]


def test_a_page_of_another_site_joins_no_call(server: Server) -> None:
    room = make_room(server)
    with pytest.raises(InvalidStatus) as refused, connected(server, room, origin="http://evil.example"):
        pass
    assert refused.value.response.status_code == 403


def test_everybody_is_told_that_the_server_ends(short_lived: ShortLived) -> None:
    with short_lived(members=1) as server:
        room = make_room(server)
        with joined(server, room) as anna, connected(server, room) as waiting, connected(server, room) as silent:
            waiting.say(Join())
            waiting.until("lobby")
            server.process.terminate()
            assert anna.end() == ({"type": "bye", "why": "stopping"}, 1000)
            assert waiting.end() == ({"type": "bye", "why": "stopping"}, 1000)
            assert silent.end()[1] == CLOSE_CODES["stopping"]
            assert server.process.wait(30) == 0


def test_who_wants_captions_is_told_what_is_said_for_a_member(server: Server) -> None:
    room, text = make_room(server), "Good morning to all."
    with joined(server, room) as anna, joined(server, room) as bob, joined(server, room) as carl:
        for caller in (anna, bob):
            caller.say('{"type":"captions","on":true}')
        anna.say('{"type":"captions","on":false}')
        for caller in (anna, bob):
            caller.say(Ping())
            caller.until("pong")
        with server.talk(session=carl.session, token=carl.token) as talk:
            talk.say(Text(text, 1))
            told = bob.until("caption")
            assert told["session"] == carl.session
            assert "".join(word for _, word in told["words"]).strip() == text
            assert told["start"] == told["words"][0][0] <= told["words"][-1][0] <= told["stop"]
            assert told["zero"] > 0
            assert told["now"] >= 0
            talk.until(Spoken)
            talk.say(Text("A long sentence that is never said to its end, since somebody interrupts it.", 2))
            bob.until("caption")
            talk.say(Interrupt((talk.ready.epoch + 1) % EPOCHS))
            assert bob.until("cut")["session"] == carl.session
        for caller in (anna, carl):
            caller.say(Ping())
            while (message := caller.hear())["type"] != "pong":
                assert message["type"] == "room"
