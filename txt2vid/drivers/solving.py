"""From where landmarks went to ARKit's coefficients: the least squares that stay in [0, 1] and ask for little.

What each coefficient does is known of the person's own face at rest (`faces/shapes.py`), the same shapes that the mesh
engine moves a hero's landmarks by: what is solved for here is drawn there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.motion import BLENDSHAPES
from txt2vid.faces import landmarks as lm
from txt2vid.faces.face import LANDMARKS
from txt2vid.faces.geometry import measure
from txt2vid.faces.head import Points
from txt2vid.faces.shapes import Shapes

RIVALRY = 0.5  # by how much opposites keep each other down, of what each does alone
STEPS = 40  # of the projected gradient, from the frame before: enough for a hundredth
PIXELS = 500.0  # a face height, in the pixels that shapes are made in
RIDGE = 2e-3  # against the shapes' own squares: coefficients that do the same share it

# What each coefficient costs beside what it explains, in mouth widths: those that look alike, or that the mesh hardly
# sees, are used last. Coefficients that are not here are told by other measures (eyes), or not at all.
_COST = {
    "jawOpen": 0.0, "jawLeft": 0.03, "jawRight": 0.03, "mouthClose": 0.03, "mouthFunnel": 0.02, "mouthPucker": 0.01,
    "mouthLeft": 0.02, "mouthRight": 0.02, "mouthSmile": 0.005, "mouthFrown": 0.02, "mouthStretch": 0.015,
    "mouthRollLower": 0.02, "mouthRollUpper": 0.02, "mouthShrugLower": 0.02, "mouthShrugUpper": 0.03,
    "mouthPress": 0.03, "mouthLowerDown": 0.01, "mouthUpperUp": 0.01, "noseSneer": 0.03,
    "browDown": 0.005, "browInnerUp": 0.005, "browOuterUp": 0.005,
}  # fmt: skip


def _plain(name: str) -> str:
    """A coefficient's name in _COST: with its side only where it is there with it."""
    return name if name in _COST else name.removesuffix("Left").removesuffix("Right")


SOLVED = np.array([i for i, name in enumerate(BLENDSHAPES) if _plain(name) in _COST])

Values = NDArray[np.float64]


def _importance() -> Values:
    """(478,): how much each landmark says. The seam most: what lips do is what people look at."""
    weights = np.zeros(LANDMARKS)
    for group, weight in (
        (sorted({i for rows in (lm.BROW_LEFT, lm.BROW_RIGHT) for row in rows for i in row}), 1.0),
        ((50, 205, 425, 280, 187, 411, 36, 266, 98, 327, 64, 294, 129, 358), 0.3),
        ((152, 148, 176, 377, 400, 149, 378, 199, 175, 200, 18, 83, 313), 0.5),
        (lm.UPPER_LIP[0], 1.0), (lm.LOWER_LIP[0], 1.0), (lm.UPPER_LIP[2], 0.5), (lm.LOWER_LIP[2], 0.5),
        (lm.UPPER_SEAM, 2.0), (lm.LOWER_SEAM, 2.0), (lm.MOUTH_CORNERS, 2.0),
    ):  # fmt: skip
        weights[list(group)] = weight
    return weights


class Solver:
    """Solves for the coefficients of one person.

    rest: (478, 3) the face at rest, along its own axes. before: a solver of the same person, which knew rest less well.
    """

    def __init__(self, rest: Points, before: Solver | None = None) -> None:
        pixels = (rest * PIXELS).astype(np.float32)
        axes = measure(pixels)
        shapes = Shapes(pixels, axes)
        self._rest = rest
        self.mouth_width = axes.mouth_width / PIXELS  # face heights
        moved = shapes.displacements[SOLVED] / axes.mouth_width
        self._used = np.flatnonzero(_importance() > 0)
        self._weights = np.repeat(_importance()[self._used, None], 2, axis=1) ** 2
        self._shapes = moved[:, self._used, :2].astype(np.float64)
        self._held = shapes.corner_pulls[:, self._used, :2].astype(np.float64) / axes.mouth_width
        self._flat = self._shapes.reshape(len(SOLVED), -1)
        self._normal = (self._flat * self._weights.ravel()) @ self._flat.T
        self._normal[np.diag_indices(len(SOLVED))] *= 1 + RIDGE
        # Each coefficient in units of what it moves: the gradient then goes down all of them equally fast.
        self._size = np.sqrt(self._normal.diagonal())
        self._normal /= self._size[:, None] * self._size
        for first, second in _RIVALS:
            self._normal[_PLACE[first], _PLACE[second]] += RIVALRY
            self._normal[_PLACE[second], _PLACE[first]] += RIVALRY
        self._step = 1 / float(np.linalg.eigvalsh(self._normal)[-1])
        self._kept = np.eye(len(SOLVED)) - self._step * self._normal  # of a place, by a step of the gradient
        self._cost = np.array([_COST[_plain(BLENDSHAPES[i])] for i in SOLVED])
        self._before: Values = np.zeros(len(SOLVED)) if before is None else before._before

    def solve(self, points: Points) -> NDArray[np.float32]:
        """(52,): the coefficients that move the face at rest to these points (478, 3); 0 where none is solved for."""
        moved = (points[self._used, :2] - self._rest[self._used, :2]) / self.mouth_width
        found = self._least(moved + self._pulled(self._before), self._before, STEPS)
        self._before = self._least(moved + self._pulled(found), found, STEPS // 4)
        vector = np.zeros(len(BLENDSHAPES), np.float32)
        vector[SOLVED] = self._before
        return vector

    def _pulled(self, found: Values) -> Values:
        """What an open jaw would pull a smile's corners down by, and the engine does not let it (`rig/weights.py`)."""
        jaw = found[_PLACE["jawOpen"]]
        smiles = [min(1.0, found[_PLACE[f"mouthSmile{side}"]] / 0.5) for side in ("Left", "Right")]
        return np.asarray(jaw * np.tensordot(np.array(smiles), self._held, axes=1))

    def _least(self, moved: Values, start: Values, steps: int) -> Values:
        """The bounded least squares by the accelerated projected gradient (Beck and Teboulle 2009)."""
        wanted = self._step * (self._flat @ (moved * self._weights).ravel() - self._cost) / self._size
        value: Values = start * self._size
        ahead = value.copy()
        for pace in _PACES[:steps]:
            following = np.dot(self._kept, ahead)
            following += wanted
            np.minimum(np.maximum(following, 0.0, out=following), self._size, out=following)
            np.subtract(following, value, out=ahead)
            ahead *= pace
            ahead += following
            value = following
        return np.asarray(value / self._size)


def _paces(count: int) -> list[float]:
    """How far each step goes on in the way of the one before."""
    paces, pace = [], 1.0
    for _ in range(count):
        faster = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        paces.append((pace - 1) / faster)
        pace = faster
    return paces


_PACES = _paces(STEPS)
_RIVALS = [(f"{one}{side}", f"{other}{side}") for side in ("Left", "Right")
           for one, other in (("mouthSmile", "mouthFrown"), ("browDown", "browOuterUp"))]  # fmt: skip
_PLACE = {BLENDSHAPES[i]: place for place, i in enumerate(SOLVED)}
