"""What becomes of tracked faces: an overlay, a table of points, a 3D mesh, a recording of motion."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import cv2
import numpy as np

from txt2vid.core.clock import first_sample
from txt2vid.core.livelink import TakeWriter
from txt2vid.core.media import Pixels
from txt2vid.drivers.video import VideoDriver
from txt2vid.errors import OutputError
from txt2vid.faces.face import LANDMARKS, Landmarks
from txt2vid.faces.head import head_of
from txt2vid.faces.many import TrackedFace
from txt2vid.faces.overlay import draw_faces
from txt2vid.faces.point_files import PointsWriter, points_writer
from txt2vid.faces.solid import write_solid
from txt2vid.ffmpeg.decode import AudioReader
from txt2vid.ffmpeg.encode import Encoder
from txt2vid.pipeline.whole import whole

if TYPE_CHECKING:
    from typing_extensions import Self

LEARNED = 2000  # faces at most from which a person's rest is learned, spread over the video
_QUALITY = 95  # of JPEG and WebP


@dataclass(frozen=True, slots=True)
class Sight:
    """One frame and the faces in it. time: seconds since the first timestamp, exact."""

    index: int
    time: Fraction
    pixels: Pixels
    faces: list[TrackedFace]

    def face(self, number: int) -> TrackedFace | None:
        """The face with that id, where it is in this frame."""
        return next((face for face in self.faces if face.id == number), None)


class Output(ABC):
    """One file in the making. Use it in a `with` block: left by an exception, nothing of it remains."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: list[Path] = [path]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._finish()

    @abstractmethod
    def write(self, sight: Sight) -> None:
        """The next frame. Frames come in the order of their times."""

    def _finish(self) -> None:  # noqa: B027 - most have nothing left to do
        """All frames were written."""


class OverlayPicture(Output):
    """A picture with its faces drawn over it."""

    def __enter__(self) -> Self:
        self._part = self._stack.enter_context(whole(self.path))
        return self

    def write(self, sight: Sight) -> None:
        """See `Output.write`."""
        drawn = draw_faces(sight.pixels, sight.faces)
        done, data = cv2.imencode(
            self.path.suffix, drawn, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY, cv2.IMWRITE_WEBP_QUALITY, _QUALITY]
        )
        if not done:
            raise OutputError(f"{self.path} cannot be written: choose a .png")
        self._part.write_bytes(data.tobytes())


class OverlayVideo(Output):
    """The video with its faces drawn over it, at a constant frame rate, with its sound.

    Each picture is held until the next one's time, to the nearest frame: where pictures come unevenly, some are shown
    more often, and those that share a frame are dropped but for the last.
    """

    def __init__(self, path: Path, fps: Fraction, sound: AudioReader | None) -> None:
        super().__init__(path)
        self._fps = fps
        self._sound = sound
        self._rest = np.zeros((0, 1), np.float32)
        self._encoder: Encoder | None = None
        self._held: Pixels | None = None

    def write(self, sight: Sight) -> None:
        """See `Output.write`."""
        encoder = self._encoder or self._open(sight.pixels)
        slot = round(sight.time * self._fps)
        if self._held is not None:
            self._show(encoder, self._held, max(0, slot - encoder.frames))
        self._held = draw_faces(sight.pixels, sight.faces)

    def _open(self, pixels: Pixels) -> Encoder:
        height, width = pixels.shape[:2]
        rate, channels = (self._sound.rate, self._sound.channels) if self._sound is not None else (None, 1)
        if self._sound is not None:
            self._stack.enter_context(self._sound)
        self._encoder = self._stack.enter_context(Encoder(self.path, width, height, self._fps, rate, channels))
        return self._encoder

    def _show(self, encoder: Encoder, pixels: Pixels, times: int) -> None:
        """So many frames of one picture, and what is heard while they are shown."""
        for _ in range(times):
            encoder.write_frame(pixels)
            if self._sound is not None:
                self._hear(encoder, self._sound, first_sample(encoder.frames, self._fps, self._sound.rate))

    def _hear(self, encoder: Encoder, sound: AudioReader, until: int) -> None:
        while encoder.samples < until:
            if not len(self._rest):
                chunk = next(sound, None)
                if chunk is None:
                    return  # the encoder fills up with silence
                self._rest = chunk.samples
            count = until - encoder.samples
            piece, self._rest = self._rest[:count], self._rest[count:]
            encoder.write_audio(piece)

    def _finish(self) -> None:
        if self._encoder is not None and self._held is not None:
            self._show(self._encoder, self._held, 1)


class PointsFile(Output):
    """All landmarks of all faces."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._kind = points_writer(path)
        self._writer: PointsWriter | None = None

    def __enter__(self) -> Self:
        self._part = self._stack.enter_context(whole(self.path))
        return self

    def write(self, sight: Sight) -> None:
        """See `Output.write`."""
        if self._writer is None:
            height, width = sight.pixels.shape[:2]
            self._writer = self._stack.enter_context(self._kind(self._part, (width, height)))
        self._writer.write(sight.index, sight.time, sight.faces)


class SolidFile(Output):
    """One face's 3D mesh, from the frame in which it is seen most from the front."""

    def __init__(self, path: Path, number: int) -> None:
        super().__init__(path)
        self._number = number
        self._best: tuple[float, Landmarks, Pixels] | None = None

    def write(self, sight: Sight) -> None:
        """See `Output.write`."""
        face = sight.face(self._number)
        head = head_of(face.landmarks) if face is not None else None
        if face is None or head is None:
            return
        aside = 1 - float(head.turn[2, 2])  # of the cosine to the viewer: 0 is frontal
        if self._best is None or aside < self._best[0] - 1e-3:
            self._best = aside, face.landmarks, sight.pixels

    def _finish(self) -> None:
        if self._best is not None:
            self.files = write_solid(self.path, *self._best[1:])


class MotionFile(Output):
    """One face's motion as Live Link Face writes it, a row for each frame.

    Landmarks wait in a nameless temporary file, so that the person's rest is known from the first frame on.
    """

    def __init__(self, path: Path, number: int, *, single: bool) -> None:
        super().__init__(path)
        self._number, self._single = number, single
        self._times: list[Fraction] = []
        self._seen = array("b")

    def __enter__(self) -> Self:
        self._part = self._stack.enter_context(whole(self.path))
        self._spool = self._stack.enter_context(tempfile.TemporaryFile())
        return self

    def write(self, sight: Sight) -> None:
        """See `Output.write`."""
        face = sight.face(self._number)
        self._times.append(sight.time)
        self._seen.append(face is not None)
        if face is not None:
            self._spool.write(np.ascontiguousarray(face.landmarks, np.float32).tobytes())

    def _spooled(self, step: int = 1) -> Iterator[Landmarks]:
        size = LANDMARKS * 3 * np.dtype(np.float32).itemsize
        for start in range(0, sum(self._seen), step):
            self._spool.seek(start * size)
            yield np.frombuffer(self._spool.read(size), np.float32).reshape(LANDMARKS, 3)

    def _finish(self) -> None:
        driver = VideoDriver(single=self._single)
        driver.learn(self._spooled(max(1, -(-sum(self._seen) // LEARNED))))
        points = self._spooled()
        with self._part.open("w", newline="", encoding="ascii") as file:
            take = TakeWriter(file)
            for time, seen in zip(self._times, self._seen, strict=True):
                take.write(time, driver.drive(next(points) if seen else None, float(time)))
