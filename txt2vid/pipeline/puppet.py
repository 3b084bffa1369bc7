"""Motion that a camera sends moves a live session's face, on the session's own time; idle life follows it."""

from __future__ import annotations

from collections import deque

import numpy as np

from txt2vid.core.clock import FrameTime
from txt2vid.core.motion import BLENDSHAPES, Motion
from txt2vid.core.motionwire import TIMES, Seen
from txt2vid.drivers.hero import for_hero, without_mouth
from txt2vid.drivers.phonemes import smoothstep

WAITING = 32  # motions that are remembered: a second; the oldest are dropped
JITTER = 0.8  # of the latest motions are there when they are shown; for later ones the one before is held
LONGEST = 0.25  # seconds that they are held back for that, at most
BETWEEN = 0.2  # seconds between two motions over which the face goes evenly; over more it waits for the second
STALE = 0.4  # seconds without any, after which nobody drives
FADE, RETURN = 0.5, 0.4  # seconds in which it goes to idle life, and comes back
TALKING = 0.12  # of the jaw, or of rounding, in what is spoken: then speech moves the mouth
TALK_RISE, TALK_FALL = 0.08, 0.35  # seconds in which speech takes the mouth, and gives it back

_SPOKEN = np.array(
    [
        i
        for i, name in enumerate(BLENDSHAPES)
        if name.startswith(("jawOpen", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthUpperUp", "mouthLowerDown"))
    ]
)


class Puppet:
    """The face of a session as somebody's camera drives it. Times are the session's, in seconds, and rise."""

    def __init__(self) -> None:
        self._known: deque[tuple[float, Seen]] = deque(maxlen=WAITING)  # by the sender's clock, unwrapped, seconds
        self._lags: deque[float] = deque(maxlen=WAITING)  # of the session's clock behind the sender's, at arrival
        self._arrived = -np.inf
        self._share = self._talk = 0.0

    def put(self, seen: Seen, now: float) -> None:
        """A motion arrives at `now`. One that is older than what is there is dropped; a far jump begins anew."""
        time = seen.time / 1000
        if self._known:
            before = self._known[-1][0]
            turns = round((before - time) / (TIMES / 1000))
            time += turns * TIMES / 1000
            if abs(time - before) > STALE + LONGEST or now - self._arrived > STALE:
                self._known.clear()
                self._lags.clear()
                time = seen.time / 1000
            elif time <= before:
                return
        self._known.append((time, seen))
        self._lags.append(now - time)
        self._arrived = now

    def over(self, frame: FrameTime, spoken: Motion) -> tuple[Motion, float]:
        """The motion of `frame`, over what is spoken, and how much is left to idle life, 0 to 1."""
        now, seconds = float(frame.time), float(frame.duration)
        driven = bool(self._known) and now - self._arrived <= STALE
        self._share = min(1.0, self._share + seconds / RETURN) if driven else max(0.0, self._share - seconds / FADE)
        if not self._share or not self._known:
            self._known.clear()
            self._talk = 0.0
            return spoken, 1.0
        seen, presence = self._at(now)
        share = smoothstep(self._share)
        self._talk = self._talking(spoken, seconds)
        hero = for_hero(seen)
        mixed = hero.faded(1 - self._talk) + without_mouth(hero).faded(self._talk)
        return spoken + mixed.faded(share), 1 - share * presence

    def _at(self, now: float) -> tuple[Motion, float]:
        """The motion and presence at a moment, evenly between what came before and after it."""
        lag = float(np.quantile(self._lags, JITTER)) - min(self._lags)
        time = now - min(self._lags) - min(lag, LONGEST)
        later = next((i for i, (at, _) in enumerate(self._known) if at > time), None)
        if later is None or later == 0:
            seen = self._known[-1 if later is None else 0][1]
            return seen.motion, seen.presence
        (before, first), (after, second) = self._known[later - 1], self._known[later]
        part = (time - before) / (after - before) if after - before <= BETWEEN else 0.0
        mixed = first.motion.faded(1 - part) + second.motion.faded(part)
        return mixed, first.presence * (1 - part) + second.presence * part

    def _talking(self, spoken: Motion, seconds: float) -> float:
        """How much speech moves the mouth, 0 to 1: rises and falls smoothly."""
        wanted = min(1.0, float(spoken.blendshapes[_SPOKEN].max()) / TALKING)
        step = seconds / (TALK_RISE if wanted > self._talk else TALK_FALL)
        return self._talk + min(step, max(-step, wanted - self._talk))
