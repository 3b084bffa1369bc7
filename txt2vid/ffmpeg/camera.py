"""The pictures of a camera, as they come, by ffmpeg's own capture devices."""

from __future__ import annotations

import sys
from pathlib import Path

import ffmpeg
import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.errors import VideoError
from txt2vid.ffmpeg import program
from txt2vid.ffmpeg.decode import Reader

WIDTH, HEIGHT = 640, 480  # what every camera has, and more than the mesh looks at
FPS = 30
_FORMATS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}


class CameraReader(Reader):
    """Pictures (HEIGHT, WIDTH, 3) BGR of a camera; those that nobody reads in time wait in ffmpeg, so read them all.

    device: a number, or what the system calls it ("/dev/video2", "FaceTime HD Camera"). Raises VideoError where there
    is none (at construction, or at the first picture), or it may not be used.
    """

    def __init__(self, device: str) -> None:
        self.device = f"/dev/video{device}" if device.isdecimal() and sys.platform == "linux" else device
        if sys.platform == "linux" and not Path(self.device).exists():
            raise VideoError(f"there is no camera {self.device}: ls /dev/video* shows those that there are")
        self._any = False
        super().__init__(Path(self.device), WIDTH * HEIGHT * 3)

    def __next__(self) -> Pixels:
        data = self._read()
        if len(data) < self._block:
            if not self._any:
                raise VideoError(
                    f"the camera {self.device} gives no picture ({getattr(self, '_words', 'it said nothing')}): "
                    "close other programs that use it, or allow this one to"
                )
            raise StopIteration
        self._any = True
        return np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 3)

    def _command(self) -> list[str]:
        kind = _FORMATS.get(sys.platform, "v4l2")
        name = f"video={self.device}" if kind == "dshow" else self.device
        source = ffmpeg.input(name, f=kind, framerate=FPS, video_size=f"{WIDTH}x{HEIGHT}", fflags="nobuffer")
        picture = source.video.filter("scale", WIDTH, HEIGHT, force_original_aspect_ratio="decrease")
        picture = picture.filter("pad", WIDTH, HEIGHT, -1, -1).filter("format", "bgr24")
        command = [program.find("ffmpeg"), "-hide_banner", "-nostdin", "-v", "error"]
        arguments: list[str] = ffmpeg.output(picture, "pipe:1", format="rawvideo", vsync="passthrough").compile(
            cmd=command
        )
        return arguments
