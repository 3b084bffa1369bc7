"""A caller for tests of the way: asks STUN and TURN servers for an address, and watches until a picture comes.

Part of the plugin `webrtc`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

import aioice
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcicetransport import connection_kwargs

from txt2vid.core.tasks import within
from txt2vid.errors import ServerError
from txt2vid.transports.offers import picture_codec
from txt2vid.transports.restart import Path

Server = tuple[str, str | None, str | None]  # URL, name, password


async def ice_server(url: str, username: str | None, credential: str | None, seconds: float) -> str:
    """What a STUN or TURN server gives. Raises ServerError where it gives nothing within so many seconds."""
    agent = aioice.Connection(ice_controlling=True, **connection_kwargs([RTCIceServer(url, username, credential)]))
    wanted = "relay" if url.startswith("turn") else "srflx"
    try:
        with contextlib.suppress(asyncio.TimeoutError):
            await within(agent.gather_candidates(), seconds)
        found = [candidate for candidate in agent.local_candidates if candidate.type == wanted]
    finally:
        await agent.close()
    if found:
        return f"{url} gives {found[0].host}"
    if wanted == "srflx" and agent.local_candidates:
        return f"{url} shows no other address than our own"
    raise ServerError(f"{url} gives no address: is it running, is its secret the server's, does UDP reach it?")


async def watch(
    answered: Callable[[str], tuple[str, str]],
    left: Callable[[str], None],
    servers: Sequence[Server],
    seconds: float,
    *,
    loopback: bool,
) -> str:
    """Watches by WHEP until a picture comes. answered: posts an offer, gives the answer and its place; left: leaves it.

    Raises ServerError where ICE finds no way, or no picture comes, within so many seconds.
    """
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[RTCIceServer(*server) for server in servers]))
    place, begun = "", time.monotonic()
    shown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    try:
        for kind in ("audio", "video"):
            transceiver = peer.addTransceiver(kind, "recvonly")
            Path(transceiver.receiver.transport.transport, ["127.0.0.1"] if loopback else [])
        peer.on("track", lambda track: asyncio.ensure_future(_first(track, shown)))
        await peer.setLocalDescription(await peer.createOffer())
        answer, place = await asyncio.to_thread(answered, peer.localDescription.sdp)
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await _connected(peer, seconds)
        connected = time.monotonic() - begun
        agent = peer.getTransceivers()[0].receiver.transport.transport._connection
        pair = next(iter(agent._nominated.values()))
        try:
            await within(shown, seconds)
        except asyncio.TimeoutError as err:
            raise ServerError("connected, but no picture can be decoded: look at the server's log") from err
        way = "through TURN" if "relay" in (pair.local_candidate.type, pair.remote_candidate.type) else "directly"
        return f"{picture_codec(answer)} and Opus, {way}, connected in {connected:.1f} s"
    finally:
        await peer.close()
        if place:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(left, place)


async def _connected(peer: RTCPeerConnection, seconds: float) -> None:
    end = time.monotonic() + seconds
    while peer.connectionState != "connected":
        if peer.connectionState in ("failed", "closed") or time.monotonic() > end:
            raise ServerError(
                "no way for UDP to the server: open its firewall, or give it a TURN server (serve --ice-server "
                "turn:…). Until then calls go over the websocket, half a second later"
            )
        await asyncio.sleep(0.02)


async def _first(track: object, shown: asyncio.Future[None]) -> None:
    """Tells of the first picture."""
    with contextlib.suppress(MediaStreamError):
        while getattr(track, "kind", "") == "video":
            await track.recv()  # type: ignore[attr-defined]
            if not shown.done():
                shown.set_result(None)
