"""Viewers come, go, fall behind and wait, and neither the encoder nor other viewers notice."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from fractions import Fraction

import psutil
import pytest

from tests.transports.media import FPS, GOP, SECONDS, Streams, frames
from txt2vid.transports.broadcast import Broadcaster, ViewersFull
from txt2vid.transports.subscription import QUEUED_BYTES, QUEUED_SECONDS, Kind, Subscription
from txt2vid.transports.ts import PACKET


class Encoder:
    """The writing ends of two pipes, attached to a broadcaster."""

    def __init__(self, broadcaster: Broadcaster) -> None:
        ts, self.ts = os.pipe()
        mp4, self.mp4 = os.pipe()
        self.reading = (ts, mp4)
        for fd in (self.ts, self.mp4):
            os.set_blocking(fd, False)
        broadcaster.attach(ts, mp4, Fraction(0))

    async def write(self, kind: Kind, data: bytes) -> None:
        """All of it, as fast as it is read."""
        fd = self.ts if kind == "ts" else self.mp4
        while data:
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(fd, data[:30_000]) :]
            await asyncio.sleep(0)

    def close(self) -> None:
        os.close(self.ts)
        os.close(self.mp4)


async def until(holds: Callable[[], bool]) -> None:
    async def wait() -> None:
        while not holds():
            await asyncio.sleep(0.005)

    await asyncio.wait_for(wait(), 20)


async def taken(viewer: Subscription, into: bytearray) -> None:
    async for chunk in viewer:
        into += chunk


def halves(streams: Streams, kind: Kind) -> tuple[bytes, bytes]:
    data: bytes = getattr(streams, kind)
    half = len(data) // 2 // PACKET * PACKET
    return data[:half], data[half:]


@pytest.mark.parametrize("kind", ["ts", "mp4"])
def test_viewers_before_and_after_the_start(streams: Streams, kind: Kind) -> None:
    async def run() -> None:
        counts: list[int] = []
        broadcaster = Broadcaster(on_viewers=counts.append)
        early, late = bytearray(), bytearray()
        tasks = [asyncio.create_task(taken(broadcaster.subscribe(kind), early))]
        encoder = Encoder(broadcaster)
        first, second = halves(streams, kind)
        await encoder.write(kind, first)
        await until(lambda: broadcaster.bytes_in == len(first))
        tasks.append(asyncio.create_task(taken(broadcaster.subscribe(kind), late)))
        await encoder.write(kind, second)
        encoder.close()
        await until(lambda: broadcaster.bytes_in == len(first + second))
        await until(lambda: broadcaster.bytes_out == len(early) + len(late))
        broadcaster.close()
        await asyncio.gather(*tasks)
        assert counts == [1, 2]
        assert frames(bytes(early)) == SECONDS * FPS
        assert SECONDS * FPS - frames(bytes(late)) in range(SECONDS * FPS // 2 - GOP, SECONDS * FPS // 2 + 2 * GOP)
        assert broadcaster.dropped == 0

    asyncio.run(run())


def test_a_viewer_that_does_not_look_loses_units_and_goes_on_at_a_keyframe(streams: Streams) -> None:
    async def run() -> None:
        now = 0.0
        broadcaster = Broadcaster(clock=lambda: now)
        slow, fast = broadcaster.subscribe("ts"), broadcaster.subscribe("ts")
        got = bytearray()
        task = asyncio.create_task(taken(fast, got))
        encoder = Encoder(broadcaster)
        first, second = halves(streams, "ts")
        await encoder.write("ts", first)
        await until(lambda: broadcaster.bytes_in == len(first))
        assert slow.stalled_since == 0.0
        now = QUEUED_SECONDS + 0.1
        assert slow.lag == now
        await encoder.write("ts", second)
        encoder.close()
        await until(lambda: len(got) >= len(streams.ts) - 16 * PACKET)
        assert slow.dropped > 0
        assert (fast.dropped, broadcaster.dropped) == (0, slow.dropped)
        assert slow.stalled_since == 0.0
        rest = await slow.__anext__()
        assert slow.lag == 0
        assert frames(rest) in range(SECONDS * FPS // 2 - 2 * GOP, SECONDS * FPS // 2 + 1)
        broadcaster.close()
        await task

    asyncio.run(run())


def test_a_queue_of_many_bytes_is_dropped(streams: Streams) -> None:
    async def run() -> None:
        broadcaster = Broadcaster(clock=lambda: 0.0)
        slow = broadcaster.subscribe("ts")
        encoder = Encoder(broadcaster)
        for _ in range(2 * QUEUED_BYTES // len(streams.ts) + 1):
            await encoder.write("ts", streams.ts)
        await until(lambda: slow.dropped > 0)
        assert len(await slow.__anext__()) <= QUEUED_BYTES + 100_000
        broadcaster.close()
        encoder.close()

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["ts", "mp4"])
def test_viewers_stay_when_the_encoder_changes(streams: Streams, kind: Kind) -> None:
    async def run() -> None:
        broadcaster = Broadcaster()
        viewer = broadcaster.subscribe(kind)
        got = bytearray()
        task = asyncio.create_task(taken(viewer, got))
        first, _ = halves(streams, kind)
        data: bytes = getattr(streams, kind)
        before = Encoder(broadcaster)
        await before.write(kind, first)
        await until(lambda: broadcaster.bytes_in == len(first))
        await until(lambda: viewer.stalled_since is None)
        seen = len(got)
        after = Encoder(broadcaster)
        with pytest.raises(BrokenPipeError):
            os.write(before.ts, b"x")
        await after.write(kind, data)
        after.close()
        await until(lambda: broadcaster.bytes_in == len(first) + len(data))
        await until(lambda: viewer.stalled_since is None)
        assert frames(bytes(got[seen:])) == SECONDS * FPS
        broadcaster.close()
        await task
        before.close()

    asyncio.run(run())


def test_a_pipe_that_nobody_watches_is_read_and_a_viewer_can_come(streams: Streams) -> None:
    async def run() -> None:
        broadcaster = Broadcaster()
        encoder = Encoder(broadcaster)
        for _ in range(5):
            await encoder.write("mp4", streams.mp4)
        await until(lambda: broadcaster.bytes_in == 5 * len(streams.mp4))
        viewer = broadcaster.subscribe("mp4")
        header = await viewer.__anext__()
        assert header[4:8] == b"ftyp"
        assert streams.mp4.startswith(header)
        await encoder.write("mp4", streams.mp4[len(header) :])
        assert (await viewer.__anext__())[4:8] == b"moof"
        viewer.close()
        viewer.close()
        broadcaster.close()
        encoder.close()

    asyncio.run(run())


def test_the_end_of_a_pipe_closes_it_and_nothing_is_left_open(streams: Streams) -> None:
    async def run() -> None:
        process = psutil.Process()
        broadcaster = Broadcaster()
        open_before = process.num_fds()
        for _ in range(20):
            encoder = Encoder(broadcaster)
            with broadcaster_viewer(broadcaster):
                await encoder.write("ts", streams.ts[:50_000])
                encoder.close()
                await until(lambda: process.num_fds() == open_before)
        encoder = Encoder(broadcaster)
        broadcaster.detach()
        broadcaster.detach()
        encoder.close()
        assert process.num_fds() == open_before
        broadcaster.close()
        Encoder(broadcaster).close()
        assert process.num_fds() == open_before

    asyncio.run(run())


@contextlib.contextmanager
def broadcaster_viewer(broadcaster: Broadcaster) -> Iterator[Subscription]:
    viewer = broadcaster.subscribe("ts")
    try:
        yield viewer
    finally:
        viewer.close()


def test_no_more_viewers_than_may() -> None:
    async def run() -> None:
        counts: list[int] = []
        broadcaster = Broadcaster(2, on_viewers=counts.append)
        viewers = [broadcaster.subscribe("ts"), broadcaster.subscribe("mp4")]
        with pytest.raises(ViewersFull, match="2 viewers"):
            broadcaster.subscribe("ts")
        viewers[0].close()
        broadcaster.subscribe("ts")
        assert counts == [1, 2, 1, 2]
        broadcaster.close()
        assert broadcaster.viewers == 0
        assert [chunk async for chunk in viewers[1]] == []
        assert [chunk async for chunk in broadcaster.subscribe("ts")] == []

    asyncio.run(run())
