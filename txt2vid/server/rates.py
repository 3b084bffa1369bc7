"""How much a sender may send: a bucket a kind, filled by the clock; and how much sound a packet holds."""

from __future__ import annotations

from collections import OrderedDict

from txt2vid.core.wire import MAX_PACKET_SECONDS, AudioFormat, WireError
from txt2vid.server import limits

_OPUS_MS = (10, 20, 40, 60) * 3 + (10, 20) * 2 + (2.5, 5, 10, 20) * 4  # of a frame, by configuration (RFC 6716, 3.1)
_OPUS_MAX_MS = 120  # of a packet (RFC 6716, 3.2.5)


class Bucket:
    """Lets `rate` a second through, and `burst` at once after a pause. now: seconds of any monotonic clock."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._at = burst, now

    def take(self, amount: float, now: float) -> bool:
        """Whether so much may pass; what may not is not counted."""
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        if amount > self._level:
            return False
        self._level -= amount
        return True


class Addresses:
    """A bucket for each address that asks. most: addresses that are remembered, the latest ones."""

    def __init__(self, rate: float, burst: float, most: int) -> None:
        self._rate, self._burst, self._most = rate, burst, most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str, now: float) -> bool:
        """Whether this address may do it once more."""
        bucket = self._buckets.get(address) or Bucket(self._rate, self._burst, now)
        self._buckets[address] = bucket
        self._buckets.move_to_end(address)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket.take(1, now)


class Allowance:
    """What one sender may still send. Each check raises WireError "rate" once it is too much."""

    def __init__(self, now: float) -> None:
        per, burst = limits.MESSAGES_A_SECOND, limits.BURST_SECONDS
        self._messages = Bucket(per, per * burst, now)
        self._audio = Bucket(limits.AUDIO_SPEED, limits.AUDIO_SPEED * burst + limits.AUDIO_BURST, now)
        self._text = Bucket(limits.TEXT_SPEED, limits.TEXT_BURST, now)

    def message(self, now: float) -> None:
        """One more message of any kind."""
        if not self._messages.take(1, now):
            raise WireError(f"more than {limits.MESSAGES_A_SECOND:g} messages a second: send longer packets", "rate")

    def audio(self, seconds: float, now: float) -> None:
        """So much more sound."""
        if not self._audio.take(seconds, now):
            raise WireError(f"sound faster than {limits.AUDIO_SPEED:g} times real time: pace it", "rate")

    def text(self, characters: int, now: float) -> None:
        """So much more text."""
        if not self._text.take(characters, now):
            raise WireError(f"more than {limits.TEXT_SPEED:g} characters a second: wait for 'spoken'", "rate")


def packet_seconds(payload: bytes, audio: AudioFormat) -> float:
    """How much sound a packet says it holds. Raises WireError "audio" where it can be none of that codec."""
    seconds = _opus_seconds(payload) if audio.codec == "opus" else _pcm_seconds(payload, audio.rate)
    if seconds > MAX_PACKET_SECONDS:
        raise WireError(f"{seconds:.2f} s of sound in one packet: send at most {MAX_PACKET_SECONDS:g} s", "audio")
    return seconds


def _pcm_seconds(payload: bytes, rate: int) -> float:
    if len(payload) % 2:
        raise WireError(f"{len(payload)} bytes are no whole number of 16-bit samples", "audio")
    return len(payload) / 2 / rate


def _opus_seconds(payload: bytes) -> float:
    """From the packet's first byte, and the second where that tells the number of frames (RFC 6716, 3.1 and 3.2)."""
    code = payload[0] & 3
    if code == 3 and len(payload) < 2:
        raise WireError("an Opus packet ends within its head", "audio")
    frames = (1, 2, 2, payload[1] & 63 if code == 3 else 0)[code]
    ms = _OPUS_MS[payload[0] >> 3] * frames
    if not 0 < ms <= _OPUS_MAX_MS:
        raise WireError(f"an Opus packet says that it holds {ms:g} ms: 2.5 to {_OPUS_MAX_MS} are possible", "audio")
    return ms / 1000
