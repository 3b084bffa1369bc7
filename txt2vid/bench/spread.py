"""Many numbers in a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Spread:
    """error: the standard error of the mean. All in the unit of what was measured; nan where nothing was."""

    count: int
    mean: float
    error: float
    least: float
    median: float
    p95: float
    most: float


def spread(values: Sequence[float], scale: float = 1.0, digits: int = 2) -> Spread:
    """Of values times `scale`, rounded."""
    if not len(values):
        return Spread(0, *[float("nan")] * 6)
    array = np.asarray(values, np.float64) * scale
    error = float(array.std(ddof=1) / np.sqrt(len(array))) if len(array) > 1 else float("nan")
    median, p95 = np.percentile(array, [50, 95])
    numbers = (array.mean(), error, array.min(), median, p95, array.max())
    return Spread(len(array), *(round(float(number), digits) for number in numbers))


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """How fast values grow, a unit of time: the median of all pairs' slopes (Theil and Sen), which no outlier moves."""
    at, value = np.asarray(times, np.float64), np.asarray(values, np.float64)
    first, second = np.triu_indices(len(at), 1)
    apart = at[second] - at[first]
    usable = apart > 0
    if not usable.any():
        return 0.0
    return float(np.median((value[second] - value[first])[usable] / apart[usable]))
