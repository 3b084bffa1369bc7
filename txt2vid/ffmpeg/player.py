"""A player for a live stream: ffplay, or mpv, told to wait for nothing."""

from __future__ import annotations

import shutil

from txt2vid.errors import DependencyError

PLAYERS = ("ffplay", "mpv")
LOOK_BYTES = 131_072  # of the stream until both codecs are known: a keyframe and its sound at 512x512 are 40 kB
LOOK_SECONDS = 0.3  # the same in time: with less, ffplay starts without sound where a keyframe is long

_INSTALL = {"ffplay": "sudo apt install ffmpeg, or brew install ffmpeg", "mpv": "sudo apt install mpv"}


def find_player(name: str) -> str:
    """The path of "ffplay" or "mpv". Raises DependencyError where it is not installed."""
    path = shutil.which(name)
    if path is None:
        raise DependencyError(f"{name} is not installed: {_INSTALL[name]}")
    return path


def player_command(name: str, source: str, title: str, *, fullscreen: bool = False) -> list[str]:
    """All arguments of a player. source: a URL, or "pipe:0"."""
    if name == "mpv":
        command = [find_player(name), "--no-config", "--profile=low-latency", "--cache=no", "--no-terminal"]
        command += [f"--title={title}", *(["--fullscreen"] if fullscreen else [])]
        return [*command, "--", "-" if source == "pipe:0" else source]
    command = [find_player(name), "-hide_banner", "-loglevel", "error", "-window_title", title]
    command += ["-fflags", "nobuffer", "-flags", "low_delay", "-framedrop", "-sync", "audio", "-infbuf"]
    command += ["-autoexit"]  # at the stream's end: the last picture would stay for ever
    command += ["-probesize", str(LOOK_BYTES), "-analyzeduration", str(round(LOOK_SECONDS * 1e6))]
    return [*command, *(["-fs"] if fullscreen else []), "-i", source]
