"""What is seen between the lips: teeth, tongue and the dark behind, lit like the face.

Drawn once per face from the sizes of real mouths, as three layers: the upper teeth belong to the skull, the lower teeth
and the tongue to the jaw. A picture that shows its own teeth lends them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.geometry import Array, smoothstep
from txt2vid.engines.rig.seam import SHUT, UPPER_SHARE
from txt2vid.engines.rig.slit import Contour

# Widths of teeth from the middle outwards, in mouth widths (50 mm), as seen from the front along the arch's curve.
_UPPER_WIDTHS = (0.166, 0.126, 0.118, 0.085, 0.06)
_LOWER_WIDTHS = (0.102, 0.108, 0.105, 0.085, 0.06)
_UPPER_EDGE = 0.052  # how far below the seam the upper incisors end: about 2.5 mm
_LOWER_EDGE = 0.012  # the lower ones end about there when the jaw is shut, behind the upper
_TONGUE_RISE = 0.13  # how far the raised tongue comes up, to behind the upper teeth
_SHADOW = 0.36  # how much of the light the lips keep off what lies close behind them


@dataclass(frozen=True, slots=True)
class Light:
    """How bright and of what colour things in the mouth are, from the face: BGR in 0..255."""

    tooth: Array
    flesh: Array
    dark: Array


def light_of(skin: Array, sclera: Array) -> Light:
    """From samples of the face: skin (n, 3) of the cheeks, sclera (m, 3) of the whites of the eyes; BGR."""
    tone = np.median(skin, axis=0)
    luma = np.array((0.114, 0.587, 0.299))
    bright = float(np.percentile(skin @ luma, 80))
    if len(sclera) >= 8:
        level = sclera @ luma
        white = sclera[level >= np.percentile(level, 75)].mean(axis=0)
    else:
        white = np.full(3, bright)
    target = float(np.clip(max(float(white @ luma), 1.08 * bright), 40, 238))
    tint = 0.5 * white / max(float(white @ luma), 1.0) + 0.5
    tooth = np.clip(target * tint * np.array((0.91, 0.98, 1.02)), 0, 245)
    colourful = float(
        np.clip((tone.max() - tone.min()) / max(float(tone.max()), 1.0) / 0.12, 0, 1)
    )  # a grey picture has a grey tongue
    flesh = 0.62 * target * (1 + colourful * (np.array((0.78, 0.66, 1.32)) - 1))
    dark = 0.13 * target * (1 + colourful * (np.array((0.75, 0.6, 1.45)) - 1))
    return Light(tooth.astype(np.float32), flesh.astype(np.float32), dark.astype(np.float32))


class MouthInterior:
    """The layers behind the lips, over a rectangle of the picture, and where they go in a frame."""

    def __init__(self, contour: Contour, light: Light, patch: Pixels, offset: tuple[int, int], *,
                 own_teeth: bool) -> None:  # fmt: skip
        """patch: BGR of the rectangle whose corner in the picture is at `offset`. own_teeth: use its."""
        height, width = patch.shape[:2]
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        along, across = contour.places(np.stack([xs + offset[0], ys + offset[1]], axis=-1))
        unit = 2 * contour.half
        seam = _rest_line(contour)
        own = _own_interior(contour, patch, along, across) if own_teeth else None
        along, across = along / unit, (across - seam) / unit
        self._offset = np.array(offset, np.float32)
        self._across = contour.across * unit * _TONGUE_RISE
        self._dark = self._cavity(light, along, across)
        self._tongue = _tongue(light, along, across)
        self._lower = _teeth(light, _LOWER_WIDTHS, along, across, unit, upper=False)
        self._upper = _teeth(light, _UPPER_WIDTHS, along, across, unit, upper=True) if own is None else own

    @staticmethod
    def _cavity(light: Light, along: Array, across: Array) -> Pixels:
        depth = np.exp(-((along / 0.38) ** 2) - ((across - 0.16) / 0.30) ** 2)[..., None]
        return np.asarray(np.clip(light.dark * (1.0 - 0.55 * depth), 0, 255), np.uint8)

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
        within = np.s_[top : top + height, left : left + width]
        picture = self._dark[within]
        for layer, matrix in ((self._tongue, lifted), (self._lower, lower), (self._upper, skull)):
            picture = imaging.over(imaging.move(layer, matrix, box[2:]), picture)
        reach = max(3, round(min(cover.shape) * 0.055)) | 1
        light = imaging.dimmed(cover, reach, _SHADOW, 1 - 0.38 * protrusion)
        return imaging.shade(picture, imaging.repeat(light[within]))


def _premultiply(colour: Array, alpha: Array) -> Pixels:
    result = np.empty((*alpha.shape, 4), np.uint8)
    result[..., :3] = np.rint(np.clip(colour, 0, 255) * alpha[..., None])
    result[..., 3] = np.rint(alpha * 255)
    return result


def _teeth(light: Light, widths: tuple[float, ...], along: Array, across: Array, unit: float, *, upper: bool) -> Pixels:
    """A row of teeth; all sizes in mouth widths."""
    pixel = 1.0 / unit
    sideways = np.abs(along)
    borders = np.cumsum(widths)
    tooth = np.minimum(np.searchsorted(borders, sideways), len(widths) - 1)
    left = np.concatenate([[0.0], borders])[tooth]
    within = np.clip((sideways - left) / np.array(widths)[tooth], 0, 1)  # 0 to 1 across the tooth
    round_off = np.abs(2 * within - 1) ** 4
    if upper:
        longer = np.array((0.0, -0.014, -0.004, -0.018, -0.022))[tooth]
        edge = _UPPER_EDGE + longer - 0.26 * along**2 - 0.012 * round_off
        inside = edge - across
    else:
        longer = np.array((0.0, 0.002, -0.004, 0.004, 0.006))[tooth]
        edge = _LOWER_EDGE + longer - 0.16 * along**2 + 0.010 * round_off
        inside = across - edge
    alpha = smoothstep(-0.6 * pixel, 0.6 * pixel + 0.006, inside) * smoothstep(
        borders[-1], borders[-1] - 0.05, sideways
    )
    seam_distance = np.minimum(within, 1 - within) * np.array(widths)[tooth]
    groove = np.exp(-((seam_distance / max(0.007, 0.45 * pixel)) ** 2))
    deep = 0.24 * float(np.clip((unit - 30) / 90, 0.1, 1))  # what is finer than a pixel must not become a grid
    arch = np.clip(1 - 1.8 * along**2, 0.40, 1)  # the arch turns away from the light to the sides
    body = 1 - 0.16 * (2 * within - 1) ** 2
    tip = 1 - 0.10 * smoothstep(0.05, 0.0, inside)
    neck = 1 - 0.28 * smoothstep(0.06, 0.22, inside)
    shade = arch * body * tip * neck * (1 - deep * groove) * (1.0 if upper else 0.66)
    gum = smoothstep(0.19, 0.22, inside + 0.02 * np.cos(2 * np.pi * within))[..., None]
    colour = (light.tooth * (1 - gum) + light.flesh * 1.05 * gum) * shade[..., None]
    return _premultiply(colour, np.asarray(alpha, np.float32))


def _tongue(light: Light, along: Array, across: Array) -> Pixels:
    """The tongue's back and tip as it lies behind the lower teeth."""
    distance = np.hypot(along / 0.35, (across - 0.14) / 0.22)
    alpha = smoothstep(1.02, 0.90, distance)
    dome = np.sqrt(np.clip(1 - distance**2, 0, 1))
    furrow = 1 - 0.20 * np.exp(-((along / 0.022) ** 2)) * smoothstep(0.05, 0.18, across)
    shade = (0.46 + 0.50 * dome) * furrow
    return _premultiply(light.flesh * shade[..., None], alpha)


