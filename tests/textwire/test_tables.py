"""The whole numbers against floating point: what no machine may come to differently must be right as well."""

from __future__ import annotations

import numpy as np

from txt2vid.textwire.letters import SHARE, SHARE_BITS
from txt2vid.textwire.tables import CLIFF, COARSE, UNIT, logarithms, powers


def test_logarithms() -> None:
    table = logarithms()
    share = np.maximum(np.arange(len(table)), 1) / (1 << (SHARE_BITS - COARSE))
    assert len(table) == 2 * SHARE >> COARSE
    assert np.abs(table - np.log2(share) * UNIT).max() <= 1


def test_powers() -> None:
    table = powers()
    assert len(table) == CLIFF
    assert np.abs(table - 1 - np.exp2(-np.arange(CLIFF) / UNIT) * SHARE).max() <= 2
    assert table.min() >= 1
