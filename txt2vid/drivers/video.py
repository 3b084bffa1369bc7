"""A person's face, as a camera sees it, becomes motion of any other face: relative to its own rest, in the head's axes.

Each frame's landmarks are fitted onto the person's own face at rest by what is bone; what remains is expression. It is
told in ARKit's coefficients, so the hero's own proportions move and none of the person's come along.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion
from txt2vid.drivers.neutral import SHUT_LIDS, Neutral, Rest, looks, openings
from txt2vid.drivers.phonemes import smoothstep
from txt2vid.drivers.solving import Solver
from txt2vid.drivers.steady import OneEuro
from txt2vid.faces.face import Landmarks
from txt2vid.faces.head import Head, Points, head_of

WIDTH = 0.75  # of a face, in face heights
EYE_REACH = (1.15, 0.75)  # iris radii at gaze 1, sideways and down, as the mesh engine turns eyes
RESTLESS = 0.02  # of an eye's opening: what it changes by at rest
WIDER = 0.33  # of its opening, that eyeWide opens an eye by
FADE, RETURN = 0.5, 0.4  # seconds in which a lost face goes to idle, and one that is back takes over
PATIENCE = 0.12  # seconds for which a lost face is held: a frame or two that the mesh missed
REFINE, SLOWER = 2.0, 0.15  # seconds, and share of all the time, between two looks at what rest is
CALM_LIDS = 1.5  # of a blink a second: lids that are faster move, and are not jitter
TURNED = math.radians(25)  # from which on the far eye does as the near one

_BLINKS = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]
_WIDES = [INDEX["eyeWideLeft"], INDEX["eyeWideRight"]]
_LENGTH = len(BLENDSHAPES) + 8


class VideoDriver:
    """Motion of one person, frame by frame. Belongs to one time line; times rise.

    single: there is one picture only, which is compared to the average face. learns: every frame is given to `learn`
    some time before `drive`, so that rest is known better than it could be live. neutral: (478, 3), landmarks of the
    person's face at rest in a picture of its own; None is what frames tell of it.
    `presence` says how much there is to see, 0 to 1: give the rest to an idle driver.
    """

    def __init__(self, *, single: bool = False, learns: bool = False, neutral: Landmarks | None = None) -> None:
        self.presence = 0.0
        self._single, self._learns = single, learns
        self._neutral = Neutral(single=single, known=neutral)
        self._rest: Rest | None = None
        self._solver: Solver | None = None
        self._filter = OneEuro(*_filtering())
        self._motion = np.zeros(_LENGTH, np.float32)
        self._from = (np.zeros(_LENGTH, np.float32), 0.0)  # motion and presence when the face was lost, or came back
        self._share = 1.0  # how far it is from there to where it goes
        self._time: float | None = None
        self._refined = self._began = -math.inf
        self._lost = math.inf  # since when, in seconds that it lasts

    def learn(self, frames: Iterable[Landmarks | None]) -> None:
        """Looks at frames beforehand, so that rest is known before they are driven by."""
        for landmarks in frames:
            if landmarks is not None:
                self._neutral.see(landmarks)
        if self._rest is None and len(self._neutral):
            self._settle(self._neutral.rest())

    def drive(self, landmarks: Landmarks | None, time: float) -> Motion:
        """The motion at `time` seconds; landmarks: (478, 3) in pixels, None where no face is seen.

        Without a face it fades to no motion at all, and `presence` to 0.
        """
        if self._time is None:
            self._began = self._time = self._refined = time
            self.presence = float(landmarks is not None)  # nothing was there that it could jump from
        seconds = max(0.0, time - self._time)
        self._time = time
        head = self._seen(landmarks, time)
        if head is None:
            self._fade(seconds)
        else:
            self._follow(head, seconds)
        return _motion(self._motion)

    def _seen(self, landmarks: Landmarks | None, time: float) -> Head | None:
        if landmarks is None:
            return None
        known = self._rest
        if known is None or not self._learns:
            self._neutral.see(landmarks)
            if not len(self._neutral):
                return None
        if known is None or time - self._refined >= max(REFINE, SLOWER * (time - self._began)):
            self._refined = time
            self._settle(self._neutral.rest())
        return head_of(landmarks, self._rest.points if self._rest is not None else None)

    def _settle(self, rest: Rest) -> None:
        self._rest, self._solver = rest, Solver(rest.points, self._solver)

    def _fade(self, seconds: float) -> None:
        if self._lost <= PATIENCE < self._lost + seconds:
            self._from, self._share = (self._motion, self.presence), 0.0
        self._lost += seconds
        if self._lost > PATIENCE:
            self._go(np.zeros(_LENGTH, np.float32), 0.0, seconds / FADE)

    def _follow(self, head: Head, seconds: float) -> None:
        if self._lost > PATIENCE:
            self._filter.restart()
            self._from, self._share = (self._motion, self.presence), self.presence if seconds == 0 else 0.0
        self._lost = 0.0
        self._go(self._filter(self._measure(head), seconds), 1.0, seconds / RETURN)

    def _go(self, motion: NDArray[np.float32], presence: float, step: float) -> None:
        """On the way from what was shown to what shall be."""
        self._share = min(1.0, self._share + step)
        eased = smoothstep(self._share)
        before, there = self._from
        self._motion = motion if eased == 1 else before + np.float32(eased) * (motion - before)
        self.presence = there + eased * (presence - there)

    def _measure(self, head: Head) -> NDArray[np.float32]:
        rest, solver = self._rest, self._solver
        if rest is None or solver is None:
            raise ValueError("nothing is driven before a face was seen")
        turn = rotation_of(rest.turn.T @ head.turn) * (1, -1, 1)
        values = np.zeros(_LENGTH, np.float32)
        values[: len(BLENDSHAPES)] = solver.solve(head.points)
        gaze = (looks(head.points) - rest.looks) / EYE_REACH
        values[-2:] = np.clip(gaze, -1, 1)
        self._eyes(values, head.points, float(turn[1]))
        values[-8:-5] = turn
        values[-5:-2] = self._shift(head, rest)
        return values

    def _eyes(self, values: NDArray[np.float32], points: Points, yaw: float) -> None:
        """Lids: the eye that a turned head shows less of does as the nearer one."""
        rest = self._rest
        if rest is None:
            return
        shut = (rest.openings - openings(points)) / (rest.openings * (1 - SHUT_LIDS))
        far = min(1.0, max(0.0, abs(yaw) / TURNED - 1))
        near = 1 if yaw > 0 else 0  # the eye that is nearer to the viewer: turned to the picture's right, the right one
        shut[1 - near] += far * (shut[near] - shut[1 - near])
        both = float(shut.mean())
        apart = float(shut[0] - shut[1]) / 2
        apart *= smoothstep((abs(apart) - 0.10) / 0.18)  # less is noise: eyes blink together
        for i, sign in ((0, 1), (1, -1)):
            closed = both + sign * apart
            values[_BLINKS[i]] = min(1.0, max(0.0, (closed - RESTLESS) / (0.95 - RESTLESS)))
            values[_WIDES[i]] = min(1.0, max(0.0, (-closed - RESTLESS) / WIDER))

    def _shift(self, head: Head, rest: Rest) -> NDArray[np.float64]:
        """Where the head is against where it rests, in face widths; 0 for a single picture."""
        if self._single:
            return np.zeros(3)
        right, down = (head.middle[:2] - rest.middle[:2]) / (rest.scale * WIDTH)
        return np.array((right, down, head.scale / rest.scale - 1))


def rotation_of(matrix: Points) -> NDArray[np.float64]:
    """The rotation vector (3,), radians, of a rotation matrix (3, 3)."""
    angle = math.acos(min(1.0, max(-1.0, (float(np.trace(matrix)) - 1) / 2)))
    axis = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    length = float(np.linalg.norm(axis))
    return axis * (angle / length) if length > 1e-9 else np.zeros(3)


def _filtering() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Cutoffs (Hz), slopes and calm of coefficients, turns, shifts, gaze: jitter at rest goes, blinks stay."""
    cutoff, slope = np.full(_LENGTH, 2.5, np.float32), np.full(_LENGTH, 10.0, np.float32)
    cutoff[-8:-5], slope[-8:-5] = 1.5, 25.0
    cutoff[-5:-2], slope[-5:-2] = 1.0, 20.0
    cutoff[-2:], slope[-2:] = 1.5, 5.0
    cutoff[_BLINKS], slope[_BLINKS] = 4.0, 20.0
    calm = np.full(_LENGTH, np.inf, np.float32)
    calm[_BLINKS] = calm[_WIDES] = CALM_LIDS
    return cutoff, slope, calm


def _motion(values: NDArray[np.float32]) -> Motion:
    return Motion(values[:-8].clip(0, 1), values[-8:-5].copy(), values[-5:-2].copy(), values[-2:].clip(-1, 1))
