"""From a motion to the weights of a face's shapes: ARKit's coefficients, and what a picture needs besides.

Four shapes are added to the 52. `rest` takes a picture whose lips are apart to shut lips, so that coefficients mean the
same on every picture. `contact` holds lips apart that coefficients would push through each other. Two more hold up the
corners of a smile, which an open jaw would pull down: muscles do not add up as coefficients do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion
from txt2vid.engines.rig.seam import SHUT, UPPER_SHARE, gap
from txt2vid.faces.face import LANDMARKS, Landmarks
from txt2vid.faces.geometry import Array, FaceAxes
from txt2vid.faces.landmarks import CHIN, LOWER_LIP, UPPER_LIP
from txt2vid.faces.shapes import under_lip

REST, CONTACT = len(BLENDSHAPES), len(BLENDSHAPES) + 1
_HELD = {"Left": len(BLENDSHAPES) + 2, "Right": len(BLENDSHAPES) + 3}
_FULL_SMILE = 0.5  # from this coefficient on, corners are held wholly
WIDEST, HANGING = 0.56, 0.64  # mouth widths: up to the first, lips are shut wholly; from the second they hang like a V
HALF_SHUT = 0.32  # mouth widths that such lips are drawn together by: more would fold their flanks
_TINY = 0.004  # weights below this move nothing by as much as a tenth of a pixel
_LIDS = {
    side: [INDEX[f"{name}{side}"] for name in ("eyeSquint", "eyeLookDown", "eyeWide", "eyeLookUp")]
    for side in ("Left", "Right")
}
_EYES = tuple((side, INDEX[f"eyeLookOut{side}"], INDEX[f"eyeLookIn{side}"]) for side in ("Left", "Right"))


class Weights:
    """The shapes of one face, and the weights that a motion gives them."""

    def __init__(self, landmarks: Landmarks, axes: FaceAxes, blendshapes: Array, corner_pulls: Array, *,
                 exact_rest: bool = False) -> None:  # fmt: skip
        """corner_pulls: as `Shapes` has them.

        exact_rest: shut even lips that are nearly shut: in a video a threshold would make them jump.
        """
        rest = _rest(landmarks, axes, 0.0 if exact_rest else SHUT)
        self._along = 1 - np.abs(np.linspace(-1, 1, len(UPPER_LIP[-1]), dtype=np.float32)) ** 2.2
        self._inner = slice(2, -2)  # corners always touch
        self.displacements = np.concatenate([blendshapes, rest[None], self._contact(axes)[None], -corner_pulls])
        upper, lower = (self.displacements[:, list(rows[-1])] for rows in (UPPER_LIP, LOWER_LIP))
        self._gaps = ((lower - upper) @ axes.axes[1])[:, self._inner]  # pixels each shape opens each pair of the seam
        apart = (landmarks[list(LOWER_LIP[-1])] - landmarks[list(UPPER_LIP[-1])]) @ axes.axes[1]
        self._apart = apart[self._inner] if rest.any() else np.zeros(len(apart), np.float32)[self._inner]
        self._has_rest = bool(rest.any())

    def _contact(self, axes: FaceAxes) -> Array:
        shape = np.zeros((LANDMARKS, 3), np.float32)
        for rows, share in ((UPPER_LIP, -0.35), (LOWER_LIP, 0.65)):
            for row in rows:
                shape[list(row)] = share * self._along[:, None] * axes.axes[1]
        return shape * axes.mouth_width

    def of(self, motion: Motion) -> Array:
        """All weights, float32 (56,)."""
        weights = np.zeros(len(self.displacements), np.float32)
        weights[: len(BLENDSHAPES)] = motion.blendshapes
        sideways, downwards = (float(value) for value in motion.gaze)
        for side, out, inwards in _EYES:
            right = sideways if side == "Left" else -sideways  # outwards for this eye
            weights[out if right > 0 else inwards] += abs(right)
            weights[INDEX[f"eyeLookDown{side}" if downwards > 0 else f"eyeLookUp{side}"]] += abs(downwards)
            self._keep_lids_apart(weights, side)
        for side, index in _HELD.items():
            smile = min(1.0, float(weights[INDEX[f"mouthSmile{side}"]]) / _FULL_SMILE)
            weights[index] = smile * weights[INDEX["jawOpen"]]
        weights[REST] = float(self._has_rest)
        weights[np.abs(weights) < _TINY] = 0
        gaps = self._apart + weights @ self._gaps
        overlap = float((-gaps / self._along[self._inner]).max())
        unit = float(self._gaps[CONTACT].max())
        if overlap > 0.01 * unit:
            weights[CONTACT] = overlap / unit
        return weights

    def export(self) -> dict[str, Any]:
        """What `of` needs to know of the face. gaps: (shapes, pairs), apart, along: (pairs,)."""
        return {
            "count": len(self.displacements),
            "gaps": np.round(self._gaps, 4).tolist(),
            "apart": np.round(self._apart, 4).tolist(),
            "along": np.round(self._along[self._inner], 5).tolist(),
            "rest": self._has_rest,
        }

    @staticmethod
    def _keep_lids_apart(weights: Array, side: str) -> None:
        """Lids that a blink has shut are not shut further by a squint or a look down."""
        shut = float(weights[INDEX[f"eyeBlink{side}"]])
        if shut > 0:
            weights[_LIDS[side]] *= 1 - min(shut, 1.0)


def _rest(landmarks: Landmarks, axes: FaceAxes, shut: float) -> Array:
    """Displacements (478, 3) that shut the lips of a picture; zeros where they are shut."""
    shape = np.zeros((LANDMARKS, 3), np.float32)
    apart = gap(landmarks)
    if apart <= shut:
        return shape
    opening = landmarks[list(LOWER_LIP[-1])] - landmarks[list(UPPER_LIP[-1])]
    opening = (opening @ axes.axes[1])[:, None] * axes.axes[1] * _shut_share(apart)
    for row in UPPER_LIP:
        shape[list(row[1:-1])] = UPPER_SHARE * opening[1:-1]
    for row in LOWER_LIP:
        shape[list(row[1:-1])] = -(1 - UPPER_SHARE) * opening[1:-1]
    # The skin below comes along, less and less towards the chin; beyond what lips do alone the jaw itself comes up.
    local = axes.local(landmarks, axes.mouth)
    top, bottom = float(local[17, 1]), float(local[CHIN, 1])
    share = np.clip((local[:, 1] - top) / max(bottom - top, 1.0), 0, 1)
    dropped = np.clip((apart - 0.22) / max(apart, 1e-3), 0, 1) * 0.65
    middle = opening[len(opening) // 2]
    weight = under_lip(landmarks, axes) * ((0.62 - 0.40 * share) * (1 - dropped) + dropped)
    shape -= weight[:, None] * middle
    return shape


def _shut_share(apart: float) -> float:
    """How much of a gap of so many mouth widths is shut, 0 to 1."""
    hanging = min(max((apart - WIDEST) / (HANGING - WIDEST), 0.0), 1.0)
    return (1 - hanging) + hanging * HALF_SHUT / apart
