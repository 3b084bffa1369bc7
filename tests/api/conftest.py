from __future__ import annotations

from pathlib import Path

import pytest

import txt2vid


@pytest.fixture(scope="session")
def face(hero: Path) -> txt2vid.Face:
    """A small one, found once."""
    return txt2vid.Face.open(hero, size=128)
