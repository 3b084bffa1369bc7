"""How many sessions run before frames are late: real speech to each, and one viewer of each who counts bytes.

All senders and viewers are one asyncio process, ours, which decodes nothing and encodes nothing: what it uses itself is
told beside what the server uses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import numpy as np

from txt2vid.bench.speaking import BITRATE, Line, speaking, wait_until
from txt2vid.bench.target import Options, Target, serving
from txt2vid.bench.usage import Usage, busy, usage
from txt2vid.core import wire
from txt2vid.core.media import LISTENING_RATE
from txt2vid.errors import Txt2VidError
from txt2vid.sender.loop import beside, run
from txt2vid.sender.packets import PACKET, packetizer
from txt2vid.sender.resample import Resampler
from txt2vid.tts.choose import choose

WARM_SECONDS, RUN_SECONDS = 5.0, 20.0
ARRIVE_SECONDS = 0.25  # from one sender to the next: callers do not come all in one moment
BEYOND = 0.05  # of the frames late or left out: more sessions would only be worse
READ_BYTES = 65_536
TEXT = (
    "The quick brown fox jumps over the lazy dog. Whoever speaks here does so for a while, with pauses, as people do. "
    "Peter Piper picked a peck of pickled peppers. How much wood would a woodchuck chuck, if a woodchuck could?"
)


@dataclass(frozen=True, slots=True)
class Load:
    """One count of sessions, over `seconds`. fps: frames a second that were drawn, of the slowest session.

    late: frames whose successor was due before they were done. dropped: that were not drawn for want of time. cpu:
    cores in use, by kind of process, and by all "others" on this machine, who should use none; empty where the system
    does not tell. own: of this process. playout: the worst, in milliseconds. megabits: a second, to all viewers.
    """

    sessions: int
    seconds: float
    drawn: int
    late: int
    dropped: int
    fps: float
    playout: float
    megabits: float
    own: float
    cpu: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Counted:
    """What came to one viewer."""

    bytes: int = 0


def measure(
    options: Options, report: Callable[[Load], None] = lambda _: None, warm: float = WARM_SECONDS
) -> list[Load]:
    """Each count of `options.sessions`, on a fresh server (or at options.url), until one is too many."""
    packets = speech(options.codec)
    results = []
    for sessions in options.sessions:
        with serving(options, sessions=sessions) as target:
            seconds = min(RUN_SECONDS, options.seconds)
            results.append(run(_run(target, sessions, packets, options, warm=warm, seconds=seconds)))
        report(results[-1])
        if results[-1].late + results[-1].dropped > BEYOND * (results[-1].drawn + results[-1].dropped):
            break
    return results


def sustained(results: Sequence[Load]) -> int:
    """The largest count without a late frame, 0 where there is none."""
    return max((each.sessions for each in results if not each.late and not each.dropped), default=0)


def speech(codec: str) -> list[bytes]:
    """Some seconds of speech as packets of 20 ms that can be said again and again."""
    packets, resampler, sound = packetizer(codec, BITRATE), None, []
    for said in choose(TEXT).speak(TEXT):
        resampler = resampler or Resampler(said.audio.rate)
        sound.append(resampler.push(said.audio.samples[:, 0]))
    whole = np.concatenate(sound)
    return [packet.payload for packet in [*packets.push(0, whole), *packets.flush()]]


async def _run(
    target: Target, sessions: int, packets: Sequence[bytes], options: Options, *, warm: float, seconds: float
) -> Load:
    lines: list[Line] = []
    counted = [_Counted() for _ in range(sessions)]
    work = [_converse(target, f"load-{index}", index, packets, options.codec, lines) for index in range(sessions)]
    reads = [_count(target, f"load-{index}", counted[index], lines, sessions) for index in range(sessions)]
    return await beside(_watch(target, sessions, lines, counted, warm, seconds), *work, *reads)


async def _watch(
    target: Target, sessions: int, lines: list[Line], counted: list[_Counted], warm: float, seconds: float
) -> Load:
    while len(lines) < sessions or not all(each.bytes for each in counted):
        await asyncio.sleep(0.1)  # `speaking` and `_count` give up where the server does not answer
    await asyncio.sleep(warm)
    began, before, own, whole = time.monotonic(), _used(target), time.process_time(), busy()
    received = sum(each.bytes for each in counted)
    await asyncio.sleep(seconds)
    ended, own = time.monotonic(), time.process_time() - own
    after, whole_after = _used(target), busy()
    result = tally([line.stats for line in lines], began, ended)
    cpu = {}
    if before is not None and after is not None:
        cpu = {kind: round((after.cpu[kind] - before.cpu[kind]) / (ended - began), 3) for kind in after.cpu}
        if whole is not None and whole_after is not None:
            cpu["others"] = round(max(0.0, (whole_after - whole - own) / (ended - began) - sum(cpu.values())), 3)
    bits = (sum(each.bytes for each in counted) - received) * 8
    return replace(
        result,
        megabits=round(bits / (ended - began) / 1e6, 2),
        own=round(own / (ended - began), 3),
        cpu=cpu,
    )


def _used(target: Target) -> Usage | None:
    return usage(target.pid) if target.pid else None


def tally(stats: Sequence[Sequence[tuple[float, wire.Stats]]], began: float, ended: float) -> Load:
    """What all sessions' Stats between two moments say together. Raises Txt2VidError where one has fewer than two."""
    drawn = late = dropped = 0
    fps, playout = float("inf"), 0.0
    for session in stats:
        said = [(at, each) for at, each in session if began <= at <= ended]
        if len(said) < 2:
            raise Txt2VidError("a session told nothing of itself: the machine is far too slow for so many. Try fewer")
        (_, first), (_, last) = said[0], said[-1]
        frames = last.drawn - first.drawn
        drawn, late, dropped = drawn + frames, late + last.late - first.late, dropped + last.dropped - first.dropped
        fps = min(fps, frames / max(last.time - first.time, 1e-3))
        playout = max(playout, *(each.playout for _, each in said))
    return Load(len(stats), round(ended - began, 1), drawn, late, dropped, round(fps, 2), playout, 0.0, 0.0)


async def _converse(
    target: Target, session: str, index: int, packets: Sequence[bytes], codec: str, lines: list[Line]
) -> None:
    await asyncio.sleep(index * ARRIVE_SECONDS)
    async with speaking(target, session, codec) as line:
        lines.append(line)
        await beside(_talk(line, index, packets), line.listen())


async def _talk(line: Line, index: int, packets: Sequence[bytes]) -> None:
    """For ever; each session elsewhere in the text, and within a packet's time."""
    offset = index * 7 * len(packets) // 16
    seconds = PACKET / LISTENING_RATE
    start = time.monotonic() + index % 8 * seconds / 8
    number = 0
    while True:
        await wait_until(start + (number + 1) * seconds)
        await line.send(number * PACKET, packets[(offset + number) % len(packets)])
        number += 1


async def _count(target: Target, session: str, counted: _Counted, lines: list[Line], sessions: int) -> None:
    """A viewer that reads what comes. A session is there once its sender was let in."""
    while len(lines) < sessions:
        await asyncio.sleep(0.05)
    parts = urlsplit(target.stream(session))
    trust = target.trust
    port = parts.port or (80 if trust is None else 443)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=trust)
    try:
        writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        status = await reader.readline()
        if b" 200 " not in status:
            raise Txt2VidError(f"{target.stream(session)} answers {status.decode(errors='replace').strip()}")
        while data := await reader.read(READ_BYTES):
            counted.bytes += len(data)
        raise Txt2VidError(f"{target.stream(session)} ended: look at the server's log")
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
