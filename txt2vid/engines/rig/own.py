"""What a picture itself shows between parted lips: its own teeth, parted into what stays and what goes with the jaw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.geometry import Array, smoothstep
from txt2vid.engines.rig.rims import TOOTH, toothiness
from txt2vid.engines.rig.seam import SHUT, darkest_path
from txt2vid.engines.rig.slit import Contour
from txt2vid.engines.rig.teeth import premultiplied

_ROWS, _COLUMNS = 24, 64  # of the opening, straightened
_MIDDLE = slice(_COLUMNS // 5, -(_COLUMNS // 5))
_SHOWN = 0.35  # of the opening: a picture that shows less of its teeth lends none …
_WIDE = 0.30  # … but from so many mouth widths on, its own tongue and throat are better than drawn ones
_THICK = 0.06  # of the mouth's width: the least that must be seen below the upper teeth to be a layer of its own
_PAST = 1.3  # halves of the mouth: how far aside layers go on, behind the cheeks
_LAST = 0.85  # halves of the mouth: what is seen nearer to the corners may be lip
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
    corner = np.array(offset, np.float32)
    reach = np.minimum(bottom - top, _CROWN * 2 * contour.half)
    teeth = _toothiness(contour, patch, corner, place, reach)
    if gap < _WIDE and float((teeth[:, _MIDDLE] > TOOTH).mean()) < _SHOWN:
        return None
    cut = top + _parting(teeth) * reach
    has_lower = float((bottom - cut)[_MIDDLE].mean()) > _THICK * 2 * contour.half
    if not has_lower:
        cut = bottom

    upper, lower = contour.rim("upper", along), contour.rim("lower", along)
    parting = np.asarray(np.interp(along, place, cut), np.float32)
    inset, near = max(1.5, 0.03 * contour.half), np.clip(along, -_LAST * contour.half, _LAST * contour.half)
    aside = smoothstep(_PAST * contour.half, (_PAST - 0.1) * contour.half, np.abs(along))

    def grown(low: Array, high: Array) -> Array:
        """The picture from `low` to `high` across, going on beyond as it is there."""
        middle = (low + high) / 2
        kept = np.clip(across, np.minimum(low + inset, middle), np.maximum(high - inset, middle))
        return np.asarray(imaging.sample(patch, contour.point(near, kept) - corner), np.float32)

    hidden = 0.36 * contour.half  # how far the teeth go on behind the upper lip
    alpha = smoothstep(0.8, -0.8, across - parting) * smoothstep(-hidden, 0.06 * contour.half - hidden, across - upper)
    front = premultiplied(grown(upper, parting), alpha * aside)
    if not has_lower:
        return Own(front, None)
    depth = 1 - 0.6 * smoothstep(0.0, 0.3 * contour.half, parting - across)  # behind the upper teeth it is dark
    alpha = smoothstep(-0.6 * contour.half, -0.5 * contour.half, across - upper) * aside
    return Own(front, premultiplied(grown(parting, lower) * depth[..., None], alpha))


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
