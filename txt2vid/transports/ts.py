"""MPEG-TS (ISO/IEC 13818-1) into units: whole packets, cut where a keyframe of the picture starts."""

from __future__ import annotations

import re

from txt2vid.transports.units import Unit

PACKET = 188  # bytes (2.4.3.2)
SYNC = 0x47
MOST_TABLES = 16  # packets of tables that wait for what follows them; PAT, SDT and PMT are three
VIDEO_TYPES = frozenset({0x01, 0x02, 0x10, 0x1B, 0x24})  # MPEG-1, MPEG-2, MPEG-4 part 2, H.264, H.265 (table 2-34)
_PAT = 0x0000
_SERVICE = frozenset(range(0x0010, 0x0020))  # PIDs of DVB's tables, as the SDT (ETSI EN 300 468, 5.1.3)
_BEGINS = re.compile(rb"[\x40-\x7f\xc0-\xff]")  # second bytes with payload_unit_start_indicator: a PES or table begins


class TsCutter:
    """One program's packets. The video's PID comes from PAT and PMT, each of one packet.

    A key unit starts at the tables right before a video packet with the random access indicator; where none are there
    (a muxer that repeats them by the clock alone), it gets copies of the last ones.
    """

    def __init__(self) -> None:
        self.header = b""
        self.skip = False
        self.lost = 0
        self._rest = b""  # a torn packet, and tables that may belong to a keyframe that has not come yet
        self._synced = False
        self._pat, self._pmt = b"", b""  # the last packets of each
        self._pmt_pid = self._video_pid = -1
        self._tables = _SERVICE | {_PAT}

    def feed(self, data: bytes) -> list[Unit]:
        """The units of all packets that are whole now."""
        if self._rest:
            data = self._rest + data
        end = len(data) // PACKET * PACKET
        if not self._synced or data[:end:PACKET].count(SYNC) * PACKET != end:
            data = self._resync(data)
            end = len(data) // PACKET * PACKET
        units: list[Unit] = []
        start, key, copies = 0, False, b""
        for at in self._keyframes(data, end):
            begin, whole = self._tables_before(data, start, at)
            if begin > start:
                units.append(Unit(copies + data[start:begin], key))
            start, key, copies = begin, True, b"" if whole else self._pat + self._pmt
        stop = self._before_tables(data, start, end)
        if stop > start:
            units.append(Unit(copies + data[start:stop], key))
        self._rest = data[stop:]
        return [] if self.skip else units

    def _keyframes(self, data: bytes, end: int) -> list[int]:
        """Where video packets are that start a keyframe. Learns the PIDs on its way."""
        found = []
        for match in _BEGINS.finditer(data[1:end:PACKET]):
            at = match.start() * PACKET
            pid = _pid(data, at)
            if pid == self._video_pid:
                if data[at + 3] & 0x20 and data[at + 4] and data[at + 5] & 0x40:  # random_access_indicator (2.4.3.5)
                    found.append(at)
            elif pid == _PAT:
                self._learn_pat(data[at : at + PACKET])
            elif pid == self._pmt_pid:
                self._learn_pmt(data[at : at + PACKET])
        return found

    def _tables_before(self, data: bytes, start: int, at: int) -> tuple[int, bool]:
        """Where the tables begin that end at `at`, and whether a viewer can start with them; else `at`."""
        begin, pids = at, set()
        while begin > start and (pid := _pid(data, begin - PACKET)) in self._tables:
            pids.add(pid)
            begin -= PACKET
        return (begin, True) if {_PAT, self._pmt_pid} <= pids else (at, False)

    def _before_tables(self, data: bytes, start: int, end: int) -> int:
        """`end` without the tables right before it, unless those are too many to wait."""
        stop = end
        while stop > start and _pid(data, stop - PACKET) in self._tables:
            stop -= PACKET
        return stop if end - stop <= MOST_TABLES * PACKET else end

    def _learn_pat(self, packet: bytes) -> None:
        if packet[4:] == self._pat[4:]:
            return
        section = _section(packet, 0x00)
        for at in range(8, len(section) - 3, 4):  # after the header: program number, PID (2.4.4.3)
            if section[at : at + 2] != b"\0\0":  # 0 is the network's
                self._pat, self._pmt_pid = packet, _pid(section, at + 1)
                self._tables = _SERVICE | {_PAT, self._pmt_pid}
                return

    def _learn_pmt(self, packet: bytes) -> None:
        if packet[4:] == self._pmt[4:]:
            return
        section = _section(packet, 0x02)
        if len(section) < 12:
            return
        at = 12 + (_pid(section, 9) & 0x0FFF)  # after the program's descriptors (2.4.4.8)
        while at + 5 <= len(section):
            if section[at] in VIDEO_TYPES:
                self._pmt, self._video_pid = packet, _pid(section, at)
                return
            at += 5 + (_pid(section, at + 2) & 0x0FFF)

    def _resync(self, data: bytes) -> bytes:
        """The packets of bytes between which others are, and what may become one. After a gap, a sync byte counts
        only with another one packet further on.
        """
        packets, at = [], 0
        while at < len(data):
            follows = at + PACKET
            if data[at] == SYNC and follows >= len(data) + self._synced:
                break  # too few bytes to say
            if data[at] == SYNC and (self._synced or data[follows] == SYNC):
                self._synced = True
                packets.append(data[at:follows])
                at = follows
                continue
            self._synced = False
            sync = data.find(SYNC, at + 1)
            sync = len(data) if sync < 0 else sync
            self.lost += sync - at
            at = sync
        return b"".join([*packets, data[at:]])


def _pid(data: bytes, at: int) -> int:
    """The 13 bits after the third bit of the byte after `at`: a packet's PID, and how tables hold PIDs and lengths."""
    return (data[at + 1] & 0x1F) << 8 | data[at + 2]


def _section(packet: bytes, table: int) -> bytes:
    """The table that begins in a packet, without its checksum; empty where it is another, or not all in this packet."""
    begin = 5 + packet[4] if packet[3] & 0x20 else 4
    if begin >= PACKET:
        return b""
    begin += 1 + packet[begin]  # pointer_field (2.4.4.2)
    if begin + 3 > PACKET or packet[begin] != table:
        return b""
    end = begin + 3 + (_pid(packet, begin) & 0x0FFF)
    return packet[begin : end - 4] if end <= PACKET else b""
