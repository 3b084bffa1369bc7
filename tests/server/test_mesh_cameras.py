"""Places of cameras: how many there are, who loses theirs, and what a shared link's key opens."""

from __future__ import annotations

import asyncio
import time

import pytest

from txt2vid.core.checks import WireError
from txt2vid.pipeline.observing import Looked
from txt2vid.server import limits
from txt2vid.server.auth import Access
from txt2vid.server.mesh.cameras import Camera, Cameras
from txt2vid.server.seat import Refused


class Silent(Camera):
    """One that shows nothing, and notes what it is told."""

    def __init__(self, cameras: Cameras) -> None:
        super().__init__(cameras)
        self.told: list[str] = []

    def looked(self, seen: Looked) -> None:
        raise AssertionError(seen)

    def bye(self, why: str) -> None:
        self.told.append(f"bye: {why}")

    def cut(self, why: str) -> None:
        self.leave()
        self.told.append(f"cut: {why}")


def test_who_shows_nothing_loses_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CAMERA_SECONDS", 0.4)

    async def run() -> None:
        cameras = Cameras(1, 1, Access())
        camera, other = Silent(cameras), Silent(cameras)
        await cameras.enter(camera, annotated=False)
        with pytest.raises(Refused, match="1 cameras are the most here"):
            await cameras.enter(other, annotated=False)
        end = time.monotonic() + 30
        while not camera.told:
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        assert camera.told == ["cut: no picture for 0.4 s"]
        assert not cameras.here
        other.last = time.monotonic() + 100
        await cameras.enter(other, annotated=False)
        await cameras.stop()
        assert other.told == ["bye: The server is going down."]
        with pytest.raises(Refused, match="going down"):
            cameras.check_room()

    asyncio.run(run())


def test_too_much_is_left_out() -> None:
    cameras = Cameras(1, 1, Access())
    camera = Silent(cameras)

    def tune(times: float) -> None:
        for _ in range(round(times)):
            camera.tune("{}")

    tune(limits.MESH_MESSAGES_BURST)
    with pytest.raises(WireError, match="too many messages"):
        tune(limits.MESH_MESSAGES_A_SECOND)
    assert not camera.show("jpeg", bytes(int(limits.PICTURE_BYTES_BURST) + 1), 0.0, key=True)


def test_a_key_is_of_one_token() -> None:
    one, other = (Cameras(1, 1, Access.of("127.0.0.1", token)) for token in ("one", "other"))
    assert one.key != other.key
    assert one.knows("one")
    assert one.knows(None, one.key)
    assert not one.knows(other.key)
    assert not one.knows("", None)
    assert Cameras(1, 1, Access()).key is None
    assert Cameras(1, 1, Access()).knows(None)
