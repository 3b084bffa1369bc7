"""The head as a layer of its own, and the background behind it.

When a head moves a little, what it uncovers must be background, and the background itself must stay where it is. The
person's matte cuts the head out; behind it the background is grown inwards from what is seen.
"""

from __future__ import annotations

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.faces.geometry import Array

FAINT = 5  # of a matte's 255, what is no more than its noise


def background(picture: Pixels, matte: Pixels) -> Pixels:
    """The picture with the person replaced by the background around; where the matte is 0 it is the picture itself.

    picture: BGR (h, w, 3). matte: uint8 (h, w). Filled by push-pull (Gortler et al. 1996): averages over ever larger
    neighbourhoods of what is known, then back down. Good for the narrow rim that a moving head uncovers.
    """
    known = (imaging.grow(matte, 2) < 3).astype(np.float32)  # hair reaches past its matte
    if not known.any():
        return picture.copy()
    filled = _push_pull(picture.astype(np.float32) * known[..., None], known)
    keep = (1 - imaging.soften((matte > 0).astype(np.float32), 1.0))[..., None]
    keep = np.where(matte[..., None] == 0, 1, keep * known[..., None])
    return np.asarray(np.rint(picture * keep + filled * (1 - keep)), np.uint8)


def _push_pull(colour: Array, weight: Array) -> Array:
    """Colours (premultiplied by their weights, 0 to 1) spread into where the weight is 0."""
    if min(weight.shape) <= 2:
        total = max(float(weight.sum()), 1e-6)
        return np.broadcast_to(colour.sum(axis=(0, 1)) / total, colour.shape).astype(np.float32)
    small_colour, small_weight = imaging.halve(colour), imaging.halve(weight)
    gain = 1 / np.maximum(small_weight, 1e-6) * np.minimum(small_weight * 2, 1)
    coarse = _push_pull(small_colour * gain[..., None], np.minimum(small_weight * 2, 1))
    spread = imaging.enlarge(coarse, weight.shape[1], weight.shape[0])
    return np.asarray(colour + spread * (1 - weight)[..., None], np.float32)


def split_layers(picture: Pixels, matte: Pixels, behind: Pixels) -> tuple[Pixels, Pixels]:
    """The person's own colours and a matte with which they give, laid over `behind`, exactly the picture.

    At a soft edge the picture is a mixture of both; drawn unseparated, a moving head would drag a rim of its old
    background along. Where no colour at all could explain the picture through the matte given, more of it is the
    person: dark hair before a light wall is there however soft its matte says it is.
    """
    alpha = matte.astype(np.float32)[..., None] / 255
    shown, back = picture.astype(np.float32), behind.astype(np.float32)
    darker, lighter = 1 - shown / np.maximum(back, 1), (shown - back) / np.maximum(255 - back, 1)
    least = np.maximum(darker, lighter).max(axis=-1, keepdims=True)
    alpha = np.where(alpha > 0, np.clip(np.maximum(alpha, least), 0, 1), 0)
    own = np.where(alpha > 0, (shown - (1 - alpha) * back) / np.maximum(alpha, 1 / 255), shown)
    return np.rint(np.clip(own, 0, 255)).astype(np.uint8), np.rint(255 * alpha[..., 0]).astype(np.uint8)
