"""`txt2vid models list` and `verify` as their users run them, with folders of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.weights.folders import own_folders, sparse
from txt2vid.weights.known import PUBLISHED, entry

Command = Callable[..., "subprocess.CompletedProcess[str]"]

WAV2LIP = entry("wav2lip")


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of weights."""
    return own_folders(tmp_path, monkeypatch)


def test_it_starts_light() -> None:
    code = (
        "import sys; from txt2vid.cli.main import main; main(sys.argv[1:]); "
        "print({'numpy', 'torch', 'rich', 'ssl', 'http.client'} & set(sys.modules), file=sys.stderr)"
    )
    for arguments in (["--help"], ["list"], ["verify", "--help"]):
        command = [sys.executable, "-c", code, "models", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr.splitlines()[-1] == "set()"


def test_list_where_nothing_is(txt2vid: Command, weights: Path) -> None:
    done = txt2vid("models", "list")
    assert done.returncode == 0
    for known in PUBLISHED:
        assert f"\n{known.name} " in f"\n{done.stdout}"
        assert known.terms.short in done.stdout
    assert done.stdout.count("missing") == len(PUBLISHED)
    assert done.stderr == f"txt2vid models fetch NAME puts one into {weights}\n"


def test_list_where_something_is(txt2vid: Command, weights: Path, tmp_path: Path) -> None:
    right = sparse(weights / "wav2lip.pth", WAV2LIP.size)  # it is not read, so that it does not matter what it holds
    wrong = sparse(tmp_path / "checkpoints" / "s3fd.pth", 5)
    other = sparse(weights / "Wav2Lip-SD-GAN.pt", 7)
    lines = txt2vid("models", "list").stdout.splitlines()
    assert f"wav2lip      436 MB  {right}" in lines
    assert any(line.endswith("s3fd.pth (5 bytes instead of 89843225: try txt2vid models verify)") for line in lines)
    assert any(line.startswith("other") and line.endswith(str(other)) for line in lines)
    report = json.loads(txt2vid("models", "list", "--json").stdout)
    assert report["destination"] == str(weights)
    assert {file["name"]: file["path"] for file in report["files"]} == {
        "wav2lip": str(right),
        "wav2lip-gan": None,
        "s3fd": str(wrong.relative_to(tmp_path)),
    }
    assert report["others"] == [str(other)]
    assert not any(file["accepted"] for file in report["files"])


def test_verify_all(txt2vid: Command, weights: Path, tmp_path: Path) -> None:
    done = txt2vid("models", "verify")
    assert done.returncode == 0
    assert done.stdout.count("missing") == len(PUBLISHED)
    damaged = sparse(weights / "wav2lip.pth", 5)
    unknown = sparse(tmp_path / "checkpoints" / "my.safetensors", 7)
    done = txt2vid("models", "verify")
    assert done.returncode == 1
    assert done.stderr == ""
    hint = "5 bytes instead of 435807851: try txt2vid models fetch wav2lip"
    assert f"damaged  wav2lip      {damaged} ({hint})" in done.stdout.splitlines()
    report = json.loads(txt2vid("models", "verify", "--json").stdout)
    states = {file["path"]: file["state"] for file in report["files"] if file["path"]}
    assert states == {str(damaged): "damaged", str(unknown.relative_to(tmp_path)): "unknown"}


def test_verify_hashes_a_file_of_the_right_size(txt2vid: Command, weights: Path) -> None:
    path = sparse(weights / "s3fd-619a316812.pth", entry("s3fd").size)
    done = txt2vid("models", "verify", "s3fd")
    assert done.returncode == 1
    hint = "the sha256 differs from the published one: try txt2vid models fetch s3fd"
    assert done.stdout == f"damaged  s3fd         {path} ({hint})\n"


@pytest.mark.parametrize(
    ("target", "code", "says"),
    [
        ("wav2lip", 1, "missing  wav2lip       (try txt2vid models fetch wav2lip)"),
        ("nope.pth", 1, "missing               nope.pth"),
        ("mine.pth", 0, "unknown               mine.pth"),
        ("mine", 0, "unknown               mine/a.pth"),
    ],
)
def test_verify_what_is_asked_for(txt2vid: Command, tmp_path: Path, target: str, code: int, says: str) -> None:
    sparse(tmp_path / "mine.pth", 5)
    sparse(tmp_path / "mine" / "a.pth", 5)
    done = txt2vid("models", "verify", target)
    assert (done.returncode, done.stdout, done.stderr) == (code, f"{says}\n", "")


def test_doctor_names_what_is_here(txt2vid: Command, weights: Path, tmp_path: Path) -> None:
    weights_of = {check["what"]: check for check in json.loads(txt2vid("doctor", "--json").stdout)["checks"]}
    assert not weights_of["weights"]["works"]
    assert "txt2vid models fetch wav2lip" in weights_of["weights"]["detail"]
    assert "mesh engine needs none" in weights_of["weights"]["detail"]
    sparse(weights / "wav2lip.pth", WAV2LIP.size)
    sparse(tmp_path / "checkpoints" / "s3fd.pth", 5)
    detail = (
        f"wav2lip.pth in {weights}; s3fd.pth (5 bytes instead of 89843225: try txt2vid models verify) in checkpoints"
    )
    assert f"works    weights           {detail}" in txt2vid("doctor").stdout.splitlines()
