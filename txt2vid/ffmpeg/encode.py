"""Pictures and sound into a video file by one ffmpeg, which appears under its name only once it is whole."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import ffmpeg
import numpy as np

from txt2vid.core.clock import first_sample, frame_count
from txt2vid.core.media import MAX_CHANNELS, Pixels, Samples
from txt2vid.errors import DependencyError, FFmpegError, OutputError
from txt2vid.ffmpeg import program
from txt2vid.ffmpeg.containers import audio_options, container_of, video_options
from txt2vid.ffmpeg.feed import Feed
from txt2vid.interrupts import apart

if TYPE_CHECKING:
    from typing_extensions import Self

PRESET, CRF = "veryfast", 18  # of x264: visually lossless at 512x512, and the fastest preset that is (docs/benchmarks)
QUEUED_FRAMES = 8  # pictures that wait for the encoder: a third of a second, a few MB; then `write_frame` waits
QUEUED_SOUND = 60  # seconds of sound that may be ahead of the pictures (23 MB of 48 kHz stereo); then it waits
AHEAD_BYTES = 128 << 20  # of pictures while they are ahead of the sound: ffmpeg wants sound first, so waiting is no use
STALL_SECONDS = 60.0  # without a byte taken: ffmpeg hangs, or one stream is too far ahead of the other
POLL_SECONDS = 0.2  # between looks at whether a slow encoder lives
NAME_BYTES = 200  # of the file's name that the temporary one repeats; file systems take 255 in all

_log = logging.getLogger(__name__)


class Encoder:
    """One video file in the making. Use it in a `with` block: left by an exception, nothing of it remains.

    path: the extension chooses the container and the codecs (containers.py): H.264 4:2:0 and AAC for most. width,
    height: of every frame, even. fps: exact; frame i is shown at i/fps. rate, channels: of the sound, 1 or 2 channels;
    a rate of None makes a silent film. metadata: tags such as {"comment": …, "title": …}. preset, crf: x264's; search:
    its subme where that is not the preset's. planar: pictures come as I420, BT.601 with limited range, half as many
    bytes that ffmpeg need not convert; otherwise as BGR, and become BT.709.

    Pictures and sound may be written in any order and from any threads (one thread each), about in step: sound may be
    QUEUED_SOUND seconds ahead, pictures AHEAD_BYTES (160 frames of 512x512). Whoever is further ahead waits; after
    STALL_SECONDS it is an error. At the end the shorter one is filled up, the sound with silence, the pictures by
    holding the last.

    Raises UsageError at an unknown extension, ValueError at impossible sizes, OutputError where the file cannot be
    written (also a full disk, at any later call), FFmpegError where ffmpeg fails, DependencyError where it is missing.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        fps: Fraction,
        rate: int | None = None,
        channels: int = 1,
        *,
        metadata: Mapping[str, str] | None = None,
        preset: str = PRESET,
        crf: int = CRF,
        search: int | None = None,
        planar: bool = False,
    ) -> None:
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise ValueError(f"a frame's sides must be even and positive, not {width}x{height}")
        if not 1 <= channels <= MAX_CHANNELS:
            raise ValueError(f"channels must be 1 to {MAX_CHANNELS}, not {channels}")
        self.path, self.width, self.height, self.fps = path, width, height, fps
        self.rate, self.channels = rate, channels
        self.frames = 0  # written so far
        self.samples = 0  # written so far
        self._container = container_of(path)
        self._metadata, self._preset, self._crf, self._search = dict(metadata or {}), preset, crf, search
        self._planar = planar
        self._shape = (height * 3 // 2, width) if planar else (height, width, 3)
        self._target, self._part = _destination(path)
        self._video: Feed | None = None
        self._audio: Feed | None = None
        self._child: program.Child | None = None
        self._last = b""

    def __enter__(self) -> Self:
        """Start ffmpeg."""
        program.find("ffmpeg")
        try:
            os.close(os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            apart(self._start)
        except OSError as err:
            self.abort()
            raise OutputError(f"{self.path} cannot be written: {err.strerror}. Choose another folder with -o") from err
        except BaseException:
            self.abort()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def write_frame(self, pixels: Pixels) -> None:
        """The next picture, uint8 (height, width, 3) BGR, or planar (height * 3 // 2, width) I420; waits while 8 wait.

        Copied, so the caller may draw on.
        """
        if pixels.shape != self._shape or pixels.dtype != np.uint8:
            raise ValueError(f"a frame must be uint8 {self._shape}, not {pixels.dtype} {pixels.shape}")
        self._last = pixels.tobytes()
        ahead = self.rate is not None and self.frames > frame_count(self.samples, self.fps, self.rate)
        self._put(self._video, self._last, AHEAD_BYTES if ahead else QUEUED_FRAMES * pixels.nbytes)
        self.frames += 1

    def write_audio(self, samples: Samples) -> None:
        """The next samples, float32 in [-1, 1], (n,) for one channel or (n, channels); copied."""
        if self.rate is None:
            raise ValueError("this video has no sound: give the Encoder a rate")
        if samples.shape != (len(samples), self.channels) and (self.channels > 1 or samples.ndim != 1):
            raise ValueError(f"samples must be (n, {self.channels}), not {samples.shape}")
        if len(samples):
            limit = QUEUED_SOUND * self.rate * self.channels * 4
            self._put(self._audio, np.ascontiguousarray(samples, "<f4").tobytes(), limit)
            self.samples += len(samples)

    def close(self) -> None:
        """Finish the file and give it its name. Closing twice is safe; nothing can be written afterwards."""
        if self._child is None or self._video is None:
            return
        try:
            self._fill_up()
            self._drain(self._child)
            self._part.replace(self._target)
        except OSError as err:
            raise OutputError(f"{self.path} cannot be written: {err.strerror}") from err
        finally:
            self.abort()

    def abort(self) -> None:
        """Stop at once, and remove what was written. Does nothing once the file is finished."""
        try:
            if self._child is not None:
                self._child.stop()
                self._child = None
            for feed in self._feeds():
                feed.close_reader()
                feed.abandon()
                feed.join(program.STOP_SECONDS)
            self._video = self._audio = None
        finally:  # even where an interrupt cut that short
            self._part.unlink(missing_ok=True)

    def _start(self) -> None:
        self._video = Feed("encoder-pictures")
        if self.rate is not None:
            self._audio = Feed("encoder-sound")
        feeds = self._feeds()
        for feed in feeds:
            feed.open()
        self._child = program.Child(self._command(*feeds), pass_fds=[feed.reader for feed in feeds])
        self._child.start()
        for feed in feeds:
            feed.close_reader()

    def _command(self, video: Feed, audio: Feed | None = None) -> list[str]:
        """All arguments. It is told not to wait for the first bytes of one pipe before it reads the other."""
        fps = f"{self.fps.numerator}/{self.fps.denominator}"
        eager = {"nofind_stream_info": None}
        picture = ffmpeg.input(
            f"pipe:{video.reader}",
            format="rawvideo",
            pix_fmt="yuv420p" if self._planar else "bgr24",
            video_size=(self.width, self.height),
            framerate=fps,
            **eager,
        )
        if not self._planar:
            flags = "bicubic+accurate_rnd+full_chroma_inp"
            picture = picture.filter("scale", out_color_matrix="bt709", out_range="tv", flags=flags)
            picture = picture.filter("format", "yuv420p")
        streams = [picture]
        options: dict[str, object] = {"r": fps, **video_options(self._container, self.fps, self._preset, self._crf)}
        if self._planar:
            options["colorspace"] = "smpte170m"
        if self._search is not None and self._container.video == "libx264":
            options["subq"] = self._search
        if audio is not None and self.rate is not None:
            streams.append(
                ffmpeg.input(f"pipe:{audio.reader}", format="f32le", ar=self.rate, ac=self.channels, **eager).audio
            )
            options |= audio_options(self._container, self.rate, self.channels)
        options |= dict(self._container.options)
        tags = {self._container.comment if name == "comment" else name: value for name, value in self._metadata.items()}
        options |= {f"metadata:g:{i}": f"{name}={value}" for i, (name, value) in enumerate(tags.items())}
        command = [program.find("ffmpeg"), "-hide_banner", "-nostdin", "-v", "error", "-xerror"]
        output = ffmpeg.output(*streams, f"file:{self._part}", format=self._container.muxer, **options)
        compiled: list[str] = output.compile(cmd=command, overwrite_output=True)
        return compiled

    def _put(self, feed: Feed | None, data: bytes, limit: int) -> None:
        """Queue the data; while that has to wait, see that ffmpeg lives and gets on."""
        if feed is None or self._child is None:
            raise ValueError("the encoder is not open: write within its `with` block")
        taken, since = self._taken(), time.monotonic()
        while not feed.broken and self._child.poll() is None:
            if feed.put(data, limit, POLL_SECONDS):
                return
            if self._taken() != taken:
                taken, since = self._taken(), time.monotonic()
            elif time.monotonic() - since > STALL_SECONDS:
                raise FFmpegError(f"ffmpeg stands still on {self.path}: write pictures and sound in step")
        raise self._failure(self._child)

    def _taken(self) -> int:
        return sum(feed.written for feed in self._feeds())

    def _feeds(self) -> list[Feed]:
        return [feed for feed in (self._video, self._audio) if feed is not None]

    def _fill_up(self) -> None:
        """Let sound and pictures end together, to the sample."""
        if not self.frames:
            raise OutputError(f"{self.path} would be empty: there is not one picture to write")
        if self.rate is None:
            return
        held = frame_count(self.samples, self.fps, self.rate) - self.frames
        if held > 0:
            _log.warning("%s: the last picture is held for %d frames, until the sound ends", self.path, held)
        last = np.frombuffer(self._last, np.uint8).reshape(self._shape)
        for _ in range(held):
            self.write_frame(last)
        missing = first_sample(self.frames, self.fps, self.rate) - self.samples
        while missing > 0:
            count = min(missing, self.rate)
            self.write_audio(np.zeros((count, self.channels), np.float32))
            missing -= count

    def _drain(self, child: program.Child) -> None:
        """Wait until all is written and ffmpeg has ended well."""
        for feed in self._feeds():
            feed.finish()
        while child.wait(POLL_SECONDS) is None:
            pass
        if child.poll() != 0 or any(feed.broken for feed in self._feeds()):
            raise self._failure(child)

    def _failure(self, child: program.Child) -> OutputError | FFmpegError | DependencyError:
        """What to raise about an ffmpeg that ended, or closed a pipe, too early."""
        code = child.wait(program.STOP_SECONDS)
        words = program.last_words(child.stderr)
        if "No space left on device" in words or "Disk quota exceeded" in words:
            return OutputError(f"{self.path} cannot be written: the disk is full. Make room, or choose another folder")
        if "File too large" in words or (code is not None and program.how_it_ended(code) == "killed by SIGXFSZ"):
            return OutputError(f"{self.path} cannot be written: the file system or a limit allows no larger file")
        if "Unknown encoder" in words:
            return DependencyError(f"this ffmpeg cannot write {self.path.suffix} ({words}): install a complete ffmpeg")
        ended = "hangs" if code is None else program.how_it_ended(code)
        return FFmpegError(f"ffmpeg failed to write {self.path} ({ended}): {words}")


def _destination(path: Path) -> tuple[Path, Path]:
    """Where the file will be (links followed), and a temporary name beside it. Raises OutputError before any work."""
    target = Path(os.path.realpath(path))
    folder = target.parent
    if target.is_dir():
        raise OutputError(f"{path} is a folder: name a file in it")
    if target.exists() and not target.is_file():
        raise OutputError(f"{path} is no regular file: choose another name")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{path} cannot be written: {folder} is a file, no folder. Choose another with -o")
    if not folder.is_dir():
        raise OutputError(
            f"{path} cannot be written: its folder does not exist. mkdir -p it, or choose another with -o"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path} cannot be written: its folder may not be written to. Choose another with -o")
    name = os.fsencode(target.name)[:NAME_BYTES].decode(errors="ignore")
    return target, folder / f".{name}.{secrets.token_hex(4)}.part"
