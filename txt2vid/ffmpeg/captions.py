"""Captions of a finished video: beside it as WebVTT, and in it, where its container has a place for them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from txt2vid.core.captions import Caption, webvtt
from txt2vid.errors import FFmpegError, OutputError
from txt2vid.ffmpeg import confine, program

SECONDS = 600.0  # for copying a video, at most
_CODECS: Mapping[str, str] = MappingProxyType(
    {".mp4": "mov_text", ".m4v": "mov_text", ".mov": "mov_text", ".mkv": "webvtt", ".webm": "webvtt"}
)


def captions_beside(video: Path) -> Path:
    """Where the captions of a video lie."""
    return video.with_suffix(".vtt")


def add_captions(video: Path, captions: Sequence[Caption]) -> Path:
    """Writes them beside a video and, but for AVI and MPEG-TS, into it; gives where they lie.

    Raises OutputError where they cannot be written, FFmpegError; the video is then as it was.
    """
    beside = captions_beside(video)
    part = _part(beside)
    try:
        part.write_text(webvtt(captions), encoding="utf-8")
        codec = _CODECS.get(video.suffix.lower())
        if codec is not None and captions:
            _embed(Path(os.path.realpath(video)), part, codec)
        part.replace(beside)
    except OSError as err:
        raise OutputError(f"{beside} cannot be written ({err.strerror}): choose another folder with -o") from err
    finally:
        part.unlink(missing_ok=True)
    return beside


def _embed(video: Path, captions: Path, codec: str) -> None:
    copy = _part(video)
    fast = ["-movflags", "+faststart"] if codec == "mov_text" else []
    command = [
        program.find("ffmpeg"), "-nostdin", "-v", "error", "-protocol_whitelist", confine.PROTOCOLS,
        "-i", confine.url(video), "-protocol_whitelist", confine.PROTOCOLS, "-f", "webvtt", "-i", confine.url(captions),
        "-map", "0", "-map", "1", "-c", "copy", "-c:s", codec, "-disposition:s:0", "default", "-map_metadata", "0",
        *fast, "-y", confine.url(copy),
    ]  # fmt: skip
    try:
        code, _, words = program.capture(command, SECONDS)
        if code != 0:
            raise FFmpegError(f"ffmpeg could not put captions into {video} ({program.last_words(words)})")
        copy.replace(video)
    finally:
        copy.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    """A name beside it, of the same kind."""
    return path.with_name(f".{path.stem[:80]}.{secrets.token_hex(4)}.part{path.suffix}")
