"""Files that are wrong in every way we could think of, through the real command: one line that helps, nothing left."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import SMALL, Command, ffmpeg


def bmp(width: int, height: int) -> bytes:
    """A bitmap's header, without the bitmap."""
    size = width * height * 3
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, size & 0xFFFFFFFF, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", (size + 54) & 0xFFFFFFFF, 0, 0, 54) + info


def one_colour(path: Path, width: int, height: int) -> None:
    Image.new("1", (width, height)).save(path)


def truncated(path: Path, hero: Path) -> None:
    Image.open(hero).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


FACES: dict[str, tuple[Callable[[Path, Path], object], int, str]] = {
    "text.png": (lambda path, _hero: path.write_text("I am no picture."), 3, "is not a picture: give a JPEG"),
    "text.mp4": (
        lambda path, _hero: path.write_text("I am no video."),
        3,
        "is a text, not a picture or video: give --face",
    ),
    "text.txt": (
        lambda path, _hero: path.write_text("I am a text."),
        3,
        "is a text, not a picture or video: give --face",
    ),
    "text.svg": (
        lambda path, _hero: path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>"),
        3,
        "give --face a picture",
    ),
    "empty.png": (lambda path, _hero: path.touch(), 3, "is empty (0 bytes)"),
    "empty.mp4": (lambda path, _hero: path.touch(), 3, "is empty (0 bytes)"),
    "half.jpg": (truncated, 3, "is damaged"),
    "dot.png": (lambda path, _hero: one_colour(path, 1, 1), 3, "is too small"),
    "huge.bmp": (lambda path, _hero: path.write_bytes(bmp(20_000, 20_000)), 3, "is too large"),
    "huge.png": (lambda path, _hero: one_colour(path, 20_000, 20_000), 3, "is too large"),
    "endless.bmp": (lambda path, _hero: path.write_bytes(bmp(1 << 30, 1 << 30)), 3, "is too large"),
    "nobody.png": (lambda path, _hero: one_colour(path, 200, 200), 4, "--face-box"),
    "folder.png": (lambda path, _hero: path.mkdir(), 3, "is a folder"),
    "pipe.png": (lambda path, _hero: os.mkfifo(path), 3, "is a pipe or a device"),
    "none.png": (lambda _path, _hero: None, 3, "does not exist: check the name"),
    "loop.png": (lambda path, _hero: path.symlink_to(path), 3, "cannot be read"),
    "list.m3u8": (lambda path, hero: playlist(path, hero), 3, "is a playlist or script (hls)"),
    "noise.mp4": (lambda path, _hero: path.write_bytes(bytes(range(256)) * 100), 3, "cannot be decoded"),
}


@pytest.mark.parametrize("name", FACES)
def test_faces(command: Command, hero: Path, name: str) -> None:
    make, code, says = FACES[name]
    make(command.path(name), hero)
    command.refuses("--face", name, "--text", "Hello.", "-o", "a.mp4", code=code, says=[name, says])


def sound(path: Path, source: str, *arguments: str) -> None:
    ffmpeg("-f", "lavfi", "-i", source, *arguments, path)


def without_sound(path: Path, _speech: Path) -> None:
    sound(path, "testsrc=size=64x64:duration=0.2")


def concat(path: Path, speech: Path) -> None:
    path.write_text(f"ffconcat version 1.0\nfile '{speech}'\n")


def playlist(path: Path, speech: Path) -> None:
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{speech}\n#EXT-X-ENDLIST\n")


def damaged(path: Path, speech: Path) -> None:
    """A WAV header, then a hundred bytes of a codec that they do not make sense in."""
    ffmpeg("-i", speech, "-f", "mp4", "-c:a", "aac", path)
    path.write_bytes(path.read_bytes()[:2000])


SOUNDS: dict[str, tuple[Callable[[Path, Path], object], int, str]] = {
    "silent.wav": (lambda path, _speech: sound(path, "anullsrc=duration=1"), 3, "is silent from start to end: give"),
    "empty.wav": (lambda path, _speech: path.touch(), 3, "is empty (0 bytes): record"),
    "header.wav": (lambda path, speech: path.write_bytes(speech.read_bytes()[:44]), 3, ": "),
    "noise.mp3": (lambda path, _speech: path.write_bytes(bytes(range(256)) * 100), 3, "cannot be decoded"),
    "damaged.m4a": (damaged, 3, "cannot be decoded"),
    "text.wav": (lambda path, _speech: path.write_text("Hello."), 3, "is a text file: give a sound"),
    "mute.mp4": (without_sound, 3, "holds no sound: give"),
    "picture.png": (lambda path, _speech: one_colour(path, 64, 64), 3, "is a still picture"),
    "list.m3u8": (playlist, 3, "is a playlist or script (hls)"),
    "list.wav": (concat, 3, "is a playlist or script (concat)"),
    "folder.wav": (lambda path, _speech: path.mkdir(), 3, "is a folder"),
    "pipe.wav": (lambda path, _speech: os.mkfifo(path), 3, "is a pipe or a device"),
    "none.wav": (lambda _path, _speech: None, 3, "does not exist"),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_sounds(command: Command, hero: Path, speech: Path, name: str) -> None:
    make, code, says = SOUNDS[name]
    make(command.path(name), speech)
    command.refuses("--face", hero, "--audio", name, "-o", "a.mp4", *SMALL, code=code, says=[name, says])


@pytest.mark.parametrize(
    ("name", "content", "code", "says"),
    [
        ("emoji.txt", "😀🎉❤️".encode(), 6, "nothing in the text can be spoken"),
        ("empty.txt", b"", 6, "the text is empty: write some words"),
        ("blank.txt", b" \n\t\n", 6, "the text is empty: write some words"),
        ("marks.txt", b"... !?", 6, "nothing in the text can be spoken"),
        (
            "binary.txt",
            bytes(range(256)),
            3,
            "binary.txt is not UTF-8: convert it, for instance with iconv -f LATIN1 -t UTF-8",
        ),
        ("zeros.txt", bytes(1000), 6, "nothing in the text can be spoken"),
        ("long.txt", b"a" * ((4 << 20) + 1), 3, "long.txt is longer than 4 MiB"),
    ],
)
def test_texts(command: Command, hero: Path, name: str, content: bytes, code: int, says: str) -> None:
    command.path(name).write_bytes(content)
    command.refuses("--face", hero, "--text-file", name, "-o", "a.mp4", code=code, says=[says])


def test_texts_that_cannot_be_read(command: Command, hero: Path) -> None:
    command.path("folder.txt").mkdir()
    for name, says in (("none.txt", "cannot be read"), ("folder.txt", "cannot be read")):
        command.refuses("--face", hero, "--text-file", name, code=3, says=[name, says])
    command.refuses("--face", hero, "--text", "", code=6, says=["the text is empty: write some words"])
    command.refuses("--face", hero, "--text-file", "-", code=6, says=["the text is empty: write some words"])


def test_stdin_is_closed(command: Command, hero: Path) -> None:
    command.refuses("--face", hero, "--text-file", "-", code=3, says=["stdin", "closed"], stdin=None)
