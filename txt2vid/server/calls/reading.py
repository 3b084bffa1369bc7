"""What members of calls say, for those of them who read along: told over their own connections, as it is said."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from txt2vid.core.callwire import Said, Unsaid
from txt2vid.core.captions import Caption
from txt2vid.server.calls.rooms import Rooms
from txt2vid.server.hub import Hub
from txt2vid.server.session import ZERO

if TYPE_CHECKING:
    from txt2vid.server.calls.calls import Caller

MS = 3  # decimals of a second


class Reading:
    """Who reads along. rooms, callers: all of them, callers by their ids; both may change."""

    def __init__(self, hub: Hub, rooms: Rooms, callers: Mapping[str, Caller]) -> None:
        self._hub, self._rooms, self._callers = hub, rooms, callers
        self._readers: set[str] = set()  # ids
        hub.sessions.overheard = self._overheard

    def turn(self, who: str, *, on: bool) -> None:
        """A caller wants captions from now on, or none any more."""
        if on:
            self._readers.add(who)
        else:
            self._readers.discard(who)

    def _overheard(self, name: str, said: Caption | float) -> None:
        """Something is going to be said in a member's session, or nothing from a moment on."""
        session = self._hub.sessions.by_name.get(name)
        rooms = (room for room in self._rooms if any(each.session == name for each in room.members.values()))
        room = next(rooms, None)
        if room is None or session is None:
            return
        if isinstance(said, Caption):
            words = tuple((round(word.start, MS), word.text) for word in said.words)
            now = session.time(time.monotonic())
            start, stop = round(said.start, MS), round(said.stop, MS)
            message: Said | Unsaid = Said(name, start, stop, words, start if now is None else round(now, MS), -ZERO)
        else:
            message = Unsaid(name, round(said, MS))
        for who in room.members:
            if who in self._readers and who in self._callers:
                self._callers[who].tell(message)
