"""What peers report, as the bytes of RTCP that they send: what a session's queue is told of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("aiortc")
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    pack_remb_fci,
)

from txt2vid.transports.forward import KEY_SECONDS, Forwarder, PeerQueue
from txt2vid.transports.tracks import MOST_AGAIN, in_vain, retimed, tell

OURS, THEIRS = 1234, 99


class Room:
    """A session with one peer. keys, rates: what was asked of its studio."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.rates: list[int] = []
        self.now = 0.0
        self.forwarder = Forwarder(
            lambda _, bitrate: self.rates.append(bitrate), self.keys.append, 2_000_000, lambda: self.now
        )
        self.peer: PeerQueue = self.forwarder.join("h264")
        self.pass_by()

    def pass_by(self) -> None:
        """Time, so that another key may be asked for."""
        self.now += 10 * KEY_SECONDS
        self.keys.clear()
        self.rates.clear()

    def hear(self, packet: AnyRtcpPacket) -> AnyRtcpPacket:
        """The packet, as it arrives."""
        (arrived,) = RtcpPacket.parse(bytes(packet))
        tell(self.peer, arrived, OURS)
        return arrived


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.peer.close()


def missing(count: int) -> RtcpRtpfbPacket:
    """So many packets are asked for again."""
    return RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=THEIRS, media_ssrc=OURS, lost=list(range(100, 100 + count)))


@pytest.mark.parametrize("count", [1, MOST_AGAIN - 1, MOST_AGAIN])
def test_what_is_lost_is_sent_again_up_to_a_limit(room: Room, count: int) -> None:
    arrived = room.hear(missing(count))
    assert isinstance(arrived, RtcpRtpfbPacket)
    assert len(arrived.lost) == count
    assert not in_vain(arrived)
    assert room.keys == []


@pytest.mark.parametrize("count", [MOST_AGAIN + 1, 17 * MOST_AGAIN])
def test_beyond_it_a_key_is_asked_for_instead(room: Room, count: int) -> None:
    assert in_vain(room.hear(missing(count)))
    assert room.keys == ["h264"]


def test_browsers_repeat_such_reports_and_the_key_is_asked_for_once(room: Room) -> None:
    for _ in range(40):
        assert in_vain(room.hear(missing(5 * MOST_AGAIN)))
        room.now += KEY_SECONDS / 50
    assert room.keys == ["h264"]
    room.pass_by()
    room.hear(missing(5 * MOST_AGAIN))
    assert room.keys == ["h264"]


@pytest.mark.parametrize("fmt", [RTCP_PSFB_PLI, RTCP_PSFB_FIR])
def test_a_lost_picture_asks_for_a_key(room: Room, fmt: int) -> None:
    assert not in_vain(room.hear(RtcpPsfbPacket(fmt=fmt, ssrc=THEIRS, media_ssrc=OURS)))
    assert room.keys == ["h264"]


def test_an_estimate_counts_for_whom_it_names(room: Room) -> None:
    def estimate(source: int) -> RtcpPsfbPacket:
        return RtcpPsfbPacket(
            fmt=RTCP_PSFB_APP, ssrc=THEIRS, media_ssrc=0, fci=pack_remb_fci(bitrate=500_000, ssrcs=[source])
        )

    room.hear(estimate(THEIRS))
    assert room.rates == []
    room.hear(estimate(OURS))
    (rate,) = room.rates
    assert 150_000 < rate < 500_000


@pytest.mark.parametrize("fci", [b"", b"REMB", b"xxxx\0\0\0\0"])
def test_an_estimate_that_makes_no_sense_is_passed_over(room: Room, fci: bytes) -> None:
    room.hear(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=THEIRS, media_ssrc=0, fci=fci))
    assert (room.keys, room.rates) == ([], [])


def test_losses_count_for_whom_they_are_of(room: Room) -> None:
    def losses(source: int) -> RtcpRrPacket:
        info = RtcpReceiverInfo(
            ssrc=source, fraction_lost=128, packets_lost=9, highest_sequence=50, jitter=0, lsr=0, dlsr=0
        )
        return RtcpRrPacket(ssrc=THEIRS, reports=[info])

    room.hear(losses(THEIRS))
    assert room.rates == []
    room.hear(losses(OURS))
    (rate,) = room.rates
    assert rate < 2_000_000


def report(timestamp: int) -> RtcpSrPacket:
    info = RtcpSenderInfo(ntp_timestamp=77 << 32, rtp_timestamp=timestamp, packet_count=1, octet_count=1)
    return RtcpSrPacket(ssrc=OURS, sender_info=info)


@pytest.mark.parametrize(
    ("timestamp", "late", "clock", "told"),
    [
        (90_000, 0.0, 90_000, 90_000),
        (90_000, 0.01, 90_000, 90_900),
        (48_000, -0.04, 48_000, 46_080),  # sound goes out ahead
        (100, -0.04, 48_000, (1 << 32) - 1820),
        ((1 << 32) - 100, 0.04, 48_000, 1820),
    ],
)
def test_sender_reports_tell_the_time_that_is_shown(timestamp: int, late: float, clock: int, told: int) -> None:
    packet = report(timestamp)
    retimed(packet, late, clock)
    (arrived,) = RtcpPacket.parse(bytes(packet))
    assert isinstance(arrived, RtcpSrPacket)
    assert (arrived.sender_info.rtp_timestamp, arrived.sender_info.ntp_timestamp) == (told, 77 << 32)


def test_sound_and_pictures_are_told_by_one_clock(room: Room) -> None:
    """Whatever is sent first, and however late: the times that reports map to one moment differ by no tick."""

    def now_told(time: float, sent: float, clock: int) -> float:
        packet = report(round(time * clock))
        retimed(packet, room.peer.late(time, sent), clock)
        return packet.sender_info.rtp_timestamp / clock - sent

    first = now_told(7.0, 100.00, 48_000)
    assert now_told(7.0, 100.04, 90_000) == pytest.approx(first)
    assert now_told(7.04, 100.123, 90_000) == pytest.approx(first)
    assert now_told(7.08, 100.03, 48_000) == pytest.approx(first)
