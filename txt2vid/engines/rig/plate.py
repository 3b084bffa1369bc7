"""The head as a layer of its own, and the background behind it.

When a head moves a little, what it uncovers must be background, and the background itself must stay where it is. The
person's matte cuts the head out; behind it the background is grown inwards from what is seen.
"""

from __future__ import annotations

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.engines.rig.geometry import Array


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
    """The person's own colours, and the background mended so that one over the other gives exactly the picture.

    At a soft edge the picture is a mixture of both; drawn unseparated, a moving head would drag a rim of its old
    background along.
    """
    alpha = matte.astype(np.float32)[..., None] / 255
    own = (picture - (1 - alpha) * behind.astype(np.float32)) / np.maximum(alpha, 1 / 255)
    own = np.where(alpha > 0.02, np.clip(own, 0, 255), picture)
    mended = (picture - alpha * own) / np.maximum(1 - alpha, 1 / 255)
    mended = np.where(alpha < 0.98, np.clip(mended, 0, 255), behind)
    return np.rint(own).astype(np.uint8), np.rint(mended).astype(np.uint8)
