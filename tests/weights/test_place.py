from __future__ import annotations

import os
from pathlib import Path

import pytest

from txt2vid.errors import DependencyError, UsageError
from txt2vid.weights import place


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def data_folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".local" / "share" / "txt2vid" / "checkpoints"


def test_folders_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place.folders() == (Path("checkpoints"), data_folder(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TXT2VID_CHECKPOINTS", str(tmp_path / "own"))
    assert place.folders() == (tmp_path / "own", Path("checkpoints"), tmp_path / "data" / "txt2vid" / "checkpoints")


def test_one_folder_by_two_names_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TXT2VID_CHECKPOINTS", "checkpoints")
    assert place.folders() == (Path("checkpoints"), data_folder(tmp_path))


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_xdg_folders_that_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", value)
    assert place.data_folder() == data_folder(tmp_path)


def test_the_destination(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place.destination() == data_folder(tmp_path)
    Path("checkpoints").mkdir()
    assert place.destination() == Path("checkpoints")
    monkeypatch.setenv("TXT2VID_CHECKPOINTS", str(tmp_path / "own"))
    assert place.destination() == tmp_path / "own"


def test_preference_within_a_folder() -> None:
    tensors = ["Wav2Lip_v2.SafeTensors", "wav2lip-a.safetensors"]
    names = ["wav2lip.pth", "wav2lip_gan.pth", "Wav2Lip-SD-GAN.pt", "Wav2Lip-SD-NOGAN.pt", *tensors]
    put(Path("checkpoints"), *names, "other.safetensors", "s3fd.pth", "wav2lip.txt", "wav2lip2.pth")
    for name in names:
        assert place.find("wav2lip") == Path("checkpoints", name)
        Path("checkpoints", name).unlink()
    assert place.find("wav2lip") is None


def test_the_first_folder_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(data_folder(tmp_path), "wav2lip.pth")
    assert place.find("wav2lip") == data_folder(tmp_path) / "wav2lip.pth"
    put(Path("checkpoints"), "Wav2Lip-SD-GAN.pt")
    assert place.find("wav2lip") == Path("checkpoints/Wav2Lip-SD-GAN.pt")
    monkeypatch.setenv("TXT2VID_CHECKPOINTS", str(tmp_path / "own"))  # which is not there
    assert place.find("wav2lip") == Path("checkpoints/Wav2Lip-SD-GAN.pt")
    put(tmp_path / "own", "wav2lip_gan.pth")
    assert place.find("wav2lip") == tmp_path / "own" / "wav2lip_gan.pth"


def test_one_published_file_by_its_names() -> None:
    put(Path("checkpoints"), "wav2lip.pth", "s3fd-619a316812.pth")
    assert place.find("wav2lip-gan") is None
    assert place.find("s3fd") == Path("checkpoints/s3fd-619a316812.pth")
    put(Path("checkpoints"), "wav2lip_gan.pth")
    assert place.find("wav2lip-gan") == Path("checkpoints/wav2lip_gan.pth")
    with pytest.raises(UsageError, match="choose one of"):
        place.find("wav3lip")


def test_folders_do_not_count_as_files() -> None:
    Path("checkpoints/wav2lip.pth").mkdir(parents=True)
    assert place.find("wav2lip") is None
    assert place.weights_in(Path("checkpoints")) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_holds_nothing() -> None:
    put(Path("checkpoints"), "wav2lip.pth")
    Path("checkpoints").chmod(0)
    try:
        assert place.find("wav2lip") is None
        assert place.weights_in(Path("checkpoints")) == []
    finally:
        Path("checkpoints").chmod(0o755)


def test_resolve_takes_a_file_or_a_name() -> None:
    put(Path("checkpoints"), "wav2lip.pth", "wav2lip_gan.pth")
    put(Path(), "mine.bin")
    Path("wav2lip").mkdir()  # as in our own repository
    assert place.resolve("mine.bin", "wav2lip") == Path("mine.bin")
    assert place.resolve(Path("mine.bin"), "wav2lip") == Path("mine.bin")
    assert place.resolve("wav2lip-gan", "wav2lip") == Path("checkpoints/wav2lip_gan.pth")
    assert place.resolve(Path("wav2lip"), "wav2lip") == Path("checkpoints/wav2lip.pth")
    assert place.resolve(None, "wav2lip") == Path("checkpoints/wav2lip.pth")


@pytest.mark.parametrize("wrong", ["nope.pth", "s3fd", ".", "a\0b"])
def test_resolve_refuses_what_is_no_file(wrong: str) -> None:
    with pytest.raises(UsageError, match=r"is no file: give a file of Wav2Lip, or wav2lip or wav2lip-gan$"):
        place.resolve(wrong, "wav2lip")


@pytest.mark.parametrize("checkpoint", [None, "wav2lip"])
def test_no_weights_is_one_line_with_all_that_is_needed(tmp_path: Path, checkpoint: str | None) -> None:
    with pytest.raises(DependencyError) as caught:
        place.resolve(checkpoint, "wav2lip")
    said = str(caught.value)
    assert said.startswith("no weights of Wav2Lip here")
    assert "txt2vid models fetch wav2lip" in said
    assert "research and personal use only" in said
    assert "--engine mesh needs none" in said
    assert str(data_folder(tmp_path)) in said
    assert "\n" not in said
