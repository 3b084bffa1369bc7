"""A wire that loses and delays, as networks do: for kernels without netem, and without anybody's rights."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import Any


class Wire:
    """UDP between a peer and the server that loses packets and delays each by its own time. loss: 0 to 1; delay: s."""

    def __init__(self, loss: float, delay: float) -> None:
        self.passed = self.lost = 0
        self._loss, self._delay = loss, delay
        self._random = random.Random(7)
        self._ends: list[asyncio.DatagramTransport] = []
        self._peer: Any = None
        self._server: Any = None

    async def open(self, server: tuple[str, int]) -> int:
        """Between the peer, which finds it at the port that this gives, and the server."""
        self._server = server
        loop = asyncio.get_running_loop()
        for back in (True, False):
            make = partial(_End, self, back=back)
            transport, _ = await loop.create_datagram_endpoint(make, local_addr=("127.0.0.1", 0))
            self._ends.append(transport)
        return int(self._ends[0].get_extra_info("sockname")[1])

    def came(self, data: bytes, address: Any, *, back: bool) -> None:
        """From the peer (back: its answers come to the first end) or the server."""
        if back:
            self._peer = address
        if self._random.random() < self._loss:
            self.lost += 1
            return
        self.passed += 1
        end, to = (self._ends[1], self._server) if back else (self._ends[0], self._peer)
        asyncio.get_running_loop().call_later(self._random.uniform(0, self._delay), self._send, end, data, to)

    def close(self) -> None:
        for end in self._ends:
            end.close()

    def _send(self, end: asyncio.DatagramTransport, data: bytes, to: Any) -> None:
        if not end.is_closing():
            end.sendto(data, to)


class _End(asyncio.DatagramProtocol):
    def __init__(self, wire: Wire, *, back: bool) -> None:
        self._wire, self._back = wire, back

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._wire.came(data, addr, back=self._back)
