"""WebRTC on aiortc: peers that watch a session's packets, and peers whose sound is heard. A plugin (extra `webrtc`).

aiortc does ICE, DTLS, SRTP and RTP; nothing is encoded or decoded here. What it cannot be asked for in public is done
in one place each: packets as they come (`Ingest._tap`, `Camera._tap`), what peers report (`_watch_reports`), what they
are told of time (`_time_reports`), addresses and ICE restarts (restart.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiortc import RTCRtpReceiver, RTCRtpSender

from txt2vid.transports import offers
from txt2vid.transports.assembly import Coded
from txt2vid.transports.camera import Camera
from txt2vid.transports.forward import Forwarder
from txt2vid.transports.offers import Offer
from txt2vid.transports.peer import Peer
from txt2vid.transports.signalling import OfferRefused
from txt2vid.transports.tracks import QueueTrack, in_vain, preferred, retimed, tell


class Playback(Peer):
    """A peer that gets a session's pictures, sound, or both."""

    _wants = "offer to receive audio, video as H.264 or VP8, or both"

    def __init__(self, forwarder: Forwarder, addresses: Sequence[str], on_end: Callable[[str], None]) -> None:
        super().__init__(addresses, on_end)
        self._forwarder = forwarder
        self._tracks: dict[str, QueueTrack] = {}
        self._transceivers: list[Any] = []
        self.codec: str | None = None

    @property
    def _mine(self) -> list[Any]:
        return self._transceivers

    def _prepare(self, offer: Offer) -> None:
        for kind in ("audio", "video"):
            if kind not in offer.receives:
                continue
            self._tracks[kind] = QueueTrack(kind)
            transceiver = self._connection.addTransceiver(self._tracks[kind], "sendonly")
            transceiver.setCodecPreferences(preferred(kind, RTCRtpSender))
            self._transceivers.append(transceiver)
        if not self._tracks:
            raise OfferRefused(f"the offer receives nothing: {self._wants}", acceptable=False)

    def _agreed(self) -> None:
        self.codec = offers.picture_codec(self.answer) if "video" in self._tracks else None
        for transceiver in self._transceivers:
            self._watch_reports(transceiver.sender)
            self._time_reports(transceiver.sender)

    def _begin(self) -> None:
        queue = self._forwarder.join(self.codec)
        for track in self._tracks.values():
            track.begin(queue)

    def _left(self) -> None:
        for track in self._tracks.values():
            if track.queue is not None:
                track.queue.close()
            track.stop()

    def _watch_reports(self, sender: RTCRtpSender) -> None:
        """Tells the queue what the peer says of what it got."""
        handle = sender._handle_rtcp_packet
        track = self._tracks[sender.kind]

        async def reported(packet: Any) -> None:
            if track.queue is not None and sender.kind == "video":
                tell(track.queue, packet, sender._ssrc)
            if not in_vain(packet):
                await handle(packet)

        sender._handle_rtcp_packet = reported  # type: ignore[method-assign]

    def _time_reports(self, sender: RTCRtpSender) -> None:
        """Has our own reports tell the session's time."""
        send = sender._send_rtcp
        track = self._tracks[sender.kind]

        async def timed(packets: Any) -> None:
            for packet in packets:
                retimed(packet, track.late, track.clock)
            await send(packets)

        sender._send_rtcp = timed  # type: ignore[method-assign]


class Ingest(Peer):
    """A peer whose microphone is heard. hear(position, payload): of each Opus packet, in samples since the first."""

    _wants = "offer to send audio as Opus"

    def __init__(
        self, hear: Callable[[int, bytes], None], addresses: Sequence[str], on_end: Callable[[str], None]
    ) -> None:
        super().__init__(addresses, on_end)
        self._hear = hear
        self._transceiver: Any = None
        self._positions = offers.Positions()

    @property
    def _mine(self) -> list[Any]:
        return [self._transceiver]

    def _prepare(self, offer: Offer) -> None:
        if "audio" not in offer.sends:
            raise OfferRefused(f"the offer sends no sound: {self._wants}", acceptable=False)
        self._transceiver = self._connection.addTransceiver("audio", "recvonly")
        self._transceiver.setCodecPreferences(preferred("audio", RTCRtpReceiver))

    def _agreed(self) -> None:
        self._tap(self._transceiver.receiver)

    def _tap(self, receiver: RTCRtpReceiver) -> None:
        """Hands packets on as they come: aiortc would decode them, 80 ms later, into what must be encoded again."""

        async def heard(packet: Any, arrival_time_ms: int) -> None:
            del arrival_time_ms
            if packet.payload:
                self._hear(self._positions.of(packet.timestamp), packet.payload)

        receiver._handle_rtp_packet = heard  # type: ignore[method-assign]


class Peers:
    """All WebRTC peers of a server. addresses: that UDP listens on; none: all of the machine's but loopback's."""

    def __init__(self, addresses: Sequence[str] = ()) -> None:
        self._addresses = tuple(addresses)

    async def play(self, sdp: str, forwarder: Forwarder, on_end: Callable[[str], None]) -> Playback:
        """A peer that gets what the forwarder has. Raises OfferRefused."""
        peer = Playback(forwarder, self._addresses, on_end)
        await peer.open(offers.parse(sdp))
        return peer

    async def ingest(self, sdp: str, hear: Callable[[int, bytes], None], on_end: Callable[[str], None]) -> Ingest:
        """A peer that is heard. Raises OfferRefused."""
        peer = Ingest(hear, self._addresses, on_end)
        await peer.open(offers.parse(sdp))
        return peer

    async def look(
        self,
        sdp: str,
        see: Callable[[Coded, float], None],
        hear: Callable[[str | bytes], None],
        forwarder: Forwarder | None,
        on_end: Callable[[str], None],
    ) -> Camera:
        """A peer whose camera is looked at; forwarder: of what goes back. Raises OfferRefused."""
        peer = Camera(see, hear, forwarder, self._addresses, on_end)
        await peer.open(offers.parse(sdp))
        return peer
