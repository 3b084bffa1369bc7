from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.weights.folders import own_folders
from tests.weights.mirrors import Mirror, serving


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving() as running:
        yield running


@pytest.fixture
def second() -> Iterator[Mirror]:
    """Another one."""
    with serving() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where files go; not made yet."""
    return tmp_path / "weights"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The defaults, below a home of the test's own; the current folder is an empty one."""
    own_folders(tmp_path, monkeypatch)
    for name in ("TXT2VID_CHECKPOINTS", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
