"""Motion that was recorded: a take of Live Link Face, or of `txt2vid mesh --motion`, played at any frame rate."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from txt2vid.core.clock import FrameTime
from txt2vid.core.livelink import Take
from txt2vid.core.media import Samples
from txt2vid.core.motion import Motion
from txt2vid.drivers.base import Driver
from txt2vid.drivers.hero import for_hero
from txt2vid.drivers.phonemes import smoothstep

FADE = 0.5  # seconds in which a face goes to rest when its recording is over


class RecordedDriver(Driver):
    """Plays a take from its first frame on, evenly between its frames; what is heard does not matter."""

    lookahead: ClassVar[int] = 0

    def __init__(self, take: Take) -> None:
        self._take = take

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:
        """The motion when `frame` begins; see `Driver.drive`. After the take's end it fades to rest."""
        del speech
        time = float(frame.time)
        motion = for_hero(self._take.at(time))
        over = time - self._take.duration
        if over <= 0:
            return motion
        left = np.float32(1 - smoothstep(min(1.0, over / FADE)))
        parts = {name: left * getattr(motion, name) for name in ("blendshapes", "rotation", "translation", "gaze")}
        return replace(motion, **parts)
