"""Encoded pictures and sound on their way to peers that each get the same packets (WebRTC)."""

from __future__ import annotations

from typing import NamedTuple

PICTURE_CLOCK = 90_000
"""Ticks a second of pictures' timestamps (RFC 6184, 5.1; RFC 7741, 4.1)."""

PICTURE_CODECS = ("h264", "vp8")
"""What pictures are forwarded in, the better first: browsers must know both (RFC 7742, 5), H.264 takes a third of the
time to encode."""


MESH = "mesh"
"""What is forwarded to those who draw the face themselves: its motion, a record of core/meshwire.py a picture."""


class PicturePacket(NamedTuple):
    """One picture, whole. codec: of PICTURE_CODECS, or MESH. time: ticks of PICTURE_CLOCK since the session's start.

    key: whether it can be decoded without others. data: H.264 in Annex B's form with SPS and PPS before keys, VP8, or a
    record of motion.
    """

    codec: str
    time: int
    key: bool
    data: bytes


class SoundPacket(NamedTuple):
    """20 ms of mono sound as Opus. time: of its first sample, in samples at 48 kHz since the session's start."""

    time: int
    data: bytes
