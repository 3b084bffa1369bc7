"""Who drives: the person of a video, or of one image; and the driver that makes a hero do the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import Samples
from txt2vid.core.motion import Motion
from txt2vid.core.options import DEFAULT_FPS
from txt2vid.drivers.base import Driver
from txt2vid.drivers.hero import for_hero, without_mouth
from txt2vid.drivers.idle import IdleDriver
from txt2vid.drivers.phonemes import smoothstep
from txt2vid.drivers.video import FADE, VideoDriver
from txt2vid.errors import FaceError, VideoError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.pictures import load_picture
from txt2vid.faces.search import find_faces
from txt2vid.ffmpeg.decode import steady_fps
from txt2vid.ffmpeg.probe import MediaInfo, probe
from txt2vid.pipeline.watching import Watcher

if TYPE_CHECKING:
    from typing_extensions import Self


class Person(ABC):
    """Someone whose face drives. Use it in a `with` block.

    fps: of the frames. total: how many there are, None where that is not known, or as many as are asked for. seen: in
    how many so far there was a face to drive by. info: of the file.
    """

    fps: Fraction
    total: int | None = None
    seen: int = 0
    info: MediaInfo | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def over(self) -> bool:
        """Whether there are no more frames."""
        return False

    @abstractmethod
    def next(self) -> tuple[Motion, float]:
        """What the person does at the next frame, and how much of it is there to see, 0 to 1. Past the end: fading."""


class FilmedPerson(Person):
    """The person of a video. Raises VideoError where it cannot be read; FaceError comes with the frames.

    neutral: landmarks of their face at rest, as `landmarks_of` finds them; None is found among the frames.
    """

    def __init__(self, path: Path, fps: Fraction | None = None, index: int = 0,
                 neutral: Landmarks | None = None) -> None:  # fmt: skip
        self.info = probe(path, VideoError)
        if self.info.video is None:
            raise VideoError(f"{path} holds no moving pictures: give a video of a face, or a picture with --image")
        self.fps = fps or steady_fps(self.info.video)
        self.total = round(self.info.duration * self.fps) if self.info.duration is not None else None
        self._watcher = Watcher(path, self.info, self.fps, index, neutral)
        self._last = Motion(), 0.0
        self._past = 0  # frames since the last one

    def __enter__(self) -> Self:
        self._watcher.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watcher.__exit__(kind, error, trace)

    def over(self) -> bool:
        """Whether there are no more frames; waits for one."""
        return self._watcher.over()

    def next(self) -> tuple[Motion, float]:
        """What the person does at the next frame."""
        told = self._watcher.take()
        if told is not None:
            self.seen += told.seen
            self._last = told.motion, told.presence
            return self._last
        self._past += 1
        left = 1 - smoothstep(min(1.0, self._past / (FADE * float(self.fps))))
        motion, presence = self._last
        return motion.faded(left), presence * left


class PicturedPerson(Person):
    """The person of one image: an expression that is held. Raises what `landmarks_of` does.

    neutral: landmarks of their face at rest; None is the average face.
    """

    def __init__(self, path: Path, fps: Fraction | None = None, index: int = 0,
                 neutral: Landmarks | None = None) -> None:  # fmt: skip
        self.fps = fps or DEFAULT_FPS
        self._motion = VideoDriver(single=True, neutral=neutral).drive(landmarks_of(path, index), 0.0)

    def next(self) -> tuple[Motion, float]:
        """The expression. A picture does not live: its presence is 0, so that idle life goes on."""
        self.seen += 1
        return self._motion, 0.0


class PersonDriver(Driver):
    """A hero does what a person does, and lives by itself where nobody is seen.

    pose: strength of the head's movement. mouth: whether the person moves it, too. idle: the life, None is none.
    """

    lookahead: ClassVar[int] = IdleDriver.lookahead

    def __init__(self, person: Person, pose: float, idle: IdleDriver | None, *, mouth: bool = True) -> None:
        self._person, self._pose, self._idle, self._mouth = person, pose, idle, mouth

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:
        """The motion of the hero; the person is a frame further after each."""
        seen, presence = self._person.next()
        motion = for_hero(seen if self._mouth else without_mouth(seen), self._pose)
        if self._idle is None:
            return motion
        return motion + self._idle.drive(frame, speech).faded(1 - presence)


def landmarks_of(path: Path, index: int = 0) -> Landmarks:
    """The landmarks of a face in a picture, (478, 3) in pixels; index: which of several, 0 the largest.

    Raises PictureError where it cannot be read, or FaceError where there is no such face.
    """
    faces, _ = find_faces(load_picture(path).pixels, index + 1)
    if len(faces) <= index:
        there = {0: "no face", 1: "1 face"}.get(len(faces), f"{len(faces)} faces")
        other = ", or --person 0" if index else ""
        raise FaceError(f"{there} found in {path}: give an image with a larger, more frontal face{other}")
    return faces[index].landmarks
