"""What a media file holds, as ffprobe tells."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from txt2vid.errors import MediaError, VideoError
from txt2vid.ffmpeg import confine, program

PROBE_SECONDS = 60  # a hostile file may keep ffprobe busy for ever
SNIFF_BYTES = 4096
ENTRIES = (
    "format=format_name,duration,start_time"
    ":stream=index,codec_type,codec_name,sample_rate,channels,channel_layout,start_time,width,height"
    ",sample_aspect_ratio,avg_frame_rate,r_frame_rate,color_space,color_transfer"
    ":stream_disposition=attached_pic:stream_side_data=rotation:stream_tags=rotate"
)
VARIABLE = Fraction(1, 100)  # average and base frame rate differ by more: the frame rate is variable
PRIMING_SECONDS = Fraction(1, 10)  # more than any audio encoder's delay (Opus 6.5 ms, AAC 21 to 64 ms)
UNKNOWN_FPS = Fraction(25)  # of a stream that tells no frame rate at all
_REFUSAL = re.compile(r"\[(\S+) @ [^\]]*\] Format not on whitelist")
_URL = re.compile(r"(?:^|/)(?:https?|ftps?|s?ftp|rtmps?|rtsp|data|file):/")  # a Path has made one slash of two
_WHITE = {0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x1B}  # the control characters that texts have


@dataclass(frozen=True, slots=True)
class AudioStream:
    """The sound of a file.

    index: the stream's number in the file. rate: samples a second. layout: as "stereo" or "5.1", empty where unknown.
    start: seconds from the file's first timestamp to the first sample.
    """

    index: int
    codec: str
    rate: int
    channels: int
    layout: str
    start: Fraction


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The pictures of a file; never a cover picture.

    width, height: as displayed: turned upright, with square pixels. fps: the average. variable: whether frames come at
    uneven times. start: seconds from the file's first timestamp to the first frame. space, transfer: ffmpeg's names
    of the YCbCr matrix and the transfer function, as "bt709" and "smpte2084", empty where unknown.
    """

    index: int
    codec: str
    width: int
    height: int
    fps: Fraction
    variable: bool
    start: Fraction
    space: str
    transfer: str


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file holds: the first of its sounds and the first of its pictures.

    container: ffmpeg's name of it, as "mov,mp4,m4a,3gp,3g2,mj2". duration: seconds, None where the file tells none.
    """

    container: str
    duration: Fraction | None
    audio: AudioStream | None
    video: VideoStream | None


def probe(path: Path, error: type[MediaError] = MediaError) -> MediaInfo:
    """What the file holds. ffprobe is confined to the file: playlists and scripts are refused.

    Raises `error` (MediaError, or the family that the caller speaks for) where the file is missing, empty, a folder, a
    text or not media; DependencyError without ffprobe.
    """
    head = _head(path, error)
    command = [program.find("ffprobe"), "-v", "error", "-of", "json", "-show_entries", ENTRIES]
    for name, value in confine.arguments().items():
        command += [f"-{name}", value]
    code, out, err = program.capture([*command, "-i", confine.url(path)], PROBE_SECONDS)
    refused = _refused(err)
    if confine.is_still(refused):
        raise error(f"{path} is {_wrong('a still picture', 'a still picture of a kind that is not read', error)}")
    if refused:
        raise error(f"{path} is a playlist or script ({refused}), not media: give the file that it names")
    if _is_text(head):
        raise error(f"{path} is {_wrong('a text file', 'a text, not a picture or video', error)}")
    if code != 0:
        words = program.last_words(err).replace(confine.url(path), "").lstrip(": ")
        raise error(f"{path} cannot be decoded ({words}): give a file that ffplay plays")
    return _info(json.loads(out))


def _head(path: Path, error: type[MediaError]) -> bytes:
    """The file's first bytes, once it is sure that there are some."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise error(f"{path} is a folder: name a file in it")
        if not stat.S_ISREG(mode):
            raise error(f"{path} is a pipe or a device: save it to a file first")
        with path.open("rb") as file:
            head = file.read(SNIFF_BYTES)
    except FileNotFoundError as err:
        raise error(missing(path)) from err
    except PermissionError as err:
        raise error(f"{path} may not be read: chmod +r it, or run as its owner") from err
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or err
        raise error(f"{path} cannot be read: {reason}") from err
    if not head:
        raise error(f"{path} is empty (0 bytes): record or copy it again")
    return head


