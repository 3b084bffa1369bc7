"""What a sender's packets hold, as sound on its own time line at the listener's rate."""

from __future__ import annotations

import numpy as np
import soxr

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.core.wire import MAX_PACKET_SECONDS, AudioFormat, Packet
from txt2vid.errors import AudioError
from txt2vid.ffmpeg.opus import OpusDecoder

SAMPLE_BYTES = 2  # of pcm_s16le
SCALE = np.float32(1 / 32768)


class Ingest:
    """Decodes one sender's packets. audio: the format that hello named."""

    def __init__(self, audio: AudioFormat) -> None:
        self._rate = audio.rate
        self._opus = OpusDecoder() if audio.codec == "opus" else None
        self._resampler: soxr.ResampleStream | None = None
        self._expected = -1  # position of the next packet, at the sender's rate
        self._position = 0  # of the next sample that the resampler gives, at LISTENING_RATE

    def decode(self, packet: Packet) -> tuple[int, Samples]:
        """Where the packet's sound begins, in samples at LISTENING_RATE, and the sound, float32 (n,); n may be 0.

        Raises AudioError where it is no sound of this format.
        """
        if self._opus is not None:
            return packet.position, self._opus.decode(packet.payload)
        if len(packet.payload) % SAMPLE_BYTES:
            raise AudioError("a packet of pcm_s16le has half a sample: send whole ones")
        samples = np.frombuffer(packet.payload, "<i2").astype(np.float32) * SCALE
        if len(samples) > MAX_PACKET_SECONDS * self._rate:
            raise AudioError(f"a packet holds more than {MAX_PACKET_SECONDS:g} s of sound: send shorter ones")
        if self._rate == LISTENING_RATE:
            return packet.position, samples
        return self._resampled(packet.position, samples)

    def _resampled(self, position: int, samples: Samples) -> tuple[int, Samples]:
        """Consecutive packets as one stream; after a gap it begins anew."""
        if self._resampler is None or position != self._expected:
            self._resampler = soxr.ResampleStream(self._rate, LISTENING_RATE, 1, dtype="float32", quality="HQ")
            self._position = position * LISTENING_RATE // self._rate
        self._expected = position + len(samples)
        sound = np.asarray(self._resampler.resample_chunk(samples), np.float32)
        start, self._position = self._position, self._position + len(sound)
        return start, sound
