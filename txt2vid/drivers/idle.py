"""What a living face does while it does nothing: blinks, breath, small head and eye movement; and nods while it speaks.

All of it is a function of the seed and of exact time, so that every frame rate shows the same motion.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from typing import ClassVar, NamedTuple

import numpy as np

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import Samples
from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion
from txt2vid.drivers.base import Driver
from txt2vid.drivers.features import F1, HOP_RATE, LOW, Ear, Hop

SETTLE = 2.0  # seconds from the picture's own pose to full life
YAW, PITCH, ROLL = (math.radians(degrees) for degrees in (2.6, 1.4, 1.0))  # as far as an idle head goes
SWAY = 0.006  # face widths that it shifts
OCTAVES = ((5.3, 0.62), (2.1, 0.27), (0.87, 0.11))  # seconds, share: slow moves are large, as in 1/f noise

BREATH_RATE = 0.25  # Hz
BREATH_SHIFT, BREATH_PITCH = 0.004, math.radians(0.35)  # face widths, radians

# Log-normal with a mean of 3.8: 17 a minute with the double ones, as at rest (Bentivoglio et al. 1997).
BLINK_EVERY, BLINK_SPREAD = 3.3, 0.55  # seconds; of its logarithm
BLINK_SOONEST, BLINK_LATEST = 0.8, 12.0  # seconds
BLINK_CLOSING, BLINK_SHUT, BLINK_OPENING = 0.08, 0.03, 0.15  # seconds
DOUBLE_BLINKS, DOUBLE_AFTER = 0.12, 0.36  # how many are followed by another, and after how many seconds
PHRASE_HOPS, PAUSE_HOPS = 80, 15  # of speech before, and of silence: a pause in which people blink
PAUSE_BLINKS = 0.6  # how many pauses have one: listeners and speakers blink there (Nakano and Kitazawa 2010)

FIXATION = (0.5, 2.5)  # seconds
AT_VIEWER = 0.55  # of the fixations
GLANCE = 0.07  # of Motion.gaze: 2.5 degrees
EYE_RANGE = math.radians(35)  # gaze of 1

ACCENT_DB = 4.0  # a syllable so far above the phrase is stressed
ACCENT_REST = 0.6  # seconds between accents
ACCENT_LEAD, ACCENT_RISE, ACCENT_FALL = 0.03, 0.2, 0.4  # seconds
NOD, BROW = math.radians(1.6), 0.18

_MASK = (1 << 64) - 1
_LIDS_AND_BROWS = np.array(
    [
        INDEX[name]
        for name in (
            "eyeBlinkLeft", "eyeBlinkRight", "eyeWideLeft", "eyeWideRight", "browInnerUp", "browOuterUpLeft",
            "browOuterUpRight",
        )
    ]
)  # fmt: skip


def _random(seed: int, stream: int, index: int) -> float:
    """A number in [-1, 1) that belongs to (seed, stream, index) alone: splitmix64 (Steele et al. 2014)."""
    z = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03 + index * 0x8CB92BA72F3D8DD7) & _MASK
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = ((z ^ (z >> shift)) * factor) & _MASK
    return float((z ^ (z >> 31)) >> 11) / float(1 << 52) - 1


def _ease(x: float) -> float:
    """0 to 1 with no speed and no acceleration at either end."""
    x = min(1.0, max(0.0, x))
    return x * x * x * (x * (6 * x - 15) + 10)


class _Event(NamedTuple):
    """A blink, a fixation or an accent: when, how much, and where to."""

    start: float
    strength: float = 1.0
    x: float = 0.0
    y: float = 0.0


class _Timeline:
    """Events in order, drawn as time comes to them; what is long past is forgotten."""

    def __init__(self, first: _Event) -> None:
        self._events = deque([first])

    @property
    def last(self) -> _Event:
        return self._events[-1]

    def add(self, event: _Event) -> None:
        self._events.append(event)

    def advance(self, to: float, rest: float) -> None:
        """Has the last event, if it is yet to come, at `to`, unless there was one less than `rest` seconds before."""
        before = self._events[-2].start if len(self._events) > 1 else -math.inf
        if self._events[-1].start > to >= before + rest:
            self._events[-1] = self._events[-1]._replace(start=to)

    def until(self, time: float) -> list[_Event]:
        """The events that have begun at `time`, the latest two or three of them."""
        begun = bisect_right(self._events, time, key=lambda event: event.start)
        while begun > 3:
            self._events.popleft()
            begun -= 1
        return list(self._events)[:begun]


class _Noise:
    """Smooth, aperiodic, in [-1, 1]: random values at the points of three lattices, eased in between."""

    def __init__(self, seed: int, stream: int) -> None:
        self._seed, self._first = seed, stream * len(OCTAVES)
        self._cells = [(-1, 0.0, 0.0)] * len(OCTAVES)  # each lattice's last point, and the values there and after it

    def at(self, time: float) -> float:
        total = 0.0
        for octave, (period, share) in enumerate(OCTAVES):
            place = time / period
            point = math.floor(place)
            known, before, after = self._cells[octave]
            if known != point:
                before, after = (_random(self._seed, self._first + octave, point + step) for step in (0, 1))
                self._cells[octave] = (point, before, after)
            total += share * (before + (after - before) * _ease(place - point))
        return total


class IdleDriver(Driver):
    """Life of its own for a face; add its motion to that of the mouth.

    seed: the same seed gives the same life.
    amount: 0 is a statue, 1 a calm person, 2 a lively one; blinks do not depend on it, except that a statue has none.
    """

    lookahead: ClassVar[int] = 1600  # 100 ms: a nod begins with its syllable, not after it

    def __init__(self, seed: int = 0, amount: float = 1.0, ear: Ear | None = None) -> None:
        """ear: shared with the other drivers of the time line, who so hear the sound once; None is one of its own."""
        self._amount, self._seed, self._pauses = min(2.0, max(0.0, amount)), seed, 0
        self._draw = np.random.default_rng([seed & _MASK, 1])
        self._glance = np.random.default_rng([seed & _MASK, 2])
        self._blinks = _Timeline(_Event(1 + 2.5 * float(self._draw.random())))
        self._fixations = _Timeline(_Event(-1.0))
        self._fixation_end = 1 + float(self._glance.random())
        self._noises = [_Noise(seed, stream) for stream in range(6)]
        self._breathing = _Noise(seed, 6)
        self._breathing_from = self._breathing.at(0)
        self._prosody = _Prosody(ear or Ear())

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:
        """The life of the face at the start of `frame`; see `Driver.drive`."""
        for pause in self._prosody.push(speech):
            self._pauses += 1
            if _random(self._seed, 7, self._pauses) < 2 * PAUSE_BLINKS - 1:
                self._blinks.advance(pause, BLINK_SOONEST)
        time = float(frame.time)
        amount = self._amount * _ease(time / SETTLE)
        accent = self._prosody.at(time) * self._amount
        breath = self._breath(time) * amount
        noise = [each.at(time) * amount for each in self._noises]
        rotation = np.array(
            [PITCH * noise[0] + BREATH_PITCH * breath + NOD * accent, YAW * noise[1], ROLL * noise[2]], np.float32
        )
        shift = np.array([SWAY * noise[3], SWAY * noise[4] / 2 - BREATH_SHIFT * breath, 0], np.float32)
        gaze = self._gaze(time, rotation)
        brow = 0.05 * max(0.0, noise[5]) + BROW * accent
        return Motion(self._lids(time, float(gaze[1]), brow), rotation, shift, gaze)

    def _breath(self, time: float) -> float:
        """0 breathed out, 1 breathed in; no two breaths take equally long."""
        cycles = BREATH_RATE * time + 0.3 * (self._breathing.at(time / 3) - self._breathing_from)
        return (1 - math.cos(2 * math.pi * cycles)) / 2

    def _gaze(self, time: float, rotation: Samples) -> Samples:
        """Where the eyes look: at the viewer mostly; against the head's turn, so that they stay there."""
        while self._fixation_end <= time:
            away = self._amount * GLANCE * (self._glance.random() > AT_VIEWER)
            x, y = away * self._glance.standard_normal(2).clip(-2.5, 2.5)
            self._fixations.add(_Event(self._fixation_end, x=float(x), y=0.6 * float(y)))
            self._fixation_end += float(self._glance.uniform(*FIXATION))
        x, y = 0.0, 0.0
        for fixation in self._fixations.until(time):
            jump = math.hypot(fixation.x - x, fixation.y - y)
            moved = _ease((time - fixation.start) / min(0.06, 0.03 + 0.15 * jump))
            x, y = x + (fixation.x - x) * moved, y + (fixation.y - y) * moved
        pitch, yaw, _ = rotation.tolist()
        steady = (min(1.0, max(-1.0, to)) for to in (x - yaw / EYE_RANGE, y - pitch / EYE_RANGE))
        return np.array([*steady], np.float32)

    def _lids(self, time: float, down: float, brow: float) -> Samples:
        """Blinks, lids that follow the eyes up and down, and the brows."""
        while self._amount and self._blinks.last.start <= time:
            self._blinks.add(self._next_blink(self._blinks.last))
        left = right = 0.0
        for blink in self._blinks.until(time) if self._amount else ():
            since, lag = time - blink.start, 0.004 * blink.x
            left = max(left, blink.strength * _blink(since - lag))
            right = max(right, blink.strength * _blink(since + lag))
        resting, wide = 0.4 * max(0.0, down), 0.3 * max(0.0, -down) * (1 - max(left, right))
        vector = np.zeros(len(BLENDSHAPES), np.float32)
        vector[_LIDS_AND_BROWS] = (
            min(1.0, left + resting), min(1.0, right + resting), wide, wide, brow, 0.7 * brow, 0.7 * brow,
        )  # fmt: skip
        return vector

    def _next_blink(self, last: _Event) -> _Event:
        pause = BLINK_EVERY * math.exp(BLINK_SPREAD * float(self._draw.standard_normal()))
        pause = min(BLINK_LATEST, max(BLINK_SOONEST, pause))
        if self._draw.random() < DOUBLE_BLINKS and last.y == 0:
            return _Event(last.start + DOUBLE_AFTER, 0.85, float(self._draw.uniform(-1, 1)), 1.0)
        return _Event(last.start + pause, float(self._draw.uniform(0.92, 1)), float(self._draw.uniform(-1, 1)))


