"""Sound and pictures out of any file, on the file's own clock, a little at a time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import ffmpeg
import numpy as np

from txt2vid.core.clock import MAX_FPS, MIN_FPS, settle_fps
from txt2vid.core.media import MAX_CHANNELS, AudioChunk, Samples, VideoFrame
from txt2vid.core.options import MAX_SIZE
from txt2vid.errors import AudioError, FFmpegError, VideoError
from txt2vid.ffmpeg import confine, program
from txt2vid.ffmpeg.probe import AudioStream, MediaInfo, VideoStream, probe
from txt2vid.interrupts import apart

if TYPE_CHECKING:
    from typing_extensions import Self

KEPT_RATES = frozenset({16_000, 22_050, 24_000, 32_000, 44_100, 48_000})  # Hz: what AAC and its players all know
OTHER_RATE = 48_000  # Hz: what sound at any other rate is resampled to
CHUNKS_A_SECOND = 10  # 100 ms: short enough to follow, long enough that Python's share of the work is small
GAP_SECONDS = 0.03  # a timestamp that jumps further is a gap (filled with silence); less is jitter, ±10 ms in ASF, FLV
LONGEST_GAP = 600  # seconds; more is a damaged timestamp. ffmpeg holds a gap in memory whole: 230 MB at most
KNOWN_LAYOUT_CHANNELS = 8  # up to here ffmpeg guesses where an unlabelled channel belongs
HDR = frozenset({"smpte2084", "arib-std-b67"})  # the transfer functions PQ and HLG (ITU-R BT.2100)
HD_HEIGHT = 720  # lines, from which an unlabelled picture's matrix is taken as BT.709, as players do


class Reader:
    """A child that decodes one stream of one file to its stdout. Leaving the `with` block, or the end, stops it."""

    def __init__(self, path: Path, block: int) -> None:
        self.path = path
        self._block = block
        self._child: program.Child | None = None
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def close(self) -> None:
        """Stop decoding. Closing twice is safe; afterwards there are no more items."""
        self._stop()

    def _stop(self) -> None:
        self._ended = True
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _command(self) -> list[str]:
        """The arguments of ffmpeg, with stdout as its output."""
        raise NotImplementedError

    def _read(self, size: int | None = None) -> bytes:
        """The next block (or `size` bytes), less at the end, nothing after it. Starts the child at the first call."""
        if self._ended:
            return b""
        if self._child is None:
            self._child = program.Child(self._command(), stdout=True)
            apart(self._child.start)
        wanted = self._block if size is None else size
        data = self._child.read(wanted)
        if len(data) < wanted:
            self._end(self._child)
        return data

    def _end(self, child: program.Child) -> None:
        """A damaged file ends in an error after what could be read of it, and that counts; a killed ffmpeg does not."""
        code, self._words = child.wait(), program.last_words(child.stderr)
        self._stop()
        if code is not None and code < 0:
            raise FFmpegError(f"ffmpeg was {program.how_it_ended(code)} while it read {self.path}: try again")


class AudioReader(Reader):
    """The sound of a file, as consecutive AudioChunk of about 100 ms; constant memory.

    info: what `probe` told of the file, where that was asked already: each time is a process and 50 ms.
    rate: the file's own where it is in KEPT_RATES, else OTHER_RATE. channels: 1 or 2; more are mixed down, with the
    level lowered so that nothing clips. duration: seconds, as far as the file tells.

    Sample index divided by rate is the time since the file's first timestamp: a sound that starts late, or has gaps,
    is filled with silence; overlaps are cut. Where a file is damaged, what can be decoded is given. Raises AudioError
    where the file cannot be read or has no sound (at construction) or none can be decoded (at the first chunk).
    """

    def __init__(self, path: Path, info: MediaInfo | None = None) -> None:
        self.info = info = info or probe(path, AudioError)
        if info.audio is None:
            raise AudioError(f"{path} holds no sound: give a file with speech in it")
        self._stream: AudioStream = info.audio
        self.duration: Fraction | None = info.duration
        self.rate = info.audio.rate if info.audio.rate in KEPT_RATES else OTHER_RATE
        self.channels = min(info.audio.channels, MAX_CHANNELS)
        if self._unlabelled:
            self.channels = 1
        self._position = 0
        super().__init__(path, self.rate // CHUNKS_A_SECOND * self.channels * np.dtype(np.float32).itemsize)

    def __next__(self) -> AudioChunk:
        data = self._read()
        samples = np.frombuffer(data[: len(data) // 4 * 4], "<f4").reshape(-1, self.channels)
        if not len(samples):
            if not self._position:
                raise AudioError(f"{self.path} holds no sound that can be decoded ({self._words}): record it again")
            raise StopIteration
        chunk = AudioChunk(_bounded(samples), self.rate, self._position)
        self._position = chunk.end
        return chunk

    @property
    def _unlabelled(self) -> bool:
        """Whether nobody knows which channel is which speaker: such a recording is averaged."""
        return self._stream.channels > KNOWN_LAYOUT_CHANNELS or (
            self._stream.channels > MAX_CHANNELS and not self._stream.layout
        )

    def _command(self) -> list[str]:
        sound = timed(confine.source(self.path)[str(self._stream.index)], "asetpts", self._stream.start)
        if self._unlabelled:  # "<" makes the shares add up to one
            sound = sound.filter("pan", "mono|c0<" + "+".join(f"c{i}" for i in range(self._stream.channels)))
        sound = sound.filter(
            "aresample", self.rate, **{"async": 1}, first_pts=0, min_hard_comp=GAP_SECONDS, rematrix_maxval=1
        ).filter("aformat", sample_fmts="flt", channel_layouts="mono" if self.channels == 1 else "stereo")
        return compiled(sound, format="f32le", acodec="pcm_f32le")


class VideoReader(Reader):
    """The pictures of a file, as consecutive VideoFrame at a constant frame rate; constant memory.

    Upright as the file says, square pixels, 8-bit BGR; HDR (PQ, HLG) is tone-mapped. Frame i shows what the file shows
    at i/fps seconds since its first timestamp: frames are repeated or dropped where the file's own come unevenly.

    size: (width, height), both even; None is the displayed size rounded to even and fitted into MAX_SIZE. fps: None is
    the file's average, settled on a standard rate. exact: colours to the last bit, at five times the cost; not for who
    only measures. planar: pixels are I420 (height * 3 // 2, width), limited range, with the file's own matrix, as most
    files hold them; read-only. info: as of AudioReader. Raises VideoError where the file cannot be read or has no
    pictures (at construction) or none can be decoded (at the first frame); ValueError at an odd size.
    """

    def __init__(self, path: Path, size: tuple[int, int] | None = None, fps: Fraction | None = None, *,
                 exact: bool = True, planar: bool = False, info: MediaInfo | None = None) -> None:  # fmt: skip
        self.info = info = info or probe(path, VideoError)
        if info.video is None:
            raise VideoError(f"{path} holds no moving pictures: give a video")
        self._exact, self._planar = exact, planar
        self._stream: VideoStream = info.video
        self.duration: Fraction | None = info.duration
        self.width, self.height = size or even_size(info.video.width, info.video.height)
        if self.width < 2 or self.height < 2 or self.width % 2 or self.height % 2:
            raise ValueError(f"a frame's sides must be even and positive, not {self.width}x{self.height}")
        own = steady_fps(info.video)
        self.fps = fps or own
        # Even frames go onto the grid as they are: half a frame off it, their jitter drops some and doubles others.
        even = self.fps == own and not info.video.variable
        self._start = round(info.video.start * own) / own if even else info.video.start
        self._index = 0
        super().__init__(path, self.width * self.height * 3 // (2 if planar else 1))

    def __next__(self) -> VideoFrame:
        data = self._read()
        if len(data) < self._block:
            if not self._index:
                raise VideoError(f"{self.path} holds no picture that can be decoded ({self._words}): copy it again")
            raise StopIteration
        if self._planar:
            pixels = np.frombuffer(data, np.uint8).reshape(-1, self.width)
        else:
            pixels = np.frombuffer(bytearray(data), np.uint8).reshape(self.height, self.width, 3)
        frame = VideoFrame(pixels, self._index, 1 / self.fps)
        self._index += 1
        return frame

    def _command(self) -> list[str]:
        picture = timed(confine.source(self.path)[str(self._stream.index)], "setpts", self._start)
        picture = picture.filter("fps", f"{self.fps.numerator}/{self.fps.denominator}", start_time=0)
        if self._planar:
            picture = _as_i420(picture, self._stream, self.width, self.height)
        else:
            picture = as_bgr(picture, self._stream, self.width, self.height, exact=self._exact)
        return compiled(picture, format="rawvideo", r=f"{self.fps.numerator}/{self.fps.denominator}")


def steady_fps(stream: VideoStream) -> Fraction:
    """The constant rate at which a file's pictures are read unless another is asked for."""
    return settle_fps(min(max(stream.fps, MIN_FPS), MAX_FPS))


def _as_i420(picture: Any, stream: VideoStream, width: int, height: int) -> Any:
    """The filter graph's pictures at that size in I420."""
    if stream.transfer in HDR and " zscale " in program.listing("-filters"):
        picture = _tone_mapped(picture)
    picture = picture.filter("scale", width, height, flags="bilinear", out_range="tv")
    return picture.filter("setsar", 1).filter("format", "yuv420p")


def as_bgr(picture: Any, stream: VideoStream, width: int, height: int, *, exact: bool = True) -> Any:
    """The filter graph's pictures at that size in 8-bit BGR, in the colours that players show."""
    hdr = stream.transfer in HDR and " zscale " in program.listing("-filters")
    if hdr:
        picture = _tone_mapped(picture)
    known = hdr or stream.space
    matrix = "auto" if known else "bt709" if stream.height >= HD_HEIGHT else "bt601"
    flags = "bicubic+accurate_rnd+full_chroma_int" if exact else "bicubic"
    picture = picture.filter("scale", width, height, flags=flags, in_color_matrix=matrix)
    return picture.filter("setsar", 1).filter("format", "bgr24")


def timed(stream: Any, setpts: str, start: Fraction) -> Any:
    """The stream starting at its place in the file: ffmpeg forgets that where it is read alone (MPEG-TS, Ogg)."""
    start = start if start <= LONGEST_GAP else Fraction(0)
    return stream.filter(setpts, f"PTS-STARTPTS+{start.numerator}/{start.denominator}/TB")


def compiled(stream: Any, **options: Any) -> list[str]:
    """The arguments of an ffmpeg that writes the filter graph's end to its stdout."""
    command = [
        program.find("ffmpeg"),
        "-hide_banner",
        "-nostdin",
        "-v",
        "error",
        "-dts_error_threshold",
        str(LONGEST_GAP),
    ]
    arguments: list[str] = ffmpeg.output(stream, "pipe:1", **options).compile(cmd=command)
    return arguments


def _bounded(samples: Samples) -> Samples:
    """The samples in [-1, 1]: float files may hold anything, even what is no number."""
    return np.clip(np.nan_to_num(samples, nan=0.0), -1, 1)


def even_size(width: int, height: int, longest: int = MAX_SIZE) -> tuple[int, int]:
    """A size with even sides, made smaller where its longer side is longer than `longest`."""
    scale = min(Fraction(1), Fraction(longest, max(width, height)))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _tone_mapped(picture: Any) -> Any:
    """BT.2020 PQ or HLG to BT.709 by way of linear light, highlights rolled off as in J. Hable's curve."""
    linear = picture.filter("zscale", t="linear", npl=100).filter("format", "gbrpf32le").filter("zscale", p="bt709")
    mapped = linear.filter("tonemap", "hable", desat=0)
    return mapped.filter("zscale", t="bt709", m="bt709", r="tv").filter("format", "yuv420p")
