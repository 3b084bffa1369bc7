"""A face made ready to move, and how one frame is drawn of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.core.motion import Motion
from txt2vid.engines.rig.anatomy import anatomy_of, samples
from txt2vid.engines.rig.canvas import Canvas
from txt2vid.engines.rig.features import EyeLids, Mouth, eyes_of
from txt2vid.engines.rig.head import Head
from txt2vid.engines.rig.lids import settle_lids
from txt2vid.engines.rig.light import Light, light_of
from txt2vid.engines.rig.pack import Pack
from txt2vid.engines.rig.patch import Patch
from txt2vid.engines.rig.pose import pivot_of, pose_of
from txt2vid.engines.rig.rims import settle_rims
from txt2vid.engines.rig.seam import settle_seam
from txt2vid.engines.rig.weights import REST, Weights
from txt2vid.faces.face import Landmarks
from txt2vid.faces.geometry import measure
from txt2vid.faces.shapes import Shapes


class Rig:
    """One picture's face, ready to move.

    A still picture's face moves as a whole. Of a video's frame only the mouth and the jaw are set (`mouth_only`): the
    rest lives by itself.
    """

    def __init__(self, picture: Pixels, landmarks: Landmarks, matte: Pixels | None = None, *,
                 mouth_only: Light | None = None) -> None:  # fmt: skip
        """mouth_only: the light in the mouth, the same for all frames of a video; None moves everything."""
        still = mouth_only is None
        self._landmarks = landmarks
        settled = settle_lids(picture, settle_seam(picture, landmarks)) if still else landmarks
        settled = settle_rims(picture, settled)
        self._axes = measure(settled)
        shapes = Shapes(settled, self._axes)
        self._weights = Weights(settled, self._axes, shapes.displacements, shapes.corner_pulls, exact_rest=not still)
        anatomy = anatomy_of(picture, settled, self._axes, self._weights.displacements, matte, still=still)
        self._pivot = pivot_of(self._axes)
        self._head = Head(anatomy)
        self._mouth = Mouth(anatomy, self._head.solid, mouth_only or light_of(*samples(anatomy)))
        self._eyes: list[EyeLids] = eyes_of(anatomy, self._head.solid) if still else []

    @staticmethod
    def light(picture: Pixels, landmarks: Landmarks) -> Light:
        """The light in the mouth of a face, for `mouth_only`."""
        axes = measure(landmarks)
        shapes = np.zeros((1, *landmarks.shape), np.float32)
        return light_of(*samples(anatomy_of(picture, landmarks, axes, shapes, still=False)))

    @property
    def rest_landmarks(self) -> Landmarks:
        """Where the landmarks are at rest: those of the picture, its lips shut."""
        at_rest: Landmarks = self._landmarks + self._weights.displacements[REST]
        return at_rest

    def draw(self, motion: Motion, patch: Patch | None = None) -> Pixels:
        """The picture with the face moved; new memory. patch: is on the picture before it moves."""
        return self._head.finish(self._drawn(motion, patch))

    def draw_i420(self, motion: Motion, patch: Patch | None = None) -> Pixels:
        """As `draw`, in I420."""
        return self._head.finish_i420(self._drawn(motion, patch))

    def bundle(self) -> bytes:
        """The whole rig, for whoever draws it elsewhere (docs/mesh-wire.md). Of a still picture's face only."""
        pack = Pack()
        about: dict[str, Any] = {
            "weights": self._weights.export(),
            "axes": self._axes.axes.tolist(),
            "pivot": self._pivot.tolist(),
            "face": self._axes.width,
            "head": self._head.export(pack),
            "mouth": self._mouth.export(pack),
            "eyes": [eye.export(pack) for eye in self._eyes],
        }
        return pack.bytes(about)

    def _drawn(self, motion: Motion, patch: Patch | None) -> Canvas:
        """The head with all its parts, to be finished."""
        weights = self._weights.of(motion)
        pose = pose_of(motion, self._axes, self._pivot)
        canvas = self._head.begin(weights, pose, patch)
        self._mouth.draw(canvas, weights, pose)
        for eye in self._eyes:
            eye.draw(canvas, weights, pose)
        return canvas
