"""WAV as it comes, from a program or a server: samples at once, long before the end is there.

Canonical RIFF/WAVE (Microsoft and IBM 1991; WAVE_FORMAT_EXTENSIBLE 1999), where lengths may be unknown (0 or 2^32-1),
as streams have them. `cue ` and `LIST adtl` with `ltxt` chunks before the sound tell phonemes: Resemble's timestamps.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import Samples
from txt2vid.errors import SpeechError

MIN_RATE, MAX_RATE, MAX_CHANNELS = 8000, 192_000, 8
MAX_CHUNK = 4 << 20  # bytes of what stands before the sound: times of a sentence are some kilobytes
UNKNOWN = (0, 0xFFFFFFFF)  # a length that the writer could not know
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_HALF = 1 << 31
_LENGTHS_MAY_LIE = 0x7FFFF000  # what ffmpeg and sox write into a pipe: longer than any sentence


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch that a file names. kind: "phon" or "grph". start, stop: frames [start, stop)."""

    kind: str
    text: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Format:
    code: int
    channels: int
    rate: int
    bits: int

    @property
    def frame(self) -> int:
        return self.channels * self.bits // 8


class WavStream:
    """Takes bytes, gives samples. rate, marks: known once `begun`.

    who: names the source in errors. Raises SpeechError where the bytes are no WAV, or one that cannot be read.
    """

    def __init__(self, who: str) -> None:
        self._who = who
        self._held = bytearray()
        self._format: _Format | None = None
        self._left: int | None = None  # bytes of sound that are still to come; None: all that comes
        self._started = self._riff = False
        self._cues: dict[int, int] = {}
        self.marks: list[Mark] = []

    @property
    def begun(self) -> bool:
        """Whether the sound has begun: all that stands before it has been read."""
        return self._started

    @property
    def rate(self) -> int:
        """Samples a second."""
        if self._format is None:
            raise ValueError("nothing has begun yet")
        return self._format.rate

    def push(self, data: bytes) -> Samples:
        """The samples that these bytes complete, (n,), all channels mixed."""
        self._held += data
        if not self._started:
            self._read_head()
        return self._samples()

    def end(self) -> None:
        """No more bytes come. Raises SpeechError where something is missing."""
        if not self._riff or not self._started:
            raise SpeechError(f"{self._who} sent no sound{self._beginning()}: it must send a WAV file")
        if self._left is not None and self._left > 0:
            raise SpeechError(f"{self._who} sent only a part of its sound: try again")

    def _read_head(self) -> None:
        held = self._held
        if not self._riff:
            if bytes(held[:4]) != b"RIFF"[: len(held)] or bytes(held[8:12]) != b"WAVE"[: max(0, len(held) - 8)]:
                raise SpeechError(f"{self._who} sent no WAV file{self._beginning()}: it must begin with RIFF")
            if len(held) < 12:
                return
            self._riff = True
            del held[:12]
        while not self._started and len(held) >= 8:
            kind, size = bytes(held[:4]), struct.unpack_from("<I", held, 4)[0]
            if kind == b"data":
                self._start(size)
                return
            if size > MAX_CHUNK:
                raise SpeechError(f"{self._who} sent a broken WAV file: its chunk {kind!r} is {size} bytes long")
            if len(held) < 8 + size + size % 2:
                return
            self._take(kind, bytes(held[8 : 8 + size]))
            del held[: 8 + size + size % 2]

    def _start(self, size: int) -> None:
        if self._format is None:
            raise SpeechError(f"{self._who} sent a broken WAV file: it has no format before its sound")
        self._started = True
        self._left = None if size in UNKNOWN or size >= _LENGTHS_MAY_LIE else size
        del self._held[:8]

    def _take(self, kind: bytes, body: bytes) -> None:
        try:
            if kind == b"fmt ":
                self._format = self._understood(body)
            elif kind == b"cue ":
                (count,) = struct.unpack_from("<I", body)
                for at in range(4, min(4 + 24 * count, len(body) - 23), 24):
                    (number,), (sample,) = struct.unpack_from("<I", body, at), struct.unpack_from("<I", body, at + 20)
                    self._cues[number] = sample
            elif kind.upper() == b"LIST" and body[:4] == b"adtl":
                self.marks += self._labels(body)
        except struct.error as err:
            raise SpeechError(f"{self._who} sent a broken WAV file: its chunk {kind!r} is too short") from err

    def _understood(self, body: bytes) -> _Format:
        code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
        if code == _EXTENSIBLE:
            (code,) = struct.unpack_from("<H", body, 24)
        known = (code == _PCM and bits in (8, 16, 24, 32)) or (code == _FLOAT and bits in (32, 64))
        if not known or not 0 < channels <= MAX_CHANNELS or not MIN_RATE <= rate <= MAX_RATE:
            raise SpeechError(
                f"{self._who} sent WAV of a kind that is not read here (format {code}, {bits} bits,"
                f" {channels} channels, {rate} Hz): have it write 16-bit PCM"
            )
        return _Format(code, channels, rate, bits)

    def _labels(self, body: bytes) -> Iterator[Mark]:
        at = 4
        while at + 28 <= len(body):
            kind, size, number, length, purpose = struct.unpack_from("<4sIII4s", body, at)
            start = self._cues.get(number)
            if kind == b"ltxt" and size >= 20 and start is not None:
                text = body[at + 28 : at + 8 + size].partition(b"\0")[0].decode("utf-8", "replace")
                yield Mark(purpose.decode("ascii", "replace").strip(), text, start, start + length)
            at += 8 + size + size % 2

    def _samples(self) -> Samples:
        if not self._started or self._format is None:
            return np.zeros(0, np.float32)
        length = len(self._held) if self._left is None else min(len(self._held), self._left)
        length -= length % self._format.frame
        data = bytes(self._held[:length])
        del self._held[:length]
        if self._left is not None:
            self._left -= length
            if self._left < self._format.frame:
                self._left = 0
                self._held.clear()  # what follows the sound says nothing about it
        return _mixed(data, self._format)

    def _beginning(self) -> str:
        shown = "".join(char if char.isprintable() else " " for char in self._held[:60].decode("utf-8", "ignore"))
        return f" ({' '.join(shown.split())[:40]!r}…)" if shown.strip() else ""


def _mixed(data: bytes, form: _Format) -> Samples:
    if form.code == _FLOAT:
        values = np.nan_to_num(np.frombuffer(data, f"<f{form.bits // 8}").astype(np.float32))
    elif form.bits == 8:
        values = (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128
    elif form.bits == 24:
        bytes_ = np.frombuffer(data, np.uint8).reshape(-1, 3)
        padded = np.zeros((len(bytes_), 4), np.uint8)
        padded[:, 1:] = bytes_
        values = padded.view("<i4")[:, 0].astype(np.float32) / _HALF
    else:
        values = np.frombuffer(data, f"<i{form.bits // 8}").astype(np.float32) / (1 << (form.bits - 1))
    mixed: Samples = np.clip(values.reshape(-1, form.channels).mean(axis=1), -1, 1).astype(np.float32)
    return mixed
