"""From the microphone to the viewer: how late, how far apart sound and picture are, and where the time goes."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from txt2vid.bench.first import PICTURE_SECONDS
from txt2vid.bench.marks import MS, AvOffset, Seen, av_offset, in_stream, latencies
from txt2vid.bench.program import Event, Program
from txt2vid.bench.speaking import BLOCK, Line, Microphone, speaking
from txt2vid.bench.spread import Spread, spread
from txt2vid.bench.target import Target
from txt2vid.bench.tone import Track, bursts
from txt2vid.core import wire
from txt2vid.core.media import LISTENING_RATE
from txt2vid.errors import Txt2VidError
from txt2vid.ffmpeg.opus import PACKET, OpusEncoder
from txt2vid.pipeline.live import AHEAD, LOUD
from txt2vid.sender.loop import beside, run

TAIL_SECONDS = 1.5  # after the last burst, for its way to the viewer
AAC_FRAME = 1024  # samples (ISO/IEC 14496-3)
QUARTER = 4  # the part of a run at its beginning and at its end that are compared
NEAR = 0.5  # seconds of the stream within which a burst and a square belong together: half of the smallest gap


@dataclass(frozen=True, slots=True)
class Stage:
    """Milliseconds that a sample spends on its way. how: where the number comes from."""

    name: str
    milliseconds: float
    how: str


@dataclass(frozen=True, slots=True)
class Latency:
    """In milliseconds. marks: that were played. drift: of the A/V offset, last quarter less first, +- drift_slack."""

    marks: int
    sound: Spread
    picture: Spread
    av_offset: AvOffset
    first_quarter: AvOffset
    last_quarter: AvOffset
    drift: float
    drift_slack: float
    reported: Reported
    stages: list[Stage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reported:
    """What the server says of itself: delays in milliseconds, frames since the run began."""

    playout: Spread
    buffered: Spread
    av_offset: Spread
    drawn: int
    late: int
    dropped: int


def measure(target: Target, watcher: Program, fps: Fraction, seconds: float, codec: str) -> Latency:
    """Plays marks for so long. watcher: a viewer that is ready. Raises Txt2VidError where none are seen."""
    watcher.events()
    watcher.tell({**target.watched, "patience": PICTURE_SECONDS})
    watcher.wait_for("first", PICTURE_SECONDS)
    track = Track(bursts(seconds, fps))
    microphone = Microphone(track, codec)
    stats = run(_play(target, microphone, int(seconds * LISTENING_RATE), codec))
    events = watcher.events()
    captured = [microphone.captured(span.start) for span in track.spans]
    return evaluate(captured, events, stats, fps, codec)


def evaluate(
    captured: Sequence[float],
    events: Sequence[Event],
    stats: Sequence[tuple[float, wire.Stats]],
    fps: Fraction,
    codec: str,
) -> Latency:
    """captured: when each burst was at the microphone. events: the viewer's. Raises Txt2VidError where it saw none."""
    sounds, squares = seen(events, "sound", "rising"), seen(events, "square", "white")
    if not sounds:
        raise Txt2VidError("the viewer heard none of the bursts: is the sound of the stream there? Try ffplay")
    if not squares:
        raise Txt2VidError("the viewer saw no mark: start the server with txt2vid serve --mark")
    pairs = [(sound.time, square.time) for sound, square in in_stream(sounds, squares, NEAR)]
    frame, quarter = float(1 / fps), max(1, len(pairs) // QUARTER)
    first, last = av_offset(pairs[:quarter], frame, LOUD), av_offset(pairs[-quarter:], frame, LOUD)
    heard = spread([seconds for _, seconds in latencies(captured, sounds)], MS)
    return Latency(
        marks=len(captured),
        sound=heard,
        picture=spread([seconds for _, seconds in latencies(captured, squares)], MS),
        av_offset=av_offset(pairs, frame, LOUD),
        first_quarter=first,
        last_quarter=last,
        drift=round(last.best - first.best, 2),
        drift_slack=round(last.slack + first.slack, 2),
        reported=reported(stats),
        stages=stages(heard.mean, stats, events, frame, codec),
    )


def seen(events: Sequence[Event], name: str, which: str, *, wanted: bool = True) -> list[Seen]:
    """The viewer's events of one kind."""
    return [
        Seen(float(event["time"]), float(event["at"]))
        for event in events
        if event["event"] == name and event[which] is wanted
    ]


def reported(stats: Sequence[tuple[float, wire.Stats]]) -> Reported:
    """A run in the server's own words."""
    said = [each for _, each in stats]
    first, last = (said[0], said[-1]) if said else (None, None)
    drawn, late, dropped = (getattr(last, name, 0) - getattr(first, name, 0) for name in ("drawn", "late", "dropped"))
    return Reported(
        spread([each.playout for each in said]),
        spread([each.buffered for each in said]),
        spread([each.av_offset for each in said]),
        drawn,
        late,
        dropped,
    )


def stages(
    total: float, stats: Sequence[tuple[float, wire.Stats]], events: Sequence[Event], frame: float, codec: str
) -> list[Stage]:
    """The mean of a sample's latency in parts: what is known by construction, what the server says, and the rest.

    A sample that arrives s after a frame was begun is behind what waits and the lookahead, AHEAD; its frame begins
    when that is reached, half a frame after it on average, as sound goes out with the frame that it belongs to. Packets
    of 20 ms and frames of 40 meet in the same way for as long as a sender stays, so a run may be half a frame off that.
    """
    leaves = PACKET + (OpusEncoder().delay if codec == "opus" else 0)
    whole = -(-leaves // BLOCK) * BLOCK
    playout = statistics.mean([each.playout for _, each in stats]) if stats else float("nan")
    ahead = AHEAD * MS / LISTENING_RATE
    counts = [event for event in events if event["event"] == "count"]
    decoding = sum(float(event["decoding"]) for event in counts)
    pictures = counts[-1]["pictures"] - counts[0]["pictures"] if len(counts) > 1 else 0
    known = [
        Stage(
            "capture and packet",
            (whole - PACKET / 2) * MS / LISTENING_RATE,
            f"half of 20 ms, {'the codec, ' if codec == 'opus' else ''}blocks of 10 ms",
        ),
        Stage("jitter buffer", playout - ahead, "the server's playout delay less the lookahead"),
        Stage("lookahead", ahead, "of the drivers, and the 16 kHz view"),
        Stage("frame grid", frame * MS / 2, "half of it, up to all: as packets and frames meet in this run"),
        Stage("AAC", 1.5 * AAC_FRAME * MS / LISTENING_RATE, "half a frame of it, and the one after, which it overlaps"),
    ]
    rest = total - sum(stage.milliseconds for stage in known)
    known.append(Stage("drawing, pipes, mux, HTTP, demux", rest, "the rest"))
    if pictures:
        known.append(Stage("(of it: demux and decoding)", decoding / pictures * MS, "CPU of the viewer, a frame"))
    return [Stage(stage.name, round(stage.milliseconds, 2), stage.how) for stage in known]


async def _play(target: Target, microphone: Microphone, until: int, codec: str) -> list[tuple[float, wire.Stats]]:
    async with speaking(target, target.session, codec) as line:
        await beside(_say(microphone, line, until), line.listen())
        return line.stats


async def _say(microphone: Microphone, line: Line, until: int) -> None:
    await microphone.play(line, until)
    await asyncio.sleep(TAIL_SECONDS)
    await line.socket.send(wire.encode(wire.End()))
