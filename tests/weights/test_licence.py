from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.weights.mirrors import small
from txt2vid.errors import OutputError
from txt2vid.weights import licence
from txt2vid.weights.known import Terms


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where acceptance is kept."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "txt2vid" / "accepted.json"


def test_terms_are_accepted_once(kept: Path) -> None:
    known = small()
    assert not licence.accepted(known)
    licence.accept(known)
    assert licence.accepted(known)
    assert list(json.loads(kept.read_text())) == ["small"]
    assert list(kept.parent.iterdir()) == [kept]


def test_changed_terms_are_new_ones(kept: Path) -> None:
    licence.accept(small())
    changed = replace(small(), terms=Terms("for tests only", "For tests, on Sundays."))
    assert not licence.accepted(changed)
    licence.accept(changed)
    assert licence.accepted(changed)
    assert not licence.accepted(small())
    assert kept.exists()


def test_one_name_does_not_accept_another(kept: Path) -> None:
    other = replace(small(), name="other")
    licence.accept(small())
    assert not licence.accepted(other)
    licence.accept(other)
    assert licence.accepted(small())
    assert set(json.loads(kept.read_text())) == {"small", "other"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"small": 1}', b"\xff", b"[" * 100_000, b"null"])
def test_a_damaged_file_accepts_nothing(kept: Path, content: bytes) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    assert not licence.accepted(small())
    licence.accept(small())
    assert licence.accepted(small())


def test_the_home_is_the_default_place(tmp_path: Path) -> None:
    licence.accept(small())
    assert (tmp_path / "home" / ".config" / "txt2vid" / "accepted.json").is_file()


def test_it_cannot_be_kept(kept: Path) -> None:
    kept.parent.parent.mkdir()
    kept.parent.touch()
    assert not licence.accepted(small())
    with pytest.raises(OutputError, match=r"accepted\.json \(.+\): make it writable$"):
        licence.accept(small())


def test_nothing_is_left_of_what_cannot_be_kept(kept: Path) -> None:
    kept.mkdir(parents=True)
    with pytest.raises(OutputError):
        licence.accept(small())
    assert list(kept.parent.iterdir()) == [kept]
