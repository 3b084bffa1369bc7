"""The routes of the mesh page. It opens for everybody; cameras need the server's token, where it has one, or the key
of a link that somebody with the token has shared.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable

import segno
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from txt2vid.core.landmarkwire import MAX_FACES
from txt2vid.server.auth import bearer
from txt2vid.server.ice import IceServers
from txt2vid.server.mesh.cameras import Cameras
from txt2vid.server.mesh.frames import Frames
from txt2vid.server.mesh.peers import MeshPeers
from txt2vid.server.mesh.topology import topology

Handler = Callable[[Request], Awaitable[Response]]
_NO = "this needs the server's token, or a link that somebody who has it has shared"


class Mesh:
    """The page and what belongs to it."""

    def __init__(self, cameras: Cameras, servers: IceServers) -> None:
        self.cameras = cameras
        self.peers = MeshPeers(cameras)
        self._servers = servers

    def routes(self, page: Handler) -> list[BaseRoute]:
        """All of them. page: what browsers are shown."""
        return [
            Route("/mesh", page),
            Route("/mesh/about", self._asking(self.about)),
            Route("/mesh/link.svg", self._asking(self.code)),
            Route("/mesh/topology", self.topology),
            Route("/mesh/peers", self._asking(self.peers.open), methods=["POST"]),
            Route("/mesh/peers/{id}", self.peers.close, methods=["DELETE"]),
            Route("/mesh/frames", _upgrade),
            WebSocketRoute("/mesh/frames", self.frames),
        ]

    async def about(self, request: Request) -> Response:
        """What the page needs to know: where to share, and how to connect."""
        return JSONResponse(
            {
                "link": self._link(request),
                "iceServers": self._servers.for_peers(),
                "maxFaces": MAX_FACES,
                "fps": self.cameras.observers.fps(),
            },
            headers={"Cache-Control": "no-store"},
        )

    async def code(self, request: Request) -> Response:
        """The link as a QR code (ISO/IEC 18004), for a telephone to be held before it."""
        drawn = io.BytesIO()
        segno.make(self._link(request), error="m", micro=False).save(
            drawn, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, omitsize=True
        )
        return Response(drawn.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})

    async def topology(self, request: Request) -> Response:
        """Which landmarks are joined by lines and triangles."""
        del request
        return JSONResponse(await asyncio.to_thread(topology), headers={"Cache-Control": "public, max-age=3600"})

    async def frames(self, websocket: WebSocket) -> None:
        """A camera where UDP is blocked."""
        allowed = self.cameras.knows(
            bearer(websocket.headers.get("authorization")), websocket.query_params.get("token")
        )
        annotated = websocket.query_params.get("annotated") == "1"
        await Frames(websocket, self.cameras).run(allowed=allowed, annotated=annotated)

    def _link(self, request: Request) -> str:
        """The page's address as this browser has it, and what opens it."""
        url = request.url.replace(path="/mesh", query="", fragment="")
        annotated = request.query_params.get("annotated") == "1"
        key = self.cameras.key
        query = "&".join([*(["annotated=1"] if annotated else []), *([f"token={key}"] if key else [])])
        return str(url.replace(query=query))

    def _asking(self, handler: Handler) -> Handler:
        """The handler, for those who have the token or the key."""

        async def answer(request: Request) -> Response:
            tokens = bearer(request.headers.get("authorization")), request.query_params.get("token")
            if not self.cameras.knows(*tokens):
                return PlainTextResponse(f"{_NO}\n", 401, headers={"WWW-Authenticate": 'Bearer realm="txt2vid"'})
            return await handler(request)

        return answer


async def _upgrade(request: Request) -> Response:
    del request
    return PlainTextResponse(
        "this is a websocket: open /mesh\n", 426, headers={"Upgrade": "websocket", "Connection": "Upgrade"}
    )
