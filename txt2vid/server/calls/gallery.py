"""The heroes of rooms: the server's faces, and those that callers brought, which are a room's own and end with it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from txt2vid.core.callwire import Hero
from txt2vid.core.tasks import within
from txt2vid.errors import FaceError, Txt2VidError
from txt2vid.server import limits
from txt2vid.server.calls.rooms import Full, Room
from txt2vid.server.calls.uploads import Busy, Pictures, Unfit
from txt2vid.server.hub import Hub
from txt2vid.server.logs import say
from txt2vid.server.seat import Refused

_log = logging.getLogger(__name__)


class Gallery:
    """All heroes of all rooms; `close` it in the end."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._pictures = hub, Pictures()

    def of(self, room: Room) -> tuple[Hero, ...]:
        """All that may be chosen in a room."""
        return tuple(_hero(room, name) for name in [*self._hub.faces.options, *room.uploads])

    def shows(self, room: Room, name: str) -> bool:
        """Whether a hero may be chosen there."""
        return name in self._hub.faces or name in room.uploads

    async def bring(self, room: Room, data: bytes) -> Hero:
        """A picture becomes a hero of the room. Raises Refused "full", or "room" where that has ended; Unfit, Busy."""
        try:
            name = room.bring()
        except Full as err:
            raise Refused("full", str(err)) from err
        path: Path | None = None
        good = False
        try:
            path = await self._pictures.keep(data, name)
            await self._prepare(name, path)
            if room.over:
                raise Refused("room", "the call is over")
            good = True
        finally:
            room.brought(name, good=good)
            if not good:
                self._drop(name, path)
        return _hero(room, name)

    async def small(self, room: Room, name: str) -> bytes:
        """A small JPEG of a hero. Raises Refused "hero" where the room has none of that name, Busy."""
        options = self._hub.faces.found(name)
        if options is None or not self.shows(room, name):
            raise Refused("hero", "there is no such hero in this call")
        try:
            return await self._pictures.small(options.path)
        except Txt2VidError as err:
            say(_log, "picture failed", logging.WARNING, why=str(err))
            raise Refused("hero", "this hero has no picture that can be read") from err

    def empty(self, room: Room) -> None:
        """The room has ended: what was brought into it is deleted."""
        for name in room.uploads:
            options = self._hub.faces.found(name)
            self._drop(name, options.path if options else None)
        room.uploads.clear()

    async def close(self) -> None:
        """Nothing that callers brought is left."""
        await self._pictures.close()

    def _drop(self, name: str, path: Path | None) -> None:
        self._hub.faces.remove(name)
        self._hub.studios.forget(name)
        if path is not None:
            self._pictures.drop(path)

    async def _prepare(self, name: str, path: Path) -> None:
        """Has the studios look for the face. Raises Unfit where there is none."""
        faces = self._hub.faces
        faces.add(name, faces.like_first(path))
        try:
            await within(faces.ready(name), limits.OPEN_SECONDS)
        except FaceError as err:
            raise Unfit("no face was found in the picture: take a larger one, seen from the front") from err
        except Txt2VidError as err:
            raise Unfit("the picture cannot be drawn: send another one") from err
        except asyncio.TimeoutError as err:
            raise Busy("the picture could not be looked at in time: try again later") from err


def _hero(room: Room, name: str) -> Hero:
    return Hero(name, f"/call/{room.name}/heroes/{name}.jpg")
