"""A recording of motion as the voice of a render: it moves the face, beside a sound file or in silence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from txt2vid.core.livelink import Take, parse_take
from txt2vid.core.media import LISTENING_RATE, AudioChunk
from txt2vid.drivers.recorded import RecordedDriver
from txt2vid.errors import MediaError
from txt2vid.ffmpeg.decode import CHUNKS_A_SECOND, AudioReader
from txt2vid.pipeline.voice import Voice

MAX_BYTES = 400_000_000  # of a CSV file: two hours at 60 frames a second, with all digits there are

_log = logging.getLogger(__name__)


def read_take(path: Path) -> Take:
    """The take in a CSV file. Raises MediaError; warns of what is not as it should be."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MediaError(f"{path} is larger than {MAX_BYTES // 1_000_000} MB: cut it into shorter takes")
        with path.open(newline="", encoding="utf-8-sig") as file:
            take = parse_take(file, str(path))
    except FileNotFoundError as err:
        raise MediaError(f"motion file {path} does not exist: check the name") from err
    except OSError as err:
        raise MediaError(f"motion file {path} cannot be read ({err.strerror}): give a CSV file") from err
    if take.missing:
        some = ", ".join(take.missing[:3]) + (" …" if len(take.missing) > 3 else "")
        _log.warning("%s has no column %s: taken as 0", path, some)
    if take.clipped:
        _log.warning("%s: %d coefficients are outside 0 to 1: clipped", path, take.clipped)
    return take


class RecordedVoice(Voice):
    """Motion from a file, and sound from another, or silence; as long as the longer of both.

    Raises MediaError on the motion, AudioError on the sound.
    """

    def __init__(self, motion: Path, sound: Path | None = None) -> None:
        take = read_take(motion)
        self._sound = sound
        self.rate, self.channels = LISTENING_RATE, 1
        self.duration = Fraction(take.duration).limit_denominator(90_000)
        self._least = round(self.duration * self.rate)
        if sound is not None:
            with AudioReader(sound) as reader:
                self.rate, self.channels = reader.rate, reader.channels
                self._least = round(self.duration * self.rate)
                self.duration = None if reader.duration is None else max(self.duration, reader.duration)
        self.driver, self.driver_name = RecordedDriver(take), "recorded"

    def chunks(self) -> Iterator[AudioChunk]:
        """The sound, and silence until the motion is over."""
        position = 0
        if self._sound is not None:
            with AudioReader(self._sound) as reader:
                for chunk in reader:
                    position = chunk.end
                    yield chunk
        while position < self._least:
            count = min(self.rate // CHUNKS_A_SECOND, self._least - position)
            yield AudioChunk(np.zeros((count, self.channels), np.float32), self.rate, position)
            position += count
