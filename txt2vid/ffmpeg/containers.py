"""Which codecs go into which file: chosen by the extension, for what players of that file know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from txt2vid.errors import UsageError

GOP_SECONDS = 2  # between keyframes: what seeking and segmenting players expect
THREADS = 2  # of a video encoder; more are more memory, and other jobs want the other cores
BITS_A_SAMPLE = 4  # of AAC and Opus: 64 kbit/s at 16 kHz, and no more than AAC's 6 (ISO/IEC 14496-3, 4.5.1)
MOST_BITS = {1: 128_000, 2: 192_000}  # bit/s by channels: transparent for speech


@dataclass(frozen=True, slots=True)
class Container:
    """One kind of file: ffmpeg's muxer, its codecs, and the muxer's own options."""

    muxer: str
    video: str = "libx264"
    audio: str = "aac"
    audio_rate: int | None = None  # Hz; None keeps the sound's own
    options: tuple[tuple[str, str], ...] = ()
    comment: str = "comment"  # the tag that holds one


_FASTSTART = (("movflags", "+faststart"),)  # the index first: plays while it downloads
CONTAINERS: Mapping[str, Container] = MappingProxyType({
    ".mp4": Container("mp4", options=_FASTSTART),
    ".m4v": Container("mp4", options=_FASTSTART),
    ".mov": Container("mov", options=_FASTSTART),
    ".mkv": Container("matroska", audio="flac"),  # has no place to tell AAC's delay; this has none, and loses nothing
    ".webm": Container("webm", "libvpx-vp9", "libopus", 48_000),  # Opus knows 48 kHz and its fractions alone
    ".avi": Container("avi", "mpeg4", "pcm_s16le"),  # AVI cannot tell a delay, nor when reordered frames are shown
    ".ts": Container("mpegts", comment="service_name"),  # has no tags but those of its service (ETSI EN 300 468)
})  # fmt: skip


def container_of(path: Path) -> Container:
    """The kind of file that the extension names. Raises UsageError at an unknown one, naming the known ones."""
    container = CONTAINERS.get(path.suffix.lower())
    if container is None:
        raise UsageError(f"{path} has no known video extension: choose one of {' '.join(CONTAINERS)}")
    return container


def video_options(container: Container, fps: Fraction, preset: str, crf: int) -> dict[str, str | int]:
    """Output options for the pictures: 4:2:0, BT.709 limited range and labelled so, closed GOPs of GOP_SECONDS."""
    options: dict[str, str | int] = {
        "c:v": container.video,
        "g": round(GOP_SECONDS * fps),
        "threads:v": THREADS,
        "color_primaries": "bt709",
        "color_trc": "bt709",
        "colorspace": "bt709",
        "color_range": "tv",
    }
    if container.video == "libx264":
        return options | {"preset": preset, "crf": crf}
    if container.video == "libvpx-vp9":  # crf 18 of x264 is about 28 here; realtime 6 is as fast as x264 veryfast
        return options | {"crf": crf + 10, "b:v": 0, "deadline": "realtime", "cpu-used": 6, "row-mt": 1}
    return options | {"q:v": 3}


def audio_options(container: Container, rate: int, channels: int) -> dict[str, str | int]:
    """Output options for the sound at `rate` Hz."""
    rate = container.audio_rate or rate
    options: dict[str, str | int] = {"c:a": container.audio}
    options["b:a"] = min(MOST_BITS[channels], BITS_A_SAMPLE * rate * channels)
    if container.audio_rate:
        options["ar"] = container.audio_rate
    return options
