"""Landmarks over time: gaps bridged, jitter taken out, movement left as it is."""

from __future__ import annotations

from array import array
from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from txt2vid.faces.spool import Spool

_BLOCK = 256  # frames at a time: 1.5 MB of landmarks
_REACH = 3  # frames before and after that are averaged
_TIME = 1.6  # frames: sigma of the weight by distance in time
_MOVED = 0.012  # face widths: sigma of the weight by how far a landmark moved; jitter is 0.003, a head turn 0.05


def bridge(spool: Spool, found: array[int]) -> None:
    """Fills the frames without a face: evenly from the last to the next that has one, held at both ends.

    found: the indexes of frames with a face, rising, at least one.
    """
    for index in range(len(spool)):
        after = bisect_right(found, index)
        if after and found[after - 1] == index:
            continue
        before = max(0, after - 1)
        after = min(after, len(found) - 1)
        first, last = found[before], found[after]
        share = (index - first) / (last - first) if last > first else 0.0
        mixed = (1 - share) * spool.landmarks(first) + share * spool.landmarks(last)
        spool.put_track(index, mixed[None].astype(np.float32))


def smooth(spool: Spool) -> None:
    """Smooths the spool's landmarks in place, a block at a time."""
    count = len(spool)
    kept = spool.track(0, min(count, _REACH))[:0]  # the unsmoothed frames before the block
    for start in range(0, count, _BLOCK):
        stop = min(count, start + _BLOCK)
        ahead = spool.track(start, min(count, stop + _REACH))
        raw = np.concatenate([kept, ahead])
        smoothed = smoothed_track(raw)[len(kept) : len(kept) + stop - start]
        kept = raw[: len(kept) + stop - start][-_REACH:]
        spool.put_track(start, smoothed)


def smoothed_track(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 478, 3) smoothed: each landmark becomes a mean over nearby frames in which it is nearly at the same place.

    A bilateral filter over time (Tomasi and Manduchi 1998): its weights are even before and after, so that nothing
    lags, and a landmark that moves fast, or jumps with a cut, is not averaged with where it was.
    """
    count = len(points)
    width = np.linalg.norm(points[:, 234, :2] - points[:, 454, :2], axis=1).clip(min=1.0)
    total = points.copy()
    weights = np.ones((*points.shape[:2], 1), np.float32)
    for lag in range(1, min(_REACH, count - 1) + 1):
        moved = np.linalg.norm(points[lag:, :, :2] - points[:-lag, :, :2], axis=2) / width[lag:, None]
        even = np.exp(-0.5 * (lag / _TIME) ** 2 - 0.5 * (moved / (_MOVED * lag)) ** 2).astype(np.float32)[:, :, None]
        before, after = even[: count - lag], even
        balanced = np.zeros_like(weights)  # the lesser of both sides: an average that leans to neither
        balanced[lag : count - lag] = np.minimum(before[lag:], after[: count - 2 * lag]) if count > 2 * lag else 0
        total[lag:] += balanced[lag:] * points[:-lag]
        total[: count - lag] += balanced[: count - lag] * points[lag:]
        weights += 2 * balanced
    return total / weights
