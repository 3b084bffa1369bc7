"""The head's rigid movement: a rotation about a point between the ears, and a shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.core.motion import Motion
from txt2vid.engines.rig import imaging
from txt2vid.faces.geometry import Array, FaceAxes


@dataclass(frozen=True, slots=True)
class Pose:
    """A rigid movement of the head in the picture: p goes to p + turn @ (p - pivot) + shift.

    turn: float32 (3, 3), rotation minus identity. pivot, shift: float32 (3,), pixels.
    """

    turn: Array
    pivot: Array
    shift: Array

    @property
    def is_rest(self) -> bool:
        """Whether nothing moves."""
        return not (self.turn.any() or self.shift.any())

    def affine(self, depth: float) -> Array:
        """float32 (2, 3): the movement of a plane at one depth, as an affine map of the picture."""
        x, y, z = self.pivot.tolist()
        matrix = [
            [a, b, shift - a * x - b * y + c * (depth - z)]
            for (a, b, c), shift in zip(self.turn[:2].tolist(), self.shift[:2].tolist(), strict=True)
        ]
        matrix[0][0] += 1
        matrix[1][1] += 1
        return np.array(matrix, np.float32)

    def moved(self, points: Array, depth: float) -> Array:
        """How far points (n, 2) of a plane at one depth go, (n, 2) pixels."""
        matrix = self.affine(depth)
        return np.asarray(points @ matrix[:, :2].T + matrix[:, 2] - points, np.float32)

    def carry(self, point: Array, depth: float) -> tuple[Array, Array]:
        """How a rectangle around a point goes along with the pose, and what is left of the pose, seen from there.

        (2,) whole pixels, and the affine map (2, 3) of a plane at that depth.
        """
        matrix = self.affine(depth)
        carried = np.rint(matrix[:, :2] @ point + matrix[:, 2] - point)
        matrix[:, 2] -= carried
        return carried, matrix

    def factors(self) -> tuple[complex, complex, complex, complex]:
        """p, q, r, s: a point of the head at x + iy = w and depth z moves by p * w + q * conj(w) + r * z + s."""
        (a, b, c), (d, e, f) = self.turn[:2].tolist()
        straight, mirrored, deep = complex(a + e, d - b) / 2, complex(a - e, d + b) / 2, complex(c, f)
        x, y, z = self.pivot.tolist()
        middle = complex(x, y)
        shift = complex(*self.shift[:2].tolist())
        return straight, mirrored, deep, shift - straight * middle - mirrored * middle.conjugate() - deep * z


def pivot_of(axes: FaceAxes) -> Array:
    """float32 (3,), pixels: the point about which a head turns, between the ears, a little lower and deeper."""
    middle = axes.middle - 0.5 + axes.picture(np.array([[0, 0.30, 0.30]], np.float32))[0] * axes.width
    return np.asarray(middle, np.float32)


def pose_of(motion: Motion, axes: FaceAxes, pivot: Array) -> Pose:
    """The head's rigid movement in the picture, about a pivot as `pivot_of` gives it."""
    pitch, yaw, roll = (float(angle) for angle in motion.rotation)
    # The head's own axes are across (to the picture's right), down, and into the head; signs as Motion has them.
    turn = imaging.rotation(np.array([pitch, -yaw, roll], np.float32))
    turn = axes.axes.T @ turn @ axes.axes - np.eye(3, dtype=np.float32)
    if not motion.rotation.any():
        turn[:] = 0  # not the rounding of the axes' own product
    return Pose(turn, pivot, motion.translation * np.array((1, 1, -1), np.float32) * np.float32(axes.width))
