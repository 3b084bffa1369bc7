"""A face's motion and sound as small messages for whoever draws the face itself (docs/mesh-wire.md has it in words).

A message is records, one after the other: keys (a motion that needs no other), deltas (what has changed since the
motion before), and sound (Opus packets). Motions are rounded to steps that move nothing by a visible part of a pixel,
and their numbers are written as Exp-Golomb codes (ITU-T H.264, 9.1): most of them are 0, and a 0 takes one bit.
Everything that comes from the wire is checked here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.checks import WireError
from txt2vid.core.motion import BLENDSHAPES, Motion
from txt2vid.core.packets import SoundPacket

KEY, DELTA, SOUND = 1, 2, 3
MAX_RECORD = 0xFFFF  # bytes of a record's body
MAX_POSITION = 2**53 - 1  # samples: beyond it JavaScript does not count exactly
SOUND_STEP = 960  # samples from one packet of a record to the next: 20 ms at 48 kHz
MAX_AFTER = 0xFFFF  # samples from one motion to a delta: 1.3 s; after a longer pause comes a key

_RECORD = struct.Struct(">BH")  # kind, bytes of the body
_KEY = struct.Struct(">QIB")  # position, rig, number
_DELTA = struct.Struct(">HB")  # samples since the motion before, number
_SOUND = struct.Struct(">Q")  # position of the first packet
_PACKET = struct.Struct(">H")  # bytes of a packet
_NUMBERS = 256  # motions are numbered modulo this, so that a missing one is noticed

VALUES = len(BLENDSHAPES) + 8
_UNITS = np.array([1 / 255] * len(BLENDSHAPES) + [1 / 2048] * 6 + [1 / 127] * 2)
_LOW = np.array([0] * len(BLENDSHAPES) + [-6434] * 3 + [-16384] * 3 + [-127] * 2)  # rotation to pi, shift to 8 widths
_HIGH = np.array([255] * len(BLENDSHAPES) + [6434] * 3 + [16384] * 3 + [127] * 2)
_LONGEST = 18  # zeros before a code's first 1: no difference needs more

Steps = NDArray[np.int64]
"""A motion in whole steps (VALUES,): blendshapes, rotation, translation, gaze."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A motion that came. position: its time, in samples at 48 kHz since the session's start. rig: of which face."""

    position: int
    rig: int
    motion: Motion
    key: bool


def steps_of(motion: Motion) -> Steps:
    """A motion, rounded and held in its ranges; what is no number counts as 0."""
    values = np.concatenate([motion.blendshapes, motion.rotation, motion.translation, motion.gaze])
    whole = np.rint(np.nan_to_num(values.astype(np.float64), posinf=1e9, neginf=-1e9) / _UNITS)
    return np.asarray(np.clip(whole, _LOW, _HIGH), np.int64)


def motion_of(steps: Steps) -> Motion:
    """The motion that so many steps mean."""
    values = np.asarray(steps * _UNITS, np.float32)
    n = len(BLENDSHAPES)
    return Motion(values[:n], values[n : n + 3], values[n + 3 : n + 6], values[n + 6 :])


class MotionEncoder:
    """Motions of one session into records, in order."""

    def __init__(self) -> None:
        self._last: Steps | None = None
        self._position = self._rig = self._number = 0

    def encode(self, motion: Motion, position: int, rig: int, *, key: bool = False) -> tuple[bool, bytes]:
        """Whether it became a key, and the record. Deltas are in order of time; what goes back, or is another face's,
        is a key. rig: a number of 32 bits for the face.
        """
        steps = steps_of(motion)
        after = position - self._position
        key = key or self._last is None or rig != self._rig or not 0 < after <= MAX_AFTER
        self._number = (self._number + 1) % _NUMBERS
        if key or self._last is None:
            body = _KEY.pack(position, rig, self._number) + _written(steps)
        else:
            body = _DELTA.pack(after, self._number) + _written(steps - self._last)
        self._last, self._position, self._rig = steps, position, rig
        return key, record(KEY if key else DELTA, body)


