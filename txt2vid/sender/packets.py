"""Sound into packets for the wire, and how loud it is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.sender.outbox import Sound
from txt2vid.sender.status import SILENT

PACKET = LISTENING_RATE // 50  # samples, 20 ms
BITRATE = 24_000  # bits a second of Opus: speech in full band (RFC 7587, 3.1.1)
LONGEST_FILL = LISTENING_RATE // 5  # samples of a gap that become silence; after a longer one the codec begins anew
FALL = 20.0  # dB a second, at most, that the shown level falls: peaks stay visible
_FULL = 32767


class Packetizer(ABC):
    """Sound at 48 kHz, mono, with its positions, into packets of 20 ms."""

    def __init__(self) -> None:
        self._expected: int | None = None

    def push(self, position: int, samples: Samples) -> list[Sound]:
        """The packets that (n,) samples complete; a gap before them is filled, or begins a new stream."""
        packets: list[Sound] = []
        gap = 0 if self._expected is None else position - self._expected
        if self._expected is None:
            self._begin(position)
        elif 0 < gap <= LONGEST_FILL:
            packets = self._push(np.zeros(gap, np.float32))
        elif gap:
            packets = self._flush()
            self._begin(max(position, packets[-1].position + PACKET if packets else position))
        self._expected = position + len(samples)
        return packets + self._push(samples)

    def flush(self) -> list[Sound]:
        """What is left, with silence to the end of a packet."""
        return [] if self._expected is None else self._flush()

    @abstractmethod
    def _begin(self, position: int) -> None: ...
    @abstractmethod
    def _push(self, samples: Samples) -> list[Sound]: ...
    @abstractmethod
    def _flush(self) -> list[Sound]: ...


class OpusPackets(Packetizer):
    """Opus. bitrate: bits a second."""

    def __init__(self, bitrate: int) -> None:
        from txt2vid.ffmpeg.opus import OpusEncoder

        super().__init__()
        self._make = OpusEncoder
        self._bitrate = bitrate
        self._codec = OpusEncoder(bitrate)  # here, so that a wrong bit rate is told at once

    def _begin(self, position: int) -> None:
        self._codec = self._make(self._bitrate, position=position)

    def _push(self, samples: Samples) -> list[Sound]:
        return [Sound(at, data, PACKET / LISTENING_RATE) for at, data in self._codec.push(samples)]

    def _flush(self) -> list[Sound]:
        return [Sound(at, data, PACKET / LISTENING_RATE) for at, data in self._codec.flush()]


class PcmPackets(Packetizer):
    """16-bit samples, little-endian."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0
        self._held = np.zeros(0, np.float32)

    def _begin(self, position: int) -> None:
        self._next = position
        self._held = np.zeros(0, np.float32)

    def _push(self, samples: Samples) -> list[Sound]:
        self._held = np.concatenate([self._held, samples])
        whole = len(self._held) // PACKET * PACKET
        packets = []
        for frame in self._held[:whole].reshape(-1, PACKET):
            data = (np.clip(np.nan_to_num(frame, nan=0.0), -1, 1) * _FULL).round().astype("<i2").tobytes()
            packets.append(Sound(self._next, data, PACKET / LISTENING_RATE))
            self._next += PACKET
        self._held = self._held[whole:]
        return packets

    def _flush(self) -> list[Sound]:
        return self._push(np.zeros(-len(self._held) % PACKET, np.float32))


def packetizer(codec: str, bitrate: int) -> Packetizer:
    """For "opus" or "pcm"."""
    return OpusPackets(bitrate) if codec == "opus" else PcmPackets()


class Level:
    """Peaks in dBFS that fall slowly."""

    def __init__(self) -> None:
        self._level = SILENT

    def of(self, samples: Samples) -> float:
        """The level to show after these samples."""
        peak = float(np.max(np.abs(samples), initial=0.0))
        now = max(SILENT, 20 * math.log10(peak)) if peak > 0 else SILENT
        self._level = max(now, self._level - FALL * len(samples) / LISTENING_RATE)
        return self._level
