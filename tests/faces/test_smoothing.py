from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from txt2vid.faces.canonical import canonical
from txt2vid.faces.smoothing import smooth, smoothed_track
from txt2vid.faces.spool import Spool

Track = NDArray[np.float32]


def track(shift: NDArray[np.float64], noise: float = 0.0) -> Track:
    """The average face, 100 pixels wide, shifted sideways by so many pixels in each frame."""
    face = canonical() * (100 / np.linalg.norm(canonical()[234] - canonical()[454]))
    points = np.repeat(face[None], len(shift), axis=0)
    points[:, :, 0] += shift[:, None]
    jitter = np.random.default_rng(4).normal(0, noise, points.shape) if noise else 0
    return (points + jitter).astype(np.float32)


def test_jitter_shrinks() -> None:
    noisy = track(np.zeros(60), 0.3)
    clean = track(np.zeros(60))
    assert np.abs(smoothed_track(noisy) - clean)[5:-5].mean() < 0.55 * np.abs(noisy - clean).mean()


def test_steady_movement_and_jumps_stay_as_they_are() -> None:
    steady = track(np.arange(40) * 2.5)
    np.testing.assert_allclose(smoothed_track(steady), steady, atol=0.02)
    jump = track(np.where(np.arange(40) < 20, 0.0, 60.0))
    np.testing.assert_allclose(smoothed_track(jump), jump, atol=0.02)


def test_a_turn_does_not_lag() -> None:
    turn = 30 * np.sin(np.arange(100) / 100 * 2 * np.pi * 3)
    after = smoothed_track(track(turn))[:, 1, 0]
    before = track(turn)[:, 1, 0]
    lags = [float(np.corrcoef(after[10:-10], np.roll(before, lag)[10:-10])[0, 1]) for lag in (-1, 0, 1)]
    assert np.argmax(lags) == 1
    assert np.abs(after - before).max() < 1.0  # of 100 pixels, where 3 shakes in 4 seconds turn round


def test_short_clips() -> None:
    for count in (1, 2, 3):
        points = track(np.zeros(count), 0.3)
        assert smoothed_track(points).shape == points.shape


def test_blocks_do_not_show() -> None:
    points = track(np.cumsum(np.random.default_rng(7).normal(0, 0.4, 600)), 0.3)
    spool = Spool()
    for _ in points:
        spool.append(np.zeros((2, 2, 3), np.uint8))
    spool.put_track(0, points)
    smooth(spool)
    np.testing.assert_allclose(spool.track(0, 600), smoothed_track(points), atol=1e-3)
