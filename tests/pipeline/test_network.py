"""The real network process with random weights, asked over real sockets by real studios."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.pipeline.test_studios import House
from txt2vid.core.media import Pixels
from txt2vid.core.options import EngineOptions, FaceOptions
from txt2vid.errors import DependencyError, EngineError
from txt2vid.pipeline.batching import Answered, Asked
from txt2vid.pipeline.link import Link
from txt2vid.pipeline.messages import Open, Opened, Prepared, Report, Say, Watch
from txt2vid.pipeline.networks import NetworkProcess
from txt2vid.pipeline.studios import Studios

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
WAIT = 60.0
TEXT = "Hello, my friend. How are you today? I am fine, thank you, and so is everybody else around here."


@pytest.fixture
def options(checkpoint: Path) -> EngineOptions:
    return EngineOptions("wav2lip", checkpoint, "cpu", "float32", threads=1)


async def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(options: EngineOptions) -> AsyncIterator[NetworkProcess]:
    process = NetworkProcess("wav2lip", options, lambda: None)
    await process.start()
    try:
        await until(lambda: process.decided, "the network says nothing")
        yield process
    finally:
        await process.stop()


class Studio:
    """A studio's end, for questions of our own."""

    def __init__(self, process: NetworkProcess) -> None:
        fd = process.socket_for_studio()
        assert fd is not None
        self.link = Link(socket.socket(fileno=fd))
        self.answers: list[Answered] = []

    def ask(self, *questions: Asked) -> None:
        assert self.link.send(list(questions))

    async def answered(self, count: int) -> list[Answered]:
        def received() -> bool:
            self.answers += [each for message, _ in self.link.receive() for each in message]  # type: ignore[attr-defined]
            return len(self.answers) >= count

        await until(received, f"{len(self.answers)} answers of {count}")
        return self.answers


def question(session: str, ticket: int, face: str, crop: Pixels | None, seed: int = 0) -> Asked:
    window = np.random.default_rng(seed).uniform(-4, 4, (1, 80, 16)).astype(np.float32)
    return Asked(session, ticket, (face, 0), crop, window, time.monotonic() + 0.04)


def unhurried(session: str, ticket: int, face: str, seed: int) -> Asked:
    """As `question`, of a face that is known, for as large a batch as can be."""
    return replace(question(session, ticket, face, None, seed), due=time.monotonic() + WAIT)


def crop_of(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 255, (96, 96, 3)).astype(np.uint8)


def test_answers_go_to_those_who_asked(options: EngineOptions) -> None:
    async def scene() -> None:
        async with running(options) as process:
            assert process.ready is not None
            assert "mouths a second" in process.ready.words
            one, other = Studio(process), Studio(process)
            one.ask(question("a", 1, "face a", crop_of(1)), question("b", 7, "face b", crop_of(2)))
            other.ask(question("c", 3, "face a", crop_of(1)), question("d", 4, "nobody", None))
            first, second = await one.answered(2), await other.answered(2)
            assert {(each.session, each.ticket) for each in first} == {("a", 1), ("b", 7)}
            assert {(each.session, each.ticket) for each in second} == {("c", 3), ("d", 4)}
            mouths = {each.session: each.mouth for each in [*first, *second]}
            assert mouths["d"] is None  # its face was never shown: ask again with the crop
            assert mouths["a"] is not None
            assert mouths["b"] is not None
            assert mouths["c"] is not None
            assert np.abs(mouths["a"].astype(int) - mouths["c"]).max() <= 1
            assert np.abs(mouths["a"].astype(int) - mouths["b"]).max() > 1
            one.link.close()
            other.ask(question("c", 5, "face a", None))
            assert (await other.answered(3))[2].mouth is not None  # the network goes on without the one that left
            # more than a socket holds, to one who asks nothing after
            other.ask(*(unhurried(f"session {index}", 6, "face a", index) for index in range(32)))
            assert all(each.mouth is not None for each in (await other.answered(35))[3:])
            other.link.close()
            await until(lambda: process.done is not None and process.done.counts.answered >= 4, "no report")

    asyncio.run(scene())


