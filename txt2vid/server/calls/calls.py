"""All calls of a server: rooms as `rooms.py` decides, sessions and passes for their members, and who is told what."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator

from txt2vid.core import callwire
from txt2vid.core.callwire import CallError, Heroes, InRoom, Join, Lobby, RelayMessage, Welcome
from txt2vid.core.expressions import Cue
from txt2vid.core.tasks import within
from txt2vid.errors import Txt2VidError
from txt2vid.server import limits
from txt2vid.server.calls.gallery import Gallery
from txt2vid.server.calls.reading import Reading
from txt2vid.server.calls.rooms import Full, Manner, Member, Room, Rooms
from txt2vid.server.hub import Hub
from txt2vid.server.logs import say
from txt2vid.server.rates import Addresses, Bucket
from txt2vid.server.seat import Refused

_log = logging.getLogger(__name__)

IceServers = Callable[[], list[dict[str, str]]]
"""Gives what RTCPeerConnection takes as iceServers; called for each member, whose credentials may be its own."""


class Caller(ABC):
    """One who calls: a websocket. None of its methods waits."""

    @abstractmethod
    def tell(self, message: RelayMessage) -> None:
        """Something that it should know."""

    @abstractmethod
    def dismiss(self, code: str, message: str) -> None:
        """The connection ends, for a reason of callwire.CLOSE_CODES."""

    @abstractmethod
    def bye(self, why: str) -> None:
        """The call is over for it."""


class Calls:
    """All rooms of a server. Use it from one event loop; `close` it in the end.

    refused: pictures that were not taken, by a word that says why. connected: callers, joined or not.
    """

    def __init__(self, hub: Hub, manner: Manner | None = None, ice_servers: IceServers = list) -> None:
        self.rooms = Rooms(manner)
        self.gallery = Gallery(hub)
        self.connected: set[Caller] = set()  # at most MAX_CALLERS (live.py)
        self.refused: Counter[str] = Counter()
        self._hub, self._ice_servers = hub, ice_servers
        self._callers: dict[str, Caller] = {}  # by their ids, in rooms and lobbies
        self.reading = Reading(hub, self.rooms, self._callers)
        self._choosing: dict[str, asyncio.Task[None]] = {}  # by members' ids: faces that are made ready for them
        self._making = Bucket(limits.ROOMS_A_SECOND, limits.ROOMS_BURST, 0.0)
        self._guesses = Addresses(limits.GUESSES_A_SECOND, limits.GUESSES_BURST, limits.MAX_GUESSERS)
        self._timer: asyncio.TimerHandle | None = None

    # Rooms

    def make(self) -> Room:
        """A new room. Raises Refused "full" or "rate"."""
        now = self._now()
        if self._hub.state == "stopping":
            raise Refused("stopping", "the server is going down")
        if not self._making.take(1, now):
            raise Refused("rate", "too many calls are begun: try again in a moment")
        try:
            room = self.rooms.make(now)
        except Full as err:
            raise Refused("full", str(err)) from err
        say(_log, "call made", call=room.label, calls=len(self.rooms))
        self._arm()
        return room

    def find(self, name: str, address: str) -> Room:
        """The room of that name, for whoever asks from that address. Raises Refused "room", or "rate" at a guesser."""
        room = self.rooms.find(name)
        if room is not None:
            return room
        if not self._guesses.take(address, self._now()):
            raise Refused("rate", "too many calls that are not there were asked for: try again later")
        raise Refused("room", "there is no such call, or it is over: ask for a new link")

    # Members

    def join(self, room: Room, caller: Caller, wanted: Join) -> str:
        """Somebody comes in, comes back, or waits in the lobby; its id. Raises Refused where that cannot be."""
        if room.over or self._hub.state == "stopping":
            raise Refused("room", "the call is over")
        member = room.back(wanted.resume)
        if member is not None:
            before = self._callers.get(member.id)
            self._callers[member.id] = caller
            if before is not None:
                before.dismiss("replaced", "another connection of this caller has taken over")
            self._welcome(room, member)
            self._changed(room)
            return member.id
        hero = wanted.hero or self._hub.faces.first
        known = self.gallery.shows(room, hero)
        try:
            place = room.enter(callwire.caller(wanted.name), hero if known else self._hub.faces.first)
        except Full as err:
            raise Refused("full", str(err)) from err
        self._callers[place.id] = caller
        if isinstance(place, Member):
            self._seat(room, place)
        if not known:
            caller.tell(CallError("hero", f"there is no hero {hero!r} in this call: choose another", warning=True))
        self._changed(room)
        return place.id

    def mute(self, room: Room, who: str, *, on: bool) -> None:
        """A member's microphone."""
        member = room.members.get(who)
        if member is not None and member.muted is not on:
            member.muted = on
            self._changed(room)

    def express(self, room: Room, who: str, shown: Cue) -> None:
        """A member's face shows this; all are told of moods that stay."""
        member = room.members.get(who)
        session = None if member is None else self._hub.sessions.by_name.get(member.session)
        if member is not None and session is not None and self._hub.sessions.express(session, shown):
            member.expression = session.expression
            self._changed(room)

    def choose(self, room: Room, who: str, hero: str) -> None:
        """Another face for a member, once it is ready; all are told then. The newest choice counts."""
        member = room.members.get(who)
        if member is None:
            return
        if who in self._choosing:
            self._choosing[who].cancel()
        task = asyncio.get_running_loop().create_task(self._choose(room, member, hero), name="choose hero")
        self._choosing[who] = task
        task.add_done_callback(lambda done: self._chosen(who, done))

    def leave(self, room: Room, who: str, caller: Caller, *, broken: bool) -> None:
        """A caller is gone; nothing where another connection has taken its place. broken: the place is kept."""
        if self._callers.get(who) is not caller:
            return
        del self._callers[who]
        self.reading.turn(who, on=False)
        if broken:
            room.lost(who, self._now())
        else:
            self._gone(room, who)
        self._changed(room)

    def tell_heroes(self, room: Room) -> None:
        """Somebody has brought a picture."""
        for caller in list(self._in(room)):
            caller.tell(Heroes(self.gallery.of(room)))

    # The end

    def stop(self) -> None:
        """All calls end: the server goes down."""
        for room in self.rooms:
            self._end(room, "stopping")
        for caller in self.connected:
            caller.dismiss("stopping", "the server is going down")
        if self._timer is not None:
            self._timer.cancel()

    async def close(self) -> None:
        """After `stop`: nothing that callers brought is left."""
        await self.gallery.close()

    def _end(self, room: Room, why: str) -> None:
        self.rooms.end(room)
        for who in [*room.members, *(guest.id for guest in room.lobby)]:
            caller = self._callers.pop(who, None)
            if caller is not None:
                caller.bye(why)
            self._gone(room, who)
        self.gallery.empty(room)
        say(_log, "call over", call=room.label, why=why, calls=len(self.rooms))

    # How

    def _in(self, room: Room) -> Iterator[Caller]:
        """The connections of all members, not of the lobby."""
        for who in room.members:
            if who in self._callers:
                yield self._callers[who]

    def _seat(self, room: Room, member: Member) -> None:
        """A session and a pass for one who has got a place; where the server has no session left, it is gone again."""
        sessions, caller = self._hub.sessions, self._callers.get(member.id)
        sessions.private[member.session] = member.hero
        member.token = self._hub.passes.issue(room.name, member.session)
        try:
            sessions.add(member.session, member.hero, standing=False)
        except Refused as err:
            self._gone(room, member.id)
            self._callers.pop(member.id, None)
            if caller is not None:
                caller.dismiss(err.code, str(err))
            return
        say(_log, "caller joined", call=room.label, members=len(room.members))
        self._welcome(room, member)

    def _welcome(self, room: Room, member: Member) -> None:
        ice = tuple(self._ice_servers())
        self._callers[member.id].tell(
            Welcome(
                member.id,
                member.session,
                member.token,
                member.resume,
                member.hero,
                ice,
                self.gallery.of(room),
                self.rooms.manner.takes,
            )
        )

    def _gone(self, room: Room, who: str) -> None:
        """One who does not come back: the pass dies, and the session with all that watch it."""
        member = room.leave(who, self._now())
        self.reading.turn(who, on=False)
        if who in self._choosing:
            self._choosing[who].cancel()
        if member is None:
            return
        self._hub.passes.revoke(member.session)
        self._hub.sessions.private.pop(member.session, None)
        session = self._hub.sessions.by_name.get(member.session)
        if session is not None:
            self._hub.sessions.close(session, "session", "its caller has left")
        say(_log, "caller left", call=room.label, members=len(room.members))

    def _changed(self, room: Room) -> None:
        """Lets in who waits, and tells everybody how the room is now."""
        for member in room.admit():
            self._seat(room, member)
        state = InRoom(tuple(member.seen() for member in room.members.values()))
        for caller in list(self._in(room)):
            caller.tell(state)
        for position, guest in enumerate(room.lobby, 1):
            if guest.id in self._callers:
                self._callers[guest.id].tell(Lobby(position))
        self._arm()

    async def _choose(self, room: Room, member: Member, hero: str) -> None:
        """Waits for the face, which may take a while (a video), and shows it."""
        try:
            if not self.gallery.shows(room, hero):
                raise Refused("face", f"there is no hero {hero!r} in this call: choose another")
            await within(self._show(member, hero), limits.OPEN_SECONDS)
        except (Refused, Txt2VidError, asyncio.TimeoutError) as err:
            words = str(err) if isinstance(err, Refused) else f"the hero {hero!r} cannot be drawn: choose another"
            caller = self._callers.get(member.id)
            if caller is not None:
                caller.tell(CallError("hero", words, warning=True))
            return
        self._changed(room)

    async def _show(self, member: Member, hero: str) -> None:
        sessions = self._hub.sessions
        await self._hub.faces.ready(hero)
        session = sessions.by_name.get(member.session)
        if session is not None:
            await sessions.change_face(session, hero)
            session.home = hero
        if member.session in sessions.private:
            sessions.private[member.session] = member.hero = hero

    def _chosen(self, who: str, task: asyncio.Task[None]) -> None:
        if self._choosing.get(who) is task:
            del self._choosing[who]
        if not task.cancelled() and task.exception() is not None:
            _log.error("a hero could not be chosen", exc_info=task.exception())

    def _arm(self) -> None:
        """Has the next thing that is due looked at."""
        if self._timer is not None:
            self._timer.cancel()
        due = self.rooms.due
        self._timer = None if due is None else asyncio.get_running_loop().call_at(due, self._sweep)

    def _sweep(self) -> None:
        now = self._now()
        for room in self.rooms:
            if now >= room.ends:
                self._end(room, "over")
                continue
            overdue = room.overdue(now)
            for member in overdue:
                self._gone(room, member.id)
            if overdue:
                self._changed(room)
        self._arm()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
