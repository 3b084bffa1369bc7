"""Real studio processes with real encoders; small pictures, so that two cores are enough."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from txt2vid.core.media import LISTENING_RATE, Pixels, Samples
from txt2vid.core.options import EngineOptions, FaceOptions, SpeakerOptions
from txt2vid.core.wire import AudioFormat, Packet
from txt2vid.pipeline.messages import (
    ChangeFace,
    Cut,
    Drain,
    Drained,
    Encoding,
    Event,
    Failed,
    Hear,
    Open,
    Opened,
    Prepared,
    Report,
    Said,
    Say,
    Source,
    Watch,
)
from txt2vid.pipeline.studios import Studios

SIZE = 128
PACKET = LISTENING_RATE // 50
PCM = AudioFormat("pcm_s16le", LISTENING_RATE)
WAIT = 40.0  # seconds, on a machine that does much else


class House:
    """Studios, everything that they have said, and what their encoders have written."""

    def __init__(self, workers: int) -> None:
        self.studios = Studios(EngineOptions("mesh"), workers, self._event, self._lost)
        self.events: list[Event] = []
        self.lost: list[str] = []
        self.streams: dict[str, list[bytearray]] = {}  # of each encoder: MPEG-TS
        self._readers: list[int] = []

    def _event(self, event: Event, fds: list[int]) -> None:
        self.events.append(event)
        if isinstance(event, Encoding):
            ts, mp4 = fds
            stream = bytearray()
            self.streams.setdefault(event.session, []).append(stream)
            self._read(ts, stream)
            self._read(mp4, bytearray())

    def _lost(self, sessions: Sequence[str]) -> None:
        self.lost += sessions

    def _read(self, fd: int, into: bytearray) -> None:
        os.set_blocking(fd, False)
        loop = asyncio.get_running_loop()

        def readable() -> None:
            data = os.read(fd, 1 << 20)
            into.extend(data)
            if not data:
                self._forget(fd)

        loop.add_reader(fd, readable)
        self._readers.append(fd)

    def _forget(self, fd: int) -> None:
        asyncio.get_running_loop().remove_reader(fd)
        self._readers.remove(fd)
        os.close(fd)

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        deadline = time.monotonic() + WAIT
        while not condition():
            assert time.monotonic() < deadline, what or self.events[-5:]
            await asyncio.sleep(0.01)

    async def event(self, kind: type[Event], session: str | None = None, count: int = 1) -> Event:
        await self.until(lambda: len(self.of(kind, session)) >= count, f"no {kind.__name__}: {self.events}")
        return self.of(kind, session)[count - 1]

    def of(self, kind: type[Event], session: str | None = None) -> list[Event]:
        return [e for e in self.events if isinstance(e, kind) and session in (None, getattr(e, "session", None))]

    async def close(self) -> None:
        await self.studios.stop()
        for fd in list(self._readers):
            self._forget(fd)


@asynccontextmanager
async def house(*faces: Path, workers: int = 1) -> AsyncIterator[House]:
    it = House(workers)
    await it.studios.start()
    try:
        for face in faces:
            it.studios.prepare(face.stem, FaceOptions(face, size=SIZE))
        yield it
    finally:
        await it.close()


async def drawn(it: House) -> Report:
    """Session "a" with the hero's face, watched: its first report."""
    it.studios.open(Open("a", "hero"))
    it.studios.send(Watch("a", on=True))
    report = await it.event(Report, "a")
    assert isinstance(report, Report)
    return report


async def play(it: House, session: str, sound: Samples, *, epoch: int = 0) -> None:
    """As a sender would: a packet every 20 ms."""
    data = (sound * 32767).astype("<i2")
    begin = time.monotonic()
    for at in range(0, len(data) // PACKET * PACKET, PACKET):
        it.studios.send(Hear(session, Packet(epoch, at, data[at : at + PACKET].tobytes())))
        await asyncio.sleep(max(0.0, begin + (at + PACKET) / LISTENING_RATE - time.monotonic()))


def tone(hertz: float, seconds: float) -> Samples:
    at = np.arange(int(seconds * LISTENING_RATE)) / LISTENING_RATE
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * at), np.float32)


