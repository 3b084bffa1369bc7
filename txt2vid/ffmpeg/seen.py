"""Pictures out of what cameras send: H.264, VP8, JPEG or WebP, never larger than the process can afford.

Not imported by the package itself: PyAV takes a moment to load.
"""

from __future__ import annotations

import io
from typing import cast

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from PIL import Image

from txt2vid.core.media import Pixels
from txt2vid.errors import MediaError

MAX_PIXELS = 1920 * 1088  # of a picture; the page asks for 640x480
MAX_DECODED = 4096 * 2304  # that a decoder makes at all: a little more than 4K, so that it can be told what is wrong
_SHOWN = f"{MAX_PIXELS / 1e6:.1f} million pixels"


class TooLargeError(MediaError):
    """A picture has more pixels than are looked at."""


class PictureDecoder:
    """One camera's. codec: "h264" or "vp8". Pictures come out at most `side` pixels long, as BGR."""

    def __init__(self, codec: str, side: int) -> None:
        self.codec, self._side = codec, side
        self._context = cast(VideoCodecContext, av.CodecContext.create(codec, "r"))
        self._context.thread_count = 1
        self._context.flags |= Flags.low_delay
        self._context.options = {"max_pixels": str(MAX_DECODED)}

    def decode(self, data: bytes) -> av.VideoFrame | None:
        """What a packet shows. Raises MediaError where it cannot be decoded, TooLargeError where it is too much."""
        try:
            frames = self._context.decode(av.Packet(data))
        except (av.FFmpegError, ValueError) as err:
            raise MediaError(f"a picture cannot be decoded ({err}): send a key") from err
        if not frames:
            return None
        frame = frames[-1]
        _check(frame.width, frame.height)
        return frame

    def pixels(self, frame: av.VideoFrame) -> Pixels:
        """(height, width, 3) BGR, the longer side at most `side`, both even."""
        width, height = fitted(frame.width, frame.height, self._side)
        if (width, height) == (frame.width, frame.height) and frame.format.name == "yuv420p":
            planes = frame.to_ndarray()  # OpenCV takes a quarter of swscale's time
            return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420), np.uint8)
        return np.asarray(frame.reformat(width, height, "bgr24", interpolation="AREA").to_ndarray(), np.uint8)


def still(data: bytes, side: int) -> Pixels:
    """A JPEG or a WebP, as PictureDecoder gives pictures. Raises MediaError, TooLargeError."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "WEBP")) as picture:
            width, height = picture.size  # of its head: nothing is decoded yet
    except Image.DecompressionBombError as err:
        raise TooLargeError(f"the picture is too large: send at most {_SHOWN}, 640x480 is plenty") from err
    except Exception as err:  # Pillow raises whatever a file's bytes bring about
        raise MediaError("this is neither a JPEG nor a WebP: send one of them") from err
    _check(width, height)
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if shown is None:
        raise MediaError("the picture is damaged: send another")
    size = fitted(shown.shape[1], shown.shape[0], side)
    if size != (shown.shape[1], shown.shape[0]):
        shown = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    return np.asarray(shown, np.uint8)


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """The size at which a picture is looked at: its shape, no side longer than `side`, both even and 2 or more."""
    scale = min(1.0, side / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _check(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise TooLargeError(f"pictures of {width}x{height} are too large: send at most {_SHOWN}, 640x480 is plenty")
