"""What is seen between the lips: teeth, tongue and the dark behind, lit like the face.

Drawn once per face from the sizes of real mouths, as layers: the upper teeth belong to the skull, the lower teeth and
the tongue to the jaw. A picture that shows its own teeth lends them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging, teeth
from txt2vid.engines.rig.light import Light, under
from txt2vid.engines.rig.own import Own, own_interior
from txt2vid.engines.rig.pack import Pack
from txt2vid.engines.rig.seam import UPPER_SHARE
from txt2vid.engines.rig.slit import Contour
from txt2vid.faces.geometry import Array, FaceAxes

_TONGUE_RISE = 0.13  # mouth widths: how far the raised tongue comes up, to behind the upper teeth
_SHADOW, _STANDING_OUT = 0.26, 0.24  # of the light: what lips keep off what is close behind; all that stand out
_LEVELS = 64  # steps of how far lips stand out: less than a grey level each
_OWN_SHADOW = 0.5  # of that for a picture's own teeth: they are photographed in shadow already


class MouthInterior:
    """The layers behind the lips, over a rectangle of the picture, and where they go in a frame."""

    def __init__(self, contour: Contour, axes: FaceAxes, middle: Array, light: Light, patch: Pixels,
                 offset: tuple[int, int], *, own_teeth: bool) -> None:  # fmt: skip
        """middle: (2,) between the lips in the picture.

        patch: BGR of the rectangle whose corner in the picture is at `offset`. own_teeth: use its.
        """
        height, width = patch.shape[:2]
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        along, across = contour.places(np.stack([xs + offset[0], ys + offset[1]], axis=-1))
        own = own_interior(contour, patch, offset, along, across) if own_teeth else None
        at = teeth.places(contour, axes, middle, _rest_line(contour), along, across)
        self._offset = np.array(offset, np.float32)
        self._across = contour.across * at.unit * _TONGUE_RISE
        self._light = light
        self._shadow = 1.0 if own is None else _OWN_SHADOW
        self._curves: dict[int, Pixels] = {}  # at most _LEVELS + 1, made when they are asked for
        self._hollow = teeth.hollow(light, at)
        self._layers = _layers(light, at, own)

    def draw(self, skull: Array, jaw: Array, tongue: float, protrusion: float, cover: Pixels,
             box: imaging.Box) -> Pixels:  # fmt: skip
        """The interior as BGR in a box of the rectangle.

        skull: (2, 3) how the head moves in the picture. jaw: (2,) pixels that the jaw has moved besides.
        tongue: 0 to 1, how far it is raised.
        protrusion: 0 to 1, how far the lips stand out. cover: uint8, how much the lips cover, for their shadow.
        """
        skull = skull.copy()
        skull[:, 2] += skull[:, :2] @ self._offset - self._offset - box[:2]
        lower = skull.copy()
        lower[:, 2] += jaw
        lifted = lower.copy()
        lifted[:, 2] -= self._across * tongue
        left, top, width, height = box
        picture = self._hollow[top : top + height, left : left + width]
        for layer, matrix in zip(self._layers, (lifted, lower, skull), strict=True):
            if layer is not None:
                picture = imaging.over(imaging.move(layer, matrix, box[2:]), picture)
        return under(self._curve(round(protrusion * _LEVELS)), picture, cover, box)

    def export(self, pack: Pack) -> dict[str, Any]:
        """Its layers from the back to the front (a missing tongue is null), and how they go and are lit."""
        layers = [None if layer is None else pack.levels(layer) for layer in self._layers]
        return {
            "hollow": pack.levels(self._hollow),
            "layers": dict(zip(("tongue", "lower", "upper"), layers, strict=True)),
            "lift": self._across.tolist(),
            "shadow": [self._shadow * _SHADOW, self._shadow * _STANDING_OUT],
            "warmth": self._light.warmth.tolist(),
        }

    def _curve(self, level: int) -> Pixels:
        """The light behind lips that stand out so far, in _LEVELS steps."""
        if level not in self._curves:
            light = 1 - self._shadow * _STANDING_OUT * level / _LEVELS
            self._curves[level] = self._light.curve(self._shadow * _SHADOW, light)
        return self._curves[level]


def _layers(light: Light, at: teeth.Place, own: Own | None) -> tuple[Pixels | None, Pixels, Pixels]:
    """The tongue (None: it is part of what is seen below), what goes with the jaw, and the upper teeth."""
    if own is None:
        return teeth.tongue(light, at), teeth.lower_teeth(light, at), teeth.upper_teeth(light, at)
    if own.lower is None:
        return teeth.tongue(light, at), teeth.lower_teeth(light, at), own.upper
    return None, own.lower, own.upper


def _rest_line(contour: Contour) -> float:
    """How far across the slit the middle of the lips meets when they are shut: the upper lip comes down by less."""
    middle = np.linspace(-0.3, 0.3, 9, dtype=np.float32) * contour.half
    upper, lower = contour.rim("upper", middle), contour.rim("lower", middle)
    return float((upper + UPPER_SHARE * (lower - upper)).mean())
