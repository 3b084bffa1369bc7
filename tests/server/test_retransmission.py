"""A peer asks a real server for packets again: it gets a few, and of many none."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiortc")
from aiortc.rtp import RtpPacket

from tests.server.conftest import SMALL, serving
from tests.server.peers import line, on_loopback, until  # noqa: F401
from txt2vid.transports.tracks import MOST_AGAIN

KEPT = 128  # packets that aiortc's sender can send again


class Listener:
    """Of a receiver's RTP. sent: numbers of the pictures' packets. again: those that came a second time."""

    def __init__(self, receiver: Any) -> None:
        self.receiver, self.sent, self.again, self.source = receiver, list[int](), list[int](), 0
        self._handle = receiver._handle_rtp_packet
        receiver._handle_rtp_packet = self._heard

    async def _heard(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        if self.source in (0, packet.ssrc):
            self.source = packet.ssrc
            self.sent.append(packet.sequence_number)
        else:  # RTX has a source of its own, and the number before its payload (RFC 4588, 4)
            self.again.append(int.from_bytes(packet.payload[:2], "big"))
        await self._handle(packet, arrival_time_ms)

    async def ask(self, numbers: list[int]) -> None:
        await self.receiver._send_rtcp_nack(self.source, numbers)


def test_a_few_packets_are_sent_again_and_of_too_many_none(tmp_path: Path, hero: Path) -> None:
    async def main(server: Any) -> None:
        async with line(server, "/whep/hero", takes=("video",)) as down:
            await until(lambda: down.connection.getTransceivers()[0].receiver.track is not None, "it is answered")
            heard = Listener(down.connection.getTransceivers()[0].receiver)
            few, many = MOST_AGAIN, MOST_AGAIN + 1
            await until(lambda: len(heard.sent) > few + many + 1, "pictures")
            newest, older, last = heard.sent[-few - 1 : -1], heard.sent[-few - many - 1 : -few - 1], heard.sent[-1]
            assert len(newest) + len(older) + 1 < KEPT
            await heard.ask(older)
            await heard.ask(newest)
            await heard.ask([last])
            await until(lambda: last in heard.again, "the last one")
            assert [number for number in newest if number in heard.again] == newest
            assert [number for number in older if number in heard.again] == []

    with serving(tmp_path / "serve", "--face", hero, *SMALL) as server:
        asyncio.run(main(server))