def missing(path: Path) -> str:
    """What to say of a file that does not exist."""
    if _URL.search(path.as_posix()):
        url = path.as_posix().replace(":/", "://", 1)
        return f"{url}: URLs are not read: download it first"
    return f"{path} does not exist: check the name"


def _wrong(what: str, for_a_face: str, error: type[MediaError]) -> str:
    """What a file is that is no media, and what to give instead: sound, or where pictures are wanted, a face."""
    if issubclass(error, VideoError):
        return f"{for_a_face}: give --face a picture (JPEG, PNG, WebP, BMP, TIFF, GIF) or a video"
    return f"{what}: give a sound or video file" + (", or --text-file to have it spoken" if "text" in what else "")


def _refused(stderr: str) -> str:
    """The demuxer that the whitelist refused, where it says more than that it knows no such media."""
    refused = _REFUSAL.search(stderr)
    names = refused[1].split(",") if refused else [""]
    told = confine.is_still(names[0]) or {*names} & (confine.PLAYLISTS | confine.SIBLINGS)
    return names[0] if told else ""


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as err:
        if err.end < len(head) or err.reason != "unexpected end of data":
            return False
        text = head[: err.start].decode()
    return not any(ord(char) < 0x20 and ord(char) not in _WHITE for char in text)


def _info(found: Mapping[str, Any]) -> MediaInfo:
    file = found.get("format", {})
    streams = found.get("streams", [])
    start = _fraction(file.get("start_time")) or Fraction(0)
    if -PRIMING_SECONDS < start < 0:  # the encoder's delay, which decoders skip: the sound itself starts at zero
        start = Fraction(0)
    sounds = [s for s in streams if s.get("codec_type") == "audio" and _playable(s)]
    pictures = [s for s in streams if s.get("codec_type") == "video" and s.get("width") and not _cover(s)]
    return MediaInfo(
        file.get("format_name", ""),
        _fraction(file.get("duration")),
        _audio(sounds[0], start) if sounds else None,
        _video(pictures[0], start) if pictures else None,
    )


def _playable(stream: Mapping[str, Any]) -> bool:
    return int(stream.get("sample_rate", 0)) > 0 and stream.get("channels", 0) > 0


def _cover(stream: Mapping[str, Any]) -> bool:
    return bool(stream.get("disposition", {}).get("attached_pic"))


def _audio(stream: Mapping[str, Any], start: Fraction) -> AudioStream:
    return AudioStream(
        stream["index"],
        stream.get("codec_name", "unknown"),
        int(stream["sample_rate"]),
        stream["channels"],
        stream.get("channel_layout", "").replace("unknown", ""),
        _start(stream, start),
    )


def _video(stream: Mapping[str, Any], start: Fraction) -> VideoStream:
    average, base = (_fraction(stream.get(key)) for key in ("avg_frame_rate", "r_frame_rate"))
    fps = average or base or UNKNOWN_FPS
    width, height = _displayed(stream)
    return VideoStream(
        stream["index"],
        stream.get("codec_name", "unknown"),
        width,
        height,
        fps,
        bool(base) and abs(fps / (base or fps) - 1) > VARIABLE,
        _start(stream, start),
        stream.get("color_space", "").replace("unknown", ""),
        stream.get("color_transfer", "").replace("unknown", ""),
    )


def _start(stream: Mapping[str, Any], start: Fraction) -> Fraction:
    return max(Fraction(0), (_fraction(stream.get("start_time")) or start) - start)


def _displayed(stream: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height with square pixels, turned as the file says (ISO 14496-12's matrix, or the older tag)."""
    width, height = stream["width"], stream["height"]
    aspect = _fraction(stream.get("sample_aspect_ratio", "").replace(":", "/"))
    if aspect is not None and aspect > 0:
        width = max(1, round(width * aspect))
    turns = [data["rotation"] for data in stream.get("side_data_list", []) if "rotation" in data]
    turn = _fraction(str(turns[0] if turns else stream.get("tags", {}).get("rotate", 0))) or Fraction(0)
    return (height, width) if abs(turn % 180 - 90) < 1 else (width, height)


def _fraction(text: str | None) -> Fraction | None:
    """A number as ffprobe writes it ("2.000000", "30000/1001"); None for "N/A", "0/0" and what is not there."""
    try:
        return Fraction(text or "N/A")
    except (ValueError, ZeroDivisionError):
        return None
