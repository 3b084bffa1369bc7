"""A live stream as Matroska or AVI, for viewers who ask for those: the pictures are copied, not encoded again.

From the fragmented MP4, not from the MPEG-TS: its head tells all about the codecs, so ffmpeg need not look into the
stream first; and ffmpeg cannot write AAC out of MPEG-TS as Matroska into a pipe, for want of its head.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

from txt2vid.core.media import LISTENING_RATE
from txt2vid.errors import UsageError
from txt2vid.ffmpeg import program
from txt2vid.ffmpeg.fed import Fed
from txt2vid.ffmpeg.live_arguments import VIDEO_CLOCK

SOURCE = "mp4"  # of the two streams of a session, the one that `Remuxer` reads
VIDEO_TRACK = (1).to_bytes(4, "big")  # track_ID of the pictures

_MUXERS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "mkv": ("-c", "copy", "-f", "matroska", "-live", "1", "-cluster_time_limit", "100"),
    "avi": ("-c:v", "copy", "-c:a", "pcm_s16le", "-f", "avi"),
})  # fmt: skip
CONTAINERS = tuple(_MUXERS)


class Remuxer:
    """One viewer's ffmpeg. container: "mkv" or "avi", UsageError at others. fps: of the pictures.

    Give it the MP4's initialization segment, and fragments from a keyframe on. Matroska gets AAC as it is. AVI counts
    frames and samples and knows no other time, so AAC's frames cannot be put in step: it gets PCM (16 bits, 768
    kbit/s), which begins with the first picture to the sample.
    """

    def __init__(self, container: str, fps: Fraction) -> None:
        if container not in _MUXERS:
            raise UsageError(f"no stream is remuxed to {container!r}: choose one of {', '.join(CONTAINERS)}")
        self.container = container
        self._begin = 0
        self._fed = Fed(lambda source, sink: arguments(container, fps, self._begin, source, sink))

    async def open(self, first: bytes) -> None:
        """Starts ffmpeg, for a stream that begins with these bytes (up to a first fragment); `write` them too."""
        self._begin = first_time(first) or 0
        await self._fed.open()

    async def write(self, data: bytes) -> None:
        """Hands the data over; waits while ffmpeg takes none, as it does while `read` is not called.

        Raises FFmpegError where it has ended. Have another task read.
        """
        await self._fed.write(data)

    async def read(self) -> bytes:
        """The next bytes of the container, as soon as there are some; nothing at its end."""
        return await self._fed.read()

    def finish(self) -> None:
        """The stream is over: what ffmpeg still has comes from `read`."""
        self._fed.finish()

    async def close(self) -> None:
        """Kills ffmpeg. Twice is safe."""
        await self._fed.close()


def arguments(container: str, fps: Fraction, begin: int, source: int, sink: int) -> list[str]:
    """All of ffmpeg's arguments. begin: the first picture's timestamp, in VIDEO_CLOCK. source, sink: pipes' numbers."""
    command = [program.find("ffmpeg"), "-hide_banner", "-nostdin", "-v", "error"]
    command += ["-analyzeduration", "0", "-fpsprobesize", "0", "-copyts", "-f", "mp4", "-i", f"pipe:{source}"]
    command += ["-map", "0:v:0", "-map", "0:a:0?", "-output_ts_offset", f"{-begin / VIDEO_CLOCK:.6f}"]
    if container == "avi":  # sound from the first picture on: earlier samples are cut, a late start is filled
        first = round(begin * LISTENING_RATE / VIDEO_CLOCK)
        command += ["-af", f"aresample={LISTENING_RATE}:async=1:min_hard_comp=0.1:first_pts={first}"]
    return [
        *command,
        *_MUXERS[container],
        "-r",
        f"{fps.numerator}/{fps.denominator}",
        "-flush_packets",
        "1",
        f"pipe:{sink}",
    ]


def first_time(mp4: bytes) -> int | None:
    """When the first picture of a piece of our MP4 is decoded, which is when it is shown, in VIDEO_CLOCK; or None.

    Looks for the first fragment of track 1 (ISO/IEC 14496-12, 8.8.7 and 8.8.12).
    """
    at = 0
    while (at := mp4.find(b"tfhd", at) + 4) > 3:
        if mp4[at + 4 : at + 8] == VIDEO_TRACK and (time := mp4.find(b"tfdt", at) + 4) > 3:
            return int.from_bytes(mp4[time + 4 : time + (12 if mp4[time] else 8)], "big")
    return None
