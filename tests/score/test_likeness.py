from __future__ import annotations

import numpy as np
import pytest

from txt2vid.faces.canonical import canonical
from txt2vid.faces.head import head_of
from txt2vid.score.likeness import MOVES, PROPORTIONS, Moves, at_rest, likeness, proportions_of


def moves(count: int, scale: float = 1.0) -> Moves:
    head = head_of(100 * canonical())
    assert head is not None
    wave = np.sin(np.arange(count) / 5)
    curves = {"gap": np.maximum(0, 0.05 * wave), "opening": 0.4 - 0.1 * np.abs(wave), "yaw": 10 * wave}
    return Moves(curves, np.tile(scale * proportions_of(head), (count, 1)))


def test_the_same_moves_are_alike_whatever_their_size() -> None:
    first, second = moves(80), moves(80)
    for curve in second.curves.values():
        curve *= 0.5
    found = likeness(first, second)
    assert all(correlation == pytest.approx(1) for correlation, _ in found.values())
    assert found["yaw"][1] > MOVES["yaw"]


def test_what_is_not_seen_is_left_out_and_too_little_says_nothing() -> None:
    first, second = moves(80), moves(80)
    first.curves["gap"][:40] = np.nan
    second.curves["gap"][:40] = 1
    assert likeness(first, second)["gap"][0] == pytest.approx(1)
    first.curves["gap"][:70] = np.nan
    assert np.isnan(likeness(first, second)["gap"][0])


def test_a_hero_of_other_proportions_is_told() -> None:
    assert len(PROPORTIONS) == len(moves(1).proportions[0])
    np.testing.assert_allclose(at_rest(moves(60), 300 * canonical()), 0, atol=1e-6)
    np.testing.assert_allclose(at_rest(moves(60, 1.1), 300 * canonical()), 0.1, atol=1e-6)
