"""Speech to motion by signal analysis alone: no weights, any language, any voice, a tenth of a second of lookahead.

Four band levels, each against what is loud for this voice, place a sound on the vowel plane (first formant: jaw, second
formant: spread or round lips), tell hiss (teeth close, lips part) and the murmur or gap of a closed mouth (m, b, p).
The weights were chosen against lip contours of people speaking; they are few and mean something each.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import Samples
from txt2vid.core.motion import Motion, coefficients
from txt2vid.drivers.base import Driver
from txt2vid.drivers.features import F1, F2, HIGH, HOP_RATE, LOW, SILENCE_DB, Bands, Levels, Voice

REACH = 5  # hops to either side over which lips move from one sound to the next: coarticulation
CLOSURE_REACH = 2  # hops: lips meet and part faster than a jaw swings
LEAD = 0.025  # seconds that lips are ahead of what they say, as people's are
RELEASE = 0.1  # a hop: a mouth takes a tenth of a second to shut after the last sound
FAINTEST_DB = -30.0  # below a voice's loud parts, where a band says nothing more

OPEN_F1, OPEN_F2, OPEN_LOW = 0.35, 0.55, -0.65  # how a band that is 1 dB louder opens the mouth
OPEN_FROM_DB, OPEN_RANGE_DB = -32.0, 37.0  # a jaw has no threshold: close and soft vowels open it a little
FORMANT_DB = 8.0  # above the faintest: so strong must a formant be before its sound opens the mouth as others do
MURMUR_F1_DB, MURMUR_F2_DB = -14.0, -25.0  # the formants of m are weaker than those of [u] and schwa
JAW = 0.46  # jawOpen of the widest vowel

OPENING, HISS, ROUND, SPREAD = range(4)
Shape = NDArray[np.float64]


def _ramp(x: Levels, start: float, width: float) -> Shape:
    """0 up to `start`, 1 from `start + width` on."""
    ramp: Shape = np.clip((x - start) / width, 0, 1)
    return ramp


def _kernel(reach: int) -> Shape:
    bell = np.hanning(2 * reach + 3)[1:-1]
    kernel: Shape = bell / bell.sum()
    return kernel


def _shapes(level: Levels) -> Shape:
    """Opening, hiss, rounding and spread, each in [0, 1], (hops, 4), of band levels against what is loud."""
    low, f1, f2, high = level[:, LOW], level[:, F1], level[:, F2], level[:, HIGH]
    tilt = _ramp(OPEN_F1 * f1 + OPEN_F2 * f2 + OPEN_LOW * low, OPEN_FROM_DB, OPEN_RANGE_DB)
    opening = tilt**2 * _ramp(np.maximum(f1, f2), FAINTEST_DB, FORMANT_DB)
    hiss = _ramp(high - np.maximum(low, f1), 8, 12)
    rounding = np.maximum(_ramp(np.maximum(low, f1) - f2, 8, 14) * (1 - hiss), hiss * _ramp(f2 - high, -10, 8))
    spread = _ramp(f2 - np.maximum(f1, low - 4), 2, 10) * (1 - hiss)
    return np.stack((opening, hiss, rounding, spread), axis=1)


class SpeechDriver(Driver):
    """Moves the mouth by sound alone. Level, microphone and language do not matter; steady noise leaves it shut."""

    lookahead: ClassVar[int] = 1600  # 100 ms

    def __init__(self) -> None:
        self._bands = Bands()
        self._voice = Voice()
        span = 2 * REACH + 1
        self._levels = deque([np.full(4, SILENCE_DB)] * span, maxlen=span)
        self._speech = deque([0.0] * span, maxlen=span)
        self._moves: deque[tuple[Shape, float]] = deque()
        self._first = -REACH  # the hop of the first of them
        self._kernel, self._closure_kernel = _kernel(REACH), _kernel(CLOSURE_REACH)

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:
        """The mouth at the middle of `frame`; see `Driver.drive`."""
        for levels, voiced in zip(*self._bands.push(speech), strict=True):
            self._hear(levels, bool(voiced))
        at = (float(frame.time + frame.duration / 2) + LEAD) * HOP_RATE
        while len(self._moves) > 2 and self._first + 1 <= at:
            self._moves.popleft()
            self._first += 1
        if len(self._moves) < 2:
            return Motion()
        share = min(1.0, max(0.0, at - self._first))
        (shape, closed), (next_shape, next_closed) = self._moves[0], self._moves[1]
        return _motion((1 - share) * shape + share * next_shape, (1 - share) * closed + share * next_closed)

    def _hear(self, levels: Levels, voiced: bool) -> None:
        """Takes one hop; decides what the mouth does REACH hops earlier."""
        speech = max(self._voice.push(levels, voiced), self._speech[-1] - RELEASE)
        self._levels.append(self._voice.clean(levels))
        self._speech.append(speech if speech > 1e-6 else 0.0)
        weights = np.array(self._speech)
        if not weights.any():
            self._moves.append((np.zeros(4), 0.0))
            return
        level = np.clip(np.array(self._levels) - self._voice.loud, FAINTEST_DB, 0)
        shape = (self._kernel * weights) @ _shapes(level)
        near = slice(REACH - CLOSURE_REACH, REACH + CLOSURE_REACH + 1)
        self._moves.append((shape, float(self._closure_kernel @ _closure(level)[near])))


def _closure(level: Levels) -> Shape:
    """How surely the lips are closed, (hops,): murmur without formants, or a short gap that no hiss follows."""
    low, f1, f2, high = level[:, LOW], level[:, F1], level[:, F2], level[:, HIGH]
    formants = np.maximum(f1, f2)
    faint = _ramp(MURMUR_F1_DB - f1, 0, 6) * _ramp(MURMUR_F2_DB - f2, 0, 5)
    murmur = faint * _ramp(low - formants, 2, 6) * _ramp(-high, 8, 8)
    before = np.maximum.accumulate(formants)
    after = np.maximum.accumulate(formants[::-1])[::-1]
    gap = _ramp(np.minimum(before, after) - formants, 7, 6) * _ramp(-high, 5, 6)
    burst = np.maximum.accumulate(_ramp(high - np.maximum(low, formants), 4, 8)[::-1])[::-1]
    return np.maximum(murmur, gap * (1 - burst))


def _motion(shape: Shape, closed: float) -> Motion:
    """Opening, hiss, rounding, spread and closure as ARKit's coefficients."""
    opening, hiss, rounding, spread = (float(value) for value in shape)
    jaw = JAW * opening * (1 - 0.7 * hiss) * (1 - 0.25 * rounding)
    apart = opening * (1 - closed)
    return Motion(
        coefficients(
            jawOpen=jaw,
            mouthClose=jaw * closed,
            mouthFunnel=0.45 * rounding * (1 - closed),
            mouthPucker=0.35 * rounding * (1 - 0.5 * opening),
            mouthStretch=0.25 * spread,
            mouthSmile=0.12 * spread,
            mouthUpperUp=(0.12 * apart + 0.15 * hiss) * (1 - closed),
            mouthLowerDown=(0.18 * apart + 0.25 * hiss) * (1 - closed),
            mouthRollLower=0.15 * closed * opening,
            mouthRollUpper=0.10 * closed * opening,
            mouthPress=0.15 * closed * opening,
        )
    )
