"""What all WebRTC peers have in common: an offer that is answered, a path, an end. Part of the plugin `webrtc`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from aiortc import RTCConfiguration, RTCIceCandidate, RTCPeerConnection, RTCSessionDescription

from txt2vid.core.tasks import within
from txt2vid.transports import offers, restart
from txt2vid.transports.offers import Offer
from txt2vid.transports.restart import Path
from txt2vid.transports.signalling import OfferRefused, credentials

CONNECT_SECONDS = 15.0  # from the answer to the connection: two rounds of a browser's ICE checks
CLOSE_SECONDS = 5.0  # for a farewell to the peer

_log = logging.getLogger(__name__)


class Peer:
    """One connection. on_end(why) is called once, when it has ended, however that went."""

    def __init__(self, addresses: Sequence[str], on_end: Callable[[str], None]) -> None:
        self.answer = self.remote_ufrag = ""
        self.connected = False
        self._addresses, self._on_end = tuple(addresses), on_end
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.on("connectionstatechange", self._state_changed)
        self._candidates = 0
        self._paths: list[Path] = []
        self._ending: asyncio.Task[None] | None = None
        self._why = ""
        self._deadline: asyncio.TimerHandle | None = None

    async def open(self, offer: Offer) -> None:
        """Answers the offer; `answer` is the SDP then. Raises OfferRefused."""
        self.remote_ufrag, _ = credentials(offer.sdp)
        try:
            self._prepare(offer)
            await self._connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            self._refuse_rest()
            self._bind()
            await self._connection.setLocalDescription()
            self.answer = self._connection.localDescription.sdp
            self._agreed()
        except OfferRefused:
            await self._connection.close()
            raise
        except Exception as err:
            _log.debug("an offer failed", exc_info=True)
            await self._connection.close()
            why = " ".join(str(err).split()) or type(err).__name__
            raise OfferRefused(f"this offer cannot be answered ({why}): {self._wants}", acceptable=False) from err
        except BaseException:
            await self._connection.close()
            raise
        self._deadline = asyncio.get_running_loop().call_later(CONNECT_SECONDS, self._too_late)

    async def trickle(self, fragment: str) -> None:
        """More of the peer's candidates (RFC 8840). Raises OfferRefused."""
        found = self._counted(fragment)
        try:
            for path in self._paths:
                await path.add(found)
        except (ValueError, OSError) as err:
            raise OfferRefused(f"a candidate cannot be used ({err}): see RFC 8839, 5.1") from err

    async def restart(self, fragment: str) -> str:
        """The peer looks for another path, with new credentials; gives ours. Raises OfferRefused."""
        ufrag, password = credentials(fragment)
        if not (ufrag and password):
            raise OfferRefused("an ICE restart needs new ice-ufrag and ice-pwd: see RFC 9725, 4.3.3")
        if len(self._paths) != 1:
            raise OfferRefused("what is not bundled cannot be restarted: POST a new offer", acceptable=False)
        self._candidates = 0
        agent = await self._paths[0].restart(ufrag, password, self._counted(fragment))
        self.remote_ufrag = ufrag
        return restart.fragment(agent, self._mine[0].mid)

    def _counted(self, fragment: str) -> list[RTCIceCandidate]:
        found = offers.candidates(fragment)
        self._candidates += len(found)
        if self._candidates > offers.MAX_CANDIDATES:
            raise OfferRefused(f"more than {offers.MAX_CANDIDATES} candidates: leave some out")
        return found

    def close(self, why: str) -> None:
        """Ends it soon. Twice is safe."""
        if self._ending is None:
            self._why = why
            self._ending = asyncio.get_running_loop().create_task(self._end(), name="end of a peer")

    async def wait(self) -> None:
        """Until it has ended."""
        if self._ending is not None:
            await asyncio.shield(self._ending)

    _wants = ""

    def _prepare(self, offer: Offer) -> None:
        """Adds the transceivers that this kind of peer wants, and raises OfferRefused where the offer has none."""
        raise NotImplementedError

    def _agreed(self) -> None:
        """Offer and answer are known."""

    def _begin(self) -> None:
        """It is connected."""

    def _left(self) -> None:
        """It is not any more."""

    async def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._left()
        for path in self._paths:
            await path.close_next()
        with contextlib.suppress(asyncio.TimeoutError):
            await within(self._connection.close(), CLOSE_SECONDS)
        self._on_end(self._why)

    def _too_late(self) -> None:
        if not self.connected:
            self.close(f"no connection within {CONNECT_SECONDS:g} s: is UDP blocked?")

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        _log.debug("peer is %s", state)
        if state == "connected" and not self.connected:
            self.connected = True
            self._begin()
        elif state in ("failed", "closed"):
            self.close("the peer has gone" if self.connected else "ICE failed: no address reaches the other side")

    def _bind(self) -> None:
        """Takes hold of the one ICE transport, or of each where nothing is bundled."""
        users = [transceiver.receiver for transceiver in self._connection.getTransceivers()]
        ends = {user.transport.transport for user in [*users, self._connection.sctp] if user is not None}
        self._paths = [Path(end, self._addresses) for end in ends]

    def _refuse_rest(self) -> None:
        """What was offered beyond what we want: it neither comes nor goes."""
        for transceiver in self._connection.getTransceivers():
            if transceiver not in self._mine:
                transceiver.direction = "inactive"

    @property
    def _mine(self) -> list[Any]:
        return []
