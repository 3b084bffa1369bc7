"""A face that is found once and used again and again."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from txt2vid.api.asked import PathLike, path_of, size_of
from txt2vid.core import expressions
from txt2vid.core.media import Pixels
from txt2vid.core.motion import BLENDSHAPES, Motion, coefficients
from txt2vid.core.options import FACE_DETECTORS, EngineOptions, FaceOptions
from txt2vid.drivers.expressions import at_height
from txt2vid.engines.base import Job
from txt2vid.errors import UsageError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.thumbnails import thumbnail
from txt2vid.pipeline.choice import EMBEDDED
from txt2vid.pipeline.render import FaceCache

MAX_TURN = 30.0  # degrees: a picture shows one side of a head
Shapes = Mapping[str, float] | Sequence[float] | NDArray[np.floating[Any]]


class Face:
    """The face in a picture or a video, found and prepared once, for any number of renders and sessions.

    ::

        face = txt2vid.Face.open("hero.png", size=512)
        face.size                                   # (512, 512)
        smiling = face.draw(expression="joy")       # uint8 (512, 512, 3), RGB

    One thread at a time. A prepared picture of 512x512 takes about 100 MB, a video's frames lie in a temporary file.
    """

    def __init__(self, options: FaceOptions) -> None:
        """Use `Face.open`."""
        self._options = options
        self._cache = FaceCache()
        self._face = self._cache.face(options)

    @classmethod
    def open(cls, path: PathLike, *, size: int | None = None, index: int | None = None,
             box: tuple[int, int, int, int] | None = None, landmarks: PathLike | None = None,
             detector: str = "mesh") -> Face:  # fmt: skip
        """Finds the face in a picture or a video.

        size: the longer side of what is drawn, in pixels, 64 to 4096; None keeps the picture's own.
        index: which of several faces, 0 the largest; None asks for the largest.
        box: x, y, width, height in pixels: where the face is, if it is not found.
        landmarks: a file with a picture's 478 landmarks, if they are not found. detector: "mesh", or "s3fd" (weights).

        Raises PictureError, VideoError or MediaError where the file cannot be read, FaceError where there is no such
        face, UsageError where an argument makes no sense.
        """
        if detector not in FACE_DETECTORS:
            raise UsageError(f"detector {detector!r} is not known: choose one of {', '.join(FACE_DETECTORS)}")
        points = None if landmarks is None else path_of(landmarks, "landmarks")
        return cls(FaceOptions(path_of(path, "the face"), index, box, points, size_of(size), detector))

    @property
    def name(self) -> str:
        """The file's name."""
        return self._face.name

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is drawn, in pixels; both are even."""
        return self._face.size

    @property
    def fps(self) -> Fraction | None:
        """A video's frames a second; None for a picture."""
        return self._face.fps

    @property
    def frames(self) -> int:
        """How many pictures there are: 1, or a video's frames."""
        return len(self._face.frames)

    @property
    def landmarks(self) -> Landmarks:
        """float32 (478, 3), MediaPipe's face mesh in pixels: x right, y down, z away from one. A video's first."""
        return self._face.frames.landmarks(0).copy()

    @property
    def pixels(self) -> Pixels:
        """The picture as it is, uint8 (height, width, 3), RGB; a video's first."""
        return _rgb(self._face.frames.pixels(0))

    def thumbnail(self, size: int = 256) -> bytes:
        """A JPEG whose longer side has `size` pixels, 16 to 4096, without metadata."""
        if not 16 <= size <= 4096:
            raise UsageError(f"a thumbnail of {size} pixels makes no sense: choose 16 to 4096")
        return thumbnail(self._options.path, size)

    def draw(self, expression: str | None = None, *, strength: float = 1.0, coefficients: Shapes | None = None,
             rotation: tuple[float, float, float] = (0, 0, 0), gaze: tuple[float, float] = (0, 0),
             frame: int = 0) -> Pixels:  # fmt: skip
        """The face with an expression, or with coefficients of your own, or both: uint8 (height, width, 3), RGB.

        expression: one of `txt2vid.EXPRESSIONS`, or another word for it ("happy"); a gesture at its height.
        strength: of the expression, 0 to 1.
        coefficients: ARKit's blendshapes in [0, 1], by name ({"jawOpen": 0.4, "mouthSmile": 0.8}: without Left or Right
            both), or all 52 in the order of Live Link Face's files.
        rotation: pitch (down), yaw (to the picture's right), roll (clockwise) in degrees, -30 to 30.
        gaze: to the picture's right, down, -1 to 1. frame: which one of a video.

        Raises UsageError where a name is not known or a number is out of range.
        """
        if not 0 <= frame < self.frames:
            raise UsageError(f"frame {frame} is not there: {self.name} has {self.frames}, the first is 0")
        motion = Motion(_shapes(coefficients), np.radians(_numbers(rotation, "rotation", 3, MAX_TURN)),
                        gaze=_numbers(gaze, "gaze", 2, 1.0))  # fmt: skip
        if expression is not None:
            cue = expressions.cue(expression, strength)
            motion = at_height(cue, mouth_only=not self._face.is_still) + motion
        engine = self._cache.engine(EngineOptions(EMBEDDED)).engine
        _, prepared = self._cache.get(self._options, None, engine, None)
        return _rgb(engine.render([Job(prepared, frame, motion)])[0])

    def __repr__(self) -> str:
        width, height = self.size
        return f"<Face {self.name} {width}x{height}>"


def _rgb(pixels: Pixels) -> Pixels:
    """RGB of BGR, in new memory."""
    return np.ascontiguousarray(pixels[:, :, ::-1])


def _shapes(given: Shapes | None) -> NDArray[np.float32]:
    if given is None:
        return np.zeros(len(BLENDSHAPES), np.float32)
    if not isinstance(given, Mapping):
        return _numbers(given, "coefficients", len(BLENDSHAPES), 1.0, least=0.0)
    try:
        vector = coefficients(**given)
    except KeyError as err:
        name = str(err.args[0]).removesuffix("Left")
        near = difflib.get_close_matches(name, BLENDSHAPES, 1, 0.6)
        hint = f"did you mean {near[0]}?" if near else "docs/python.md names ARKit's"
        raise UsageError(f"coefficient {name!r} is not known: {hint}") from err
    except (TypeError, ValueError) as err:
        raise UsageError("coefficients are no numbers: give each 0 to 1") from err
    return _numbers(vector, "coefficients", len(BLENDSHAPES), 1.0, least=0.0)


def _numbers(given: Sequence[float] | NDArray[Any], what: str, count: int, most: float,
             least: float | None = None) -> NDArray[np.float32]:  # fmt: skip
    """float32 (count,). Raises UsageError where they are not so many, or not in [least, most] (None: -most)."""
    least = -most if least is None else least
    try:
        numbers = np.array(given, np.float32)
    except (TypeError, ValueError) as err:
        raise UsageError(f"{what} are no numbers: give {count}, each {least:g} to {most:g}") from err
    if numbers.shape != (count,) or not ((least <= numbers) & (numbers <= most)).all():
        raise UsageError(f"{what} make no sense: give {count} numbers, each {least:g} to {most:g}")
    return numbers
