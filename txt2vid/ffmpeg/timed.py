"""The pictures of a file at their own times: what measuring needs, where showing wants a constant frame rate."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from txt2vid.core.media import VideoFrame
from txt2vid.core.options import MAX_SIZE
from txt2vid.errors import VideoError
from txt2vid.ffmpeg import confine
from txt2vid.ffmpeg.decode import Reader, as_bgr, compiled, even_size, timed
from txt2vid.ffmpeg.probe import MediaInfo, VideoStream, probe

TIME_BASE = Fraction(1, 90_000)  # of what ffmpeg hands over: MPEG's clock, fine enough for any frame rate
_BLOCK = 1 << 16  # bytes; PyAV asks for less at a time


class TimedReader(Reader):
    """The pictures of a file, each once, as VideoFrame with the file's own time; constant memory.

    `VideoFrame.time` is seconds since the file's first timestamp, of sound or picture, as exact as the file tells: no
    frame is repeated, dropped or moved. Frames whose times do not rise are left out. Colours as in `VideoReader`.

    longest: pixels that the longer side has at most. info: what `probe` told of the file. Raises VideoError where the
    file cannot be read or has no pictures (at construction) or none can be decoded (at the first frame).
    """

    def __init__(self, path: Path, longest: int = MAX_SIZE) -> None:
        info = probe(path, VideoError)
        if info.video is None:
            raise VideoError(f"{path} holds no moving pictures: give a video")
        self.info: MediaInfo | None = info
        self._stream: VideoStream = info.video
        self.duration: Fraction | None = info.duration
        self.fps: Fraction = info.video.fps
        self.variable: bool = info.video.variable
        self.width, self.height = even_size(info.video.width, info.video.height, longest)
        self._open(path)

    def _open(self, path: Path) -> None:
        self._frames: Iterator[VideoFrame] | None = None
        super().__init__(path, _BLOCK)

    def __next__(self) -> VideoFrame:
        if self._frames is None:
            self._frames = self._decoded()
        return next(self._frames)

    def close(self) -> None:
        """Stop decoding. Closing twice is safe; afterwards there are no more items."""
        self._frames = iter(())  # PyAV may hold some that came before
        super().close()

    def read(self, size: int) -> bytes:
        """The next bytes of the stream that ffmpeg writes: what PyAV calls, as of a file."""
        return self._read(size)

    def _decoded(self) -> Iterator[VideoFrame]:
        """Raw pictures out of NUT, the simplest container that keeps each picture's time."""
        any_yet = False
        try:
            with av.open(self, format="nut") as container:
                stream = container.streams.video[0]
                for frame in container.decode(stream):
                    any_yet = True
                    pixels = np.ascontiguousarray(frame.to_ndarray(format="bgr24"))
                    yield VideoFrame(pixels, frame.pts or 0, frame.time_base or TIME_BASE)
        except (av.error.FFmpegError, IndexError) as err:
            if not any_yet:
                raise self._nothing() from err
        if not any_yet:
            raise self._nothing()

    def _nothing(self) -> VideoError:
        words = getattr(self, "_words", "it said nothing")
        return VideoError(f"{self.path} holds no picture that can be decoded ({words}): copy it again")

    def _command(self) -> list[str]:
        picture = timed(confine.source(self.path)[str(self._stream.index)], "setpts", self._stream.start)
        picture = as_bgr(picture, self._stream, self.width, self.height)
        clock = f"{TIME_BASE.numerator}:{TIME_BASE.denominator}"
        return compiled(picture, format="nut", vcodec="rawvideo", enc_time_base=clock)
