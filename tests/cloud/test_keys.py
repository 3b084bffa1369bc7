"""Where keys come from, and that nothing shows them."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from txt2vid.cloud import keys
from txt2vid.cloud.keys import FILE_VARIABLE, Secret
from txt2vid.errors import DependencyError, UsageError

KEY = "s3cr3t-key-of-mine"


@pytest.fixture(autouse=True)
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys"
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    monkeypatch.delenv("SOME_KEY", raising=False)
    monkeypatch.delenv("SOME_KEY_FILE", raising=False)
    return path


def private(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(text)
    return path


def test_the_environment_goes_first(monkeypatch: pytest.MonkeyPatch, user_file: Path) -> None:
    private(user_file, "SOME_KEY=other\n")
    monkeypatch.setenv("SOME_KEY", f" {KEY}\n")
    assert keys.find("it", "SOME_KEY").reveal() == KEY


def test_a_file_that_the_environment_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOME_KEY_FILE", str(private(tmp_path / "k", f"{KEY}\n")))
    assert keys.find("it", "SOME_KEY").reveal() == KEY


@pytest.mark.parametrize("line", [f"SOME_KEY={KEY}", f'export SOME_KEY = "{KEY}"  '])
def test_a_file_of_the_users(line: str, user_file: Path) -> None:
    private(user_file, f"# mine\nOTHER=x\n{line}\n")
    assert keys.find("it", "SOME_KEY").reveal() == KEY


def test_none_names_the_variable(user_file: Path) -> None:
    with pytest.raises(DependencyError, match=f"^it needs a key: .*SOME_KEY.*SOME_KEY_FILE.*{user_file}$"):
        keys.find("it", "SOME_KEY")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_file_that_others_may_read_is_refused(mode: int, user_file: Path) -> None:
    private(user_file, f"SOME_KEY={KEY}\n").chmod(mode)
    with pytest.raises(UsageError, match=f"chmod 600 {user_file}") as raised:
        keys.find("it", "SOME_KEY")
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "ümlaut", "\x00x", "x" * 5000])
def test_what_is_no_key_is_not_shown(value: str, user_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY_FILE", str(private(user_file.with_name("k"), value)))
    with pytest.raises(UsageError, match=r"SOME_KEY_FILE .* holds no key") as raised:
        keys.find("it", "SOME_KEY")
    assert value not in str(raised.value)


def test_files_that_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user_file: Path) -> None:
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="cannot be read"):
        keys.find("it", "SOME_KEY")
    monkeypatch.setenv("SOME_KEY_FILE", str(private(tmp_path / "huge", "x" * 100_000)))
    with pytest.raises(UsageError, match="too long"):
        keys.find("it", "SOME_KEY")
    monkeypatch.delenv("SOME_KEY_FILE")
    os.mkfifo(user_file)  # nobody writes into it: opening must not wait
    with pytest.raises(UsageError, match="is no file"):
        keys.find("it", "SOME_KEY")


def test_a_secret_has_no_text() -> None:
    secret = Secret(KEY)
    assert KEY not in f"{secret} {secret!r} {[secret]} {vars}"
    assert secret.hidden_in(f"bad key {KEY}!") == "bad key …!"
    with pytest.raises(TypeError, match="does not leave"):
        pickle.dumps(secret)
