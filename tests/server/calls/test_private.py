"""Sessions of calls beside all others in a hub, whose studios need not run for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from txt2vid.core.options import EngineOptions, FaceOptions
from txt2vid.errors import FaceError
from txt2vid.pipeline.messages import Prepared
from txt2vid.pipeline.studios import Studios
from txt2vid.server.faces import Faces
from txt2vid.server.hub import Hub
from txt2vid.server.seat import Refused
from txt2vid.server.sessions import Manner

Scene = Callable[[Hub], Coroutine[Any, Any, None]]


def play(scene: Scene, hero: Path, manner: Manner | None = None) -> None:
    async def main() -> None:
        studios = Studios(EngineOptions("mesh"), 1, lambda _event, _fds: None, lambda _names: None)
        await scene(Hub(studios, {"hero": FaceOptions(hero)}, manner or Manner()))

    asyncio.run(main())


def test_it_is_listed_nowhere_and_made_again_where_it_failed(hero: Path) -> None:
    async def scene(hub: Hub) -> None:
        hub.sessions.private["call-a"] = "hero"
        assert hub.find("call-a") is None
        first = hub.read_along("call-a")
        assert (first.private, first.standing, first.face) == (True, False, "hero")
        assert first.closing is None  # it stays without a sender
        assert [name for name, _ in hub.names()] == ["hero"]
        assert "call-a" not in first.label
        hub.sessions.close(first, "engine", "it failed")
        second = hub.read_along("call-a")
        assert second is not first
        assert second.private
        hub.sessions.close(second, "session", "its caller has left")
        del hub.sessions.private["call-a"]
        with pytest.raises(Refused):
            hub.read_along("call-a")

    play(scene, hero)


def test_it_does_not_make_way_for_others(hero: Path) -> None:
    async def scene(hub: Hub) -> None:
        hub.sessions.private["call-a"] = "hero"
        hub.read_along("call-a")
        with pytest.raises(Refused) as refused:
            hub.read_along("hero")
        assert refused.value.code == "full"

    play(scene, hero, Manner(most=1))


def test_a_face_that_is_added_is_known_by_name_alone(hero: Path) -> None:
    async def scene() -> None:
        asked: list[str] = []
        faces = Faces({"hero": FaceOptions(hero, index=1, size=128)}, lambda name, _options: asked.append(name))
        added = faces.like_first(Path("upload.png"))
        assert added == FaceOptions(Path("upload.png"), size=128)
        faces.add("upload-a", added)
        assert "upload-a" not in faces
        assert list(faces.options) == ["hero"]
        waiting = asyncio.create_task(faces.ready("upload-a"))
        await asyncio.sleep(0)
        faces.ask_again()
        assert asked == ["upload-a", "upload-a"]
        faces.prepared(Prepared("upload-a", 128, 128))
        assert (await waiting).width == 128

        again = asyncio.create_task(faces.ready("hero"))
        faces.remove("upload-a")
        faces.remove("upload-a")
        with pytest.raises(FaceError):
            await faces.ready("upload-a")
        again.cancel()

    asyncio.run(scene())


def test_who_waits_for_a_face_that_is_removed_is_told(hero: Path) -> None:
    async def scene() -> None:
        faces = Faces({"hero": FaceOptions(hero)}, lambda _name, _options: None)
        faces.add("upload-a", faces.like_first(hero))
        waiting = asyncio.create_task(faces.ready("upload-a"))
        await asyncio.sleep(0)
        faces.remove("upload-a")
        with pytest.raises(FaceError, match="removed"):
            await waiting

    asyncio.run(scene())
