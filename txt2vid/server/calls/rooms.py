"""Rooms and who is in them: decisions alone. `now` is seconds of any monotonic clock; nothing here waits or tells."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from txt2vid.core import callwire
from txt2vid.core.callwire import Member as Seen
from txt2vid.server import limits
from txt2vid.server.calls.passes import PREFIX
from txt2vid.server.rates import Bucket


class Full(Exception):  # noqa: N818 - what it says; Refused tells it
    """There is no room for another one. The message is a sentence for the one who asked."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What all rooms have in common; limits.py says why so much. Seconds, and how many."""

    rooms: int = limits.MAX_ROOMS
    members: int = limits.MAX_MEMBERS
    lobby: int = limits.MAX_LOBBY
    uploads: int = limits.MAX_UPLOADS
    grace: float = limits.MEMBER_GRACE
    empty: float = limits.EMPTY_SECONDS
    unused: float = limits.UNUSED_SECONDS
    age: float = limits.ROOM_SECONDS

    @property
    def takes(self) -> dict[str, int]:
        """What callers are told of it, and of what else is limited."""
        return {
            "members": self.members,
            "lobby": self.lobby,
            "uploads": self.uploads,
            "upload_bytes": limits.MAX_UPLOAD,
            "upload_pixels": limits.MAX_UPLOAD_PIXELS,
            "message": callwire.MAX_MESSAGE,
            "name": callwire.MAX_CALLER,
            "grace": round(self.grace),
        }


@dataclass(eq=False, slots=True)
class Guest:
    """One in the lobby. id: what it is called in the room, too."""

    id: str
    name: str
    hero: str


@dataclass(eq=False, slots=True)
class Member:
    """One in the room. resume: the secret that gives the place back. lost: since when its connection is broken.

    token: its pass, once there is one. expression: the mood that it chose, "" for none.
    """

    id: str
    name: str
    hero: str
    session: str
    resume: str
    token: str = ""
    muted: bool = False
    expression: str = ""
    lost: float | None = None

    def seen(self) -> Seen:
        """As the others see it."""
        return Seen(self.id, self.name, self.session, self.hero, self.muted, self.lost is None, self.expression)


class Room:
    """One room. name: its secret. label: what logs call it. uploads: names of its own heroes.

    pace: how many pictures may be tried. bringing: names of those that are being prepared. over: whether it has ended.
    """

    def __init__(self, name: str, manner: Manner, now: float) -> None:
        self.name, self.label = name, hashlib.sha256(name.encode()).hexdigest()[:8]
        self.members: dict[str, Member] = {}
        self.lobby: list[Guest] = []
        self.uploads: list[str] = []
        self.bringing: set[str] = set()
        self.over = False
        self.pace = Bucket(limits.UPLOADS_A_SECOND, limits.UPLOADS_BURST, now)
        self._manner, self._made = manner, now
        self._empty: float | None = None  # since when, once somebody was there

    def enter(self, name: str, hero: str) -> Member | Guest:
        """A place in the room, or in the lobby. Raises Full."""
        guest = Guest(secrets.token_urlsafe(6), name, hero)
        if len(self.members) < self._manner.members and not self.lobby:
            return self._seat(guest)
        if len(self.lobby) >= self._manner.lobby:
            raise Full("the call and its lobby are full: try again later")
        self.lobby.append(guest)
        return guest

    def admit(self) -> Iterator[Member]:
        """Those whom the lobby lets in now, the one who has waited longest first."""
        while self.lobby and len(self.members) < self._manner.members:
            yield self._seat(self.lobby.pop(0))

    def back(self, resume: str | None) -> Member | None:
        """The member with that secret, here again; None where there is none."""
        given = (resume or "").encode("utf-8", "replace")
        found = [each for each in self.members.values() if hmac.compare_digest(each.resume.encode(), given)]
        for member in found:
            member.lost = None
        return found[0] if found else None

    def lost(self, who: str, now: float) -> None:
        """A connection broke: a member's place is kept for a while, one in the lobby is not."""
        if who in self.members:
            self.members[who].lost = now
        else:
            self.leave(who, now)

    def leave(self, who: str, now: float) -> Member | None:
        """A member has gone (it is returned), or one who waited."""
        self.lobby = [each for each in self.lobby if each.id != who]
        member = self.members.pop(who, None)
        if member is not None and not self.members:
            self._empty = now
        return member

    def overdue(self, now: float) -> list[Member]:
        """Members whose connection broke too long ago; they have still to leave."""
        grace = self._manner.grace
        return [each for each in self.members.values() if each.lost is not None and now >= each.lost + grace]

    def bring(self) -> str:
        """A name for a hero that is being prepared; `brought` says what came of it. Raises Full."""
        if len(self.uploads) + len(self.bringing) >= self._manner.uploads:
            raise Full(f"{self._manner.uploads} pictures are the most in a call")
        name = f"upload-{secrets.token_urlsafe(12)}"
        self.bringing.add(name)
        return name

    def brought(self, name: str, *, good: bool) -> None:
        """The hero is there, or there will be none."""
        self.bringing.discard(name)
        if good:
            self.uploads.append(name)

    @property
    def ends(self) -> float:
        """When it ends, unless somebody comes."""
        end = self._made + self._manner.age
        if self.members or self.lobby:
            return end
        if self._empty is not None:
            return min(end, self._empty + self._manner.empty)
        return min(end, self._made + self._manner.unused)

    @property
    def due(self) -> float:
        """When something is to be looked at again."""
        lost = [each.lost + self._manner.grace for each in self.members.values() if each.lost is not None]
        return min([self.ends, *lost])

    def _seat(self, guest: Guest) -> Member:
        session, resume = f"{PREFIX}{secrets.token_urlsafe(12)}", secrets.token_urlsafe(16)
        member = self.members[guest.id] = Member(guest.id, guest.name, guest.hero, session, resume)
        return member


class Rooms:
    """All rooms. They are looked up by digests of their names: how long that takes tells nothing of the names."""

    def __init__(self, manner: Manner | None = None) -> None:
        self.manner = manner or Manner()
        self._by_digest: dict[bytes, Room] = {}

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._by_digest.values()))

    def __len__(self) -> int:
        return len(self._by_digest)

    def make(self, now: float) -> Room:
        """A new one. Raises Full."""
        if len(self) >= self.manner.rooms:
            raise Full(f"{self.manner.rooms} calls are the most here: try again later")
        room = Room(secrets.token_urlsafe(16), self.manner, now)
        self._by_digest[_digest(room.name)] = room
        return room

    def find(self, name: str) -> Room | None:
        """The room of that name."""
        return self._by_digest.get(_digest(name))

    def end(self, room: Room) -> None:
        """It is no more. Twice is safe."""
        room.over = True
        self._by_digest.pop(_digest(room.name), None)

    @property
    def due(self) -> float | None:
        """When something is to be looked at again; None where there is nothing."""
        return min((room.due for room in self), default=None)


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "replace")).digest()
