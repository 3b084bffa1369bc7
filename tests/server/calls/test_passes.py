"""What a pass opens, and what not."""

from __future__ import annotations

from txt2vid.server.calls.passes import Passes


def test_a_pass_speaks_in_its_session_and_watches_its_room() -> None:
    passes = Passes()
    anna, bob = passes.issue("room", "call-anna"), passes.issue("room", "call-bob")
    other = passes.issue("other", "call-other")
    assert passes.holder("call-anna", "speak", [None, "", anna])
    assert passes.holder("call-bob", "watch", [anna])
    assert passes.holder("call-bob", "speak", [anna]) is None
    assert passes.holder("call-other", "watch", [anna]) is None
    assert passes.holder("call-anna", "watch", [other]) is None
    assert passes.holder("hero", "watch", [anna, bob]) is None
    assert passes.holder("call-anna", "watch", [anna + "x", anna[:-1], "ü", None]) is None


def test_sessions_of_members_are_private() -> None:
    passes = Passes()
    assert not passes.is_private("call-anna")
    passes.issue("room", "call-anna")
    assert passes.is_private("call-anna")
    assert not passes.is_private(None)
    passes.revoke("call-anna")
    assert not passes.is_private("call-anna")


def test_a_pass_dies_with_the_membership() -> None:
    passes = Passes()
    token, other = passes.issue("room", "call-anna"), passes.issue("room", "call-bob")
    held = passes.find([token])
    assert held is not None
    told: list[str] = []
    held.at_end(lambda: told.append("left before"))()
    forget = held.at_end(lambda: told.append("over"))
    passes.revoke("call-anna")
    passes.revoke("call-anna")
    assert told == ["over"]
    forget()
    held.at_end(lambda: told.append("at once"))()
    assert told == ["over", "at once"]
    assert passes.holder("call-anna", "watch", [token]) is None
    assert passes.holder("call-anna", "watch", [other]) is None  # nobody speaks there any more
    assert passes.holder("call-bob", "watch", [token]) is None
    assert passes.holder("call-bob", "watch", [other])
