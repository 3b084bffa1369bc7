"""What every engine is: it prepares a face once, and draws frames of many sessions in one call.

An engine may need a network for a part of each frame. In a batch it runs the network itself; live, the network is in a
process of its own that all sessions of a machine ask (`pipeline/batching.py`), and the engine draws what it answers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import Pixels, Samples
from txt2vid.core.motion import Motion
from txt2vid.core.options import EngineOptions
from txt2vid.faces.face import Face


@dataclass(frozen=True, slots=True)
class Job:
    """One frame to draw.

    prepared: what `Engine.prepare` returned for the face.
    frame: which of the face's frames is under the motion (0 for a still picture).
    motion: what the face does.
    heard: what the engine's own `Hearing` made of the speech; None where motion alone moves the mouth.
    """

    prepared: Any
    frame: int
    motion: Motion
    heard: Any = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a network is asked for one frame.

    key: of the face's frame that it depends on; equal keys have equal crops. heard: what is said, as the network takes
    it. crop: the face as the network takes it, made where it does not know the key yet.
    """

    key: tuple[str, int]
    heard: NDArray[np.float32]
    crop: Callable[[], Pixels] = field(compare=False)


class Hearing(ABC):
    """What an engine itself hears of the speech, frame by frame; belongs to one time line, as drivers do."""

    lookahead: int = 0
    """Samples at SPEECH_RATE past the end of a frame that must be there before `hear` is called for it."""

    @abstractmethod
    def hear(self, frame: FrameTime, speech: Samples, audible: float = 1.0) -> Any:
        """What goes into `Job.heard` for the frame. Called and given samples as `Driver.drive` is.

        audible: 0 to 1, how much of the speech counts: what was cut off after it came must not move the lips.
        """


class Network(ABC):
    """The part of an engine that runs on a device, for all sessions at once. It keeps what it learnt of faces."""

    device: str
    """Where it runs and how, in words for people: "CPU, float32, 2 threads"."""
    most: int
    """The largest batch that is quicker for being one."""
    buckets: ClassVar[tuple[int, ...]] = (1, 2, 4, 8, 16, 32, 64, 128)
    """Sizes that batches are padded to, rising: a device runs what it has seen before."""

    @abstractmethod
    def knows(self, key: tuple[str, int]) -> bool:
        """Whether the crop of that key need not be given."""

    @abstractmethod
    def answer(self, questions: Sequence[tuple[tuple[str, int], Pixels | None, NDArray[np.float32]]]) -> list[Pixels]:
        """One answer for each question (key, crop or None where it is known, heard), in order.

        Raises EngineError where the device is lost; a batch that its memory cannot hold is halved.
        """

    @abstractmethod
    def speed(self) -> float:
        """Frames a second, measured now in a short warm-up, at the batch that a single session makes: 1."""


class Engine(ABC):
    """Turns faces and motion into frames. options: how, where there is a choice."""

    network: ClassVar[str | None] = None
    """The `Network` that it asks, as "module:Class"; None where it needs none."""

    def __init__(self, options: EngineOptions | None = None) -> None:
        self.options = options or EngineOptions()

    @property
    def batch(self) -> int:
        """How many jobs are best drawn in one call where all are known beforehand."""
        return 1

    @abstractmethod
    def prepare(self, face: Face) -> Any:
        """All that can be computed once for a face. Raises EngineError where the face cannot be moved."""

    @abstractmethod
    def render(self, jobs: Sequence[Job]) -> list[Pixels]:
        """Draws the frames, one for each job, in order: (height, width, 3) of the face's size, BGR, in new memory."""

    def render_i420(self, jobs: Sequence[Job]) -> list[Pixels]:
        """As `render`, but ready to be encoded: (height * 3 // 2, width), I420, BT.601 with limited range.

        The luma's rows come first, then both chroma planes of half the size. Faces of even sizes only.
        """
        from txt2vid.engines.i420 import to_i420  # OpenCV is heavy

        return [to_i420(pixels) for pixels in self.render(jobs)]

    def bundle(self, prepared: Any) -> bytes | None:
        """What a browser needs to draw the face itself from motion alone (docs/mesh-wire.md), of what `prepare` gave.

        None where it cannot: the engine moves no mesh, or the face is a video. May be called in any thread.
        """
        del prepared
        return None

    def hearing(self, fps: Fraction) -> Hearing | None:
        """Its ear for a time line; None where motion tells it enough."""
        del fps
        return None

    def question(self, job: Job) -> Question | None:
        """What its network must be asked for this frame; None where it can be drawn without."""
        del job
        return None

    def draw_i420(self, job: Job, answer: Pixels | None) -> Pixels:
        """As `render_i420` of one job whose question was answered elsewhere; None: it was not, motion must do."""
        del answer
        return self.render_i420([job])[0]