def _blink(time: float) -> float:
    """How far the lids are shut, so many seconds after they began to close."""
    if time < BLINK_CLOSING + BLINK_SHUT:
        return _ease(time / BLINK_CLOSING)
    return 1 - _ease((time - BLINK_CLOSING - BLINK_SHUT) / BLINK_OPENING)


class _Prosody:
    """Finds the stressed syllables of speech, each of which becomes an accent of nod and brow, and its pauses."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._given = 0  # samples
        self._accents = _Timeline(_Event(-ACCENT_REST, 0.0))
        self._hop = self._spoken = self._silent = 0
        self._loudness, self._before, self._phrase = -20.0, -20.0, -20.0  # dB against what is loud

    def push(self, speech: Samples) -> list[float]:
        """When the pauses are, in seconds, that are found in these samples."""
        pauses = []
        for hop in self._ear.hear(self._given, speech):
            if self._is_pause(hop):
                pauses.append(self._hop / HOP_RATE)
            self._hear(hop)
        self._given += len(speech)
        return pauses

    def _is_pause(self, hop: Hop) -> bool:
        """Whether a phrase has just been over for PAUSE_HOPS."""
        self._silent = 0 if hop.speech else self._silent + 1
        self._spoken += hop.speech > 0
        if self._silent < PAUSE_HOPS:
            return False
        long, self._spoken = self._spoken >= PHRASE_HOPS, 0
        return long

    def _hear(self, hop: Hop) -> None:
        spoken = hop.speech
        vowel = max(-20.0, *(hop.levels[band] - hop.loud[band] for band in (LOW, F1))) if spoken else -20.0
        loudness = self._loudness + 0.25 * (vowel - self._loudness)
        peak = self._before < self._loudness >= loudness
        self._before, self._loudness = self._loudness, loudness
        self._phrase += 0.01 * (loudness - self._phrase)
        time = self._hop / HOP_RATE
        self._hop += 1
        above = self._before - self._phrase
        if peak and spoken and above > ACCENT_DB and time - self._accents.last.start > ACCENT_REST:
            self._accents.add(_Event(time - ACCENT_LEAD, min(1.0, above / (3 * ACCENT_DB))))

    def at(self, time: float) -> float:
        """How strong the accent is, in [0, 1]."""
        total = 0.0
        for accent in self._accents.until(time):
            since = time - accent.start
            total += accent.strength * (_ease(since / ACCENT_RISE) - _ease((since - ACCENT_RISE) / ACCENT_FALL))
        return min(1.0, total)
