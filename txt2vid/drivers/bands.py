"""Speech to motion by signal analysis alone: no weights, any language, any voice, a tenth of a second of lookahead.

Four band levels, each against what is loud for this voice, place a sound on the vowel plane (first formant: jaw, second
formant: spread or round lips), tell hiss (teeth close, lips part) and the murmur or gap of a closed mouth (m, b, p).
The weights were chosen against lip contours of people speaking; they are few and mean something each.
"""

from __future__ import annotations

import math
from collections import deque
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import Samples
from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion
from txt2vid.drivers.base import Driver
from txt2vid.drivers.features import HOP_RATE, SILENT, Ear, Hop, Levels

REACH = 6  # hops to either side over which a mouth shows the mean of what is said: coarticulation
EDGE = 3  # hops at its ends in which that mean fades; a bell as wide needs sound that is not there yet
GAP_REACH = 5  # hops to either side in which a gap has its sounds: were it more, pauses would be gaps
CLOSURE_REACH = 2  # hops: lips meet and part faster than a jaw swings
SHUT = 1.1  # of a closure's mean over CLOSURE_REACH: one that is shorter than that shuts the lips, too
LEAD = 0.02  # seconds that lips are ahead of what they say, as people's are
RELEASE = 0.1  # a hop: a mouth takes a tenth of a second to shut after the last sound
FAINTEST_DB = -30.0  # below a voice's loud parts, where a band says nothing more

OPEN_F1, OPEN_F2, OPEN_LOW = 0.35, 0.55, -0.65  # how a band that is 1 dB louder opens the mouth
OPEN_FROM_DB, OPEN_RANGE_DB = -32.0, 37.0  # a jaw has no threshold: close and soft vowels open it a little
FORMANT_DB = 8.0  # above the faintest: so strong must a formant be before its sound opens the mouth as others do
MURMUR_F1_DB, MURMUR_F2_DB = -14.0, -25.0  # the formants of m are weaker than those of [u] and schwa
JAW = 0.47  # jawOpen of the widest vowel

# The ramps that sounds are judged by: 0 up to a start, 1 a width later, both in dB.
_RAMPS = np.array(
    [
        (OPEN_FROM_DB, OPEN_RANGE_DB),  # the balance of the formants against the murmur: how far a jaw is open
        (FAINTEST_DB, FORMANT_DB),  # a formant
        (8, 12),  # hiss over everything voiced
        (8, 14),  # the second formant is gone: rounding
        (-10, 8),  # a dark hiss (sh): rounding
        (2, 10),  # the second formant over all else: spread
        (0, 6), (0, 5), (2, 6), (8, 8),  # of a murmur: both formants faint, low sound over them, no hiss
        (7, 6), (5, 6),  # of a gap: the formants' dip, no hiss
        (4, 8),  # a burst
    ]
)  # fmt: skip
_STARTS, _SLOPES = _RAMPS[:, 0, None, None], 1 / _RAMPS[:, 1, None, None]

Shape = NDArray[np.float64]


def _normalized(weights: Shape) -> Shape:
    kernel: Shape = weights / weights.sum()
    return kernel


_PLACES = np.arange(1, 2 * REACH + 2)
_KERNEL = _normalized(np.clip(np.minimum(_PLACES, _PLACES[::-1]) / EDGE, 0, 1))
_CLOSURE_KERNEL = _normalized(np.hanning(2 * CLOSURE_REACH + 3)[1:-1])
_GAP = slice(REACH - GAP_REACH, REACH + GAP_REACH + 1)
_NEAR = slice(REACH - CLOSURE_REACH, REACH + CLOSURE_REACH + 1)


def _shapes(level: Levels) -> tuple[Shape, Shape]:
    """What the mouth shows at band levels (bands, n, hops) against what is loud.

    Opening, hiss, rounding and spread, (4, n, hops), and how surely the lips are closed, (n, hops): by a murmur without
    formants, or in a short gap that no hiss follows. All in [0, 1].
    """
    low, f1, f2, high = level
    voiced, formants = np.maximum(low, f1), np.maximum(f1, f2)
    ramps = np.empty((len(_RAMPS), *low.shape))
    ramps[0] = OPEN_F1 * f1 + OPEN_F2 * f2 + OPEN_LOW * low
    ramps[1] = formants
    ramps[2] = high - voiced
    ramps[3] = voiced - f2
    ramps[4] = f2 - high
    ramps[5] = f2 - np.maximum(f1, low - 4)
    ramps[6], ramps[7] = MURMUR_F1_DB - f1, MURMUR_F2_DB - f2
    ramps[8] = low - formants
    ramps[9] = ramps[11] = -high
    before = np.maximum.accumulate(formants[..., _GAP], axis=-1)
    after = np.maximum.accumulate(formants[..., _GAP][..., ::-1], axis=-1)[..., ::-1]
    ramps[10] = 0
    ramps[10, ..., _GAP] = np.minimum(before, after) - formants[..., _GAP]
    ramps[12] = high - np.maximum(low, formants)
    ramps -= _STARTS
    ramps *= _SLOPES
    tilt, formant, hiss, dull, dark, spread, *closing = np.minimum(np.maximum(ramps, 0, out=ramps), 1, out=ramps)
    faint_f1, faint_f2, deep, no_hiss, gap, no_hiss_near, burst = closing
    clear = 1 - hiss
    shapes = np.stack((tilt * tilt * formant, hiss, np.maximum(dull * clear, hiss * dark), spread * clear))
    burst[..., _GAP.stop :] = 0
    follows = np.maximum.accumulate(burst[..., ::-1], axis=-1)[..., ::-1]
    return shapes, np.maximum(faint_f1 * faint_f2 * deep * no_hiss, gap * no_hiss_near * (1 - follows))


