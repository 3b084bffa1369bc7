"""Passes: secrets that a room gives to its members. Nothing here reads, waits or logs.

A pass lets its holder speak in the member's own session, and watch the sessions of the room's members; nothing else.
These sessions are private: nobody is let in without a pass, the holder of the server's token no more than anyone.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

PREFIX = "call-"  # of private sessions' names, and of no other session's
Deed = Literal["watch", "speak"]
HELD = "txt2vid.pass"  # the key in an ASGI scope under which the guard leaves the pass that let a request in
OnEnd = Callable[[], None]
_ABOUT = (["s"], ["whip"], ["whep"])  # the first part of paths whose second is a session


@dataclass(eq=False, slots=True)
class Pass:
    """What a member may do. room: where. session: the one that is the member's own.

    over: whether the membership has ended. Whoever does something for long asks to be told of that (`at_end`).
    """

    room: str
    session: str
    over: bool = False
    _on_end: set[OnEnd] = field(default_factory=set)

    def at_end(self, on_end: OnEnd) -> OnEnd:
        """Has `on_end` called when the pass dies, at once where it has. Call what is returned to have it forgotten."""
        if self.over:
            on_end()
        else:
            self._on_end.add(on_end)
        return lambda: self._on_end.discard(on_end)

    def end(self) -> None:
        """It is worth nothing from now on. Twice is safe."""
        self.over = True
        told, self._on_end = self._on_end, set()
        for on_end in told:
            on_end()


class Passes:
    """All passes of a server. Tokens are looked up by their digests: how long that takes tells nothing of them."""

    def __init__(self) -> None:
        self._by_digest: dict[bytes, Pass] = {}
        self._rooms: dict[str, str] = {}  # private session -> its room

    def issue(self, room: str, session: str) -> str:
        """A token for the member of that room who speaks in that session, which is private from now on."""
        token = secrets.token_urlsafe(24)
        self._by_digest[_digest(token)] = Pass(room, session)
        self._rooms[session] = room
        return token

    def revoke(self, session: str) -> None:
        """The member whose session this is has gone: the pass dies."""
        self._rooms.pop(session, None)
        for digest, each in list(self._by_digest.items()):
            if each.session == session:
                del self._by_digest[digest]
                each.end()

    def find(self, tokens: Iterable[str | None]) -> Pass | None:
        """The pass that one of the tokens is."""
        found = [self._by_digest.get(_digest(token)) for token in tokens if token]
        return next((each for each in found if each is not None), None)

    def private(self, path: str) -> tuple[str, Deed] | None:
        """The private session that a URL's path is about, and what it asks for; None where it is about none."""
        parts = path.split("/")
        deed: Deed = "speak" if parts[1:2] == ["whip"] or parts[4:] == ["expression"] else "watch"
        session = parts[3:4] if parts[1:3] == ["api", "sessions"] else parts[2:3] if parts[1:2] in _ABOUT else []
        return (session[0], deed) if session and self.is_private(session[0]) else None

    def is_private(self, session: str | None) -> bool:
        """Whether the session is a member's, and needs a pass."""
        return session in self._rooms

    def holder(self, session: str, deed: Deed, tokens: Iterable[str | None]) -> Pass | None:
        """The pass among the tokens that lets its holder do this in a private session; None where none does."""
        held = self.find(tokens)
        if held is None or self._rooms.get(session) != held.room:
            return None
        return held if deed == "watch" or held.session == session else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
