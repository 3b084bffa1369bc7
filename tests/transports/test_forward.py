"""Packets to peers: keys first, slow peers, rates, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from txt2vid.core.packets import PicturePacket, SoundPacket
from txt2vid.transports.forward import KEY_SECONDS, LOWEST_BITRATE, PICTURES, SOUNDS, Forwarder, Timed


class Room:
    """A forwarder with a clock of the test's, and what it asks of the studio."""

    def __init__(self) -> None:
        self.now = 100.0
        self.wanted: list[tuple[tuple[str, ...], int]] = []
        self.keys: list[str] = []
        self.forwarder = Forwarder(
            lambda codecs, bitrate: self.wanted.append((codecs, bitrate)), self.keys.append, 2_000_000, lambda: self.now
        )

    def picture(self, number: int, *, key: bool = False, codec: str = "h264") -> None:
        self.forwarder.push((PicturePacket(codec, 3600 * number, key, b"%d" % number),), ())

    def sound(self, number: int) -> None:
        self.forwarder.push((), [Timed(self.now, SoundPacket(960 * number, b"%d" % number))])


def run(test: Callable[[Room], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await asyncio.wait_for(test(Room()), 30)

    asyncio.run(main())


def test_the_first_picture_is_a_key_and_is_asked_for() -> None:
    async def test(room: Room) -> None:
        peer = room.forwarder.join("h264")
        assert (room.wanted, room.keys) == ([(("h264",), 2_000_000)], ["h264"])
        room.picture(0)
        room.picture(1, key=True)
        room.picture(2)
        first, second = await peer.picture(), await peer.picture()
        assert first is not None
        assert second is not None
        assert (first.packet.data, second.packet.data) == (b"1", b"2")
        assert peer.dropped == 1

    run(test)


def test_keys_are_asked_for_within_limits() -> None:
    async def test(room: Room) -> None:
        peer = room.forwarder.join("h264")
        for _ in range(100):
            peer.ask_key()
        assert room.keys == ["h264"]
        room.now += KEY_SECONDS
        room.forwarder.join("h264")
        room.forwarder.join("vp8")
        assert room.keys == ["h264", "h264", "vp8"]

    run(test)


def test_a_peer_that_hangs_goes_on_with_a_key_and_no_other_waits() -> None:
    async def test(room: Room) -> None:
        slow, quick = room.forwarder.join("h264"), room.forwarder.join("h264")
        seen = []
        room.now += 10
        for number in range(3 * PICTURES):
            room.picture(number, key=number in (0, 2 * PICTURES))
            taken = await quick.picture()
            assert taken is not None
            seen.append(int(taken.packet.data))
        assert seen == list(range(3 * PICTURES))
        first = await slow.picture()
        assert first is not None
        assert first.packet.data == b"%d" % (2 * PICTURES)
        assert slow.dropped == 2 * PICTURES
        assert room.keys == ["h264", "h264"]

    run(test)


def test_sound_that_waits_is_bounded_and_the_oldest_goes() -> None:
    async def test(room: Room) -> None:
        peer = room.forwarder.join(None)
        assert room.wanted == [(("h264",), 2_000_000)]  # packets come with pictures
        for number in range(SOUNDS + 10):
            room.sound(number)
        first = await peer.sound()
        assert first is not None
        assert first.packet.data == b"10"

    run(test)


def test_codecs_that_nobody_has_any_more_are_not_asked_for() -> None:
    async def test(room: Room) -> None:
        first, second = room.forwarder.join("vp8"), room.forwarder.join("h264")
        second.close()
        second.close()
        first.close()
        assert [codecs for codecs, _ in room.wanted] == [("vp8",), ("h264", "vp8"), ("vp8",), ()]
        assert await first.picture() is None

    run(test)


def test_whoever_waits_is_told_of_the_end() -> None:
    async def test(room: Room) -> None:
        peer = room.forwarder.join("h264")
        waiting = [asyncio.create_task(peer.picture()), asyncio.create_task(peer.sound())]
        await asyncio.sleep(0)
        room.forwarder.close()
        assert await asyncio.gather(*waiting) == [None, None]
        assert room.forwarder.peers == []

    run(test)


@pytest.mark.parametrize("bad", [1.0, 300_000.0])
def test_a_bad_link_lowers_the_rate_for_all_within_bounds(bad: float) -> None:
    async def test(room: Room) -> None:
        good, poor = room.forwarder.join("h264"), room.forwarder.join("h264")
        good.estimated(3_000_000)
        poor.estimated(bad)
        assert room.wanted[-1] == (("h264",), max(LOWEST_BITRATE, round(0.85 * bad)))
        assert room.forwarder.bitrate == room.wanted[-1][1]
        room.now += 10
        poor.close()
        good.lost(0.0)
        assert room.wanted[-1] == (("h264",), 2_000_000)
        poor.estimated(10.0)  # it is gone
        assert room.forwarder.bitrate == 2_000_000

    run(test)
