"""WHIP and WHEP: microphones come in and sessions go out by WebRTC, each with one HTTP request (RFC 9725; draft-ietf-
wish-whep). Needs the transport "webrtc"; without it everything here answers 501.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from txt2vid import registry
from txt2vid.core.wire import AudioFormat, Error, Hello, Packet, ServerMessage, WireError, is_name
from txt2vid.errors import DependencyError
from txt2vid.pipeline.messages import Hear
from txt2vid.server import limits
from txt2vid.server.bodies import FRAGMENT, SDP, Answer, text_of
from txt2vid.server.calls.passes import HELD, Pass
from txt2vid.server.hub import Hub
from txt2vid.server.ice import IceServers
from txt2vid.server.logs import say
from txt2vid.server.rates import Allowance, packet_seconds
from txt2vid.server.seat import Refused, Sender
from txt2vid.server.session import Session
from txt2vid.transports.signalling import OfferRefused, credentials

_log = logging.getLogger(__name__)
OPUS = AudioFormat()
_STATUS = {"busy": 409, "session": 404, "face": 404, "full": 503, "engine": 503, "stopping": 503}

Handler = Callable[[Request], Awaitable[Response]]


class _Resource:
    """One WHIP or WHEP session: a peer, and what ends with it. tag: of its ICE session (RFC 9725, 4.3.1)."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.id, self.tag = secrets.token_urlsafe(16), f'"{secrets.token_hex(8)}"'
        self.peer: Any = None
        self.forget: Callable[[], None] | None = None  # the pass that it ends with

    def close(self, why: str) -> None:
        """Ends it soon."""
        if self.peer is not None:
            self.peer.close(why)

    def ends_with(self, held: Pass | None) -> None:
        """A pass of a call let it in, and once that dies, it is over."""
        if held is not None:
            self.forget = held.at_end(lambda: self.close("its pass has ended"))


class _Caller(Sender):
    """A microphone that came by WHIP."""

    def __init__(self, hub: Hub, resource: _Resource, label: str, hello: Hello) -> None:
        self.label = label
        self._hub, self._resource, self._hello = hub, resource, hello
        self._session: Session | None = None
        self._sitting: asyncio.Task[None] | None = None
        self._gone = False
        self._allowance = Allowance(_now())

    async def sit(self) -> None:
        """Takes the session's seat. Raises Refused.

        Where the same member of a call speaks on another line, it does so until the first packet comes on this one.
        """
        private = self._hello.session in self._hub.sessions.private
        taken = self._hub.sessions.by_name.get(self._hello.session or "")
        if private:
            self._hello = replace(self._hello, interrupt=True)
        if not private or taken is None or taken.seat.sender is None:
            await self._sit()

    async def _sit(self) -> None:
        self._session, _ = await self._hub.claim(self._hello, self)

    async def _take_over(self) -> None:
        try:
            await self._sit()
        except Refused as err:
            self.dismiss(err.code, str(err))

    def hear(self, position: int, payload: bytes) -> None:
        """A packet."""
        session = self._session
        if self._gone:
            return
        if session is None:
            if self._sitting is None:
                self._sitting = asyncio.get_running_loop().create_task(self._take_over(), name="take over")
            return
        try:
            self._allowance.message(_now())
            self._allowance.audio(packet_seconds(payload, OPUS), _now())
        except WireError as err:
            self.dismiss(err.code, str(err))
            return
        session.audio_bytes += len(payload)
        if not self._hub.send(Hear(session.name, Packet(session.epoch, position, payload)), droppable=True):
            session.refused += 1

    def leave(self) -> None:
        """Stands up; WHIP has no coming back to the same seat, but the same session can be had again."""
        self._gone = True
        if self._sitting is not None:
            self._sitting.cancel()
        if self._session is not None:
            self._hub.release(self._session, self, broken=False)
            self._session = None

    def tell(self, message: ServerMessage) -> None:
        """WHIP has no way to tell anything; what went wrong is logged."""
        if isinstance(message, Error):
            say(_log, "sender warned", sender=self.label, code=message.code, why=message.message)

    def dismiss(self, code: str, message: str) -> None:
        """The peer is closed; what it still sends is not heard: its positions are not those of who speaks now."""
        self._gone = True
        say(_log, "sender dismissed", sender=self.label, code=code, why=message)
        self._resource.close(message)


