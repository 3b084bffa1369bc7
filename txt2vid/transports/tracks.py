"""Between aiortc's senders and a peer's queue: packets one way, what the peer reports (RTCP) the other.

Part of the plugin `webrtc`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from fractions import Fraction
from typing import Any

import av
from aiortc import RTCRtpCodecCapability, RTCRtpReceiver, RTCRtpSender
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.packets import PICTURE_CLOCK, PICTURE_CODECS
from txt2vid.transports.forward import PeerQueue

_WRAP = 1 << 32  # of RTP timestamps
MOST_AGAIN = 50  # packets that are sent again at once: half a second of pictures


class QueueTrack(MediaStreamTrack):
    """What aiortc's sender asks for the next packet. clock: ticks a second. late: seconds, of the last one."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.queue: PeerQueue | None = None
        self.clock = PICTURE_CLOCK if kind == "video" else LISTENING_RATE
        self.late = 0.0
        self._begun = asyncio.Event()

    def begin(self, queue: PeerQueue) -> None:
        """From now on there is something to send."""
        self.queue = queue
        self._begun.set()

    def stop(self) -> None:
        """Whoever waits is told."""
        super().stop()
        self._begun.set()

    async def recv(self) -> Any:
        """The next av.Packet, once it is due. Raises MediaStreamError at the end."""
        await self._begun.wait()
        if self.queue is None:
            raise MediaStreamError
        timed = await (self.queue.picture() if self.kind == "video" else self.queue.sound())
        if timed is None:
            raise MediaStreamError
        await asyncio.sleep(timed.due - time.monotonic())
        packet = av.Packet(timed.packet.data)
        packet.pts, packet.time_base = timed.packet.time, Fraction(1, self.clock)
        self.late = self.queue.late(timed.packet.time / self.clock, time.monotonic())
        return packet


def tell(queue: PeerQueue, packet: Any, ssrc: int) -> None:
    """What a peer's RTCP says: a key is wanted, so much was lost, so much is thought to pass."""
    if (isinstance(packet, RtcpPsfbPacket) and packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR)) or in_vain(packet):
        queue.ask_key()
    elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
        with contextlib.suppress(ValueError):
            bitrate, sources = unpack_remb_fci(packet.fci)
            if ssrc in sources:
                queue.estimated(bitrate)
    elif isinstance(packet, RtcpRrPacket | RtcpSrPacket):
        for report in packet.reports:
            if report.ssrc == ssrc:
                queue.lost(report.fraction_lost / 256)


def retimed(packet: Any, late: float, clock: int) -> None:
    """Makes a sender report tell the session's time (RFC 3550, 6.4.1), by which browsers put sound to its picture.

    aiortc's tells when the last packet was sent, as if its sound or picture were of that moment; but sound goes out
    ahead of its picture, and both as late as the machine happens to be. late: seconds that the last packet was late.
    clock: ticks a second of its timestamps.
    """
    if isinstance(packet, RtcpSrPacket):
        info = packet.sender_info
        info.rtp_timestamp = (info.rtp_timestamp + round(late * clock)) % _WRAP


def in_vain(packet: Any) -> bool:
    """Whether a report asks for more to be sent again than is of use: its peer was cut off, and a key helps it sooner.

    Browsers repeat such reports each round trip, for all that they missed: that would keep the server busy for seconds.
    """
    return isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK and len(packet.lost) > MOST_AGAIN


def preferred(kind: str, side: type[RTCRtpSender] | type[RTCRtpReceiver]) -> list[RTCRtpCodecCapability]:
    """What we take, the best first, retransmission last."""
    wanted = ["audio/opus"] if kind == "audio" else [f"video/{codec}" for codec in PICTURE_CODECS]
    able = side.getCapabilities(kind)
    known = able.codecs if able is not None else []
    chosen = [codec for name in wanted for codec in known if codec.mimeType.lower() == name]
    return chosen + [codec for codec in known if codec.mimeType.lower() == "video/rtx"]