def held(speech: float, before: float) -> float:
    """How surely somebody speaks in a hop, as a mouth takes it: falling by RELEASE at most, to exactly 0."""
    falling = max(speech, before - RELEASE)
    return falling if falling > 1e-6 else 0.0


class BandDriver(Driver):
    """Moves the mouth by sound alone, without weights.

    Level, microphone and language do not matter; steady noise leaves it shut.
    """

    lookahead: ClassVar[int] = 1600  # 100 ms

    def __init__(self, ear: Ear | None = None) -> None:
        """ear: shared with the other drivers of the time line, who so hear the sound once; None is one of its own."""
        self.ear = ear or Ear()  # for others of the time line
        self._given = 0  # samples
        self._hops: deque[Hop] = deque([SILENT] * (2 * REACH))
        self._speech: deque[float] = deque([0.0] * (2 * REACH))  # of each of them, falling by RELEASE at most
        self._first = -2 * REACH  # the number of the first of them

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:
        """The mouth at the middle of `frame`; see `Driver.drive`."""
        for hop in self.ear.hear(self._given, speech):
            self._hops.append(hop)
            self._speech.append(held(hop.speech, self._speech[-1]))
        self._given += len(speech)
        at = (float(frame.time + frame.duration / 2) + LEAD) * HOP_RATE
        last = self._first + len(self._hops) - 1 - REACH  # the last hop whose neighbours are known
        if last <= -REACH:
            return Motion()
        hop_before = max(-REACH, min(math.floor(at), last - 1))
        while self._first < hop_before - REACH:
            self._hops.popleft()
            self._speech.popleft()
            self._first += 1
        share = min(1.0, max(0.0, at - hop_before))
        return self._between(share)

    def _between(self, share: float) -> Motion:
        """The mouth between the first two hops whose neighbours are all known."""
        span = 2 * REACH + 1
        spoken = np.array([self._speech[i] for i in range(span + 1)])
        if not spoken.any():
            return Motion()
        speech = np.stack((spoken[:-1], spoken[1:]))
        cleaned = np.array([self._hops[i].cleaned for i in range(span + 1)]).T
        loud = np.array([self._hops[span - 1].loud, self._hops[span].loud]).T
        level = np.stack((cleaned[:, :-1], cleaned[:, 1:]), axis=1) - loud[..., None]
        np.minimum(np.maximum(level, FAINTEST_DB, out=level), 0, out=level)
        shapes, closures = _shapes(level)
        mix = np.array((1 - share, share))
        heard = speech.any(axis=1)
        shape = (shapes * (_KERNEL * speech)).sum(axis=-1) @ mix
        closed = float((closures[:, _NEAR] @ _CLOSURE_KERNEL * heard) @ mix)
        return _motion(shape, min(1.0, SHUT * closed))


_MOVED = np.array(
    [
        INDEX[name]
        for name in (
            "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretchLeft", "mouthStretchRight",
            "mouthSmileLeft", "mouthSmileRight", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft",
            "mouthLowerDownRight", "mouthRollLower", "mouthRollUpper", "mouthPressLeft", "mouthPressRight",
        )
    ]
)  # fmt: skip


def _motion(shape: Shape, closed: float) -> Motion:
    """Opening, hiss, rounding, spread and closure as ARKit's coefficients."""
    opening, hiss, rounding, spread = shape.tolist()
    jaw = JAW * opening * (1 - 0.7 * hiss) * (1 - 0.25 * rounding)
    apart = opening * (1 - closed)
    stretch, smile = 0.25 * spread, 0.12 * spread
    upper, lower = (0.12 * apart + 0.15 * hiss) * (1 - closed), (0.18 * apart + 0.25 * hiss) * (1 - closed)
    funnel, pucker = 0.45 * rounding * (1 - closed), 0.35 * rounding * (1 - 0.5 * opening)
    pressed = closed * opening
    vector = np.zeros(len(BLENDSHAPES), np.float32)
    vector[_MOVED] = (
        jaw, jaw * closed, funnel, pucker, stretch, stretch, smile, smile, upper, upper, lower, lower,
        0.15 * pressed, 0.10 * pressed, 0.15 * pressed, 0.15 * pressed,
    )  # fmt: skip
    return Motion(vector)
