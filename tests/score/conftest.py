"""Videos that txt2vid rendered here, and what ffmpeg makes of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from txt2vid.core.options import EngineOptions, FaceOptions, RenderOptions
from txt2vid.pipeline.render import render

TEXT = "My mother makes more muffins on Monday mornings. Oh no, go home, Joe, don't throw those stones."

Cut = Callable[..., Path]


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True, timeout=60)


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of speech."""
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", TEXT, "-o", str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def speaking(tmp_path_factory: pytest.TempPathFactory, hero: Path, voice: Path) -> Path:
    """The hero says it, head and eyes moving, with a second of silence at the end."""
    folder = tmp_path_factory.mktemp("speaking")
    ffmpeg("-i", voice, "-af", "apad=pad_dur=1.5", folder / "padded.wav")
    path = folder / "speaking.mp4"
    options = RenderOptions(FaceOptions(hero, size=192), path, folder / "padded.wav", engine=EngineOptions("mesh"))
    render(options)
    return path


@pytest.fixture
def cut(tmp_path: Path) -> Cut:
    """A function that has ffmpeg make a file of this name with these arguments, and gives the file's path."""

    def run(name: str, *arguments: object) -> Path:
        ffmpeg(*arguments, tmp_path / name)
        return tmp_path / name

    return run
