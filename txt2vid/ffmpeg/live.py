"""One live session through one ffmpeg: encoded once as H.264 and AAC, muxed as MPEG-TS and as fragmented MP4."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.errors import FFmpegError
from txt2vid.ffmpeg import live_arguments, program
from txt2vid.ffmpeg.live_arguments import CRF, PRESET, TIMESTAMP_OFFSET, Plan
from txt2vid.interrupts import apart

__all__ = ["TIMESTAMP_OFFSET", "LiveEncoder"]

MOST_AHEAD = Fraction(1, 2)  # seconds that sound may be ahead; it waits in the pipe, which holds a third of that
QUEUED_SECONDS = 1  # of pictures and sound that wait for ffmpeg (12 MB at 512x512); then `write` says that it hangs


class LiveEncoder:
    """The encoder of one session; for one thread, which never waits for it.

    width, height: of every picture, even. fps: exact. start: seconds of the session at the first picture. preset, crf:
    x264's. comment: what both streams say of themselves (in MPEG-TS as the service's name).

    ahead: samples at LISTENING_RATE by which the sound written is ahead of the pictures: `write` number i brings the
    sound up to the end of frame i and `ahead` more. A tenth of a second spares a viewer 40 to 80 ms: AAC tells of a
    sample only three packets later, and no muxer lets a picture go before its sound.

    Frame i has the timestamp TIMESTAMP_OFFSET + start + i / fps, to 1/90000 s, in both streams, and so has its sound.
    In the MP4 they are absolute too (tfdt counts from the session's start, and there is no edit list), so the next
    encoder of a session goes on with the same timeline.

    MPEG-TS: PAT, PMT, SPS and PPS come with each keyframe. MP4: the initialization segment, then a fragment a frame.
    A reader that pauses stops ffmpeg once its pipe is full (half a second); nothing is lost before QUEUED_SECONDS.
    """

    def __init__(
        self,
        width: int,
        height: int,
        fps: Fraction,
        *,
        start: Fraction = Fraction(0),
        ahead: int = 0,
        preset: str = PRESET,
        crf: int = CRF,
        comment: str | None = None,
    ) -> None:
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise ValueError(f"a picture's sides must be even and positive, not {width}x{height}")
        if start < 0 or not 0 <= ahead <= MOST_AHEAD * LISTENING_RATE:
            raise ValueError(f"start must be 0 s or later and ahead 0 to {MOST_AHEAD} s, not {start} and {ahead}")
        self.width, self.height, self.fps, self.start = width, height, fps, start
        self._plan = Plan(width, height, fps, start, ahead, preset, crf, comment)
        self._limit = max(1, round(QUEUED_SECONDS * fps))
        self._pictures, self._sound = _Feed(), _Feed()
        self._child: _Child | None = None
        self._code: int | None = None
        self._stderr = ""
        self._broken = self._closed = False

    def open(self) -> tuple[int, int]:
        """Starts ffmpeg: the reading ends of its MPEG-TS and of its MP4, which are the caller's to close.

        Raises FFmpegError where the system cannot start it, DependencyError where it is missing.
        """
        if self._child is not None or self._closed:
            raise ValueError("this encoder was opened before: make another")
        program.find("ffmpeg")
        outputs: list[int] = []
        theirs: list[int] = []
        try:
            theirs.append(self._pictures.open())
            theirs.append(self._sound.open())
            program.widen(theirs[0])
            for _ in range(2):
                reader, writer = os.pipe()
                outputs.append(reader)
                theirs.append(writer)
            self._child = _Child(live_arguments.command(self._plan, *theirs), pass_fds=theirs)
            apart(self._child.start)
        except BaseException as err:
            self.close()
            for fd in outputs:
                os.close(fd)
            if isinstance(err, OSError):
                raise FFmpegError(
                    f"ffmpeg cannot be started: {err.strerror}. End other programs, then try again"
                ) from err
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        return outputs[0], outputs[1]

    def write(self, picture: NDArray[np.uint8], sound: Samples) -> None:
        """The next picture, I420, uint8 (height * 3 / 2, width), BT.601 limited range; and its sound.

        sound: float32 (n,), mono, in [-1, 1], at LISTENING_RATE. What the pipes take is written, copies of the rest are
        queued. Raises FFmpegError where ffmpeg has died, or has taken nothing for QUEUED_SECONDS.
        """
        if picture.shape != (self.height * 3 // 2, self.width) or picture.dtype != np.uint8:
            raise ValueError(
                f"a picture must be uint8 ({self.height * 3 // 2}, {self.width}), not {picture.dtype} {picture.shape}"
            )
        if sound.ndim != 1:
            raise ValueError(f"sound must be (n,), not {sound.shape}")
        if self._child is None:
            raise ValueError("the encoder is not open: call open() first")
        if self._broken or self.waiting >= self._limit:
            raise self._failure(self._child)
        try:
            self._pictures.put(np.ascontiguousarray(picture).data.cast("B"))
            if len(sound):
                self._sound.put(np.ascontiguousarray(sound, "<f4").data.cast("B"))
        except BrokenPipeError:
            self._broken = True
            raise self._failure(self._child) from None

    def flush(self) -> None:
        """Writes what the pipes take now. A broken one is told by `broken`, and by the next `write`."""
        try:
            self._pictures.flush()
            self._sound.flush()
        except BrokenPipeError:
            self._broken = True

    def writers(self) -> list[int]:
        """Our ends of the pipes that have data waiting: where a selector says that one is writable, call `flush`."""
        return [feed.fd for feed in (self._pictures, self._sound) if feed.queue and not self._broken]

    @property
    def waiting(self) -> int:
        """Frames that wait for ffmpeg, besides what its pipes hold."""
        return max(len(self._pictures.queue), len(self._sound.queue))

    @property
    def broken(self) -> bool:
        """Whether ffmpeg has closed a pipe, or has ended."""
        return self._broken or self.poll() is not None

    def poll(self) -> int | None:
        """The exit status (negative: the signal that killed it); None while it runs, or was not started."""
        return self._child.poll() if self._child is not None else self._code

    @property
    def stderr(self) -> str:
        """The last lines that ffmpeg wrote; all there are once it has ended."""
        return self._child.stderr if self._child is not None else self._stderr

    @property
    def pid(self) -> int | None:
        """The number of its process, None while there is none."""
        return self._child.pid if self._child is not None else None

    def close(self) -> None:
        """Kills ffmpeg, and leaves nothing of it. Closing twice is safe; nothing can be written afterwards."""
        self._closed = True
        try:
            if self._child is not None:
                child, self._child = self._child, None
                child.stop()
                self._code, self._stderr = child.poll(), child.stderr
        finally:
            self._pictures.close()
            self._sound.close()

    def _failure(self, child: _Child) -> FFmpegError:
        code = child.wait(program.STOP_SECONDS) if self._broken else child.poll()
        if code is None:
            return FFmpegError(f"ffmpeg hangs: {self.waiting} frames wait for it. Start another")
        return FFmpegError(
            f"the live encoder ended ({program.how_it_ended(code)}): {program.last_words(child.stderr)}. Start another"
        )


class _Child(program.Child):
    """An ffmpeg whose number can be told: who measures it wants to know."""

    @property
    def pid(self) -> int | None:
        """Its number, None before it was started."""
        return self._process.pid if self._process is not None else None


class _Feed:
    """Our end of a pipe into ffmpeg, and what waits for it."""

    def __init__(self) -> None:
        self.fd = -1
        self.queue: deque[memoryview] = deque()

    def open(self) -> int:
        """Makes the pipe; its reading end is the caller's to close."""
        reader, self.fd = os.pipe()
        os.set_blocking(self.fd, False)
        return reader

    def put(self, data: memoryview) -> None:
        """Writes what the pipe takes, and queues a copy of the rest. Raises BrokenPipeError."""
        self.flush()
        rest = data if self.queue else self._write(data)
        if rest:
            self.queue.append(memoryview(bytes(rest)))

    def flush(self) -> None:
        """Writes what the pipe takes now. Raises BrokenPipeError."""
        while self.queue:
            rest = self._write(self.queue[0])
            if rest:
                self.queue[0] = rest
                return
            self.queue.popleft()

    def close(self) -> None:
        """Closes our end. Twice is safe."""
        self.queue.clear()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _write(self, data: memoryview) -> memoryview:
        with suppress(BlockingIOError):
            while data:
                data = data[os.write(self.fd, data) :]
        return data
