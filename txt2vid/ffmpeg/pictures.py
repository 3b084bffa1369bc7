"""Pictures into packets for peers, by x264 or libvpx within ffmpeg's libraries: no process, and keys on request.

Not imported by the package itself: PyAV takes a moment to load, and only forwarding needs it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from txt2vid.core.media import Pixels
from txt2vid.core.packets import PICTURE_CLOCK, PICTURE_CODECS, PicturePacket
from txt2vid.errors import DependencyError, FFmpegError
from txt2vid.ffmpeg.live_arguments import CRF, PARAMS, PRESET

SPEED = 8  # of libvpx in real time: 5 ms a 512x512 picture, where x264 takes 1.5
BUFFER_SECONDS = 0.2  # of the decoder's buffer (VBV): no key takes longer than that on a line of the peak rate
KEY_SECONDS = 10  # between keys that nobody asked for; who comes or has lost something asks
MIN_BITRATE = 100_000  # bit/s of the smallest picture: SPS, PPS and slice headers weigh something too
_NAMES = {"h264": "libx264", "vp8": "libvpx"}


class PictureEncoder:
    """One codec's encoder for pictures of one size; bits are spent as quality needs them, at most `bitrate`.

    codec: of PICTURE_CODECS. width, height: even. fps: exact. bitrate: bit/s. Raises DependencyError where PyAV lacks
    the codec.
    """

    def __init__(self, codec: str, width: int, height: int, fps: Fraction, bitrate: int) -> None:
        if codec not in PICTURE_CODECS:
            raise ValueError(f"pictures are forwarded as {' or '.join(PICTURE_CODECS)}, not {codec!r}")
        self.codec, self.width, self.height, self.bitrate = codec, width, height, max(MIN_BITRATE, bitrate)
        self._codec = self._context(fps)

    def encode(self, picture: Pixels, time: int, *, key: bool = False) -> PicturePacket:
        """One picture: I420 as uint8 (height * 3 / 2, width), at `time` in ticks of PICTURE_CLOCK, which rises.

        The first is a key whatever is asked. Raises FFmpegError.
        """
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        frame.pts, frame.time_base = time, Fraction(1, PICTURE_CLOCK)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        try:
            packets = self._codec.encode(frame)
        except av.FFmpegError as err:
            raise FFmpegError(f"{_NAMES[self.codec]} failed at a picture ({err}): make another encoder") from err
        data = b"".join(bytes(packet) for packet in packets)
        return PicturePacket(self.codec, time, any(packet.is_keyframe for packet in packets), data)

    def _context(self, fps: Fraction) -> VideoCodecContext:
        name = _NAMES[self.codec]
        try:
            codec = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
        except av.FFmpegError as err:
            raise DependencyError(f"PyAV was built without {name}: pip install --only-binary :all: av") from err
        codec.width, codec.height, codec.pix_fmt = self.width, self.height, "yuv420p"
        codec.time_base, codec.framerate = Fraction(1, PICTURE_CLOCK), fps
        codec.thread_count = 1
        codec.gop_size = round(KEY_SECONDS * fps)
        common = {"maxrate": self.bitrate, "bufsize": round(BUFFER_SECONDS * self.bitrate)}
        codec.options = {key: str(value) for key, value in {**common, **self._options(codec)}.items()}
        return codec

    def _options(self, codec: VideoCodecContext) -> dict[str, Any]:
        if self.codec == "h264":
            # constrained baseline: what every peer must decode (RFC 7742, 6.2)
            zero = {"tune": "zerolatency", "profile": "baseline", "forced-idr": 1, "sc_threshold": 0}
            return {"preset": PRESET, "x264-params": PARAMS, "crf": CRF, **zero}
        codec.bit_rate = self.bitrate
        quick = {"deadline": "realtime", "cpu-used": SPEED, "lag-in-frames": 0, "auto-alt-ref": 0}
        return {"crf": 10, "error-resilient": 1, **quick}  # crf: no more bits than quality needs, as above
