"""Pictures out of packets that are lost, late, twice there, and numbered past the end."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("aiortc")
from aiortc.rtp import RtpPacket

from txt2vid.transports.assembly import ASK_AGAIN, Assembler, Coded, is_key, since

KEY, NEXT = b"\0\0\0\1\x67sps\0\0\1\x65", b"\0\0\0\1\x41"


class Camera:
    """Makes packets: pictures of three each, 6000 ticks apart."""

    def __init__(self, number: int = 0, time: int = 0) -> None:
        self.number, self.time = number, time
        self.pictures: list[Coded] = []
        self.asked = 0
        self.assembler = Assembler({96: "h264", 97: "vp8"}.get, self.pictures.append)

    def packets(self, *, key: bool = False, kind: int = 96, parts: int = 3) -> list[Any]:
        made = []
        for part in range(parts):
            packet = RtpPacket(kind, int(part == parts - 1), self.number, self.time)
            begin = (KEY if key else NEXT) if kind == 96 else bytes([not key])
            packet._data = (begin if part == 0 else b"") + bytes([part, len(self.pictures) % 256])  # type: ignore[attr-defined]
            made.append(packet)
            self.number = (self.number + 1) % (1 << 16)
        self.time = (self.time + 6000) % (1 << 32)
        return made

    def send(self, packets: list[Any]) -> None:
        for packet in packets:
            wants, frame = self.assembler.add(packet)
            assert frame is None
            self.asked += wants


def test_each_picture_is_there_with_its_last_packet() -> None:
    camera = Camera()
    first = camera.packets(key=True)
    camera.send(first[:2])
    assert camera.pictures == []
    camera.send(first[2:])
    assert [(each.codec, each.time, each.key) for each in camera.pictures] == [("h264", 0, True)]
    assert camera.pictures[0].data == b"".join(packet._data for packet in first)


def test_numbers_and_times_go_past_their_end() -> None:
    camera = Camera((1 << 16) - 4, (1 << 32) - 7000)
    camera.send(camera.packets(key=True))
    for _ in range(5):
        camera.send(camera.packets())
    assert len(camera.pictures) == 6
    assert all(since(later.time, one.time) == 6000 for one, later in pairwise(camera.pictures))


def test_order_does_not_matter_and_twice_is_once() -> None:
    camera = Camera()
    camera.send(camera.packets(key=True))
    later = camera.packets() + camera.packets() + camera.packets()
    twice = [*later, *later[:4]]
    random.Random(3).shuffle(twice)
    camera.send(twice)
    assert [each.time for each in camera.pictures] == [0, 6000, 12000, 18000]


def test_after_a_loss_a_key_is_asked_for_and_nothing_else_comes_before_it() -> None:
    camera = Camera()
    camera.send(camera.packets(key=True))
    camera.send(camera.packets()[:1])  # two are lost for good
    for _ in range(12):
        camera.send(camera.packets())
    assert len(camera.pictures) == 1
    assert 1 <= camera.asked <= 2, "now, and again after a while"
    assert camera.assembler.lost > 5
    camera.send(camera.packets(key=True))
    camera.send(camera.packets())
    assert [each.key for each in camera.pictures] == [True, True, False]


def test_a_retransmission_closes_the_gap() -> None:
    camera = Camera()
    camera.send(camera.packets(key=True))
    late = camera.packets()
    camera.send([late[0], late[2]])
    camera.send(camera.packets())
    assert len(camera.pictures) == 1
    camera.send([late[1]])
    assert [each.time for each in camera.pictures] == [0, 6000, 12000]
    assert camera.asked <= 1


def test_what_cannot_be_decoded_brings_a_key() -> None:
    camera = Camera()
    camera.send(camera.packets(key=True))
    camera.assembler.refuse()
    before = camera.asked
    for _ in range(2 * ASK_AGAIN // 6000 + 1):
        camera.send(camera.packets())
    assert len(camera.pictures) == 1
    assert camera.asked - before == 2, "now, and again after a while"
    camera.send(camera.packets(key=True))
    assert len(camera.pictures) == 2


def test_other_payloads_and_senders_without_marks() -> None:
    camera = Camera()
    camera.send(camera.packets(key=True, kind=12))
    assert camera.pictures == []
    for number in range(3):
        packets = camera.packets(key=number == 0, kind=97)
        packets[-1].marker = 0
        camera.send(packets)
    assert [each.codec for each in camera.pictures] == ["vp8", "vp8"], "the third is not known to be whole"


def test_keys() -> None:
    assert is_key("h264", KEY)
    assert is_key("h264", b"\0\0\0\1\x09\xf0" + KEY)
    assert not is_key("h264", NEXT)
    assert not is_key("h264", b"\0\0\1")
    assert not is_key("h264", b"junk")
    assert is_key("vp8", b"\x10rest")
    assert not is_key("vp8", b"\x11rest")
