from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from txt2vid.score.measures import best_lag, correlations, on_grid

Curve = NDArray[np.float64]
RATE = 100


def wave(seconds: float, shift: float = 0.0, seed: int = 0) -> Curve:
    """A curve as lips make it: a sum of slow waves that does not repeat; later by `shift` seconds."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE)) / RATE - shift
    hertz, phases = rng.uniform(0.5, 5, 24), rng.uniform(0, 2 * np.pi, 24)
    curve: Curve = np.sin(2 * np.pi * hertz * at[:, None] + phases).sum(axis=1)
    return curve


@pytest.mark.parametrize("shift", [-0.2, -0.033, 0.0, 0.004, 0.125, 0.37])
def test_lag_is_found_between_places(shift: float) -> None:
    lag = best_lag(wave(8, shift), wave(8), RATE, 0.4)
    assert lag is not None
    assert lag.seconds == pytest.approx(shift, abs=0.002)
    assert lag.likeness > 0.99
    assert lag.confident
    assert lag.better == 1


def test_correlations_are_pearsons() -> None:
    first, second = wave(3, seed=1), wave(3, seed=2)
    first[20:60] = np.nan
    second[250:] = np.nan
    found = correlations(first, second, 40)
    for lag in (-40, -7, 0, 1, 40):
        a, b = (first[lag:], second[: len(second) - lag]) if lag >= 0 else (first[:lag], second[-lag:])
        both = np.isfinite(a) & np.isfinite(b)
        assert found[lag] == pytest.approx(np.corrcoef(a[both], b[both])[0, 1], abs=1e-9)


def test_other_curves_give_no_confidence() -> None:
    lags = [best_lag(wave(6, seed=seed), wave(6, seed=seed + 100), RATE, 0.4) for seed in range(40)]
    assert sum(lag is not None and lag.confident for lag in lags) <= 4


@pytest.mark.parametrize(
    "curve",
    [
        np.zeros(0),
        np.zeros(1),
        np.zeros(500),
        np.full(500, np.nan),
        wave(0.3),
        np.where(np.arange(500) < 20, 1.0, np.nan),
    ],
)
def test_nothing_to_tell(curve: Curve) -> None:
    assert best_lag(curve, wave(5), RATE, 0.4) is None
    assert best_lag(wave(5), curve, RATE, 0.4) is None


def test_a_peak_at_the_end_is_not_trusted() -> None:
    lag = best_lag(wave(8, 0.45), wave(8), RATE, 0.4)
    assert lag is not None
    assert not lag.confident


def test_on_grid() -> None:
    times = np.array([0.02, 0.06, 0.10, 0.50, 0.54, 0.58])
    values = np.array([0.0, 1.0, 2.0, 3.0, np.nan, 5.0])
    curve = on_grid(times, values, 70, RATE, 0.2)
    assert np.isnan(curve[:2]).all()
    assert curve[4] == pytest.approx(0.5)
    assert np.isnan(curve[11:50]).all()  # too long a pause
    assert curve[54] == pytest.approx(4.0)  # one frame without a face
    assert np.isnan(curve[59:]).all()
