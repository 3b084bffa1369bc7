"""Opus packets and sound, by libopus within ffmpeg's libraries (RFC 6716); positions are exact to the sample.

Not imported by the package itself: PyAV takes a moment to load, and only live use needs it.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.errors import AudioError, DependencyError

PACKET = LISTENING_RATE // 50  # samples of a packet: 20 ms, the usual compromise of delay and size
BITRATE = 24_000  # bits a second: speech in full band, by the recommendation of RFC 7587, 3.1.1
_PRE_SKIP = struct.Struct("<10xH")  # of the "OpusHead" that the encoder tells (RFC 7845, 5.1)


class OpusPacket(NamedTuple):
    """position: of the first sample that a decoder makes of it, in samples since the stream's start."""

    position: int
    data: bytes


class OpusEncoder:
    """Mono sound at 48 kHz into packets of 20 ms.

    The codec's delay (312 samples, 120 as "lowdelay") is taken out of the positions: the encoder hears so much silence
    first that packets begin at whole multiples of PACKET from the start, and the one before the start is left out.
    A packet therefore leaves when PACKET + delay samples from its position on have been pushed.

    bitrate: bits a second, 6000 to 510000. application: "voip", "audio" or "lowdelay". position: of the first sample.
    """

    def __init__(self, bitrate: int = BITRATE, application: str = "voip", position: int = 0) -> None:
        self._codec = _codec("w")
        self._codec.format = "flt"
        self._codec.bit_rate = bitrate
        self._codec.options = {"application": application, "frame_duration": "20"}
        try:
            self._codec.open()
        except av.FFmpegError as err:
            raise AudioError(
                f"Opus at {bitrate} bit/s for {application!r} cannot be made: try --bitrate 24000"
            ) from err
        (self.delay,) = _PRE_SKIP.unpack_from(self._codec.extradata or bytes(_PRE_SKIP.size))
        self._held = np.zeros(PACKET - self.delay, np.float32)
        self._next = position - PACKET  # of the next packet out of the codec
        self._start = position
        self._end = position  # of the sound so far

    def push(self, samples: Samples) -> list[OpusPacket]:
        """The packets that (n,) samples complete. What is no number is silence; louder than 1 is clipped."""
        self._end += len(samples)
        self._held = np.concatenate([self._held, np.clip(np.nan_to_num(samples, nan=0.0), -1, 1)])
        whole = len(self._held) // PACKET * PACKET
        frames, self._held = self._held[:whole].reshape(-1, PACKET), self._held[whole:]
        return [packet for frame in frames for packet in self._encode(frame)]

    def flush(self) -> list[OpusPacket]:
        """What is left, with silence to the end of the last packet; nothing may be pushed afterwards."""
        packets: list[OpusPacket] = []
        end = self._end
        while self._next < end:
            packets += self.push(np.zeros(PACKET - len(self._held), np.float32))
        return packets

    def _encode(self, frame: Samples) -> list[OpusPacket]:
        sound = av.AudioFrame.from_ndarray(frame[np.newaxis], "flt", "mono")
        sound.sample_rate = LISTENING_RATE
        packets = []
        for packet in self._codec.encode(sound):
            if self._next >= self._start:
                packets.append(OpusPacket(self._next, bytes(packet)))
            self._next += PACKET
        return packets


class OpusDecoder:
    """Packets of any configuration (2.5 to 120 ms, mono or stereo) into mono sound at 48 kHz.

    libopus rather than ffmpeg's own decoder, which is twice as fast but gives 24 samples too many or too few where the
    packets' mode changes.
    """

    def __init__(self) -> None:
        self._codec = _codec("r")
        self._codec.options = {"request_sample_fmt": "flt"}

    def decode(self, packet: bytes) -> Samples:
        """The sound of a packet, float32 (n,) in [-1, 1]. Raises AudioError where it is none; the next may be good."""
        if not packet:  # would end the stream
            raise AudioError("an Opus packet is empty: leave it out")
        try:
            frames = self._codec.decode(av.Packet(packet))
        except av.FFmpegError as err:
            raise AudioError(f"{len(packet)} bytes are no Opus packet: send what an Opus encoder made") from err
        if not frames:
            raise AudioError(f"an Opus packet of {len(packet)} bytes holds no sound: leave it out")
        sound = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
        return np.asarray(np.clip(np.nan_to_num(sound, nan=0.0), -1, 1), np.float32)


def _codec(mode: str) -> AudioCodecContext:
    try:
        codec = av.CodecContext.create("libopus", mode)  # type: ignore[call-overload]  # "r" or "w"
    except av.FFmpegError as err:
        raise DependencyError("PyAV was built without libopus: pip install --only-binary :all: av") from err
    codec.sample_rate = LISTENING_RATE
    codec.layout = "mono"
    return codec  # type: ignore[no-any-return]
