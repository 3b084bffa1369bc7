"""The faces of a picture, a video or a camera are followed, and what is seen goes into files."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from txt2vid.core.clock import MAX_FPS, MIN_FPS, settle_fps
from txt2vid.core.options import TrackingOptions
from txt2vid.drivers.video import rotation_of
from txt2vid.errors import FaceError, UsageError, VideoError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.head import head_of
from txt2vid.faces.many import FaceTracker, TrackedFace
from txt2vid.faces.pictures import is_picture, load_picture
from txt2vid.faces.point_files import points_writer
from txt2vid.faces.search import find_faces
from txt2vid.faces.solid import solid_files
from txt2vid.ffmpeg.camera import CameraReader, camera_of
from txt2vid.ffmpeg.containers import container_of
from txt2vid.ffmpeg.decode import AudioReader
from txt2vid.ffmpeg.probe import missing
from txt2vid.ffmpeg.timed import TimedReader
from txt2vid.pipeline.mesh_outputs import (
    MotionFile,
    Output,
    OverlayPicture,
    OverlayVideo,
    PointsFile,
    Sight,
    SolidFile,
)

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")  # of an overlay
UNEVEN_FPS = Fraction(30)  # least frame rate of an overlay whose pictures come at uneven times
_POSED = 5  # frames between two looks at how a head is turned

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class MeshOptions:
    """What is looked at, and what is written.

    source: a picture, a video, or a camera ("/dev/video0", "camera"). overlay, points, solids, motion: files to write.
    face: the id of the face whose mesh and motion are written. seconds: at most so much is looked at.
    """

    source: str
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    overlay: Path | None = None
    points: Path | None = None
    solids: tuple[Path, ...] = ()
    motion: Path | None = None
    face: int = 0
    seconds: Fraction | None = None


@dataclass(slots=True)
class Person:
    """What was seen of one face. first, last: seconds. box: x, y, width, height in pixels, and angles: yaw, pitch, roll
    in degrees (to the picture's right, down, clockwise), both where it was seen most from the front.
    """

    id: int
    frames: int = 0
    first: float = 0.0
    last: float = 0.0
    confidence: float = 0.0
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    angles: tuple[float, float, float] = (180.0, 180.0, 180.0)

    def see(self, face: TrackedFace, seconds: float) -> None:
        """The face in one more frame."""
        if not self.frames:
            self.first = seconds
        if self.frames % _POSED == 0:
            self._pose(face.landmarks)
        self.last = seconds
        self.confidence += (face.confidence - self.confidence) / (self.frames + 1)
        self.frames += 1

    def _pose(self, landmarks: Landmarks) -> None:
        head = head_of(landmarks)
        if head is None:
            return
        pitch, yaw, roll = (float(angle) for angle in np.degrees(rotation_of(head.turn)) * (1, -1, 1))
        if abs(yaw) + abs(pitch) < sum(map(abs, self.angles[:2])):
            self.angles = (yaw, pitch, roll)
            low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
            x, y, width, height = (round(float(number)) for number in (*low, *(high - low)))
            self.box = (x, y, width, height)


@dataclass(slots=True)
class MeshResult:
    """What was found. kind: "picture", "video" or "camera". seconds: of frames looked at. tracking: seconds of work on
    faces alone, of `elapsed` in all. files: that were written.
    """

    source: str
    kind: str
    width: int = 0
    height: int = 0
    frames: int = 0
    seconds: float = 0.0
    faces: list[Person] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    tracking: float = 0.0
    elapsed: float = 0.0

    @property
    def faces_per_second(self) -> float:
        """Faces in all frames over the time that they took."""
        return sum(person.frames for person in self.faces) / self.tracking if self.tracking else 0.0


def mesh(
    options: MeshOptions, progress: Progress | None = None, stop: Callable[[], bool] = lambda: False
) -> MeshResult:
    """Looks at everything, and writes what is asked for; a file that cannot be made whole is not left behind.

    progress: called with frames done, and in all where that is known. stop: asked before each frame whether that was
    the last. Raises FaceError where no face was seen, else what `txt2vid.errors` has.
    """
    started = time.monotonic()
    source = _source(options)
    result = MeshResult(options.source, source.kind)
    people: dict[int, Person] = {}
    with ExitStack() as stack:
        outputs = [stack.enter_context(output) for output in source.outputs(options)]
        for sight in source.sights(options, result):
            for face in sight.faces:
                people.setdefault(face.id, Person(face.id)).see(face, float(sight.time))
            for output in outputs:
                output.write(sight)
            result.frames = sight.index + 1
            result.height, result.width = sight.pixels.shape[:2]
            result.seconds = float(sight.time + 1 / source.fps)
            if progress is not None:
                progress(result.frames, source.total)
            if stop():
                break
        _check_found(options, people)
    result.faces = [people[number] for number in sorted(people)]
    result.files = [path for output in outputs for path in output.files]
    result.elapsed = time.monotonic() - started
    return result


def _check_found(options: MeshOptions, people: dict[int, Person]) -> None:
    if not people:
        raise FaceError(
            f"no face found in {options.source}: give a larger, more frontal face, or --min-detection-confidence 0.2"
        )
    if options.face not in people and (options.solids or options.motion):
        there = ", ".join(map(str, sorted(people)))
        raise FaceError(
            f"{options.source} shows no face {options.face}, but {there}: choose with --face, or --max-faces"
        )


class _Source:
    """Where frames come from. fps: of an overlay. total: frames, where that is known."""

    kind = "picture"
    fps = Fraction(1)
    total: int | None = 1

    def __init__(self, options: MeshOptions) -> None:
        self._path = Path(options.source)

    def sights(self, options: MeshOptions, result: MeshResult) -> Iterator[Sight]:
        """The frames with their faces; the time that these took is added to the result."""
        pixels = load_picture(self._path).pixels
        with _clocked(result):
            found, _ = find_faces(pixels, options.tracking.max_faces, options.tracking.min_detection_confidence)
        largest = enumerate(found[: options.tracking.max_faces])
        yield Sight(0, Fraction(0), pixels, [TrackedFace(i, face.landmarks, face.score) for i, face in largest])

    def overlay(self, path: Path) -> Output:
        """What writes an overlay. Raises UsageError where the name does not fit."""
        if path.suffix.lower() not in PICTURES:
            raise UsageError(f"{path} is no picture's name, as {self._path} needs: choose one of {' '.join(PICTURES)}")
        return OverlayPicture(path)

    def outputs(self, options: MeshOptions) -> Iterator[Output]:
        """What writes the files that are asked for."""
        if options.overlay is not None:
            yield self.overlay(options.overlay)
        if options.points is not None:
            yield PointsFile(options.points)
        for path in options.solids:
            yield SolidFile(path, options.face)
        if options.motion is not None:
            yield MotionFile(options.motion, options.face, single=self.kind == "picture")


class _Video(_Source):
    kind = "video"

    def __init__(self, options: MeshOptions) -> None:
        super().__init__(options)
        self._reader: TimedReader = self._opened(options)
        own = settle_fps(min(max(self._reader.fps, MIN_FPS), MAX_FPS))
        self.fps = max(own, UNEVEN_FPS) if self._reader.variable else own
        shown = [seconds for seconds in (self._reader.duration, options.seconds) if seconds is not None]
        self.total = round(min(shown) * self._reader.fps) if shown else None

    def _opened(self, options: MeshOptions) -> TimedReader:
        del options
        return TimedReader(self._path)

    def sights(self, options: MeshOptions, result: MeshResult) -> Iterator[Sight]:
        """See `_Source.sights`."""
        tracker = FaceTracker(options.tracking)
        with self._reader as reader:
            for index, frame in enumerate(reader):
                if options.seconds is not None and frame.time >= options.seconds:
                    return
                with _clocked(result):
                    faces = tracker.track(frame.pixels)
                yield Sight(index, frame.time, frame.pixels, faces)

    def overlay(self, path: Path) -> Output:
        """See `_Source.overlay`."""
        container_of(path)
        return OverlayVideo(path, self.fps, self._sound())

    def _sound(self) -> AudioReader | None:
        info = self._reader.info
        return AudioReader(self._path, info) if info is not None and info.audio is not None else None


class _Camera(_Video):
    kind = "camera"

    def __init__(self, options: MeshOptions, device: str) -> None:
        self._device = device
        super().__init__(options)

    def _opened(self, options: MeshOptions) -> TimedReader:
        del options
        return CameraReader(self._device)


class _clocked:  # noqa: N801 - reads as a verb
    """Adds the time of its block to a result's `tracking`."""

    def __init__(self, result: MeshResult) -> None:
        self._result = result

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._result.tracking += time.perf_counter() - self._since


def _source(options: MeshOptions) -> _Source:
    """What the options name. Raises what is wrong with it, and with the names of what is to be written."""
    _check(options)
    device = camera_of(options.source)
    if device is not None:
        return _Camera(options, device)
    path = Path(options.source)
    if not path.exists():
        raise VideoError(missing(path))
    return _Source(options) if is_picture(path) else _Video(options)


def _check(options: MeshOptions) -> None:
    if options.points is not None:
        points_writer(options.points)
    paths = [path for path in (options.overlay, options.points, options.motion) if path is not None]
    paths += [path for solid in options.solids for path in solid_files(solid)]
    for path in paths:
        if os.path.realpath(path) == os.path.realpath(options.source):
            raise UsageError(f"{path} is the input and would be overwritten: choose another name")
        if not path.absolute().parent.is_dir():
            raise UsageError(f"the folder of {path} does not exist: mkdir -p it, or choose another")
    for one, other in itertools.combinations(paths, 2):
        if os.path.realpath(one) == os.path.realpath(other):
            raise UsageError(f"{one} is to be two things at once: choose different names")
