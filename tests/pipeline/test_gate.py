from __future__ import annotations

import pytest

from txt2vid.pipeline.gate import RAMP, Gate


def test_an_open_gate_lets_everything_through() -> None:
    assert Gate().at(3.0) == 1.0


def test_a_closed_span_is_shut_but_for_its_ramps() -> None:
    gate = Gate()
    gate.close(1.0, 2.0)
    times = [0.5, 1.0, 1.0 + RAMP / 2, 1.0 + RAMP, 1.5, 2.0 - RAMP / 2, 2.0, 2.5]
    assert [gate.at(time) for time in times] == pytest.approx([1, 1, 0.5, 0, 0, 0.5, 1, 1])


def test_adjoining_spans_are_one() -> None:
    gate = Gate()
    gate.close(1.0, 2.0)
    gate.close(2.0, 3.0)
    assert gate.at(2.0) == 0.0


def test_what_was_closed_can_be_opened_again() -> None:
    gate = Gate()
    gate.close(1.0, 9.0)
    gate.close(10.0, 12.0)
    gate.reopen(5.0)
    assert gate.at(4.0) == 0.0
    assert gate.at(5.0) == gate.at(11.0) == 1.0


def test_spans_that_are_past_are_forgotten() -> None:
    gate = Gate()
    for second in range(10_000):
        gate.close(second, second + 0.5)
        gate.at(second + 0.9)
    assert len(gate._closed) < 3