def _rest_line(contour: Contour) -> float:
    """How far across the slit the middle of the lips meets when they are shut: the upper lip comes down by less."""
    middle = np.linspace(-0.3, 0.3, 9, dtype=np.float32) * contour.half
    upper, lower = contour.rim("upper", middle), contour.rim("lower", middle)
    return float((upper + UPPER_SHARE * (lower - upper)).mean())


def _own_interior(contour: Contour, patch: Pixels, along: Array, across: Array) -> Pixels | None:
    """What the picture itself shows between parted lips, as a layer of the skull; None where the lips are shut."""
    upper, lower = contour.rim("upper", along), contour.rim("lower", along)
    middle = np.abs(along) < 0.25 * contour.half
    if float((lower - upper)[middle].mean()) < SHUT * 2 * contour.half:
        return None
    inside = np.minimum(across - upper, lower - across)
    lip = 0.06 * contour.half
    above = np.where(across < upper + 1, 1.0, 0.0)  # behind the upper lip the teeth go on
    alpha = np.maximum(smoothstep(-0.5, 1.5, inside), above * smoothstep(-6 * lip, -5 * lip, across - upper))
    alpha = alpha * smoothstep(contour.half, 0.97 * contour.half, np.abs(along))
    hidden = ((inside < 1.0) & (alpha > 0)).astype(np.uint8)
    filled = imaging.heal(patch, hidden, 3)
    return _premultiply(filled.astype(np.float32), np.asarray(alpha, np.float32))
