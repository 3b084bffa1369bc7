"""POST /mesh/peers: cameras that come by WebRTC. Needs the transport "webrtc"; without it the answer is 501."""

from __future__ import annotations

import json
import logging
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from txt2vid.core.checks import WireError
from txt2vid.pipeline.observing import Key, Looked, Want
from txt2vid.server import limits
from txt2vid.server.bodies import SDP, Answer, text_of
from txt2vid.server.logs import say
from txt2vid.server.mesh.cameras import Camera, Cameras, soon
from txt2vid.server.seat import Refused
from txt2vid.transports.forward import Forwarder
from txt2vid.transports.signalling import OfferRefused

_log = logging.getLogger(__name__)
BYE_SECONDS = 0.5  # for the last word, which goes over a channel that is closed with the peer
_STATUS = {"full": 503, "engine": 503, "stopping": 503}


class PeerCamera(Camera):
    """One of them."""

    def __init__(self, cameras: Cameras) -> None:
        super().__init__(cameras)
        self.id = secrets.token_urlsafe(16)
        self.peer: Any = None
        self.forwarder: Forwarder | None = None

    def with_pictures(self) -> None:
        """Its pictures go back."""
        send = self._cameras.observers.send
        self.forwarder = Forwarder(
            lambda codecs, bitrate: void(send(Want(self.number, codecs, bitrate))),
            lambda _codec: void(send(Key(self.number))),
            limits.MESH_BITRATE,
        )

    def seen(self, picture: Any, captured: float) -> None:
        """A picture came (transports.assembly.Coded)."""
        if not self.show(picture.codec, picture.data, captured, key=picture.key):
            self.lost()  # those that come after it need it

    def heard(self, text: str | bytes) -> None:
        """Something came over the data channel."""
        try:
            self.tune(text)
        except WireError as err:
            self.bye(f"{err}.")

    def looked(self, seen: Looked) -> None:
        """Landmarks, and a picture, go back."""
        if self.peer is None:
            return
        self.peer.send(seen.message)
        if seen.picture is not None and self.forwarder is not None:
            self.forwarder.push((seen.picture,), ())

    def lost(self) -> None:
        """A key is needed."""
        if self.peer is not None:
            self.peer.ask_key()

    def bye(self, why: str) -> None:
        """The last word, and the end."""
        if self.peer is not None:
            self.peer.send(json.dumps({"bye": why}))
            soon(lambda: self.peer.close(why), BYE_SECONDS)

    def cut(self, why: str) -> None:
        """The page connects again."""
        self.leave()
        if self.peer is not None:
            self.peer.close(why)


def void(_sent: object) -> None:
    """Whether it was sent does not matter: a tracker that is gone tells by itself."""


class MeshPeers:
    """All of a server. peers: transports.webrtc.Peers, once it is loaded."""

    def __init__(self, cameras: Cameras) -> None:
        self.peers: Any = None
        self.why_not = ""
        self._cameras = cameras
        self._by_id: dict[str, PeerCamera] = {}

    def use(self, peers: Any, why_not: str) -> None:
        """The transport is loaded, or cannot be."""
        self.peers, self.why_not = peers, why_not

    async def open(self, request: Request) -> Response:
        """Answers an offer."""
        if self.why_not:
            return PlainTextResponse(f"{self.why_not}\n", 501)
        try:
            if self.peers is None:
                raise Refused("engine", "the server is starting: try again in a moment")
            self._cameras.check_room()
            offer = await text_of(request, SDP)
            camera = await self._opened(offer, annotated=request.query_params.get("annotated") == "1")
        except Answer as given:
            return given.response
        except Refused as err:
            return PlainTextResponse(f"{err}\n", _STATUS.get(err.code, 400), headers={"Retry-After": "10"})
        say(_log, "camera connects", annotated=camera.annotated)
        place = {"Location": f"/mesh/peers/{camera.id}", "Cache-Control": "no-store"}
        return Response(camera.peer.answer, 201, place, SDP)

    async def close(self, request: Request) -> Response:
        """DELETE: it hangs up, and may have gone before."""
        camera = self._by_id.get(request.path_params["id"])
        if camera is not None:
            camera.peer.close("it was ended by its peer")
            await camera.peer.wait()
        return Response(status_code=200)

    async def _opened(self, offer: str, *, annotated: bool) -> PeerCamera:
        camera = PeerCamera(self._cameras)
        await self._cameras.enter(camera, annotated=annotated)
        if annotated:
            camera.with_pictures()

        def ended(why: str) -> None:
            self._by_id.pop(camera.id, None)
            camera.leave()
            say(_log, "camera gone", why=why)

        try:
            camera.peer = await self.peers.look(offer, camera.seen, camera.heard, camera.forwarder, ended)
        except OfferRefused as err:
            camera.leave()
            raise Answer(400 if err.acceptable else 422, str(err)) from err
        except BaseException:
            camera.leave()
            raise
        self._by_id[camera.id] = camera
        return camera
