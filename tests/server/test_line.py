"""One websocket's line, with a peer that reads when the test lets it: a fake at the wire, not of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket

from txt2vid.server.line import Line

PATIENCE = 30.0


class Peer:
    """The other end. reads: whether it takes what is sent."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.sent: list[Any] = []
        self.says: asyncio.Queue[Any] = asyncio.Queue(10)
        self.says.put_nowait({"type": "websocket.connect"})

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            await self.reads.wait()
        self.sent.append(message.get("text", message["type"]))

    def line(self, *protocols: str) -> Echo:
        scope = {"type": "websocket", "subprotocols": list(protocols), "headers": [], "client": ("192.0.2.7", 1)}
        return Echo(WebSocket(scope, self.says.get, self.send))

    async def until(self, condition: Callable[[], object]) -> None:
        async def look() -> None:
            while not condition():
                await asyncio.sleep(0.01)

        await asyncio.wait_for(look(), PATIENCE)


class Echo(Line):
    """Says what it hears; "end" ends it."""

    def __init__(self, websocket: WebSocket) -> None:
        super().__init__(websocket, "echo", 4)
        self.ended = 0

    def opened(self, *, offered: bool) -> None:
        if not offered:
            self.end("which protocol?", 4000, "protocol")

    async def converse(self) -> None:
        while (heard := await self.receive()) != "end":
            self.queue(str(heard))
        self.end("ended", 1000, "ended")

    def gone(self) -> None:
        self.ended += 1


def text(words: str) -> dict[str, str]:
    return {"type": "websocket.receive", "text": words}


def run(scene: Callable[[Peer], Any]) -> Peer:
    async def main() -> Peer:
        peer = Peer()
        await scene(peer)
        return peer

    return asyncio.run(main())


def test_what_waits_is_sent_before_the_last_word() -> None:
    async def scene(peer: Peer) -> None:
        line = peer.line("echo")
        running = asyncio.create_task(line.run())
        for words in ("a", "b", "end"):
            await peer.says.put(text(words))
        await peer.until(lambda: line.ending)
        peer.reads.set()
        await running
        assert line.ended == 1
        assert line.address == "192.0.2.7"

    assert run(scene).sent == ["websocket.accept", "a", "b", "ended", "websocket.close"]


def test_the_newest_of_a_kind_takes_the_place_of_older_ones() -> None:
    async def scene(peer: Peer) -> None:
        line = peer.line("echo")
        running = asyncio.create_task(line.run())
        await peer.until(lambda: peer.sent)
        for number in range(100):
            assert line.queue(f"state {number}", "state")
        assert line.queue("word")
        assert line.queue("state 100", "state")
        peer.reads.set()
        await peer.says.put(text("end"))
        await running

    assert run(scene).sent == ["websocket.accept", "word", "state 100", "ended", "websocket.close"]


def test_so_much_waits_and_no_more() -> None:
    async def scene(peer: Peer) -> None:
        line = peer.line("echo")
        assert [line.queue(str(number)) for number in range(6)] == [True] * 4 + [False] * 2

    run(scene)


def test_a_peer_that_hangs_up_ends_it() -> None:
    async def scene(peer: Peer) -> None:
        line = peer.line("echo")
        await peer.says.put({"type": "websocket.disconnect", "code": 1001})
        await line.run()
        assert (line.left, line.ended, line.ending) == (1001, 1, True)

    assert run(scene).sent == ["websocket.accept"]


def test_another_protocol_is_told_and_closed() -> None:
    async def scene(peer: Peer) -> None:
        peer.reads.set()
        await peer.line("other").run()

    assert run(scene).sent == ["websocket.accept", "which protocol?", "websocket.close"]