def test_two_hundred_sessions_that_come_and_go_leave_nothing(options: EngineOptions) -> None:
    async def scene() -> None:
        async with running(options) as process:
            assert process._process is not None
            watched = psutil.Process(process._process.pid)
            memory, files = [], []
            for index in range(200):
                studio = Studio(process)
                studio.ask(question(f"session {index}", index, "one face", crop_of(1), index))
                (answer,) = await studio.answered(1)
                assert answer.ticket == index
                studio.link.close()
                if index in (49, 199):
                    await asyncio.sleep(0.3)
                    memory.append(watched.memory_info().rss)
                    files.append(watched.num_fds())
            assert files[1] <= files[0] + 1
            assert memory[1] < memory[0] * 1.05

    asyncio.run(scene())


def test_no_weights_is_said_and_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TXT2VID_CHECKPOINTS", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    async def scene() -> None:
        async with running(EngineOptions("wav2lip")) as process:
            assert process.ready is None
            assert process.failure is not None
            assert process.failure.exit_code == DependencyError.exit_code
            assert "txt2vid models fetch wav2lip" in process.failure.why

    asyncio.run(scene())


def network_of(house: House) -> int:
    """The process id of a house's network."""
    network = house.studios.network
    assert network is not None
    assert network._process is not None
    assert network._process.pid is not None
    return network._process.pid


@asynccontextmanager
async def house(options: EngineOptions, hero: Path) -> AsyncIterator[House]:
    it = House(1)
    it.studios = Studios(options, 1, it._event, it._lost)
    await it.studios.start()
    it.studios.prepare("hero", FaceOptions(hero, size=128))
    try:
        await it.event(Prepared)
        await it.studios.decided()
        yield it
    finally:
        await it.close()


@dataclass
class Drawn:
    """What is known of a session's frames."""

    drawn: int = 0
    mouths: int = 0
    held: int = 0


def report(house: House, session: str = "s") -> Drawn:
    reports = [each for each in house.of(Report, session) if isinstance(each, Report)]
    return Drawn(reports[-1].drawn, reports[-1].mouths, reports[-1].held) if reports else Drawn()


def test_a_session_gets_its_mouths_and_outlives_the_network(options: EngineOptions, hero: Path) -> None:
    """The network is killed while a session speaks: it goes on, drawn by motion, and the next network is used again."""

    async def scene() -> None:
        async with house(options, hero) as it:
            assert it.studios.drawing.engine == "wav2lip"
            it.studios.open(Open("s", "hero", Fraction(5)))  # so slow that any machine keeps up
            await it.event(Opened)
            it.studios.send(Watch("s", on=True))
            it.studios.send(Say("s", TEXT, 1))
            await it.until(lambda: report(it).mouths > 0 and report(it).mouths + report(it).held > 10, "no mouths")
            before = report(it).drawn
            os.kill(network_of(it), signal.SIGKILL)
            await it.until(lambda: it.studios.drawing.engine == "mesh", "nobody noticed")
            assert "gone" in it.studios.drawing.why
            asked = report(it).mouths + report(it).held
            await it.until(lambda: report(it).drawn > before + 10, "the session stands still")
            assert report(it).mouths + report(it).held <= asked + 10
            await it.until(lambda: it.studios.drawing.engine == "wav2lip", "no other network")
            it.studios.send(Say("s", TEXT, 2))
            asked = report(it).mouths
            await it.until(lambda: report(it).mouths > asked, "the new network is not asked")
            assert not it.lost

    asyncio.run(scene())


def test_weights_that_are_none_end_the_start_where_they_were_asked_for(tmp_path: Path, hero: Path) -> None:
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"not weights")

    async def asked_for() -> None:
        async with house(EngineOptions("wav2lip", bad, "cpu"), hero):
            pytest.fail("it started")

    with pytest.raises(EngineError, match=r"bad\.pth"):
        asyncio.run(asked_for())

    async def left_open() -> None:
        async with house(EngineOptions("auto", bad, "cpu"), hero) as it:
            await it.until(lambda: it.studios.drawing.engine == "mesh", "nobody noticed")
            assert "bad.pth" in it.studios.drawing.why
            it.studios.open(Open("s", "hero", Fraction(5)))  # so slow that any machine keeps up
            await it.event(Opened)
            it.studios.send(Watch("s", on=True))
            await it.until(lambda: report(it).drawn > 10, "no frames")

    asyncio.run(left_open())
