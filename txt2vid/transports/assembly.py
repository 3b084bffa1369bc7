"""Pictures out of RTP packets, each as soon as its last packet is there (the marker: RFC 6184, 5.1; RFC 7741, 4.1).

aiortc's own buffer takes a picture for whole once the next one begins: one picture's time later. Nothing here waits.
Part of the plugin `webrtc`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from txt2vid.core.packets import PICTURE_CLOCK

MOST_WAITING = 256  # packets behind a gap: a key of 300 kB
PATIENCE = PICTURE_CLOCK // 5  # ticks that a gap is waited for: a retransmission on a slow network
ASK_AGAIN = PICTURE_CLOCK // 2  # ticks between keys that are asked for
_WRAP, _HALF = 1 << 16, 1 << 15
_TIME_WRAP, _TIME_HALF = 1 << 32, 1 << 31


class Coded(NamedTuple):
    """One picture as it came. codec: of PICTURE_CODECS. time: the RTP timestamp."""

    codec: str
    time: int
    key: bool
    data: bytes


class Assembler:
    """Takes the place of aiortc's JitterBuffer. take: called with each picture that can be decoded, in order.

    The first picture is a key, and so is the first after one that was lost.
    """

    def __init__(self, codec_of: Callable[[int], str | None], take: Callable[[Coded], None]) -> None:
        self.lost = 0
        self._codec_of, self._take = codec_of, take
        self._next: int | None = None
        self._packets: dict[int, Any] = {}
        self._parts: list[Any] = []
        self._waits_for_key = True
        self._asked: int | None = None

    def add(self, packet: Any) -> tuple[bool, None]:
        """One of aiortc's packets, its payload unwrapped; whether a key is to be asked for, and aiortc's own picture,
        which there never is.
        """
        if self._next is None:
            self._next = packet.sequence_number
        ahead = (packet.sequence_number - self._next) % _WRAP
        if ahead >= _HALF:
            return False, None  # it is too late, or came twice
        self._packets[packet.sequence_number] = packet
        self._advance()
        if self._packets and (len(self._packets) > MOST_WAITING or self._oldest_waits(packet)):
            self._skip()
        return self._wants_key(packet.timestamp), None

    def refuse(self) -> None:
        """The decoder could not use what came: a key is needed."""
        self._waits_for_key = True

    def _advance(self) -> None:
        while self._next is not None and (packet := self._packets.pop(self._next, None)) is not None:
            self._next = (self._next + 1) % _WRAP
            if self._parts and self._parts[0].timestamp != packet.timestamp:
                self._deliver()  # a sender that sets no marker
            self._parts.append(packet)
            if packet.marker:
                self._deliver()

    def _deliver(self) -> None:
        parts, self._parts = self._parts, []
        codec = self._codec_of(parts[0].payload_type)
        data = b"".join(part._data for part in parts)
        if not data or codec is None:
            return  # padding, by which senders look for more room
        key = is_key(codec, data)
        if self._waits_for_key and not key:
            self.lost += 1
            return
        self._waits_for_key = False
        self._take(Coded(codec, parts[0].timestamp, key, data))

    def _oldest_waits(self, newest: Any) -> bool:
        oldest = min(self._packets, key=lambda number: (number - (self._next or 0)) % _WRAP)
        return since(newest.timestamp, self._packets[oldest].timestamp) > PATIENCE

    def _skip(self) -> None:
        """What is missing will not come any more."""
        self._next = min(self._packets, key=lambda number: (number - (self._next or 0)) % _WRAP)
        self._parts.clear()
        self._waits_for_key = True
        self.lost += 1
        self._advance()

    def _wants_key(self, now: int) -> bool:
        if not self._waits_for_key:
            self._asked = None
            return False
        if self._asked is not None and since(now, self._asked) < ASK_AGAIN:
            return False
        self._asked = now
        return True


def since(later: int, earlier: int) -> int:
    """Ticks between two RTP timestamps, less than 0 where the first is the earlier one."""
    return (later - earlier + _TIME_HALF) % _TIME_WRAP - _TIME_HALF


def is_key(codec: str, data: bytes) -> bool:
    """Whether a picture can be decoded without others: H.264's with SPS or IDR (Annex B), VP8's by its first bit."""
    if codec == "vp8":
        return not data[0] & 1
    at = data.find(b"\0\0\1")
    while 0 <= at < len(data) - 3:
        if data[at + 3] & 31 in (5, 7):
            return True
        if data[at + 3] & 31 == 1:
            return False
        at = data.find(b"\0\0\1", at + 3)
    return False
