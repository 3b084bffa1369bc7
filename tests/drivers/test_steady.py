from __future__ import annotations

import numpy as np
import pytest

from txt2vid.drivers.steady import OneEuro


def numbers(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, np.float32)


def test_what_rests_is_steadied_and_what_moves_fast_is_followed() -> None:
    draw = np.random.default_rng(0)
    noisy = draw.normal(0, 0.02, 200).astype(np.float32)
    noisy[100:] += 1
    steady = OneEuro(numbers(1.0), numbers(20.0))
    found = np.array([steady(numbers(value), 1 / 30)[0] for value in noisy])
    assert found[30:100].std() < 0.75 * noisy[30:100].std()
    assert found[103] > 0.85  # 0.1 s after the step


def test_each_number_has_its_own_cutoff() -> None:
    steady = OneEuro(numbers(0.1, 100.0), numbers(0.0, 0.0))
    steady(numbers(0, 0), 0.04)
    slow, fast = steady(numbers(1, 1), 0.04)
    assert slow < 0.05
    assert fast > 0.9


def test_after_a_gap_it_begins_anew() -> None:
    steady = OneEuro(numbers(0.5), numbers(0.0))
    steady(numbers(5), 0.04)
    steady.restart()
    assert steady(numbers(-3), 0.04) == pytest.approx([-3])
    assert steady(numbers(7), 0.0) == pytest.approx([7])  # no time has passed: nothing to go by


def test_what_turns_back_at_once_is_not_held_up() -> None:
    blink = [0.0] * 10 + [0.5, 1.0, 0.4, 0.0, 0.0]
    plain, quick = (OneEuro(numbers(4.0), numbers(20.0), calm) for calm in (None, numbers(1.5)))
    late, found = ([each(numbers(value), 1 / 25)[0] for value in blink] for each in (plain, quick))
    assert np.abs(np.array(found) - blink).max() < 0.08
    assert np.abs(np.array(late) - blink).max() > 0.12


def test_what_is_calm_is_steadied_as_before() -> None:
    noise = np.random.default_rng(1).normal(0, 0.004, 100).astype(np.float32)
    plain, quick = (OneEuro(numbers(4.0), numbers(20.0), calm) for calm in (None, numbers(1.5)))
    assert [plain(numbers(value), 1 / 25)[0] for value in noise] == [
        quick(numbers(value), 1 / 25)[0] for value in noise
    ]
