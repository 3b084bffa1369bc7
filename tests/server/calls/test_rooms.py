"""Who gets a place, who waits, who comes back, and when a room ends: decisions, without a clock."""

from __future__ import annotations

import pytest

from txt2vid.server.calls.rooms import Full, Guest, Manner, Member, Room, Rooms

SMALL = Manner(rooms=2, members=2, lobby=2, grace=15, empty=600, unused=3600, age=43_200)


def room(manner: Manner = SMALL) -> Room:
    return Rooms(manner).make(0)


def seated(place: Member | Guest) -> Member:
    assert isinstance(place, Member)
    return place


def ids(place: Room) -> list[str]:
    return list(place.members)


def test_places_then_the_lobby_then_no_more() -> None:
    call = room()
    first, second = (seated(call.enter(name, "hero")) for name in "ab")
    third, fourth = call.enter("c", "hero"), call.enter("d", "hero")
    assert isinstance(third, Guest)
    assert isinstance(fourth, Guest)
    with pytest.raises(Full):
        call.enter("e", "hero")
    assert not list(call.admit())
    call.leave(first.id, 1)
    (admitted,) = call.admit()
    assert (admitted.id, admitted.name) == (third.id, "c")
    assert ids(call) == [second.id, third.id]
    assert call.lobby == [fourth]


def test_nobody_overtakes_the_lobby() -> None:
    call = room()
    first = seated(call.enter("a", "hero"))
    call.enter("b", "hero")
    waiting = call.enter("c", "hero")
    call.leave(first.id, 1)
    assert isinstance(call.enter("d", "hero"), Guest)  # a place is free, and somebody waits for it
    assert [each.id for each in call.admit()] == [waiting.id]


def test_secrets_differ_and_names_are_private() -> None:
    call = room()
    one, two = (seated(call.enter("a", "hero")) for _ in range(2))
    assert len({one.id, two.id, one.session, two.session, one.resume, two.resume, call.name}) == 7
    assert one.session.startswith("call-")
    assert len(call.name) >= 22  # 16 bytes
    assert one.resume not in str(one.seen())
    assert call.name not in call.label


def test_a_broken_connection_keeps_its_place_for_a_while() -> None:
    call = room()
    one = seated(call.enter("a", "hero"))
    call.enter("b", "hero")
    call.lost(one.id, 100)
    assert not one.seen().here
    assert isinstance(call.enter("c", "hero"), Guest)
    assert call.due == 115
    assert call.overdue(114.9) == []
    assert call.back("wrong") is None
    assert call.back(None) is None
    assert call.back(one.resume) is one
    assert one.seen().here
    assert call.overdue(1000) == []
    call.lost(one.id, 200)
    assert call.overdue(215) == [one]
    assert call.leave(one.id, 215) is one
    assert call.back(one.resume) is None


def test_one_in_the_lobby_loses_its_place_at_once() -> None:
    call = room()
    for name in "ab":
        call.enter(name, "hero")
    waiting = call.enter("c", "hero")
    call.lost(waiting.id, 1)
    assert call.lobby == []


def test_rooms_end() -> None:
    call = room()
    assert call.ends == 3600  # nobody ever came
    one = seated(call.enter("a", "hero"))
    assert call.ends == 43_200
    call.leave(one.id, 100)
    assert call.ends == 700
    two = seated(call.enter("b", "hero"))
    assert call.ends == 43_200
    call.leave(two.id, 43_000)
    assert call.ends == 43_200


def test_one_whose_connection_broke_still_holds_the_room() -> None:
    call = room()
    one = seated(call.enter("a", "hero"))
    call.lost(one.id, 100)
    assert call.ends == 43_200
    call.leave(one.id, 115)
    assert call.ends == 715


def test_so_many_rooms_and_no_more() -> None:
    rooms = Rooms(SMALL)
    one, two = rooms.make(0), rooms.make(5)
    with pytest.raises(Full):
        rooms.make(6)
    assert rooms.find(one.name) is one
    assert rooms.find(one.name + "x") is None
    assert rooms.find("\ud800") is None
    assert rooms.due == 3600
    rooms.end(one)
    rooms.end(one)
    assert rooms.find(one.name) is None
    assert list(rooms) == [two]
    rooms.end(two)
    assert rooms.due is None