class MotionDecoder:
    """Records back into motions. Deltas are left out until a key has come, and after one was missed."""

    def __init__(self) -> None:
        self._last: Steps | None = None
        self._position = self._rig = self._number = 0

    def decode(self, kind: int, body: bytes) -> Moved | None:
        """The motion of a KEY or DELTA; None where it cannot be told without a key. Raises WireError."""
        header = _KEY if kind == KEY else _DELTA
        if len(body) < header.size:
            raise WireError("a motion is cut short")
        values = _read(body[header.size :])
        if kind == KEY:
            position, rig, number = _KEY.unpack_from(body)
            if position > MAX_POSITION:
                raise WireError("a motion's position is past all time")
            self._last, self._position, self._rig = np.zeros(VALUES, np.int64), position, rig
        else:
            after, number = _DELTA.unpack_from(body)
            if self._last is None:
                return None
            if number != (self._number + 1) % _NUMBERS:
                self._last = None
                return None
            self._position += after
        self._number = number
        self._last = np.clip(self._last + values, _LOW, _HIGH)
        return Moved(self._position, self._rig, motion_of(self._last), kind == KEY)


def record(kind: int, body: bytes) -> bytes:
    """A record. body: of at most MAX_RECORD bytes."""
    return _RECORD.pack(kind, len(body)) + body


def sound_record(packets: Iterable[SoundPacket]) -> bytes:
    """Packets as records: one for those that follow each other without a gap; empty where there are none."""
    records, body, expected = [], b"", -1
    for packet in packets:
        piece = _PACKET.pack(len(packet.data)) + packet.data
        if packet.time != expected or len(body) + len(piece) > MAX_RECORD:
            if body:
                records.append(record(SOUND, body))
            body = _SOUND.pack(packet.time)
        body += piece
        expected = packet.time + SOUND_STEP
    return b"".join([*records, record(SOUND, body) if body else b""])


def records_of(message: bytes) -> list[tuple[int, bytes]]:
    """The records of a message: kind and body. Raises WireError; kinds that are not known are left out."""
    found, at = [], 0
    while at < len(message):
        if at + _RECORD.size > len(message):
            raise WireError("a record is cut short")
        kind, size = _RECORD.unpack_from(message, at)
        at += _RECORD.size
        if at + size > len(message):
            raise WireError("a record is cut short")
        if kind in (KEY, DELTA, SOUND):
            found.append((kind, message[at : at + size]))
        at += size
    return found


def sounds_of(body: bytes) -> list[SoundPacket]:
    """The packets of a SOUND record. Raises WireError."""
    if len(body) < _SOUND.size:
        raise WireError("sound is cut short")
    (position,) = _SOUND.unpack_from(body)
    if position > MAX_POSITION - SOUND_STEP * len(body):
        raise WireError("a sound's position is past all time")
    packets, at = [], _SOUND.size
    while at < len(body):
        if at + _PACKET.size > len(body):
            raise WireError("sound is cut short")
        (size,) = _PACKET.unpack_from(body, at)
        at += _PACKET.size
        if not size or at + size > len(body):
            raise WireError("an Opus packet is empty, or cut short")
        packets.append(SoundPacket(position, body[at : at + size]))
        position, at = position + SOUND_STEP, at + size
    return packets


def _written(values: Steps) -> bytes:
    """Signed Exp-Golomb codes, one after the other, and zeros up to a whole byte."""
    bits = length = 0
    for value in values.tolist():
        code = 2 * value if value > 0 else -2 * value + 1  # 1, 2, 3, 4, 5 … for 0, 1, -1, 2, -2 …
        size = code.bit_length()
        bits = bits << (2 * size - 1) | code  # size - 1 zeros, then the code, which begins with a 1
        length += 2 * size - 1
    whole = (length + 7) // 8
    return (bits << (8 * whole - length)).to_bytes(whole, "big")


def _read(data: bytes) -> Steps:
    """VALUES of them. Raises WireError where they end too early, or late, or are larger than any difference."""
    bits, left = int.from_bytes(data, "big"), 8 * len(data)
    values = []
    for _ in range(VALUES):
        rest = bits & ((1 << left) - 1)
        zeros = left - rest.bit_length()
        if zeros > _LONGEST or 2 * zeros + 1 > left:
            raise WireError("a motion is damaged")
        left -= 2 * zeros + 1
        code = rest >> left
        values.append(-(code >> 1) if code & 1 else code >> 1)
    if left > 7 or bits & ((1 << left) - 1):
        raise WireError("a motion is longer than it should be")
    return np.array(values, np.int64)
