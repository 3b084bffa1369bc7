"""The processes that track faces: begun when a camera comes, shared by many, ended after the last."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import cv2
import pytest

pytest.importorskip("aiortc")
from tests.server.heads import moving_head
from txt2vid.core import landmarkwire
from txt2vid.pipeline import observers
from txt2vid.pipeline.observers import FPS, Observers, fps_of
from txt2vid.pipeline.observing import Event, Looked, Picture, Unfit

PATIENCE = 40.0


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def children() -> list[BaseProcess]:
    return sorted(multiprocessing.active_children(), key=lambda each: each.name)


def looks(events: Sequence[Event]) -> list[landmarkwire.Landmarks]:
    return [landmarkwire.decode(each.message) for each in events if isinstance(each, Looked)]


def test_cameras_share_processes_and_each_has_its_own_tracker(hero: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(cv2.imencode(".jpg", moving_head(hero, 1)[0])[1])
    monkeypatch.setattr(observers, "IDLE_SECONDS", 0.05)

    async def run() -> None:
        pool = Observers(2)
        seen: list[list[Event]] = [[], [], []]
        numbers = [await pool.watch(events.append, annotated=False) for events in seen]
        assert (pool.cameras, pool.running, len(children())) == (3, 2, 2)
        for number in numbers:
            assert pool.send(Picture(number, "jpeg", True, data, number, time.monotonic()))
        await until(lambda: all(looks(events) for events in seen))
        for number, events in zip(numbers, seen, strict=True):
            found = looks(events)[0]
            assert (found.captured, found.frame, len(found.faces)) == (number, 1, 1)

        children()[0].kill()  # the first and the third camera are there
        await until(lambda: any(isinstance(each, Unfit) for each in seen[0]))
        assert isinstance(seen[2][-1], Unfit)
        assert not any(isinstance(each, Unfit) for each in seen[1])
        assert (pool.cameras, pool.restarts) == (1, 1)
        assert not pool.send(Picture(numbers[0], "jpeg", True, data, 0, 0))

        pool.leave(numbers[1])
        pool.leave(numbers[1])
        await until(lambda: pool.running == 0 and not children())
        await pool.stop()

    asyncio.run(run())


def test_the_more_cameras_the_fewer_pictures_of_each() -> None:
    assert [fps_of(cameras, 2) for cameras in (0, 1, 4, 8, 100)] == [FPS[1], FPS[1], 30, 15, FPS[0]]
