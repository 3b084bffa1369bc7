"""Where an utterance begins and ends: voice activity with hysteresis, the same for all ears.

Pure but for the detector it is given: no clock, positions are counted in frames of 30 ms.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum

import numpy as np

from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.errors import DependencyError
from txt2vid.stt.base import pcm

FRAME = SPEECH_RATE * 30 // 1000  # samples; the detector takes 10, 20 or 30 ms
FRAMES_A_SECOND = SPEECH_RATE / FRAME
START_WINDOW, START_VOICED = 10, 7  # frames: 210 ms of voice within 300 ms begin an utterance
LEAD = 17  # frames that go before: the window, and 200 ms in which a soft consonant may lie
END_WINDOW, END_VOICED = 17, 1  # frames: 510 ms with next to no voice end it
SOFT, HARD = 400, 500  # frames: from 12 s on a quiet spot is looked for, at 15 s any will do
SOFT_MARGIN = 15.0  # dB below the utterance's mean, at first, that such a spot must be; none is left at HARD
WORD_VOICED = 10  # frames with voice that an utterance has at least: "no" has 13; a cough, a door, a key have less
FLOOR = -60.0  # dBFS: the noise of a quiet room; a microphone that seems to have less is digital silence
ABOVE_NOISE = 10.0  # dB that a voice must be louder than the noise
RISE_QUIET, RISE_VOICED = 3.0, 1.0  # dB a second by which the noise may seem to grow, without and with voice
_LOWEST = -90.0  # dBFS


class Mark(Enum):
    """BEGIN: an utterance; its sound follows. END: after a pause. CUT: after too long; the next begins at once.

    NOISE: it has ended, and was too short for a word.
    """

    BEGIN = "begin"
    END = "end"
    CUT = "cut"
    NOISE = "noise"


Event = Mark | Samples
Detector = Callable[[bytes], bool]


def detector(mode: int = 3) -> Detector:
    """WebRTC's voice activity detector for frames of FRAME 16-bit samples. mode: 0 to 3, hears ever less as voice.

    It comes with pocketsphinx, whose wheel is the embedded ear anyway. Raises DependencyError where that is missing.
    """
    try:
        from pocketsphinx import Vad
    except ImportError as err:
        raise DependencyError(f"ears need pocketsphinx ({err}): pip install 'txt2vid[stt]'") from err
    found: Detector = Vad(mode, SPEECH_RATE, FRAME / SPEECH_RATE).is_speech
    return found


class Endpointer:
    """A stream of sound into utterances. Holds LEAD frames and no more."""

    def __init__(self, is_speech: Detector) -> None:
        self._is_speech = is_speech
        self._held = np.zeros(0, np.float32)  # less than a frame
        self._lead: deque[Samples] = deque(maxlen=LEAD)
        self._recent: deque[bool] = deque(maxlen=END_WINDOW)
        self._noise = FLOOR
        self._frames = 0  # of the utterance; 0 outside of one
        self._voices = 0  # of those, with voice
        self._sum = 0.0  # of their levels

    def push(self, samples: Samples) -> Iterator[Event]:
        """What (n,) samples at 16 kHz bring about: marks, and the sound of utterances."""
        sound = np.concatenate([self._held, samples])
        whole = len(sound) // FRAME * FRAME
        self._held = sound[whole:]
        for frame in sound[:whole].reshape(-1, FRAME):
            yield from self._frame(frame)

    def finish(self) -> Iterator[Event]:
        """The stream has ended."""
        if self._frames:
            if len(self._held):
                yield self._held
            yield self._end()
        self._held = np.zeros(0, np.float32)
        self._reset()

    def _frame(self, frame: Samples) -> Iterator[Event]:
        level = _level(frame)
        voiced = self._voiced(frame, level)
        self._recent.append(voiced)
        if not self._frames:
            self._lead.append(frame)
            if sum(list(self._recent)[-START_WINDOW:]) >= START_VOICED:
                yield Mark.BEGIN
                yield np.concatenate(list(self._lead))
                self._frames, self._voices = len(self._lead), START_VOICED
                self._sum = level * len(self._lead)
            return
        yield frame
        self._frames += 1
        self._voices += voiced
        self._sum += level
        if len(self._recent) == END_WINDOW and sum(self._recent) <= END_VOICED:
            yield self._end()
            self._reset()
        elif self._is_spot(level):
            yield Mark.CUT
            yield Mark.BEGIN
            self._frames, self._voices, self._sum = 1, 0, level

    def _end(self) -> Mark:
        return Mark.END if self._voices >= WORD_VOICED else Mark.NOISE

    def _is_spot(self, level: float) -> bool:
        """Whether an utterance that is too long may be cut here: the longer, the less quiet it need be."""
        left = (HARD - self._frames) / (HARD - SOFT)
        return left <= 0 or (left <= 1 and level <= self._sum / self._frames - SOFT_MARGIN * left)

    def _voiced(self, frame: Samples, level: float) -> bool:
        heard = self._is_speech(pcm(frame))
        self._noise = min(level, self._noise + (RISE_VOICED if heard else RISE_QUIET) / FRAMES_A_SECOND)
        self._noise = max(self._noise, FLOOR)
        return heard and level > self._noise + ABOVE_NOISE

    def _reset(self) -> None:
        self._frames, self._voices, self._sum = 0, 0, 0.0
        self._lead.clear()
        self._recent.clear()


def _level(frame: Samples) -> float:
    """In dBFS, of a full sine's power as 0 less 3."""
    power = float(np.mean(np.square(frame, dtype=np.float64)))
    return 10 * math.log10(power) if power > 1e-9 else _LOWEST
