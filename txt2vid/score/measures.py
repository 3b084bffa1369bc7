"""Two curves against each other: how alike they are at which lag, and whether that is more than chance.

Curves are (n,) on the grid of `hearing`; NaN is where nothing was seen. All here is plain numpy on plain numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

LEAST_PLACES = 50  # half a second that both curves have: below that a correlation says nothing
LEAST_SHARE = 0.4  # of the most places that both curves have at any lag
STEADY = 1e-9  # variance, of curves scaled to one, below which a curve is a line
FLAT = 1e-6  # spread of a curve below which it does not move at all
CONFIDENT = 2.8  # strength that one in twenty pairs of a face and another recording's sound reaches


@dataclass(frozen=True, slots=True)
class Lag:
    """Where two curves fit best.

    seconds: that the first is behind the second. likeness: Pearson's correlation there. at_zero: the same without any
    lag. median: over all lags that were tried. strength: likeness over what chance alone gives curves as slow and as
    short as these, in standard deviations. better: share of other moments of the second, tried at as many lags, that
    fit less well; None where the recording is too short for any. inside: not at the end of the lags that were tried.
    """

    seconds: float
    likeness: float
    at_zero: float
    median: float
    strength: float
    better: float | None
    inside: bool

    @property
    def confident(self) -> bool:
        """Whether the lag means anything."""
        return self.inside and self.strength >= CONFIDENT


def on_grid(times: Curve, values: Curve, places: int, rate: int, longest_gap: float) -> Curve:
    """Values at rising times as a curve of `places` at `rate` a second, straight in between.

    NaN before the first and after the last, around NaN values, and in gaps of more than `longest_gap` seconds.
    """
    curve = np.full(places, np.nan)
    seen = np.isfinite(values)
    known, at = values[seen], times[seen]
    if not len(known):
        return curve
    grid = np.arange(places) / rate
    after = np.clip(np.searchsorted(at, grid, side="left"), 0, len(at) - 1)
    before = np.maximum(after - (at[after] > grid), 0)
    near = (at[after] - at[before] <= longest_gap) & (grid >= at[0]) & (grid <= at[-1])
    curve[near] = np.interp(grid[near], at, known)
    return curve


def correlations(first: Curve, second: Curve, reach: int) -> Curve:
    """Pearson's correlation of the curves at every lag, (m,), m = n + reach: entry k is with the first k places late.

    Entry -k is with it k places early. Lags within `reach` are exact; beyond, the second is continued by its own start,
    so that those are its other moments. NaN where both have too few places, or one is a line. O(n log n), by FFT.
    """
    size = max(len(first), len(second)) + reach
    a, in_a = _masked(first, size)
    b, in_b = _masked(second, size)
    count = np.round(_crossed(in_a, in_b))
    sum_a, sum_b = _crossed(a, in_b), _crossed(in_a, b)
    square_a, square_b = _crossed(a * a, in_b), _crossed(in_a, b * b)
    least = max(LEAST_PLACES, LEAST_SHARE * float(count.max(initial=0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        variance_a, variance_b = square_a / count - (sum_a / count) ** 2, square_b / count - (sum_b / count) ** 2
        found = (_crossed(a, b) / count - sum_a * sum_b / count**2) / np.sqrt(variance_a * variance_b)
    found[(count < least) | ~(variance_a > STEADY) | ~(variance_b > STEADY)] = np.nan
    return np.asarray(np.clip(found, -1, 1))


def _masked(curve: Curve, size: int) -> tuple[Curve, Curve]:
    """The curve scaled to variance one with 0 where it is not known, and where it is; both of that size."""
    known = np.zeros(size)
    known[: len(curve)] = np.isfinite(curve)
    values = np.zeros(size)
    seen = curve[np.isfinite(curve)]
    spread = float(seen.std()) if len(seen) else 0.0
    if spread > FLAT:
        values[: len(curve)] = np.nan_to_num((curve - seen.mean()) / spread)
    return values, known


def _crossed(first: Curve, second: Curve) -> Curve:
    """Entry k: the sum of first[i + k] * second[i], around the end."""
    size = len(first)
    return np.asarray(np.fft.irfft(np.fft.rfft(first) * np.conj(np.fft.rfft(second)), size))


def best_lag(first: Curve, second: Curve, rate: int, reach: float) -> Lag | None:
    """Where the curves fit best within `reach` seconds, between places by a parabola; None where they cannot."""
    steps = round(reach * rate)
    every = correlations(first, second, steps)
    near = np.concatenate([every[-steps:], every[: steps + 1]])
    if not np.isfinite(near).any():
        return None
    peak = int(np.nanargmax(near))
    part, likeness = _top(near, peak)
    return Lag(
        seconds=(peak - steps + part) / rate,
        likeness=likeness,
        at_zero=float(near[steps]),
        median=float(np.nanmedian(near)),
        strength=_strength(first, second, likeness, rate),
        better=_better(every, steps),
        inside=0 < peak < 2 * steps,
    )


def _strength(first: Curve, second: Curve, likeness: float, rate: int) -> float:
    """Fisher's z over its deviation, with as many independent places as the curves' slowness leaves (Bartlett 1946)."""
    own = [correlations(curve, curve, rate)[1 : rate + 1] for curve in (first, second)]
    slow = max(1.0, 1 + 2 * float(np.nansum(own[0] * own[1])))
    shared = min(len(first), len(second))
    independent = float((np.isfinite(first[:shared]) & np.isfinite(second[:shared])).sum()) / slow
    return float(np.arctanh(min(likeness, 0.9999)) * np.sqrt(max(0.0, independent - 3)))


def _top(near: Curve, peak: int) -> tuple[float, float]:
    """The parabola's top through a peak and its neighbours: how far beside the peak, and how high."""
    if not 0 < peak < len(near) - 1 or not np.isfinite(near[peak - 1 : peak + 2]).all():
        return 0.0, float(near[peak])
    before, at, after = near[peak - 1 : peak + 2]
    bend = before - 2 * at + after
    part = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(part), float(min(1.0, at - 0.25 * (before - after) * part))


def _better(every: Curve, steps: int) -> float | None:
    """How many of the other moments fit less well, each given as many lags to fit."""
    window = 2 * steps + 1
    best = float(np.nanmax(np.concatenate([every[-steps:], every[: steps + 1]])))
    others = every[window : len(every) - window]
    if len(others) < window:
        return None
    tries = np.lib.stride_tricks.sliding_window_view(np.where(np.isfinite(others), others, -1.0), window).max(axis=1)
    return float((tries < best).mean())
