"""Named expressions to motion: moods come, are held and go, gestures pass, and both are laid over what a mouth says."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.expressions import NEUTRAL, OWN, Cue
from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion
from txt2vid.drivers.moods import GAZE, GESTURES, LENGTH, MOODS, NOTHING, OPACITY, POSE, SHAPES, Array, Gesture
from txt2vid.drivers.phonemes import PRESS, smoothstep

ONSET, OFFSET = 0.45, 0.7  # seconds in which a mood comes, and goes: faces fall slower than they rise
PEAK, SETTLE = 1.2, 1.8  # seconds that a mood is at its height, and in which it falls to what is held
LEAD = 0.12  # seconds before its word that an expression begins: faces are ahead of words
LIVES = 12  # moods of a track that are looked at, gestures at once: beyond, the oldest are forgotten
MAX_WAITING = 256  # cues that lie in the future; more are dropped
TALK_RISE, TALK_FALL = 0.08, 0.35  # seconds in which speech takes the jaw from an expression, and gives it back
TALKING = 0.12  # of the jaw, or of rounding: somebody speaks
KEPT_JAW, KEPT_LIPS = 0.25, 0.35  # of an expression's open jaw, and of its pursed lips, while somebody speaks
ROUNDING = 0.4  # of a smile that a wholly rounded mouth takes


def _indexes(*beginnings: str) -> NDArray[np.intp]:
    return np.array([i for i, name in enumerate(BLENDSHAPES) if name.startswith(beginnings)])


_JAW = INDEX["jawOpen"]
_PARTING = _indexes("jawOpen", "mouthFunnel", "mouthUpperUp", "mouthLowerDown", "tongueOut")
_PURSED = _indexes("mouthPucker", "mouthFunnel", "mouthPress", "mouthRoll", "mouthShrug")
_SMILE, _ROUND = _indexes("mouthSmile", "mouthDimple"), _indexes("mouthFunnel", "mouthPucker")
_SPOKEN = _indexes("jawOpen", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthUpperUp", "mouthLowerDown")


_ELSEWHERE = np.setdiff1d(np.arange(LENGTH), _indexes("mouth", "jaw"))


@dataclass(frozen=True, slots=True)
class _Turn:
    """From `start` on the face goes to this one. automatic: nobody asked for it; whatever is asked replaces it."""

    start: float
    face: Array
    sustain: float
    length: float
    automatic: bool = False

    def at(self, time: float) -> tuple[Array, float]:
        """What it goes to at a moment, and how far it is there."""
        settled = smoothstep((time - self.start - PEAK) / SETTLE)
        face = self.face * np.float32(1 - (1 - self.sustain) * settled)
        face[OPACITY] = self.face[OPACITY]
        return face, smoothstep((time - self.start) / self.length)


class _Track:
    """Moods one after the other, each eased into from wherever the face is."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    @property
    def asked(self) -> bool:
        """Whether there is any mood, or will be."""
        return bool(self._turns)

    def turn(self, mood: Cue, at: float, *, automatic: bool = False) -> None:
        """From `at` seconds on this mood."""
        self.keep(after=at)
        known = MOODS.get(mood.name)  # None is OWN: nothing, transparent
        face = NOTHING if known is None else known.face * np.float32(mood.strength)
        if known is not None:
            face[OPACITY] = 1
        falls = mood.name in (OWN, NEUTRAL)
        added = _Turn(at, face, known.sustain if known else 1.0, OFFSET if falls else ONSET, automatic)
        insort(self._turns, added, key=lambda turn: turn.start)
        del self._turns[:-MAX_WAITING]
        if mood.seconds is not None:
            self.turn(Cue(OWN), at + mood.seconds, automatic=True)

    def keep(self, after: float) -> None:
        """Ends that were only automatic do not come."""
        self._turns = [turn for turn in self._turns if turn.start <= after or not turn.automatic]

    def cut(self, at: float) -> None:
        """What begins later does not come; the face is given back."""
        self._turns = [turn for turn in self._turns if turn.start <= at]
        if self._turns:
            self.turn(Cue(OWN), at)

    def at(self, time: float) -> Array | None:
        """The face, its opacity with it; None where there is nothing of it. Moments come in order."""
        value, done, begun = NOTHING, 0, 0
        for i, turn in enumerate(self._turns):
            if turn.start >= time:
                break
            face, share = turn.at(time)
            value = value + (face - value) * np.float32(share)
            done, begun = (i if share == 1 else done), i + 1
        del self._turns[: max(done, begun - LIVES)]
        if len(self._turns) == 1 and self._turns[0].start < time and not value.any():
            self._turns.clear()
        return value if value.any() else None


