"""Whom a peer's sockets hear."""

from __future__ import annotations

import asyncio
import socket

import pytest

pytest.importorskip("aiortc")
import aioice.ice
from aiortc import RTCIceGatherer, RTCIceTransport

from txt2vid.transports.restart import Path


def test_a_server_on_loopback_hears_its_own_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 stands for another machine, 127.0.0.3 for an address of this one's on a network."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.3"])

    async def main() -> tuple[set[str], list[bytes]]:
        transport = RTCIceTransport(RTCIceGatherer([]))
        path, heard = Path(transport, ["127.0.0.1"]), []
        monkeypatch.setattr(path.agent, "data_received", lambda data, _: heard.append(data))
        await transport.iceGatherer.gather()
        ends = [(candidate.host, candidate.port) for candidate in path.agent.local_candidates]
        for own in ("127.0.0.2", "127.0.0.1", "127.0.0.3"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((own, 0))
                for end in ends:
                    sender.sendto(own.encode(), end)
            await asyncio.sleep(0.2)
        await transport.stop()
        return {host for host, _ in ends}, [data for data in heard if data is not None]  # aioice 0.10 tells ends so

    listened, heard = asyncio.run(main())
    assert listened == {"127.0.0.1", "127.0.0.3"}
    assert sorted(heard) == [b"127.0.0.1"] * 2 + [b"127.0.0.3"] * 2
