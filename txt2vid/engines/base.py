"""What every engine is: it prepares a face once, and draws frames of many sessions in one call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from txt2vid.core.media import Pixels
from txt2vid.core.motion import Motion
from txt2vid.faces.face import Face


@dataclass(frozen=True, slots=True)
class Job:
    """One frame to draw.

    prepared: what `Engine.prepare` returned for the face.
    frame: which of the face's frames is under the motion (0 for a still picture).
    motion: what the face does.
    """

    prepared: Any
    frame: int
    motion: Motion


class Engine(ABC):
    """Turns faces and motion into frames."""

    lookahead: ClassVar[int] = 0
    """Samples at SPEECH_RATE past the end of a frame that the engine itself needs (mel windows)."""

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