class Whip:
    """All WHIP and WHEP sessions of a server."""

    def __init__(self, hub: Hub, servers: IceServers, addresses: tuple[str, ...]) -> None:
        self._hub, self._servers = hub, servers
        self._resources: dict[str, _Resource] = {}
        self._ended: deque[tuple[str, str]] = deque(maxlen=limits.MAX_PEERS)  # session and id of those that ended last
        self._addresses, self.why_not = addresses, ""
        self.peers: Any = None  # once it is loaded

    async def start(self) -> None:
        """Loads the plugin: half a second, in which the studios start as well."""
        try:
            peers = await asyncio.to_thread(registry.load, "transport", "webrtc")
        except DependencyError as err:
            self.why_not = str(err)
        else:
            self.peers = peers(self._addresses)

    def routes(self) -> list[BaseRoute]:
        """For the application."""
        return [
            Route("/whip/{session}", self._answering(self.ingest), methods=["POST", "OPTIONS"]),
            Route("/whep/{session}", self._answering(self.play), methods=["POST", "OPTIONS"]),
            *(
                Route(f"/{kind}/{{session}}/{{id}}", self._answering(self.resource), methods=["PATCH", "DELETE"])
                for kind in ("whip", "whep")
            ),
        ]

    async def ingest(self, request: Request) -> Response:
        """A microphone."""
        name, face = request.path_params["session"], request.query_params.get("face")
        if not is_name(name):
            raise Answer(404, "a session's name has 1 to 64 of A-Z a-z 0-9 . _ -")
        offer = await self._offer(request)
        resource = _Resource(name)
        caller = _Caller(self._hub, resource, _label(request), Hello(session=name, face=face, audio=OPUS))
        await caller.sit()
        resource.peer = await self._opened(
            resource, self.peers.ingest(offer, caller.hear, self._ending(resource, caller)), caller
        )
        resource.ends_with(request.scope.get(HELD))
        return self._created(request, resource)

    async def play(self, request: Request) -> Response:
        """Somebody who watches."""
        offer = await self._offer(request)
        session = await self._hub.watch(request.path_params["session"])
        resource = _Resource(session.name)
        resource.peer = await self._opened(
            resource, self.peers.play(offer, session.forwarder, self._ending(resource, None)), None
        )
        resource.ends_with(request.scope.get(HELD))
        return self._created(request, resource)

    async def resource(self, request: Request) -> Response:
        """DELETE ends a session, also one that ended as its peer hung up just before; PATCH brings candidates."""
        place = (request.path_params["session"], request.path_params["id"])
        if request.method == "DELETE" and place in self._ended:
            return Response(status_code=200)
        resource = self._resources.get(place[1])
        if resource is None or resource.session != place[0] or resource.peer is None:
            raise Answer(404, "this session has ended: POST an offer to begin another")
        if request.method == "DELETE":
            resource.close("it was ended by its peer")
            await resource.peer.wait()
            return Response(status_code=200)
        return await self._patched(request, resource)

    def close(self, why: str) -> None:
        """Ends all."""
        for resource in list(self._resources.values()):
            resource.close(why)

    async def _patched(self, request: Request, resource: _Resource) -> Response:
        match = request.headers.get("if-match")
        fragment = await text_of(request, FRAGMENT)
        if match is None:
            raise Answer(428, "a PATCH needs If-Match with the session's ETag")
        ufrag, _ = credentials(fragment)
        try:
            if match.strip() == "*" and ufrag != resource.peer.remote_ufrag:  # a restart (RFC 9725, 4.3.3)
                answer = await resource.peer.restart(fragment)
                resource.tag = f'"{secrets.token_hex(8)}"'
                return Response(answer, 200, {"ETag": resource.tag}, FRAGMENT)
            if match.strip() not in ("*", resource.tag):
                raise Answer(412, "another ICE session runs: take the ETag of the last answer")
            await resource.peer.trickle(fragment)
        except OfferRefused as err:
            raise Answer(400 if err.acceptable else 422, str(err)) from err
        return Response(status_code=204)

    async def _opened(self, resource: _Resource, opening: Awaitable[Any], caller: _Caller | None) -> Any:
        try:
            peer = await opening
        except OfferRefused as err:
            if caller is not None:
                caller.leave()
            raise Answer(400 if err.acceptable else 422, str(err)) from err
        except BaseException:
            if caller is not None:
                caller.leave()
            raise
        self._resources[resource.id] = resource
        return peer

    def _ending(self, resource: _Resource, caller: _Caller | None) -> Callable[[str], None]:
        def ended(why: str) -> None:
            self._resources.pop(resource.id, None)
            self._ended.append((resource.session, resource.id))
            if resource.forget is not None:
                resource.forget()
            if caller is not None:
                caller.leave()
            say(_log, "peer gone", session=resource.session, speaks=caller is not None, why=why)

        return ended

    def _created(self, request: Request, resource: _Resource) -> Response:
        say(_log, "peer connects", session=resource.session, peer=_label(request))
        response = Response(resource.peer.answer, 201, media_type=SDP)
        response.headers["Location"] = f"{request.url.path}/{resource.id}"
        response.headers["ETag"] = resource.tag
        response.headers["Accept-Patch"] = FRAGMENT
        self._add_links(response)
        return response

    def _add_links(self, response: Response) -> None:
        for server in self._servers.now():
            response.headers.append("Link", server.link())

    async def _offer(self, request: Request) -> str:
        if len(self._resources) >= limits.MAX_PEERS:
            raise Refused("full", f"{limits.MAX_PEERS} peers are the most here: try again later")
        if self.peers is None or self._hub.state == "starting":
            raise Refused("engine", "the server is starting: try again in a moment")
        return await text_of(request, SDP)

    def _answering(self, handler: Handler) -> Handler:
        """The handler, with OPTIONS, and with everything that it can raise as an answer."""

        async def answer(request: Request) -> Response:
            if self.why_not:
                return PlainTextResponse(f"{self.why_not}\n", 501)
            if request.method == "OPTIONS":
                response = Response(status_code=204, headers={"Accept-Post": SDP, "Allow": "POST, OPTIONS"})
                self._add_links(response)
                return response
            try:
                return await handler(request)
            except Answer as given:
                return given.response
            except Refused as err:
                status = _STATUS.get(err.code, 400)
                headers = {"Retry-After": str(round(limits.WATCH_LINGER))} if status == 503 else None
                return PlainTextResponse(f"{err}\n", status, headers=headers)

        return answer


def _label(request: Request) -> str:
    return f"{request.client.host}:{request.client.port}" if request.client else "somebody"


def _now() -> float:
    return asyncio.get_running_loop().time()
