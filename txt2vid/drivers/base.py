"""What every driver is: one verb, called once a frame, in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import Samples
from txt2vid.core.motion import Motion


class Driver(ABC):
    """Turns speech into motion, frame by frame; the same object serves files and live sessions.

    A driver is stateful and belongs to one timeline. `lookahead` is the future sound that it needs before it can tell
    what the face does at a frame.
    """

    lookahead: ClassVar[int] = 0
    """Samples at SPEECH_RATE past the end of a frame that must be there before `drive` is called for it."""

    @abstractmethod
    def drive(self, frame: FrameTime, speech: Samples) -> Motion:
        """The motion of `frame`. Called once for every frame, in order from 0.

        speech: float32 (n,), SPEECH_RATE, mono: the samples that the driver has not been given yet, up to the end of
        the frame plus `lookahead`. The first call brings the lookahead along, the last ones bring zeros for what is
        beyond the end. Silence is zeros, never an empty array.
        """
