"""What the Wav2Lip engine hears: the mel window of each frame, and whether anybody speaks."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.engines.base import Hearing
from wav2lip import mel

LOUDEST_BANDS = 12  # of the 80: a vowel fills more, hiss and hum fewer
QUIETEST = -2.6  # of the mel's [-4, 4], that is -62 dB a band: below it nobody speaks, however quiet the recording
ABOVE_NOISE = 0.3  # of the way from noise to the voice's loud parts: from here on it is speech
LEAST_RANGE = 1.2  # 15 dB: what a voice is above noise at least
NOISE_SECONDS, NOISE_BLOCKS = (
    3.0,
    6,
)  # a sound that lasts as long without a dip is noise (minimum statistics, Martin 2001)
FORGOTTEN = 0.2  # of the range a second: so fast does a loud voice's level fade
BEFORE, AFTER = 4, 5  # mel frames (12.5 ms) around a frame's middle in which a sound opens the lips
OPENING, SHUTTING = 0.08, 0.10  # seconds from shut to as the network draws, and back


@dataclass(frozen=True, slots=True)
class Heard:
    """For one frame. window: (1, MELS, WINDOW). voice: 0 in silence, 1 while somebody speaks, soft in between."""

    window: NDArray[np.float32]
    voice: float


class MelHearing(Hearing):
    """Windows of a stream's mel frames. as_published: of `wav2lip.mel.first_frame`. What is no number is silence."""

    def __init__(self, fps: Fraction, *, as_published: bool = False) -> None:
        self._as_published = as_published
        reach = (mel.WINDOW - 1) * mel.HOP + mel.FFT // 2  # of a window from its first frame's middle on
        earlier = 0 if as_published else Fraction(SPEECH_RATE, mel.TRAINED_FPS)
        self.lookahead = max(0, -int((earlier + SPEECH_RATE / fps - reach).__floor__()))
        self._stream = mel.MelStream()
        self._rows = np.zeros((0, mel.MELS), np.float32)
        self._first = 0  # the mel frame that is _rows[0]
        self._voice = Presence()
        self._shown = 0.0

    def hear(self, frame: FrameTime, speech: Samples, audible: float = 1.0) -> Heard:
        """The window of the frame, and how far the lips follow it."""
        if not np.abs(speech).max(initial=0) <= 1:  # nor are NaNs
            speech = np.clip(np.nan_to_num(speech, posinf=0, neginf=0), -1, 1)
        fresh = self._stream.push(np.asarray(speech, np.float32))
        self._voice.hear(fresh)
        self._rows = np.concatenate([self._rows, fresh])
        start = mel.first_frame(frame.index, frame.fps, as_published=self._as_published)
        if start > self._first:
            self._rows = self._rows[start - self._first :]
            self._first = start
        window = mel.window(self._rows, min(start - self._first, 0))
        return Heard(window, self._follow(frame) * audible)

    def _follow(self, frame: FrameTime) -> float:
        middle = int((frame.time + frame.duration / 2) * mel.FRAMES)
        wanted = float(self._voice.between(middle - BEFORE, middle + AFTER))
        step = float(frame.duration) / (OPENING if wanted > self._shown else SHUTTING)
        self._shown += float(np.clip(wanted - self._shown, -step, step))
        return self._shown


class Presence:
    """Tells mel frames in which somebody speaks from silence and steady noise."""

    def __init__(self) -> None:
        self._speaks: deque[bool] = deque(maxlen=int(2 * mel.FRAMES))
        self._end = 0  # mel frames heard
        self._block = int(NOISE_SECONDS / NOISE_BLOCKS * mel.FRAMES)
        self._lows: deque[float] = deque([-mel.RANGE], maxlen=NOISE_BLOCKS)
        self._low, self._loud = mel.RANGE, QUIETEST + LEAST_RANGE

    def hear(self, rows: mel.Mel) -> None:
        """The next mel frames."""
        loudest = np.partition(rows, mel.MELS - LOUDEST_BANDS, axis=1)[:, -LOUDEST_BANDS:]
        for level in loudest.mean(axis=1).tolist():
            self._low = min(self._low, level)
            self._end += 1
            if self._end % self._block == 0:
                self._lows.append(self._low)
                self._low = mel.RANGE
            noise = min(self._lows)
            self._loud = max(
                level, self._loud - FORGOTTEN * (self._loud - noise) / float(mel.FRAMES), noise + LEAST_RANGE
            )
            self._speaks.append(level > max(QUIETEST, noise + ABOVE_NOISE * (self._loud - noise)))

    def between(self, first: int, last: int) -> bool:
        """Whether somebody speaks in any of the mel frames [first, last]."""
        begin = self._end - len(self._speaks)
        return any(self._speaks[i - begin] for i in range(max(first, begin), min(last + 1, self._end)))