def pictures(stream: bytes | bytearray) -> Pixels:
    """(frames, SIZE, SIZE, 3) RGB."""
    command = ["ffmpeg", "-v", "error", "-f", "mpegts", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    raw = subprocess.run(command, input=bytes(stream), capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, SIZE, SIZE, 3)


def sound_of(stream: bytes | bytearray) -> Samples:
    command = ["ffmpeg", "-v", "error", "-f", "mpegts", "-i", "pipe:0", "-f", "f32le", "-ac", "1", "pipe:1"]
    raw = subprocess.run(command, input=bytes(stream), capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(raw, "<f4")


def test_a_watched_session_draws_and_speaks(hero: Path) -> None:
    async def scene() -> None:
        async with house(hero) as it:
            it.studios.open(Open("a", "hero"))
            it.studios.send(Watch("a", on=True))  # before the face is ready
            it.studios.send(Source("a", PCM))
            prepared = await it.event(Prepared)
            assert prepared == Prepared("hero", SIZE, SIZE)
            assert await it.event(Opened, "a") == Opened("a", SIZE, SIZE, Fraction(25))
            encoding = await it.event(Encoding, "a")
            assert isinstance(encoding, Encoding)
            assert not encoding.restarted
            await play(it, "a", tone(440, 2.0))
            it.studios.send(Drain("a"))
            await it.event(Drained, "a")
            report = await it.event(Report, "a", 2)
            assert isinstance(report, Report)
            assert report.drawn + report.dropped >= 25
            assert report.heard_seconds > 0.5
            assert abs(report.time - (time.monotonic() - report.clock)) < WAIT
            it.studios.send(Watch("a", on=False))
            stream = it.streams["a"][0]
            await asyncio.sleep(0.3)
            size = len(stream)
            await asyncio.sleep(0.3)
            assert len(stream) == size  # nobody watches, nothing is drawn
            frames, sound = pictures(stream), sound_of(stream)
            assert len(frames) > 50
            assert frames.std() > 20
            middle = sound[-2 * LISTENING_RATE : -LISTENING_RATE]
            assert abs(int(np.argmax(np.abs(np.fft.rfft(middle)))) - 440) <= 1

    asyncio.run(scene())


def test_a_text_is_spoken_and_can_be_cut(hero: Path) -> None:
    async def scene() -> None:
        async with house(hero) as it:
            it.studios.open(Open("a", "hero"))
            it.studios.send(Watch("a", on=True))
            it.studios.send(Say("a", "Hello.", id=5))
            assert await it.event(Said, "a") == Said("a", 5, dropped=False)
            it.studios.send(Say("a", "This goes on and on and on for quite a while, does it not?", id=6))
            await it.event(Report, "a", 2)
            it.studios.send(Cut("a", 1))
            assert await it.event(Said, "a", 2) == Said("a", 6, dropped=True)
            it.studios.send(Say("a", "Qapla'", id=7, speaker=SpeakerOptions("klingon")))
            failed = await it.event(Failed, "a")
            assert isinstance(failed, Failed)
            assert failed.code == "text"
            assert "klingon" in failed.message
            assert not failed.ends

    asyncio.run(scene())


def test_a_killed_encoder_is_replaced_within_a_second(hero: Path) -> None:
    async def scene() -> None:
        async with house(hero) as it:
            report = await drawn(it)
            assert report.encoder_pid
            os.kill(report.encoder_pid, signal.SIGKILL)
            again = await it.event(Encoding, "a", 2)
            assert isinstance(again, Encoding)
            assert again.restarted
            assert again.start > 0
            await it.until(lambda: len(it.streams["a"][1]) > 20_000)
            assert len(pictures(it.streams["a"][1])) > 1
            await it.until(lambda: any(r.restarts == 1 for r in it.of(Report)))  # type: ignore[union-attr]

    asyncio.run(scene())


def test_sessions_of_a_dead_studio_are_told_and_can_be_opened_again(hero: Path) -> None:
    async def scene() -> None:
        async with house(hero) as it:
            report = await drawn(it)
            studio = int(Path(f"/proc/{report.encoder_pid}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(studio, signal.SIGKILL)
            await it.until(lambda: it.lost == ["a"])
            await it.until(lambda: not Path(f"/proc/{report.encoder_pid}").exists(), "its encoder lives on")
            it.studios.open(Open("a", "hero"))
            it.studios.send(Watch("a", on=True))
            await it.event(Encoding, "a", 2)
            assert it.studios.restarts == 1

    asyncio.run(scene())


def test_a_face_that_cannot_be_had_ends_nothing_else(hero: Path, tmp_path: Path) -> None:
    missing = tmp_path / "nobody.png"

    async def scene() -> None:
        async with house(hero, missing) as it:
            it.studios.open(Open("a", "hero"))
            it.studios.open(Open("b", "nobody"))
            it.studios.open(Open("c", "stranger"))
            refused = await it.event(Failed, "b")
            unknown = await it.event(Failed, "c")
            assert isinstance(refused, Failed)
            assert isinstance(unknown, Failed)
            assert refused.ends
            assert unknown.ends
            assert any(isinstance(e, Prepared) and e.error and "nobody.png" in e.error for e in it.events)
            it.studios.send(Watch("a", on=True))
            await it.event(Encoding, "a")

    asyncio.run(scene())


COLOURS = [
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 0),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
    (0, 0, 0),
]


@pytest.mark.slow
def test_eight_sessions_never_show_or_say_what_belongs_to_another(hero: Path, tmp_path: Path) -> None:
    """Each face has a corner of its own colour, each voice a pitch of its own; every frame and every tenth of a second
    of every stream is looked at.
    """
    faces = []
    for number, colour in enumerate(COLOURS):
        picture = Image.open(hero).convert("RGB").resize((SIZE, SIZE))
        picture.paste(colour, (0, 0, 24, 24))
        faces.append(tmp_path / f"face{number}.png")
        picture.save(faces[-1])

    async def scene() -> dict[str, bytearray]:
        async with house(*faces, workers=2) as it:
            for number in range(8):
                it.studios.open(Open(f"s{number}", f"face{number}"))
                if number == 0:
                    await it.until(lambda: it.studios.running == 2)
                it.studios.send(Watch(f"s{number}", on=True))
                it.studios.send(Source(f"s{number}", PCM))
            for number in range(8):
                await it.event(Encoding, f"s{number}")
            await asyncio.gather(*(play(it, f"s{n}", tone(300 + 100 * n, 4.0)) for n in range(8)))
            return {name: streams[0] for name, streams in it.streams.items()}

    for name, stream in asyncio.run(scene()).items():
        number = int(name[1:])
        frames, sound = pictures(stream), sound_of(stream)
        corners = frames[:, 4:20, 4:20].mean(axis=(1, 2))
        assert len(frames) > 50
        assert np.abs(corners - COLOURS[number]).max() < 60
        pieces = sound[: len(sound) // 4800 * 4800].reshape(-1, 4800)
        loud = pieces[np.sqrt((pieces**2).mean(axis=1)) > 0.1]
        pitches = np.argmax(np.abs(np.fft.rfft(loud * np.hanning(4800))), axis=1) * 10
        assert len(loud) > 10
        assert set(np.abs(pitches - (300 + 100 * number)) <= 30) == {True}


def test_a_session_can_change_its_face(hero: Path, tmp_path: Path) -> None:
    picture = Image.open(hero).convert("RGB").resize((SIZE, SIZE))
    picture.paste((255, 0, 0), (0, 0, 24, 24))
    red = tmp_path / "red.png"
    picture.save(red)

    async def scene() -> bytearray:
        async with house(hero, red) as it:
            await drawn(it)
            it.studios.send(ChangeFace("a", "red"))
            await it.event(Report, "a", 4)
            return it.streams["a"][0]

    frames = pictures(asyncio.run(scene()))
    redness = frames[:, 4:20, 4:20, 0].mean(axis=(1, 2)) - frames[:, 4:20, 4:20, 1].mean(axis=(1, 2))
    assert redness[0] < 100 < redness[-1]


def test_a_face_that_is_forgotten_stays_where_it_is_shown(hero: Path) -> None:
    async def scene() -> None:
        async with house(hero) as it:
            it.studios.prepare("twin", FaceOptions(hero, size=SIZE))
            it.studios.open(Open("a", "twin"))
            it.studios.open(Open("b", "hero"))
            it.studios.send(Watch("a", on=True))
            await it.event(Report, "a")
            await it.event(Opened, "b")
            it.studios.forget("twin")
            it.studios.forget("twin")
            it.studios.send(ChangeFace("b", "twin"))
            failed = await it.event(Failed, "b")
            assert isinstance(failed, Failed)
            assert (failed.code, failed.ends) == ("face", False)
            drawn = it.of(Report, "a")[-1].drawn  # type: ignore[union-attr]  # reports have it
            await it.until(lambda: it.of(Report, "a")[-1].drawn > drawn)  # type: ignore[union-attr]

    asyncio.run(scene())