class ExpressionDriver:
    """What a face shows beside what its mouth says. Belongs to one time line; moments come in order.

    A mood of the whole (`base`), over it moods of the text (`feed`), over both gestures. mouth_only: nothing but the
    mouth shows it: the rest of a video's face lives by itself.
    """

    def __init__(self, base: Cue | None = None, *, mouth_only: bool = False) -> None:
        """base: the mood from the start; it is there at once."""
        self.mouth_only = mouth_only
        self._base, self._moods = _Track(), _Track()
        self._gestures: list[tuple[float, float, Gesture]] = []  # start, strength
        self._talk = 0.0
        if base is not None:
            self._base.turn(base, -ONSET - LEAD)

    def base(self, mood: Cue | None, at: Fraction | float) -> None:
        """From `at` seconds on the mood of the whole; None is none. One with `seconds` passes over it instead."""
        if mood is not None and mood.seconds is not None:
            self._moods.turn(mood, float(at))
        else:
            self._base.turn(mood or Cue(OWN), float(at))

    def feed(self, cue: Cue, at: Fraction | float) -> None:
        """An expression that belongs to what is said `at` so many seconds; it begins a little before."""
        start = float(at) - LEAD
        if cue.is_mood:
            self._moods.turn(cue, start)
        else:
            self.gesture(cue, start)

    def gesture(self, cue: Cue, at: Fraction | float) -> None:
        """A gesture that begins `at` so many seconds; dropped where MAX_WAITING wait."""
        if len(self._gestures) < MAX_WAITING:
            self._gestures.append((float(at), cue.strength, GESTURES[cue.name].lasting(cue.seconds)))

    def lapse(self, at: Fraction | float) -> None:
        """Moods of the text end `at` so many seconds, unless `keep` or another one comes."""
        if self._moods.asked:
            self._moods.turn(Cue(OWN), float(at), automatic=True)

    def keep(self, at: Fraction | float) -> None:
        """No mood lapses after `at` seconds: the text goes on."""
        self._moods.keep(float(at))

    def cut(self, at: Fraction | float) -> None:
        """An interruption: nothing that lies later comes, and moods of the text end."""
        now = float(at)
        self._moods.cut(now)
        self._gestures = [gesture for gesture in self._gestures if gesture[0] <= now]

    def over(self, frame: FrameTime, spoken: Motion) -> Motion:
        """The motion of `frame`: what is spoken, and what is shown, each in its right."""
        time = float(frame.time + frame.duration / 2)
        face = self._face(time)
        if face is None:
            self._talk = 0.0
            return spoken
        talk = self._talking(spoken, float(frame.duration))
        shapes, mouth = face[SHAPES], spoken.blendshapes
        shut = closure(spoken)
        if self.mouth_only:
            face[_ELSEWHERE] = 0
        shapes[_PURSED] *= 1 - (1 - KEPT_LIPS) * talk
        shapes[_JAW] *= 1 - (1 - KEPT_JAW) * talk
        shapes[_PARTING] *= 1 - shut
        shapes[_SMILE] *= 1 - ROUNDING * float(mouth[_ROUND].max())
        return spoken + Motion(shapes, face[POSE], gaze=face[GAZE])

    def _face(self, time: float) -> Array | None:
        base, moods = self._base.at(time), self._moods.at(time)
        self._gestures = [each for each in self._gestures if each[0] + each[2].seconds > time]
        gestures = [each for each in self._gestures if each[0] < time][-LIVES:]
        if base is None and moods is None and not gestures:
            return None
        face = np.zeros(LENGTH, np.float32) if base is None else base.copy()
        if moods is not None:
            face = face * (1 - moods[OPACITY]) + moods
        for start, strength, gesture in gestures:
            face = face + gesture.at(time - start) * np.float32(strength)
        return np.asarray(face, np.float32)

    def _talking(self, spoken: Motion, seconds: float) -> float:
        """How much somebody speaks, in [0, 1]: rises and falls smoothly."""
        wanted = min(1.0, float(spoken.blendshapes[_SPOKEN].max()) / TALKING)
        step = seconds / (TALK_RISE if wanted > self._talk else TALK_FALL)
        self._talk += min(step, max(-step, wanted - self._talk))
        return self._talk


def at_height(cue: Cue, *, mouth_only: bool = False) -> Motion:
    """A mood, or a gesture, at the moment at which it is clearest. mouth_only: as `ExpressionDriver` has it."""
    known = MOODS.get(cue.name)
    faces = [known.face] if known is not None else [face for _, face in GESTURES[cue.name].path]
    face = max(faces, key=lambda each: float(np.abs(each).sum())) * np.float32(cue.strength)
    if mouth_only:
        face[_ELSEWHERE] = 0
    return Motion(face[SHAPES], face[POSE], gaze=face[GAZE])


def closure(spoken: Motion) -> float:
    """How far the lips are shut by what is said, in [0, 1]: as `phonemes.close_lips` laid it over the coefficients."""
    jaw, close, press = spoken["jawOpen"], spoken["mouthClose"], spoken["mouthPressLeft"]
    return min(1.0, max(press / PRESS, close / jaw if jaw > 0.02 else 0.0))
