"""The pictures of a webcam, as they come, by ffmpeg's devices: v4l2 on Linux, avfoundation on macOS."""

from __future__ import annotations

import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from txt2vid.errors import VideoError
from txt2vid.ffmpeg.decode import compiled
from txt2vid.ffmpeg.timed import TIME_BASE, TimedReader

CAMERA_FPS = Fraction(30)  # what is asked for, and what most webcams give; their frames have times of their own
WIDTH, HEIGHT = 640, 480  # what is asked for: all cameras have it, and it is more than the mesh looks at
_NAMED = re.compile(r"(?:camera:?)?(\d*)")
_DEVICES = Path("/dev")


def camera_of(text: str) -> str | None:
    """The camera that an input means: "camera", "camera:1", "1" or "/dev/video1"; None where it is a file.

    It is the name by which ffmpeg knows it. Raises VideoError where a name means none that is there.
    """
    named = _NAMED.fullmatch(text) if text and not Path(text).is_file() else None
    number = int(named[1] or 0) if named else 0
    if sys.platform == "darwin":
        return str(number) if named else None
    if named is not None:
        text = f"{_DEVICES}/video{number}"
        if text not in cameras():
            raise VideoError(f"there is no camera {text}: {_others()}")
        return text
    path = Path(text)
    is_device = path.absolute().is_relative_to(_DEVICES) and not path.is_file()
    if is_device and not path.exists():
        raise VideoError(f"there is no camera {text}: {_others()}")
    return text if is_device else None


def cameras() -> list[str]:
    """The video devices of this Linux machine, as "/dev/video0"; some may be outputs, or a camera's second half."""
    return sorted(map(str, _DEVICES.glob("video[0-9]*")), key=lambda name: (len(name), name))


def _others() -> str:
    found = cameras()
    return f"this machine has {', '.join(found)}" if found else "this machine has none. Connect one, or name a video"


class CameraReader(TimedReader):
    """The pictures of a camera from now on, as VideoFrame with times since the first; for ever, until it is closed.

    device: as `camera_of` tells. Raises VideoError (at the first frame) where it cannot be used.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self.info, self.fps, self.variable, self.duration = None, CAMERA_FPS, True, None
        self._open(Path(device))

    def _nothing(self) -> VideoError:
        return VideoError(refusal(self.device, getattr(self, "_words", "")))

    def _command(self) -> list[str]:
        kind = "avfoundation" if sys.platform == "darwin" else "v4l2"
        asked: dict[str, Any] = {"framerate": str(CAMERA_FPS), "video_size": (WIDTH, HEIGHT), "fflags": "nobuffer"}
        picture = ffmpeg.input(self.device, format=kind, **asked).video.filter("setpts", "PTS-STARTPTS")
        picture = picture.filter("scale", "trunc(iw/2)*2", "trunc(ih/2)*2").filter("format", "bgr24")
        clock = f"{TIME_BASE.numerator}:{TIME_BASE.denominator}"
        return compiled(picture, format="nut", vcodec="rawvideo", enc_time_base=clock, flush_packets=1)


def refusal(device: str, words: str) -> str:
    """Why a camera gave no picture, and what helps; words: ffmpeg's."""
    if "ermission denied" in words or "not authorized" in words.lower():
        return (
            f"camera {device} may not be used: sudo usermod -aG video $USER, log in again; or allow it in the settings"
        )
    if "busy" in words.lower():
        return f"camera {device} is in use by another program: close that one"
    if "Inappropriate ioctl" in words or "Not a video capture device" in words:
        return f"{device} is no camera: {_others()}"
    if "No such" in words or "not found" in words.lower():
        return f"there is no camera {device}: {_others()}"
    return f"camera {device} gives no picture ({words or 'it said nothing'}): connect it again, or name another"
