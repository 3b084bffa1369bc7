"""Streams cut into units, however their bytes arrive, and whatever else arrives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.transports.media import FPS, FRAGMENTED, GOP, SECONDS, Streams, frames, made
from txt2vid.transports.mp4 import Mp4Cutter
from txt2vid.transports.ts import MOST_TABLES, PACKET, TsCutter
from txt2vid.transports.units import Cutter, Unit

KEYS = SECONDS * FPS // GOP
some = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
sizes = st.lists(st.one_of(st.integers(1, 400), st.integers(1, 100_000)), min_size=1, max_size=40)


def pieces(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """The data in pieces of these sizes, over and over."""
    at = turn = 0
    while at < len(data):
        size = max(sizes[turn % len(sizes)], len(data) // 5000)
        yield data[at : at + size]
        at, turn = at + size, turn + 1


def cut(cutter: Cutter, data: bytes, sizes: Sequence[int] = (4000,)) -> list[Unit]:
    return [unit for piece in pieces(data, sizes) for unit in cutter.feed(piece)]


def joined(units: Sequence[Unit]) -> bytes:
    return b"".join(unit.data for unit in units)


@some
@given(sizes=sizes)
def test_ts_comes_out_as_it_went_in(streams: Streams, sizes: list[int]) -> None:
    cutter = TsCutter()
    units = cut(cutter, streams.ts, sizes)
    assert streams.ts.startswith(joined(units))
    assert len(streams.ts) - len(joined(units)) <= MOST_TABLES * PACKET
    assert all(len(unit.data) % PACKET == 0 for unit in units)
    assert sum(unit.key for unit in units) == KEYS
    assert cutter.lost == 0


@some
@given(sizes=sizes)
def test_mp4_comes_out_as_it_went_in(streams: Streams, sizes: list[int]) -> None:
    cutter = Mp4Cutter()
    units = cut(cutter, streams.mp4, sizes)
    assert streams.mp4.startswith(cutter.header + joined(units))
    assert sum(unit.key for unit in units) == KEYS
    assert all(unit.data[4:8] == b"moof" for unit in units)
    assert cutter.lost == 0


@pytest.mark.parametrize("nth", [0, 1, KEYS - 1])
@pytest.mark.parametrize("kind", ["ts", "mp4"])
def test_a_viewer_can_start_at_each_key(streams: Streams, kind: str, nth: int) -> None:
    cutter: Cutter = TsCutter() if kind == "ts" else Mp4Cutter()
    units = cut(cutter, getattr(streams, kind))
    begin = [number for number, unit in enumerate(units) if unit.key][nth]
    assert frames(cutter.header + joined(units[begin:])) == SECONDS * FPS - nth * GOP


def test_ts_keys_start_with_pat_and_pmt(streams: Streams) -> None:
    for unit in cut(TsCutter(), streams.ts):
        if unit.key:
            pids = [(unit.data[at + 1] & 0x1F) << 8 | unit.data[at + 2] for at in range(0, len(unit.data), PACKET)]
            tables = pids[: pids.index(0x100)]
            assert tables in ([0, 0x1000], [0x11, 0, 0x1000])


def test_ts_with_other_pids_and_rare_tables() -> None:
    rare = ("-f", "mpegts", "-mpegts_start_pid", "0x1b0", "-mpegts_pmt_start_pid", "0x620", "-g", "1")
    cutter = TsCutter()
    units = cut(cutter, made(*rare))
    keys = [number for number, unit in enumerate(units) if unit.key]
    assert len(keys) == SECONDS * FPS
    assert all(units[key].data[1] & 0x1F == 0 and units[key].data[2] in (0, 0x11) for key in keys)
    assert frames(joined(units[keys[30] :])) == SECONDS * FPS - 30


def test_sound_alone_is_no_key() -> None:
    for cutter, muxer in ((TsCutter(), ("mpegts",)), (Mp4Cutter(), ("mp4", "-movflags", FRAGMENTED))):
        units = cut(cutter, made("-vn", "-f", *muxer))
        assert units
        assert not any(unit.key for unit in units)


@pytest.mark.parametrize("kind", ["ts", "mp4"])
def test_skipping_stays_in_step(streams: Streams, kind: str) -> None:
    data: bytes = getattr(streams, kind)
    for half in range(len(data) // 2, len(data) // 2 + 3000, 333):
        cutter: Cutter = TsCutter() if kind == "ts" else Mp4Cutter()
        cutter.skip = True
        assert cut(cutter, data[:half]) == []
        cutter.skip = False
        units = cut(cutter, data[half:])
        assert sum(unit.key for unit in units) >= KEYS // 2 - 1
        assert cutter.lost == 0


@some
@given(garbage=st.binary(max_size=3000), at=st.integers(0, 50_000), torn=st.integers(0, 3000), sizes=sizes)
def test_streams_go_on_after_garbage_and_gaps(
    streams: Streams, garbage: bytes, at: int, torn: int, sizes: list[int]
) -> None:
    for cutter, data in ((TsCutter(), streams.ts), (Mp4Cutter(), streams.mp4)):
        units = cut(cutter, data[:at] + garbage + data[at + torn :], sizes)
        assert units[-1].data[-PACKET:] in data[-20_000:]


@some
@given(garbage=st.lists(st.one_of(st.binary(max_size=500), st.just(b"G" * 400), st.just(b"\0\0\0\x20moof"))))
def test_garbage_is_not_kept(garbage: list[bytes]) -> None:
    for cutter in (TsCutter(), Mp4Cutter()):
        for piece in garbage * 20:
            cutter.feed(piece)
            assert len(cutter._rest) < 30_000


def test_a_box_too_large_is_no_box(streams: Streams) -> None:
    cutter = Mp4Cutter()
    units = cut(cutter, b"\x7f\xff\xff\xffmdat" + streams.mp4)
    assert sum(unit.key for unit in units) == KEYS
    assert cutter.lost == 8
