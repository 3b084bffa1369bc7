"""Teeth, tongue and the hollow of the mouth, drawn from the sizes of real ones. Lengths are in mouth widths (50 mm)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig.light import Light
from txt2vid.engines.rig.slit import Contour
from txt2vid.faces.geometry import Array, FaceAxes, smoothstep

# Widths of teeth from the middle outwards, along the front of the arch.
_UPPER_WIDTHS = (0.166, 0.126, 0.118, 0.085, 0.06)
_LOWER_WIDTHS = (0.102, 0.108, 0.105, 0.085, 0.06)
_UPPER_EDGE = 0.052  # how far below the seam the upper incisors end: about 2.5 mm
_LOWER_EDGE = 0.012  # the lower ones end about there when the jaw is shut, behind the upper
_BEHIND = 0.07  # how far behind the lips the incisors stand
_BEND = 1.7  # the arch goes back by this times the square of how far aside it is
_HIDDEN = 0.9  # a place past all teeth


@dataclass(frozen=True, slots=True)
class Place:
    """Where pixels (h, w) of a picture are in the mouth.

    aside: along the arch of the teeth, 0 between the incisors. down: below the seam of shut lips. corner: 0 in the
    middle of the opening, 1 in its corners as the picture has them. unit: pixels of a mouth's width.
    """

    aside: Array
    down: Array
    corner: Array
    unit: float


def places(contour: Contour, axes: FaceAxes, middle: Array, seam: float, along: Array, across: Array) -> Place:
    """The places of pixels along and across the slit. middle: (2,) of the lips in the picture. seam: pixels across.

    A head that is turned shows less of the far side of the arch: the lips' corners are no measure of where teeth are.
    """
    unit = float(np.clip(axes.mouth_width, 2 * contour.half, 3 * contour.half))
    facing = max(float(axes.axes[0, :2] @ contour.along), 0.5)
    turned = float(axes.axes[2, :2] @ contour.along)
    off = (along - float((middle - contour.origin) @ contour.along)) / unit - turned * _BEHIND
    seen = facing**2 + 4 * turned * _BEND * off  # solves off = facing * x + turned * _BEND * x^2 for x
    aside = np.where(seen > 1e-4, 2 * off / (facing + np.sqrt(np.maximum(seen, 1e-4))), _HIDDEN)
    corner = np.abs(along) / contour.half
    return Place(np.asarray(aside, np.float32), (across - seam) / unit, np.asarray(corner, np.float32), unit)


def premultiplied(colour: Array, alpha: Array) -> Pixels:
    """BGRA from colours (h, w, 3) and alpha (h, w) in 0 to 1."""
    result = np.empty((*alpha.shape, 4), np.uint8)
    result[..., :3] = np.rint(np.clip(colour, 0, 255) * alpha[..., None])
    result[..., 3] = np.rint(alpha * 255)
    return result


def hollow(light: Light, at: Place) -> Pixels:
    """BGR of what is behind teeth and tongue: the palate fades into the throat."""
    depth = np.exp(-((at.aside / 0.36) ** 2) - ((at.down - 0.18) / 0.24) ** 2)
    return np.asarray(
        np.clip(light.shaded(1.35 * light.dark, np.asarray(1 - 0.72 * depth, np.float32)), 0, 255), np.uint8
    )


def upper_teeth(light: Light, at: Place) -> Pixels:
    """The row that stays with the skull."""
    tooth, within = _which(_UPPER_WIDTHS, at.aside)
    longer = np.array((0.0, -0.012, -0.004, -0.014, -0.020), np.float32)[tooth]
    edge = _UPPER_EDGE + longer - 0.26 * at.aside**2 - 0.010 * np.abs(2 * within - 1) ** 4
    return _row(light, _UPPER_WIDTHS, at, tooth, within, edge - at.down, 1.0)


def lower_teeth(light: Light, at: Place) -> Pixels:
    """The row that goes with the jaw; it stands behind the upper one, in its shade."""
    tooth, within = _which(_LOWER_WIDTHS, at.aside)
    longer = np.array((0.0, 0.002, -0.004, 0.004, 0.006), np.float32)[tooth]
    edge = _LOWER_EDGE + longer - 0.16 * at.aside**2 + 0.008 * np.abs(2 * within - 1) ** 4
    return _row(light, _LOWER_WIDTHS, at, tooth, within, at.down - edge, 0.72)


def _which(widths: tuple[float, ...], aside: Array) -> tuple[Array, Array]:
    """Which tooth from the middle outwards is at each place, and where in it: 0 to 1 across."""
    borders = np.cumsum(widths)
    tooth = np.minimum(np.searchsorted(borders, np.abs(aside)), len(widths) - 1)
    first = np.concatenate([[0.0], borders])[tooth]
    return tooth, np.asarray(np.clip((np.abs(aside) - first) / np.array(widths)[tooth], 0, 1), np.float32)


def _row(light: Light, widths: tuple[float, ...], at: Place, tooth: Array, within: Array, inside: Array,
         brightness: float) -> Pixels:  # fmt: skip
    """A row of teeth. inside: how far from the biting edge towards the gum."""
    pixel, end, sideways = 1.0 / at.unit, float(sum(widths)), np.abs(at.aside)
    alpha = smoothstep(-0.6 * pixel, 0.6 * pixel + 0.006, inside) * smoothstep(end, end - 0.05, sideways)
    seam_distance = np.minimum(within, 1 - within) * np.array(widths)[tooth]
    groove = np.exp(-((seam_distance / max(0.007, 0.45 * pixel)) ** 2))
    deep = 0.20 * float(np.clip((at.unit - 30) / 90, 0.1, 1))  # what is finer than a pixel must not become a grid
    arch = np.clip(1 - 2.3 * at.aside**2, 0.35, 1)  # the arch turns away from the light to the sides
    arch = arch * (1 - 0.55 * smoothstep(0.66, 1.0, at.corner))  # and the cheeks keep it off
    body = 1 - 0.14 * (2 * within - 1) ** 2
    tip = 1 - 0.10 * smoothstep(0.05, 0.0, inside)
    neck = 1 - 0.28 * smoothstep(0.06, 0.22, inside)
    shade = brightness * arch * body * tip * neck * (1 - deep * groove)
    gum = smoothstep(0.19, 0.22, inside + 0.02 * np.cos(2 * np.pi * within))[..., None]
    colour = np.asarray(light.tooth * (1 - gum) + light.flesh * 1.05 * gum, np.float32)
    return premultiplied(light.shaded(colour, np.asarray(shade, np.float32)), np.asarray(alpha, np.float32))


def tongue(light: Light, at: Place) -> Pixels:
    """The tongue as it lies behind the lower teeth: its tip in the light, its back going off into the dark."""
    down = at.down - 0.13
    distance = np.hypot(at.aside / 0.36, down / np.where(down < 0, 0.24, 0.30))
    alpha = smoothstep(1.02, 0.86, distance)
    dome = np.sqrt(np.clip(1 - distance**2, 0, 1))
    furrow = 1 - 0.16 * np.exp(-((at.aside / 0.024) ** 2)) * smoothstep(-0.12, 0.08, down)
    shade: Array = (0.34 + 0.30 * dome + 0.36 * smoothstep(-0.24, 0.02, down)) * furrow
    return premultiplied(light.shaded(light.flesh, np.asarray(shade, np.float32)), alpha)
