"""ICE restarts (RFC 8445, 9), which aiortc has not: another agent finds another path, and DTLS goes on over it.

The one file that reaches into aiortc's ICE transport. Part of the plugin `webrtc`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from aioice import Connection as Agent
from aiortc import RTCIceCandidate
from aiortc.rtcicetransport import RTCIceTransport, candidate_to_aioice

from txt2vid.core.tasks import within

RESTART_SECONDS = 15.0  # for the new path; then the one of before stays

Gather = Callable[..., Awaitable[Any]]


class Path:
    """What DTLS sends over and hears from: the agent of now.

    addresses: that agents listen on; none: all of the machine's but loopback's.
    """

    def __init__(self, transport: RTCIceTransport, addresses: Sequence[str]) -> None:
        self._transport, self._addresses = transport, tuple(addresses)
        self.agent: Agent = transport._connection
        self._bind(self.agent, first=True)
        transport._recv, transport._send = self._recv, self._send
        self._trying: asyncio.Task[None] | None = None
        self._next: Agent | None = None

    async def restart(self, ufrag: str, password: str, candidates: Sequence[RTCIceCandidate]) -> Agent:
        """Another agent for the peer's new credentials, which has gathered; it takes over once it is connected."""
        await self.close_next()
        agent = self._next = Agent(ice_controlling=self.agent.ice_controlling)
        self._bind(agent, first=False)
        await agent.gather_candidates()
        agent.remote_username, agent.remote_password = ufrag, password
        await self.add(candidates)
        self._trying = asyncio.get_running_loop().create_task(self._try(agent), name="ICE restart")
        return agent

    async def close_next(self) -> None:
        """Gives up a restart that has not come through."""
        agent, self._next = self._next, None
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait({self._trying})
            self._trying = None
        if agent is not None and agent is not self.agent:
            await agent.close()

    async def add(self, candidates: Sequence[RTCIceCandidate]) -> None:
        """More addresses of the peer, for the agent that looks for a path now. Raises ValueError after their end."""
        agent = self._next or self.agent
        for candidate in candidates:
            await agent.add_remote_candidate(candidate_to_aioice(candidate))

    async def _try(self, agent: Agent) -> None:
        with contextlib.suppress(ConnectionError, asyncio.TimeoutError):  # the path of before may still hold
            await within(agent.connect(), RESTART_SECONDS)
            await self._take_over(agent)
            return
        await agent.close()

    async def _take_over(self, agent: Agent) -> None:
        transport, before = self._transport, self.agent
        watcher = transport._RTCIceTransport__monitor_task  # type: ignore[attr-defined]  # of the agent's end
        if watcher is not None:
            watcher.cancel()
            await asyncio.wait({watcher})
        self.agent = transport._connection = transport.iceGatherer._connection = agent
        self._next = None
        transport._RTCIceTransport__monitor_task = asyncio.ensure_future(transport._monitor())  # type: ignore[attr-defined]
        await before.close()  # wakes up who hears it

    async def _recv(self) -> bytes:
        while True:
            agent = self.agent
            try:
                return await agent.recv()
            except ConnectionError:
                if agent is self.agent:
                    raise

    async def _send(self, data: bytes) -> None:
        await self.agent.send(data)

    def _bind(self, agent: Any, *, first: bool) -> None:
        """Has the agent listen on our addresses alone; by itself aioice takes all but loopback's."""
        agent.get_component_candidates = partial(self._gather, agent, agent.get_component_candidates, first)

    async def _gather(
        self, agent: Any, gather: Gather, first: bool, component: int, addresses: list[str], timeout: int = 5
    ) -> Any:
        """Where we listen on loopback, its address comes with the machine's own, which is all that Firefox goes to.

        Not at restarts: npm's whip-whep 1.2.0 makes no sense of a second candidate in their answer.
        """
        local = bool(self._addresses) and set(self._addresses) <= LOOPBACK
        mine = [*self._addresses, *addresses] if local and first else list(self._addresses) or addresses
        found = await gather(component=component, addresses=mine, timeout=timeout)
        if local:
            for protocol in agent._protocols:
                hear = partial(_from_here, protocol.datagram_received, frozenset(mine))
                protocol.datagram_received = hear
        return found


LOOPBACK = {"127.0.0.1", "::1"}


def _from_here(hear: Callable[[bytes, Any], None], own: frozenset[str], data: bytes, address: Any) -> None:
    """Nothing of other machines: kernels let no packet in from outside that says it is from here (RFC 1812, 5.3.7)."""
    if address[0] in own:
        hear(data, address)


def fragment(agent: Agent, mid: str) -> str:
    """What the peer is told of an agent (application/trickle-ice-sdpfrag, RFC 8840, 9)."""
    lines = [f"a=ice-ufrag:{agent.local_username}", f"a=ice-pwd:{agent.local_password}"]
    lines += ["m=audio 9 UDP/TLS/RTP/SAVPF 0", f"a=mid:{mid}"]
    lines += [f"a=candidate:{candidate.to_sdp()}" for candidate in agent.local_candidates]
    return "\r\n".join([*lines, "a=end-of-candidates", ""])
