"""A face's own axes and measures, from its landmarks: everything else is told in these, so tilted faces move alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from txt2vid.faces.face import Landmarks
from txt2vid.faces.landmarks import (
    CHIN,
    FOREHEAD_TOP,
    LOWER_SEAM,
    MIRRORED,
    MOUTH_CORNERS,
    TEMPLES,
    UPPER_SEAM,
)

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FaceAxes:
    """The head's own coordinate system in a picture.

    axes: float32 (3, 3), rows: the subject's right-to-left (picture's right), down the face, into the head; units.
    middle: float32 (3,) between the temples, in picture coordinates.
    width: pixels between the temples, measured in space.
    mouth: float32 (3,) the middle of the seam of the lips.
    mouth_width: pixels between the mouth's corners, measured in space.
    """

    axes: Array
    middle: Array
    width: float
    mouth: Array
    mouth_width: float

    def local(self, points: Array, origin: Array | None = None) -> Array:
        """Picture coordinates (n, 3) as (n, 3) along the face's axes, in pixels, from `origin` (default: `middle`)."""
        return np.asarray((points - (self.middle if origin is None else origin)) @ self.axes.T, np.float32)

    def picture(self, vectors: Array) -> Array:
        """Vectors along the face's axes (n, 3) as vectors in the picture (n, 3)."""
        return np.asarray(vectors @ self.axes, np.float32)


def _unit(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)


def measure(landmarks: Landmarks) -> FaceAxes:
    """The axes and measures of a face."""
    right, left = (landmarks[[pair[side] for pair in MIRRORED]] for side in (0, 1))
    across = _unit((left - right).mean(axis=0))
    down = landmarks[CHIN] - landmarks[FOREHEAD_TOP]
    down = _unit(down - across * float(down @ across))
    axes = np.stack([across, down, _unit(np.cross(across, down))]).astype(np.float32)
    seam = landmarks[[*UPPER_SEAM[3:8], *LOWER_SEAM[3:8]]].mean(axis=0)
    corners = landmarks[list(MOUTH_CORNERS)]
    temples = landmarks[list(TEMPLES)]
    return FaceAxes(
        axes=axes,
        middle=temples.mean(axis=0).astype(np.float32),
        width=float(np.linalg.norm(temples[1] - temples[0])),
        mouth=np.asarray(corners.mean(axis=0) * 0.5 + seam * 0.5, np.float32),
        mouth_width=float(np.linalg.norm(corners[1] - corners[0])),
    )


def facing(landmarks: Landmarks, axes: FaceAxes) -> Array:
    """(478,) how far the skin at each landmark faces the viewer: 1 straight on, 0 on the head's edge, below it behind.

    The head is taken as an ellipsoid.
    """
    radii = np.array((0.52, 0.72, 0.62), np.float32) * axes.width
    normal = axes.local(landmarks) / radii**2
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    return np.asarray(normal @ (axes.axes @ np.array((0, 0, -1), np.float32)), np.float32)


def smoothstep(low: float, high: float, values: Array) -> Array:
    """0 up to `low`, 1 from `high`, a cubic between (Hermite); `low` may be above `high` to go down."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
