"""Fragmented MP4 (ISO/IEC 14496-12) into units: a header (ftyp, moov), then fragments (moof, mdat)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from txt2vid.transports.units import Unit

MOST_BYTES = 4 << 20  # of a box; a fragment of a frame has some 10 kB. A larger one is taken for a torn stream
_BOX = struct.Struct(">I4s")  # size with this header, type (4.2)
_WORD = struct.Struct(">I")
_KINDS = frozenset({b"ftyp", b"moov", b"moof", b"mdat", b"styp", b"sidx", b"prft", b"emsg", b"free", b"skip", b"mfra"})
_FRAGMENT = b"moof\x00\x00\x00\x10mfhd"  # the type of a fragment and its first box (8.8.5)
_NON_SYNC = 0x00010000  # sample_is_non_sync_sample (8.8.3.1)


class Mp4Cutter:
    """One stream. A unit is a fragment; key where the first sample that it has of the picture is a sync sample.

    Fragments must not count from the file's start (ffmpeg: -movflags default_base_moof), or none can be left out.
    """

    def __init__(self) -> None:
        self.header = b""
        self.skip = False
        self.lost = 0
        self._rest = b""
        self._over = 0  # bytes of a box still to come that nobody wants
        self._ftyp = b""
        self._video, self._flags = 0, _NON_SYNC  # the picture's track, and what its samples are where nothing else says

    def feed(self, data: bytes) -> list[Unit]:
        """The fragments that are whole now."""
        if self._over:
            over = min(self._over, len(data))
            self._over -= over
            if over == len(data):
                return []
            data = data[over:]
        if self._rest:
            data = self._rest + data
        units: list[Unit] = []
        at = self._cut(data, units)
        self._rest = data[at:]
        return units

    def _cut(self, data: bytes, units: list[Unit]) -> int:
        """Appends the fragments of `data`; gives how far it is done with."""
        at, length = 0, len(data)
        while length - at >= _BOX.size:
            size, kind = _BOX.unpack_from(data, at)
            if kind not in _KINDS or not _BOX.size <= size <= MOST_BYTES:
                found = _resync(data, at)
                self.lost += found - at
                at = found
                if length - at < len(_FRAGMENT) + 4:
                    break
                continue
            if kind == b"ftyp" or kind == b"moov":
                if at + size > length:
                    break
                self._head(kind, data[at : at + size])
            elif kind == b"moof" and not self.skip:
                end = self._fragment_end(data, at, size)
                if end is None:
                    break
                if end:
                    units.append(Unit(data[at:end], self._is_key(data, at + 8, at + size)))
                    at = end
                    continue
            at += size
            if at > length:
                self._over = at - length
                return length
        return at

    def _fragment_end(self, data: bytes, at: int, size: int) -> int | None:
        """Where the fragment ends whose moof is at `at`; None: not all is there; 0: no mdat follows."""
        mdat = at + size
        if mdat + _BOX.size > len(data):
            return None
        length, kind = _BOX.unpack_from(data, mdat)
        if kind != b"mdat" or not _BOX.size <= length <= MOST_BYTES:
            return 0
        return mdat + length if mdat + length <= len(data) else None

    def _head(self, kind: bytes, box: bytes) -> None:
        if kind == b"ftyp":
            self._ftyp = box
            return
        self.header = self._ftyp + box
        self._video = 0
        for kind, begin, end in _boxes(box, 8, len(box)):
            if kind == b"trak":
                self._video = self._video or _picture(box, begin, end)
        for begin, _ in _within(box, 8, len(box), b"mvex", b"trex"):
            track, flags = box[begin + 4 : begin + 8], box[begin + 20 : begin + 24]
            if self._video and len(flags) == 4 and track == _WORD.pack(self._video):
                (self._flags,) = _WORD.unpack(flags)

    def _is_key(self, data: bytes, begin: int, end: int) -> bool:
        """Whether a moof's first sample of the picture can be decoded without others."""
        for kind, inner, stop in _boxes(data, begin, end):
            if kind == b"traf":
                flags = self._first_flags(data, inner, stop)
                if flags is not None:
                    return not flags & _NON_SYNC
        return False

    def _first_flags(self, data: bytes, begin: int, end: int) -> int | None:
        """The flags of a traf's first sample (8.8.7, 8.8.8); None: no samples, or not of the picture."""
        default = self._flags
        for kind, at, stop in _boxes(data, begin, end):
            if kind == b"tfhd" and stop - at >= 8:
                has, track = struct.unpack_from(">II", data, at)
                if track != self._video:
                    return None
                # before the default flags: base data offset, description's index, duration, size
                place = at + 8 + 8 * bool(has & 1) + 4 * bool(has & 2) + 4 * bool(has & 8) + 4 * bool(has & 16)
                if has & 0x20 and place + 4 <= stop:
                    (default,) = _WORD.unpack_from(data, place)
            elif kind == b"trun" and stop - at >= 8:
                has, samples = struct.unpack_from(">II", data, at)
                place = at + 8 + 4 * bool(has & 1)  # after the data's offset
                if not has & 4:  # no flags of the first sample: its own, after its duration and size, or the default
                    if not has & 0x400:
                        return default if samples else None
                    place += 4 * bool(has & 0x100) + 4 * bool(has & 0x200)
                return int(_WORD.unpack_from(data, place)[0]) if samples and place + 4 <= stop else None
        return None


def _boxes(data: bytes, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes in a box: type, and where its content begins and ends. Stops at what is none."""
    while begin + 8 <= end:
        size, kind = _BOX.unpack_from(data, begin)
        if not 8 <= size <= end - begin:
            return
        yield kind, begin + 8, begin + size
        begin += size


def _within(data: bytes, begin: int, end: int, *path: bytes) -> Iterator[tuple[int, int]]:
    """Where the contents of all boxes with this path of types are."""
    for kind, inner, stop in _boxes(data, begin, end):
        if kind == path[0]:
            if len(path) == 1:
                yield inner, stop
            else:
                yield from _within(data, inner, stop, *path[1:])


def _picture(data: bytes, begin: int, end: int) -> int:
    """A trak's number, 0 where it is not of a picture (8.3.2, 8.4.3)."""
    for at, _ in _within(data, begin, end, b"mdia", b"hdlr"):
        if data[at + 8 : at + 12] != b"vide":
            return 0
    for at, stop in _within(data, begin, end, b"tkhd"):
        place = at + (20 if data[at : at + 1] == b"\1" else 12)  # version 1 has times of 64 bits
        if place + 4 <= stop:
            return int(_WORD.unpack_from(data, place)[0])
    return 0


def _resync(data: bytes, at: int) -> int:
    """Where after `at` a stream goes on, or may."""
    places = [place - 4 for what in (b"ftyp", _FRAGMENT) if (place := data.find(what, at + 5)) >= 0]
    return min(places, default=max(at + 1, len(data) - len(_FRAGMENT) - 3))
