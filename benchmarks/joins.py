"""Whether callers leave anything behind: many join and leave, and the server's memory, threads and sockets are counted.

    python benchmarks/joins.py [--joins 200] [--every 50] [--warm-up 20] [--size 256] [--face sample_data/hero.png]

Callers come in pairs: each joins a room by websocket, speaks by WHIP, watches the other by WHEP until pictures have
come, and goes: by `leave`, by closing, or as if the network were cut, in turn. Each count is taken once the server says
that there is nothing left. The first callers are a warm-up: what is loaded once, stays.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import psutil
from calls import Count, Recorded, line, packets_of

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.server.calls.callers import Caller, joined, make_room  # noqa: E402
from tests.server.conftest import Server, serving  # noqa: E402
from txt2vid.core.callwire import Leave  # noqa: E402

ROOMS = 12  # where a cut caller's place is kept for 15 s, others go elsewhere
PICTURES = 8  # that each sees of the other
PATIENCE = 90.0  # seconds until pictures come, or all is gone
STEADY = 3.0  # seconds without a change after that


@dataclass(frozen=True)
class Left:
    """Of the server and of its studios: MiB in memory, threads, open files, sockets among them."""

    server_mib: float
    studios_mib: float
    processes: int
    threads: int
    files: int
    sockets: int


def left(server: Server) -> Left:
    """What there is now."""
    relay = psutil.Process(server.process.pid)
    studios = relay.children(recursive=True)
    files = [path for each in (relay, *studios) for path in Path(f"/proc/{each.pid}/fd").iterdir()]
    kinds = []
    for path in files:
        with contextlib.suppress(OSError):
            kinds.append(str(path.readlink()))
    return Left(
        relay.memory_info().rss / 2**20,
        sum(each.memory_info().rss for each in studios) / 2**20,
        1 + len(studios),
        sum(each.num_threads() for each in (relay, *studios)),
        len(kinds),
        sum(kind.startswith("socket:") for kind in kinds),
    )


async def settled(server: Server) -> Left:
    """What is left once nobody is there, and it has not changed for a while."""
    end = time.monotonic() + PATIENCE
    state = left(server)
    since = time.monotonic()
    while time.monotonic() < min(end, since + STEADY):
        await asyncio.sleep(0.2)
        health = (await asyncio.to_thread(server.ask, "/healthz")).json
        now = left(server)
        if astuple(now)[2:] != astuple(state)[2:] or health["sessions"] or health["viewers"]:
            since = time.monotonic()
        state = now
    return state


async def pair(server: Server, room: str, number: int, packets: list[bytes]) -> None:
    """Two who call each other, and go."""
    async with contextlib.AsyncExitStack() as stack:
        callers = [stack.enter_context(joined(server, room, f"{number}-{each}")) for each in range(2)]
        seen: list[Count] = []
        for caller, other in zip(callers, reversed(callers), strict=True):
            mine = {"Authorization": caller.bearer}
            track = Recorded(packets, 97 * number)
            await stack.enter_async_context(line(server, f"/whip/{caller.session}", track, (), **mine))
            path = f"/whep/{other.session}"
            seen.append(await stack.enter_async_context(line(server, path, None, ("audio", "video"), **mine)))
        end = time.monotonic() + PATIENCE
        while min(each.pictures for each in seen) < PICTURES:
            if time.monotonic() > end:
                raise SystemExit(f"pair {number}: no pictures came")
            await asyncio.sleep(0.05)
        for each, caller in enumerate(callers):
            go(caller, number + each)


def go(caller: Caller, way: int) -> None:
    """One of three ways."""
    if way % 3 == 0:
        caller.say(Leave())
    elif way % 3 == 1:
        caller.connection.close()
    else:
        caller.cut()


async def measured(server: Server, joins: int, every: int, warm_up: int, packets: list[bytes]) -> None:
    """Has them come and go, and prints."""
    rooms = [make_room(server) for _ in range(ROOMS)]
    print("| joins | server, MiB | studios, MiB | processes | threads | open files | sockets |")
    print("|---|---|---|---|---|---|---|")
    show("before", await settled(server))
    for number in range((warm_up + joins) // 2):
        done = 2 * number
        if done >= warm_up and (done - warm_up) % every == 0:
            show(str(done - warm_up), await settled(server))
        await pair(server, rooms[number % ROOMS], number, packets)
    show(str(joins), await settled(server))


def show(what: str, state: Left) -> None:
    """A row."""
    numbers = [f"{each:.0f}" for each in astuple(state)]
    print(f"| {' | '.join([what, *numbers])} |", flush=True)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joins", type=int, default=200)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--warm-up", type=int, default=20)
    parser.add_argument("--size", default="256")
    parser.add_argument("--face", type=Path, default=ROOT / "sample_data" / "hero.png")
    given = parser.parse_args()
    packets = packets_of(ROOT / "sample_data" / "speech.wav")
    options = ("--face", f"hero={given.face.resolve()}", "--size", given.size, "--workers", "1")
    with tempfile.TemporaryDirectory() as name, serving(Path(name), *options) as server:
        asyncio.run(measured(server, given.joins, given.every, given.warm_up, packets))


if __name__ == "__main__":
    main()
