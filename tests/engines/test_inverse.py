"""The inverse of displacement fields, against what displacing the found places gives."""

from __future__ import annotations

import numpy as np
import pytest

from txt2vid.engines.rig.imaging import sample_planes
from txt2vid.engines.rig.inverse import Plane, inverted, nodes


def bumps(seed: int, height: float) -> Plane:
    """Two smooth fields (2, 40, 50), nodes, whose slopes are `height` / 6 at most or so."""
    draw = np.random.default_rng(seed)
    own, field = nodes(40, 50), np.zeros((2, 40, 50), np.complex64)
    for layer in field:
        for _ in range(4):
            middle = complex(*draw.uniform((5, 5), (45, 35)))
            towards = np.exp(2j * np.pi * draw.uniform()) * height
            layer += (towards * np.exp(-(np.abs(own - middle) ** 2) / (2 * 6.0**2))).astype(np.complex64)
    return field


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("height", [0.5, 1.5, 3.0])
def test_displacing_the_inverse_leads_back(seed: int, height: float) -> None:
    field = bumps(seed, height)
    found = inverted(field)
    missed = np.abs(nodes(40, 50) - found - sample_planes(field, found))[:, 3:-3, 3:-3]
    assert np.sqrt((missed**2).mean()) < 0.012
    assert np.quantile(missed, 0.999) < 0.15


def test_a_far_throw_is_found() -> None:
    field = np.full((1, 40, 50), 12 - 9j, np.complex64)
    field *= np.linspace(0.9, 1.1, 50, dtype=np.float32)
    found = inverted(field)
    inside = (np.abs(found.real - 24.5) < 24) & (np.abs(found.imag - 19.5) < 19)
    missed = np.abs(nodes(40, 50) - found - sample_planes(field, found))
    assert inside.mean() > 0.4
    assert missed[inside].max() < 0.05


def test_layers_do_not_mix() -> None:
    field = np.stack([bumps(1, 0.4)[0], bumps(2, 0.4)[0]])
    both = inverted(field)
    alone = np.concatenate([inverted(field[:1]), inverted(field[1:])])
    np.testing.assert_allclose(both, alone, atol=0.05)


def test_no_motion_is_its_own_inverse() -> None:
    np.testing.assert_array_equal(inverted(np.zeros((1, 9, 7), np.complex64))[0], nodes(9, 7))
