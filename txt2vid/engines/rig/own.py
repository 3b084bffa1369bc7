"""What a picture itself shows between parted lips: its own teeth, parted into what stays and what goes with the jaw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.rims import TOOTH, toothiness
from txt2vid.engines.rig.seam import SHUT, darkest_path
from txt2vid.engines.rig.slit import Contour
from txt2vid.engines.rig.teeth import premultiplied
from txt2vid.faces.geometry import Array, smoothstep

_ROWS, _COLUMNS = 24, 64  # of the opening, straightened
_MIDDLE = slice(_COLUMNS // 5, -(_COLUMNS // 5))
_SHOWN = 0.35  # of the opening: a picture that shows less of its teeth lends none …
_WIDE = 0.30  # … but from so many mouth widths on, its own tongue and throat are better than drawn ones
_THICK = 0.06  # of the mouth's width: the least that must be seen below the upper teeth to be a layer of its own
_PAST = 1.3  # halves of the mouth: how far aside layers go on, behind the cheeks
_NARROW = 0.35  # of the widest opening: what is seen where it is narrower, near the corners, may be lip
_CROWN = 0.26  # mouth widths: no upper tooth reaches farther below the lip
_BELOW_TEETH = 62.0  # the cost of a parting below all that is seen; across teeth it costs 100, through the dark 0


@dataclass(frozen=True, slots=True)
class Own:
    """Premultiplied BGRA: the upper teeth, and what is below them, which moves with the jaw; None: it is not seen."""

    upper: Pixels
    lower: Pixels | None


def own_interior(contour: Contour, patch: Pixels, offset: tuple[int, int], along: Array, across: Array) -> Own | None:
    """From a patch of the picture at `offset`, whose pixels are at places along and across the slit.

    None where the lips are shut, or what is between them are no teeth.
    """
    place = np.linspace(-0.9, 0.9, _COLUMNS, dtype=np.float32) * contour.half
    top, bottom = contour.rim("upper", place), contour.rim("lower", place)
    gap = float((bottom - top)[_MIDDLE].mean()) / (2 * contour.half)
    if gap < SHUT:
        return None
    reach = np.minimum(bottom - top, _CROWN * 2 * contour.half)
    teeth = _toothiness(contour, patch, np.array(offset, np.float32), place, reach)
    if gap < _WIDE and float((teeth[:, _MIDDLE] > TOOTH).mean()) < _SHOWN:
        return None
    cut = top + _parting(teeth) * reach
    layers = _Layers(contour, patch, np.array(offset, np.float32), along, across, _wide(place, bottom - top))
    if float((bottom - cut)[_MIDDLE].mean()) > _THICK * 2 * contour.half:
        parting = np.asarray(np.interp(along, place, cut), np.float32)
        return Own(layers.upper(parting), layers.lower(parting))
    return Own(layers.upper(np.asarray(np.interp(along, place, bottom), np.float32)), None)


class _Layers:
    """Cuts the layers out of the picture and grows them to where lips may uncover them."""

    def __init__(self, contour: Contour, patch: Pixels, corner: Array, along: Array, across: Array,
                 wide: tuple[float, float]) -> None:  # fmt: skip
        self._contour, self._patch, self._corner = contour, patch, corner
        self._half, self._along, self._across = contour.half, along, across
        self._top, self._bottom = contour.rim("upper", along), contour.rim("lower", along)
        self._near = np.clip(along, *wide)
        self._aside = smoothstep(_PAST * contour.half, (_PAST - 0.1) * contour.half, np.abs(along))

    def upper(self, parting: Array) -> Pixels:
        """What is above a line across the slit: the teeth go on behind the upper lip."""
        alpha = smoothstep(0.8, -0.8, self._across - parting) * self._aside
        alpha = alpha * smoothstep(-0.36 * self._half, -0.30 * self._half, self._across - self._top)
        return premultiplied(self._grown(self._top, parting)[0], alpha)

    def lower(self, parting: Array) -> Pixels:
        """What is below the line; behind the upper teeth it goes on, darker."""
        colour, beyond = self._grown(parting, self._bottom)
        guessed = smoothstep(0.0, 0.12 * self._half, beyond)[..., None]  # soft: no streaks of what is at the edge
        colour += (imaging.soften(colour, 0.08 * self._half) - colour) * guessed
        depth = 1 - 0.6 * smoothstep(0.0, 0.3 * self._half, parting - self._across)
        alpha = smoothstep(-0.6 * self._half, -0.5 * self._half, self._across - self._top) * self._aside
        return premultiplied(colour * depth[..., None], alpha)

    def _grown(self, low: Array, high: Array) -> tuple[Array, Array]:
        """The picture from `low` to `high` across, going on beyond as it is there, and how many pixels beyond."""
        middle, inset = (low + high) / 2, max(1.5, 0.03 * self._half)
        kept = np.clip(self._across, np.minimum(low + inset, middle), np.maximum(high - inset, middle))
        seen = imaging.sample(self._patch, self._contour.point(self._near, kept) - self._corner)
        beyond = np.hypot(self._along - self._near, self._across - kept)
        return np.asarray(seen, np.float32), np.asarray(beyond, np.float32)


def _wide(place: Array, gap: Array) -> tuple[float, float]:
    """From where to where along the slit it is open so far that what is seen is surely not lip."""
    wide = place[gap > _NARROW * float(gap.max())]
    return float(wide.min()), float(wide.max())


def _toothiness(contour: Contour, patch: Pixels, corner: Array, place: Array, reach: Array) -> Array:
    """(_ROWS, _COLUMNS): how much brighter, and less red, than the lips the opening is. A tooth has 0.25 and more.

    reach: (_COLUMNS,) how far down from the upper rim it is looked at.
    """
    top, bottom = contour.rim("upper", place), contour.rim("lower", place)
    down = np.linspace(0, 1, _ROWS, dtype=np.float32)[:, None]
    rims = np.linspace(0.05, 0.15, 5, dtype=np.float32)[:, None] * contour.half
    inner = place[_MIDDLE]

    def colours(along: Array, across: Array) -> Array:
        points = contour.point(np.broadcast_to(along, across.shape), across) - corner
        return np.asarray(imaging.sample(patch, points), np.float32)

    lips = np.concatenate([colours(inner, top[_MIDDLE] - rims), colours(inner, bottom[_MIDDLE] + rims)])
    seen = colours(place, top + down * reach)
    return toothiness(seen, lips)


def _parting(teeth: Array) -> Array:
    """(_COLUMNS,), 0 to 1 of what was looked at: where the upper teeth end, as a smooth path through the dark below."""
    tooth = smoothstep(0.08, 0.42, teeth)
    has_tooth = tooth.max(axis=0) >= 0.5
    above = np.maximum.accumulate(tooth, axis=0) < 0.5  # the upper lip's shadow on the teeth is no gap
    down = np.linspace(0, 1, _ROWS, dtype=np.float32)[:, None]
    cost = 100 * np.where(above, 1, tooth) + 45 * down
    cost[-1] = np.minimum(cost[-1], _BELOW_TEETH)
    cost = np.where(has_tooth, cost, 50)  # beside the teeth it goes on level
    path = darkest_path(np.asarray(cost, np.float32)) / np.float32(_ROWS - 1)
    smooth: Array = imaging.soften(path[None].astype(np.float32), 1.5)[0]
    return smooth
