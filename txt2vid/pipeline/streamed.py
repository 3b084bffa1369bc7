"""A session's stream: its ffmpeg, begun with the first frame that somebody wants and again where it died."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.errors import FFmpegError
from txt2vid.ffmpeg.live import LiveEncoder
from txt2vid.pipeline.live import EARLY, Step
from txt2vid.pipeline.messages import Encoding
from txt2vid.pipeline.render import PROVENANCE

RESTARTS, RESTART_SECONDS = 5, 10.0  # an encoder that dies more often in so long is not started again

_log = logging.getLogger(__name__)


class Streamed:
    """One session's encoder, or none while nobody watches. begin: seconds that are told of as the session's start."""

    def __init__(self, name: str, fps: Fraction, begin: Fraction) -> None:
        self.name, self._fps, self._begin = name, fps, begin
        self.restarts = 0
        self._encoder: LiveEncoder | None = None
        self._deaths: deque[float] = deque(maxlen=RESTARTS)
        self._seconds = 0.0

    @property
    def running(self) -> bool:
        """Whether there is an encoder."""
        return self._encoder is not None

    @property
    def waiting(self) -> int:
        """Frames that wait for it."""
        return self._encoder.waiting if self._encoder is not None else 0

    @property
    def pid(self) -> int | None:
        """Of its process."""
        return self._encoder.pid if self._encoder is not None else None

    @property
    def seconds(self) -> float:
        """Of CPU that encoders have used."""
        return self._seconds + cpu_seconds(self.pid)

    def write(self, moment: Step, picture: Pixels) -> tuple[Encoding, tuple[int, ...]] | None:
        """The next frame; what is to be told where an encoder begins with it: the event, and its pipes.

        Raises FFmpegError where encoders die again and again.
        """
        try:
            if self._encoder is None:
                return self._start(moment, picture, restarted=False)
            self._encoder.write(picture, moment.sound)
        except FFmpegError as err:
            return self._restart(moment, picture, err)
        return None

    def writers(self) -> list[int]:
        """Pipes that wait for room."""
        return self._encoder.writers() if self._encoder is not None else []

    def flush(self) -> None:
        """Writes what the pipes take."""
        if self._encoder is not None:
            with suppress(FFmpegError):  # told at the next frame
                self._encoder.flush()

    def close(self) -> None:
        """Ends the encoder; the next frame begins another."""
        if self._encoder is not None:
            self._seconds += cpu_seconds(self._encoder.pid)
            self._encoder.close()
            self._encoder = None

    def _start(self, moment: Step, picture: Pixels, *, restarted: bool) -> tuple[Encoding, tuple[int, ...]]:
        """Starts an encoder with this frame, and its sound from the frame's start on."""
        height, width = picture.shape[0] * 2 // 3, picture.shape[1]
        start = self._begin + moment.frame.time
        self._encoder = LiveEncoder(width, height, self._fps, start=start, ahead=EARLY, comment=PROVENANCE)
        pipes = self._encoder.open()
        try:
            self._encoder.write(picture, np.concatenate([moment.lead, moment.sound]))
        except FFmpegError:
            for pipe in pipes:
                os.close(pipe)
            raise
        return Encoding(self.name, start, restarted), pipes

    def _restart(self, moment: Step, picture: Pixels, why: FFmpegError) -> tuple[Encoding, tuple[int, ...]]:
        """The encoder died: another goes on where it was."""
        _log.warning("session %s: %s: encoding goes on with another", self.name, why)
        self.close()
        self.restarts += 1
        now = time.monotonic()
        if len(self._deaths) == RESTARTS and now - self._deaths[0] < RESTART_SECONDS:
            raise why
        self._deaths.append(now)
        return self._start(moment, picture, restarted=True)


def cpu_seconds(pid: int | None) -> float:
    """Seconds of CPU that a process has used; 0 where the system does not tell (no /proc)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
