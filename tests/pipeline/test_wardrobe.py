"""The faces of a studio, with the real engine and the real search for faces."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from txt2vid.core.options import EngineOptions, FaceOptions
from txt2vid.engines.mesh import MeshEngine
from txt2vid.errors import FaceError
from txt2vid.pipeline import wardrobe
from txt2vid.pipeline.messages import Prepared
from txt2vid.pipeline.wardrobe import Wardrobe

PATIENCE = 60.0


class Closet:
    """A wardrobe, and a wait for what it is making."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        engine = MeshEngine(EngineOptions("mesh"))
        self.wardrobe = Wardrobe(lambda: engine, self._woken.set)

    def next(self) -> list[Prepared]:
        assert self._woken.wait(PATIENCE)
        self._woken.clear()
        return list(self.wardrobe.taken())


@pytest.fixture(name="closet")
def _closet() -> Iterator[Closet]:
    made = Closet()
    yield made
    made.wardrobe.close()


def test_a_face_becomes_ready(closet: Closet, hero: Path) -> None:
    closet.wardrobe.prepare("hero", FaceOptions(hero, size=128))
    assert closet.wardrobe.find("hero") is None
    assert closet.wardrobe.is_coming("hero")
    assert closet.next() == [Prepared("hero", 128, 128)]
    assert closet.wardrobe.find("hero") is not None


def test_one_that_was_dropped_for_want_of_room_is_made_again(
    closet: Closet, hero: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wardrobe, "MAX_FACES", 1)
    for name in ("a", "b"):
        closet.wardrobe.prepare(name, FaceOptions(hero, size=128))
        closet.next()
    closet.wardrobe.tidy(shown=set())
    assert closet.wardrobe.find("b") is not None
    assert closet.wardrobe.find("a") is None
    assert closet.wardrobe.is_coming("a")
    assert closet.next() == [Prepared("a", 128, 128)]
    assert closet.wardrobe.find("a") is not None


def test_one_that_is_forgotten_is_gone(closet: Closet, hero: Path) -> None:
    closet.wardrobe.prepare("a", FaceOptions(hero, size=128))
    closet.next()
    closet.wardrobe.forget("a")
    assert closet.wardrobe.find("a") is None
    assert not closet.wardrobe.is_coming("a")


def test_one_that_is_forgotten_while_it_is_made_never_comes(closet: Closet, hero: Path) -> None:
    closet.wardrobe.prepare("a", FaceOptions(hero, size=128))
    closet.wardrobe.forget("a")
    closet.wardrobe.forget("a")
    assert closet.next() == []  # whoever waits for it is told: it is woken all the same
    assert closet.wardrobe.find("a") is None


def test_a_picture_without_a_face_is_an_error_and_not_tried_again(closet: Closet, tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.new("RGB", (128, 128), (90, 90, 90)).save(path)
    closet.wardrobe.prepare("a", FaceOptions(path, size=128))
    (told,) = closet.next()
    assert told.error is not None
    assert told.exit_code == FaceError.exit_code
    assert closet.wardrobe.find("a") is None
    assert not closet.wardrobe.is_coming("a")
