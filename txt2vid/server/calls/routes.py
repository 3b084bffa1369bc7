"""The routes of calls: their page, rooms that are made, callers who connect, and the pictures that they bring."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from txt2vid.core.callwire import Hero
from txt2vid.core.tasks import within
from txt2vid.server import limits
from txt2vid.server.auth import bearer
from txt2vid.server.calls.calls import Calls
from txt2vid.server.calls.live import Live
from txt2vid.server.calls.rooms import Room
from txt2vid.server.calls.uploads import Busy, Unfit
from txt2vid.server.hub import Hub
from txt2vid.server.logs import say
from txt2vid.server.seat import Refused

_STATUS = {"room": 404, "hero": 404, "full": 503, "stopping": 503, "rate": 429, "pass": 401, "large": 413, "slow": 408}
_AGAIN = {429: "10", 503: "10"}  # seconds
_KEPT = "private, max-age=3600"  # of small pictures: a name never gets another picture

_log = logging.getLogger(__name__)
OnRefused = Callable[[str], None]
Handler = Callable[[Request], Awaitable[Response]]


def routes(calls: Calls, hub: Hub, page: Handler, on_refused: OnRefused) -> list[BaseRoute]:
    """All of them. page: what browsers are shown. on_refused: called with the code of each websocket that was refused,
    for metrics.
    """
    served = _Routes(calls, hub, on_refused)
    return [
        Route("/call", served.make, methods=["POST"]),
        Route("/call", page),
        Route("/call/{room}", page),
        Route("/call/{room}/heroes", served.heroes),
        Route("/call/{room}/heroes", served.bring, methods=["POST"]),
        Route("/call/{room}/heroes/{hero}.jpg", served.picture),
        Route("/call/{room}/live", _upgrade),
        WebSocketRoute("/call/{room}/live", served.live),
    ]


def found(calls: Calls, request: Request) -> Room:
    """The room that a request's path names. Raises Refused, which `refused` makes an answer of."""
    return calls.find(request.path_params["room"], request.client.host if request.client else "")


def refused(err: Refused) -> Response:
    """An error as JSON."""
    status = _STATUS.get(err.code, 400)
    again = {"Retry-After": _AGAIN[status]} if status in _AGAIN else {}
    body = {"error": str(err), "code": err.code}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store", **again})


class _Routes:
    def __init__(self, calls: Calls, hub: Hub, on_refused: OnRefused) -> None:
        self._calls, self._hub, self._on_refused = calls, hub, on_refused
        self._uploading: Counter[str] = Counter()  # by the room's label; UPLOADING in all at most

    async def make(self, request: Request) -> Response:
        """A new room, for whoever has the server's token; the guard has looked."""
        del request
        try:
            room = self._calls.make()
        except Refused as err:
            return refused(err)
        url = f"/call/{room.name}"
        return JSONResponse({"room": room.name, "url": url}, 201, {"Location": url, "Cache-Control": "no-store"})

    async def live(self, websocket: WebSocket) -> None:
        """A caller."""
        caller = Live(websocket, self._calls)
        try:
            await caller.run()
        finally:
            if caller.refused is not None:
                self._on_refused(caller.refused)

    async def bring(self, request: Request) -> Response:
        """A picture that somebody in the room brings."""
        room: Room | None = None
        try:
            room = found(self._calls, request)
            self._check_pass(room, [bearer(request.headers.get("authorization"))])
            hero = await self._brought(room, request)
        except (Refused, Unfit, Busy) as err:
            code = err.code if isinstance(err, Refused) else "picture" if isinstance(err, Unfit) else "busy"
            if room is not None:
                self._calls.refused[code] += 1
                say(_log, "picture refused", call=room.label, code=code)
            return _answer(err)
        self._calls.tell_heroes(room)
        return JSONResponse(asdict(hero), 201, {"Location": hero.picture, "Cache-Control": "no-store"})

    async def heroes(self, request: Request) -> Response:
        """Who may be chosen by whoever has the link: the server's faces. What callers brought is shown to members."""
        try:
            room = found(self._calls, request)
        except Refused as err:
            return refused(err)
        shown = [asdict(hero) for hero in self._calls.gallery.of(room) if hero.name in self._hub.faces.options]
        return JSONResponse({"heroes": shown}, headers={"Cache-Control": "no-store"})

    async def picture(self, request: Request) -> Response:
        """A small picture of a hero; those that callers brought need a pass."""
        try:
            room = found(self._calls, request)
            tokens = [bearer(request.headers.get("authorization")), request.query_params.get("token")]
            if request.path_params["hero"] not in self._hub.faces.options:
                self._check_pass(room, tokens)
            data = await self._calls.gallery.small(room, request.path_params["hero"])
        except (Refused, Busy) as err:
            return _answer(err)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": _KEPT})

    def _check_pass(self, room: Room, tokens: list[str | None]) -> None:
        held = self._hub.passes.find(tokens)
        if held is None or held.room != room.name:
            raise Refused("pass", "this needs a pass of the call: join it first")

    async def _brought(self, room: Room, request: Request) -> Hero:
        now = asyncio.get_running_loop().time()
        if not room.pace.take(1, now):
            raise Refused("rate", "too many pictures at once: try again in a moment")
        uploading = self._uploading
        if uploading[room.label] >= limits.UPLOADING_IN_ROOM or uploading.total() >= limits.UPLOADING:
            raise Busy("too many pictures are on their way: try again in a moment")
        uploading[room.label] += 1
        try:
            data = await within(_body(request), limits.UPLOAD_SECONDS)
            return await self._calls.gallery.bring(room, data)
        except asyncio.TimeoutError as err:
            raise Refused("slow", "the picture did not come in time: send a smaller one") from err
        finally:
            uploading[room.label] -= 1
            if not uploading[room.label]:
                del uploading[room.label]


async def _body(request: Request) -> bytes:
    """The whole of it. Raises Refused "large" before it is read where it says so itself, or "slow" where it breaks."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limits.MAX_UPLOAD:
        raise _too_large()
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > limits.MAX_UPLOAD:
                raise _too_large()
    except ClientDisconnect as err:
        raise Refused("slow", "the picture did not come to its end: send it again") from err
    return bytes(data)


def _too_large() -> Refused:
    return Refused("large", f"the picture has more than {limits.MAX_UPLOAD >> 20} MB: send a smaller one")


def _answer(err: Refused | Unfit | Busy) -> Response:
    if isinstance(err, Refused):
        return refused(err)
    code, status = ("picture", 422) if isinstance(err, Unfit) else ("busy", 503)
    return JSONResponse({"error": str(err), "code": code}, status, headers={"Cache-Control": "no-store"})


async def _upgrade(request: Request) -> Response:
    del request
    words = "this is a websocket: open the call's page"
    return PlainTextResponse(f"{words}\n", 426, headers={"Upgrade": "websocket", "Connection": "Upgrade"})
