"""A peer whose camera is looked at: its pictures come as they are encoded, landmarks go back over its data channel.

Part of the plugin `webrtc`. Nothing is decoded here. What aiortc cannot be asked for in public is done in `_tap`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any

from aiortc import RTCDataChannel, RTCRtpReceiver, RTCRtpSender
from aiortc.rtp import RtcpSrPacket

from txt2vid.core.packets import PICTURE_CLOCK, PICTURE_CODECS
from txt2vid.transports import offers
from txt2vid.transports.assembly import Assembler, Coded, since
from txt2vid.transports.forward import Forwarder
from txt2vid.transports.offers import Offer
from txt2vid.transports.peer import Peer
from txt2vid.transports.signalling import OfferRefused
from txt2vid.transports.tracks import QueueTrack, preferred, tell

LABEL = "mesh"  # of the data channel
WAITING = 32 * 1024  # bytes that may wait for the channel: one message of eight faces; more, and the newest is left out
_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970 (RFC 5905, 6)
_CODECS = {f"video/{codec}": codec for codec in PICTURE_CODECS}


class Camera(Peer):
    """A peer that sends pictures. see(picture, captured): each of them, and when it was captured, in milliseconds of
    the peer's own clock since 1970, NaN until that is known. hear(text): what it says over the data channel.

    forwarder: of pictures that go back to it, None where none do.
    """

    _wants = "offer to send video as H.264 or VP8, and a data channel with the label mesh"

    def __init__(
        self,
        see: Callable[[Coded, float], None],
        hear: Callable[[str | bytes], None],
        forwarder: Forwarder | None,
        addresses: Sequence[str],
        on_end: Callable[[str], None],
    ) -> None:
        super().__init__(addresses, on_end)
        self._see, self._hear, self._forwarder = see, hear, forwarder
        self._track: QueueTrack | None = None
        self._transceiver: Any = None
        self._channel: RTCDataChannel | None = None
        self._codecs: dict[int, str] = {}
        self._assembler = Assembler(self._codecs.get, self._seen)
        self._source: int | None = None
        self._clock: tuple[int, float] | None = None  # an RTP timestamp, and its time in milliseconds since 1970
        self._asking: asyncio.Task[None] | None = None
        self.codec: str | None = None
        self._connection.on("datachannel", self._opened)

    @property
    def _mine(self) -> list[Any]:
        return [self._transceiver]

    @property
    def lost(self) -> int:
        """Pictures that did not come whole."""
        return self._assembler.lost

    def send(self, message: bytes | str) -> bool:
        """A message over the data channel. False where there is none yet, or too much waits for it."""
        channel = self._channel
        if channel is None or channel.readyState != "open" or channel.bufferedAmount > WAITING:
            return False
        channel.send(message)
        return True

    def ask_key(self) -> None:
        """What came could not be decoded."""
        self._assembler.refuse()
        if self._source is not None and (self._asking is None or self._asking.done()):
            asking = self._transceiver.receiver._send_rtcp_pli(self._source)
            self._asking = asyncio.get_running_loop().create_task(asking, name="asks for a key")

    def _prepare(self, offer: Offer) -> None:
        if "video" not in offer.sends:
            raise OfferRefused(f"the offer sends no pictures: {self._wants}", acceptable=False)
        if "m=application" not in offer.sdp:
            raise OfferRefused(f"the offer has no data channel: {self._wants}", acceptable=False)
        if self._forwarder is not None and "video" not in offer.receives:
            raise OfferRefused("the offer takes no pictures back: make its video sendrecv", acceptable=False)
        if self._forwarder is None:
            self._transceiver = self._connection.addTransceiver("video", "recvonly")
        else:
            self._track = QueueTrack("video")
            self._transceiver = self._connection.addTransceiver(self._track, "sendrecv")
        self._transceiver.setCodecPreferences(preferred("video", RTCRtpReceiver))

    def _agreed(self) -> None:
        self.codec = offers.picture_codec(self.answer)
        if self.codec is None:
            raise OfferRefused(f"no codec of ours is in the offer: {self._wants}", acceptable=False)
        for codec in self._transceiver._codecs:
            if codec.mimeType.lower() in _CODECS:
                self._codecs[codec.payloadType] = _CODECS[codec.mimeType.lower()]
        self._tap(self._transceiver.receiver)
        if self._track is not None:
            self._watch_reports(self._transceiver.sender, self._track)

    def _begin(self) -> None:
        if self._track is not None and self._forwarder is not None:
            self._track.begin(self._forwarder.join(self.codec))

    def _left(self) -> None:
        if self._track is not None:
            if self._track.queue is not None:
                self._track.queue.close()
            self._track.stop()

    def _opened(self, channel: RTCDataChannel) -> None:
        if self._channel is not None or channel.label != LABEL:
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._hear)

    def _seen(self, picture: Coded) -> None:
        captured = math.nan
        if self._clock is not None:
            captured = self._clock[1] + since(picture.time, self._clock[0]) * 1000 / PICTURE_CLOCK
        self._see(picture, captured)

    def _tap(self, receiver: RTCRtpReceiver) -> None:
        """Puts our assembler where aiortc has its buffer, behind its NACKs and estimates; its decoder gets nothing."""
        receiver._RTCRtpReceiver__jitter_buffer = self._assembler  # type: ignore[attr-defined]
        handle_rtp, handle_rtcp = receiver._handle_rtp_packet, receiver._handle_rtcp_packet

        async def came(packet: Any, arrival_time_ms: int) -> None:
            if packet.payload_type in self._codecs:
                self._source = packet.ssrc
            await handle_rtp(packet, arrival_time_ms)

        async def reported(packet: Any) -> None:
            if isinstance(packet, RtcpSrPacket):
                info = packet.sender_info
                self._clock = info.rtp_timestamp, (info.ntp_timestamp / 2**32 - _NTP_EPOCH) * 1000
            await handle_rtcp(packet)

        receiver._handle_rtp_packet = came  # type: ignore[method-assign]
        receiver._handle_rtcp_packet = reported  # type: ignore[method-assign]

    def _watch_reports(self, sender: RTCRtpSender, track: QueueTrack) -> None:
        """Tells the queue what the peer says of what it got."""
        handle = sender._handle_rtcp_packet

        async def reported(packet: Any) -> None:
            if track.queue is not None:
                tell(track.queue, packet, sender._ssrc)
            await handle(packet)

        sender._handle_rtcp_packet = reported  # type: ignore[method-assign]
