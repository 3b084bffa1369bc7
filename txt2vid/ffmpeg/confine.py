"""Confinement: ffmpeg reads the one file that it was given, and nothing else.

A media file may be a playlist in disguise: ffmpeg looks at the content, not at the name, and a `concat` script or an
HLS, DASH or SDP description makes it open other files and hosts (CVE-2016-1897 and 1898 read private files that way).
Three fences, each enough for the most part: only local files are a protocol, no demuxer is allowed that opens what its
file names, and the path goes in with the `file:` prefix, so that no name is ever an option, a URL or a pattern.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import ffmpeg

from txt2vid.ffmpeg import program

# Each demuxer of ffmpeg 4.3 to 8.0 that is refused, by the reason. Devices are refused besides, as ffmpeg lists them.
PLAYLISTS = frozenset({
    "applehttp", "concat", "concatf", "dash", "hls", "imf", "webm_dash_manifest",  # name files and URLs
    "rtp", "rtsp", "sap", "sdp", "mpjpeg",  # describe a transmission, and listen for it
    "avisynth", "vapoursynth",  # scripts, which run
})  # fmt: skip
SIBLINGS = frozenset({
    "dvdvideo",  # walks a whole disc
    "mlv",  # Magic Lantern: goes on in NAME.M00, NAME.M01, …
    "vobsub",  # opens the .sub beside its .idx
})  # fmt: skip
SYNTHESIZERS = frozenset({"lavfi", "libgme", "libmodplug", "libopenmpt", "sbg"})  # run a program that the file holds
NOT_MEDIA = frozenset({
    "adf", "bin", "data", "ffmetadata", "idf", "tty", "xbin",  # text shown as pictures: recognized by the name alone
    "aqtitle", "ass", "jacosub", "lrc", "mcc", "microdvd", "mpl2", "mpsub", "pjs", "realtext", "sami", "scc", "srt",
    "stl", "subviewer", "subviewer1", "sup", "tedcaptions", "vplayer", "webvtt",  # subtitles
})  # fmt: skip
STILLS = frozenset({"image2", "image2pipe"})  # "a%d.png" is a pattern of files; besides, all whose names end in _pipe
DENIED = STILLS | PLAYLISTS | SIBLINGS | SYNTHESIZERS | NOT_MEDIA
PROTOCOLS = "file"


def demuxers() -> str:
    """The demuxers that may be used: all that the installed ffmpeg has without DENIED and its devices, by comma."""
    return _demuxers(program.find("ffmpeg"))


@cache
def _demuxers(_program: str) -> str:
    devices = {name for _, names in _rows("-devices") for name in names}
    rows = (names for flags, names in _rows("-demuxers") if "d" not in flags)
    denied = DENIED | devices
    return ",".join(name for names in rows if not {*names} & denied and not is_still(names[0]) for name in names)


def _rows(option: str) -> list[tuple[str, list[str]]]:
    """The rows of a listing of formats: flags ("D", "DE", "D d" where newer ffmpegs mark a device) and names."""
    table = program.listing(option).partition("\n --")[2]
    rows = []
    for line in table.splitlines()[1:]:
        words = line.split()
        split = 2 if words[1:2] == ["d"] else 1
        if len(words) > split:
            rows.append(("".join(words[:split]), words[split].split(",")))
    return rows


def is_still(demuxer: str) -> bool:
    """Whether it reads single pictures, which are no videos (and an SVG picture may refer to other files)."""
    return demuxer in STILLS or demuxer.endswith("_pipe")


def arguments() -> dict[str, str]:
    """The options that confine one input of ffmpeg or ffprobe."""
    return {"protocol_whitelist": PROTOCOLS, "format_whitelist": demuxers()}


def url(path: Path) -> str:
    """The path as ffmpeg must be given it: absolute, as a file whatever its name looks like."""
    return f"file:{path.absolute()}"


def source(path: Path) -> Any:
    """The file as a confined input node of ffmpeg-python."""
    return ffmpeg.input(url(path), **arguments())
