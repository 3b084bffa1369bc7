from __future__ import annotations

import asyncio
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tests.ffmpeg.streams import encode, offsets
from txt2vid.errors import FFmpegError, UsageError
from txt2vid.ffmpeg.live import TIMESTAMP_OFFSET
from txt2vid.ffmpeg.live_arguments import GOP_SECONDS, VIDEO_CLOCK
from txt2vid.ffmpeg.probe import probe
from txt2vid.ffmpeg.remux import Remuxer, first_time


def from_frame(mp4: bytes, number: int, fps: Fraction) -> bytes:
    """The initialization segment, and the fragments from the one on in which the pictures go on with that number."""
    first = first_time(mp4) or 0
    starts, at = [], mp4.find(b"moof")
    while at > 0:
        starts.append(at - 4)
        at = mp4.find(b"moof", at + 4)
    times = [first_time(mp4[begin:end]) for begin, end in pairwise([*starts, len(mp4)])]
    return mp4[: starts[0]] + mp4[starts[times.index(first + round(number * VIDEO_CLOCK / fps))] :]


async def remuxed(container: str, mp4: bytes, fps: Fraction = Fraction(25)) -> bytes:
    remuxer, out = Remuxer(container, fps), bytearray()
    await remuxer.open(mp4)

    async def read() -> None:
        while data := await remuxer.read():
            out.extend(data)

    async def write() -> None:
        for at in range(0, len(mp4), 10_000):
            await remuxer.write(mp4[at : at + 10_000])
        remuxer.finish()

    try:
        await asyncio.gather(read(), write())
    finally:
        await remuxer.close()
        await remuxer.close()
    return bytes(out)


@pytest.mark.parametrize("container", ["mkv", "avi"])
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_a_late_viewer_gets_all_frames_in_step(tmp_path: Path, container: str, fps: Fraction) -> None:
    _, mp4 = encode(100, fps, Fraction(4321, 7))
    path = tmp_path / f"a.{container}"
    path.write_bytes(asyncio.run(remuxed(container, from_frame(mp4, round(GOP_SECONDS * fps), fps), fps)))
    info = probe(path)
    assert info.video is not None
    assert info.audio is not None
    assert (info.audio.rate, info.audio.channels) == (48_000, 1)
    assert info.video.fps == pytest.approx(fps, rel=0.01)
    found = offsets(path)
    assert len(found) == 3
    assert max(map(abs, found)) < 0.004  # Matroska counts milliseconds


@pytest.mark.parametrize("container", ["mkv", "avi"])
def test_what_nobody_reads_is_not_gathered(container: str) -> None:
    """The writer waits; then all ends, with nothing left."""
    _, mp4 = encode(100)

    async def stall() -> None:
        remuxer = Remuxer(container, Fraction(25))
        await remuxer.open(mp4)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(remuxer.write(mp4 + mp4[-5_000_000:] * 80), 1)
        await remuxer.close()

    before = psutil.Process().num_fds()
    asyncio.run(stall())
    assert psutil.Process().num_fds() == before


def test_a_killed_ffmpeg_is_told() -> None:
    async def kill() -> None:
        remuxer = Remuxer("mkv", Fraction(25))
        await remuxer.open(b"")
        try:
            (child,) = psutil.Process().children()
            child.kill()
            with pytest.raises(FFmpegError, match="killed by SIGKILL"):
                await remuxer.write(bytes(1 << 22))
            assert await remuxer.read() == b""
        finally:
            await remuxer.close()
        with pytest.raises(FFmpegError, match="stopped"):
            await remuxer.write(b"a")

    asyncio.run(kill())


def test_an_empty_stream_ends() -> None:
    assert asyncio.run(remuxed("mkv", b"")) == b""


def test_unknown_containers() -> None:
    with pytest.raises(UsageError, match="choose one of mkv, avi"):
        Remuxer("mp5", Fraction(25))


def test_the_first_picture_is_found() -> None:
    _, mp4 = encode(12, start=Fraction(50_000))
    assert first_time(mp4) == VIDEO_CLOCK * (TIMESTAMP_OFFSET + 50_000)
    assert first_time(b"") is first_time(bytes(188)) is first_time(b"tfhd" + bytes(4) + b"\0\0\0\1") is None
