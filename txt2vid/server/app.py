"""What is served: the routes, and small handlers that ask the hub."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from txt2vid import __version__
from txt2vid.server import limits
from txt2vid.server.auth import Access, bearer
from txt2vid.server.bodies import Answer
from txt2vid.server.calls.calls import Calls
from txt2vid.server.calls.routes import routes as call_routes
from txt2vid.server.captions import Captions, captions_response
from txt2vid.server.expressing import asked_for
from txt2vid.server.guard import Guard, token
from txt2vid.server.hub import Hub
from txt2vid.server.mesh.routes import Mesh
from txt2vid.server.meshviewer import MeshViewer, rig_response
from txt2vid.server.metrics import Metrics
from txt2vid.server.seat import Refused
from txt2vid.server.session import STREAMS, describe_asleep
from txt2vid.server.speak import Speaker
from txt2vid.server.streaming import stream_response
from txt2vid.server.voice import Voice
from txt2vid.server.whip import Whip
from txt2vid.transports.broadcast import Broadcaster

PAGES = Path(__file__).parent / "pages"
_STATUS = {"session": 404, "full": 503, "engine": 503, "stopping": 503, "face": 500}
_STATUS |= {"call": 403, "expression": 422, "rate": 429}
_AGAIN = {503: round(limits.WATCH_LINGER), 429: 1}  # seconds
_WORDS = {404: "there is nothing here: / is the page, /stream.ts the stream, /api/sessions lists sessions"}

Handler = Callable[[Request], Awaitable[Response]]


def build(hub: Hub, access: Access, voice: Voice, whip: Whip, calls: Calls, mesh: Mesh) -> Starlette:
    """The application. voice: who speaks texts that name none."""
    server = _Server(hub, access, voice, calls, mesh)
    assets = {f"/{file.name}": file for file in sorted(PAGES.iterdir()) if file.suffix != ".py" and file.is_file()}
    open_paths = frozenset(["/", "/healthz", *assets])
    app = Starlette(
        routes=[*server.routes(assets), *whip.routes()],
        middleware=[
            *_sharing(access),
            Middleware(Guard, access=access, open_paths=open_paths, passes=hub.passes),
        ],
        exception_handlers={HTTPException: _sorry},
    )
    app.router.redirect_slashes = False  # it would answer with a Location made of whatever Host was sent
    return app


class _Server:
    def __init__(self, hub: Hub, access: Access, voice: Voice, calls: Calls, mesh: Mesh) -> None:
        self._hub, self._access, self._voice, self._calls = hub, access, voice, calls
        self._mesh = mesh
        self._metrics = Metrics(hub, calls, mesh.cameras)

    def routes(self, assets: dict[str, Path]) -> list[BaseRoute]:
        """All of them; a route for GET answers HEAD as well."""
        return [
            Route("/", _file(PAGES / "index.html")),
            *(Route(path, _file(file)) for path, file in assets.items()),
            Mount("/static", StaticFiles(directory=PAGES)),
            *(Route(f"/stream.{container}", self._stream(container)) for container in STREAMS),
            *(Route(f"/s/{{session}}/stream.{container}", self._stream(container)) for container in STREAMS),
            Route("/s/{session}/face", _file(PAGES / "face.html")),
            Route("/s/{session}/rig/{number}", self.rig),
            WebSocketRoute("/s/{session}/mesh", self.mesh),
            Route("/captions", self.captions),
            Route("/s/{session}/captions", self.captions),
            Route("/speak", _upgrade),
            WebSocketRoute("/speak", self.speak),
            *call_routes(self._calls, self._hub, _file(PAGES / "call.html"), self._metrics.refused),
            *self._mesh.routes(_file(PAGES / "mesh.html")),
            Route("/healthz", self.health),
            Route("/metrics", self.metrics),
            Route("/api/sessions", self.sessions),
            Route("/api/sessions/{session}", self.session),
            Route("/api/sessions/{session}/expression", self.express, methods=["POST"]),
        ]

    async def health(self, request: Request) -> Response:
        """200 where sessions can run."""
        del request
        state = self._hub.state
        body = {
            "status": state,
            "version": __version__,
            "sessions": len(self._hub.sessions.by_name),
            "viewers": self._hub.viewers(),
            "engine": self._hub.studios.drawing.engine,
        }
        return JSONResponse(body, 200 if state == "ok" else 503, headers={"Cache-Control": "no-store"})

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        del request
        return Response(self._metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def sessions(self, request: Request) -> Response:
        """All that can be watched. may_speak: in those that are of no call, whoever asked.

        watch_token: for a link to give away, told to who may speak.
        """
        clock = time.monotonic()
        found = [
            session.describe(clock) if session else describe_asleep(name, clock) for name, session in self._hub.names()
        ]
        may_speak = self._may_speak(request, None)
        body = {
            "sessions": found,
            "may_speak": may_speak,
            "watch_token": self._access.for_viewers if may_speak else None,
        }
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    async def session(self, request: Request) -> Response:
        """One of them."""
        name = request.path_params["session"]
        try:
            session = self._hub.find(name)
        except Refused as err:
            return _refused(err)
        clock = time.monotonic()
        body = session.describe(clock) if session else describe_asleep(name, clock)
        body["may_speak"] = self._may_speak(request, name)
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    async def express(self, request: Request) -> Response:
        """A face shows something; the answer tells the mood that stays."""
        try:
            session = self._hub.express(request.path_params["session"], await asked_for(request))
        except Refused as err:
            return _refused(err)
        except Answer as given:
            return JSONResponse({"error": str(given), "code": "protocol"}, given.response.status_code)
        return JSONResponse({"expression": session.expression}, headers={"Cache-Control": "no-store"})

    def _may_speak(self, request: Request, name: str | None) -> bool:
        """Whether whoever asked may speak in that session, or (None) in those that are of no call."""
        tokens = bearer(request.headers.get("authorization")), token(request.scope)
        if name is not None and self._hub.passes.is_private(name):
            return self._hub.passes.holder(name, "speak", tokens) is not None
        return self._access.knows(*tokens)

    def _stream(self, container: str) -> Handler:
        async def stream(request: Request) -> Response:
            name = request.path_params.get("session")
            try:
                if self._hub.state == "starting":
                    raise Refused("engine", "the server is starting: try again in a moment")
                if request.method == "HEAD":
                    session = self._hub.find(name)  # nothing is drawn for it
                    broadcaster = session.broadcaster if session else Broadcaster()
                else:
                    broadcaster = (await self._hub.watch(name)).broadcaster
            except Refused as err:
                self._metrics.refused(err.code)
                return _refused(err)
            return stream_response(request, broadcaster, container)

        return stream

    async def captions(self, request: Request) -> Response:
        """What is said, word by word, as it is said."""
        name = request.path_params.get("session")
        try:
            if request.method == "HEAD":
                self._hub.find(name)  # raises
                return captions_response(request, Captions())
            session = self._hub.read_along(name)
        except Refused as err:
            self._metrics.refused(err.code)
            return _refused(err)
        return captions_response(request, session.captions, session.time(time.monotonic()))

    async def rig(self, request: Request) -> Response:
        """The face of a session, for those who draw it themselves."""
        try:
            session = self._hub.find(request.path_params["session"])
        except Refused as err:
            return _refused(err)
        return rig_response(session, request.path_params["number"])

    async def mesh(self, websocket: WebSocket) -> None:
        """One who draws the face itself."""
        viewer = MeshViewer(websocket, self._hub)
        await viewer.run()
        if viewer.refused is not None:
            self._metrics.refused(viewer.refused)

    async def speak(self, websocket: WebSocket) -> None:
        """A sender."""
        speaker = Speaker(websocket, self._hub, self._access, self._voice)
        try:
            await speaker.run()
        finally:
            if speaker.refused is not None:
                self._metrics.refused(speaker.refused)


def _sharing(access: Access) -> list[Middleware]:
    """Lets pages of the sites that --allow-origin names read answers, too (CORS), where there are such sites."""
    if not access.origins:
        return []
    hosts = "|".join(re.escape(origin) for origin in sorted(access.origins))
    return [
        Middleware(
            CORSMiddleware,
            allow_origin_regex=f"(https?://)?({hosts})",
            allow_methods=["GET", "POST", "PATCH", "DELETE", "OPTIONS"],
            allow_headers=["Authorization", "Content-Type", "If-Match"],
            expose_headers=["Location", "ETag", "Link", "Accept-Patch"],
        )
    ]


def _file(path: Path) -> Handler:
    async def page(request: Request) -> Response:
        del request
        return FileResponse(path, headers={"Cache-Control": "no-cache"})  # asked for again, and 304 where unchanged

    return page


async def _upgrade(request: Request) -> Response:
    del request
    words = "this is a websocket: use txt2vid send"
    return PlainTextResponse(f"{words}\n", 426, headers={"Upgrade": "websocket", "Connection": "Upgrade"})


async def _sorry(request: Request, error: Exception) -> Response:
    """404 and 405 in one line."""
    del request
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    words = _WORDS.get(status, "this cannot be done")
    if status == 405:
        posts = "POST" in (headers or {}).get("Allow", "")
        words = "this is to be sent something: use POST" if posts else "this is only to be read: use GET"
    return PlainTextResponse(f"{words}\n", status, headers=headers)


def _refused(err: Refused) -> Response:
    status = _STATUS.get(err.code, 400)
    headers = {"Retry-After": str(_AGAIN[status])} if status in _AGAIN else None
    return JSONResponse({"error": str(err), "code": err.code}, status, headers=headers)
