from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.faces.playback import there_and_back


def test_runs_forward_then_backward_without_showing_an_end_twice() -> None:
    assert [there_and_back(i, 4) for i in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]


def test_one_frame_is_always_shown() -> None:
    assert {there_and_back(i, 1) for i in range(5)} == {0}


@given(st.integers(0, 10**9), st.integers(2, 10**6))
def test_never_jumps_and_stays_inside(index: int, count: int) -> None:
    here, there = there_and_back(index, count), there_and_back(index + 1, count)
    assert abs(there - here) == 1
    assert 0 <= here < count


def test_no_frames_is_an_error() -> None:
    with pytest.raises(ValueError, match="no frame"):
        there_and_back(0, 0)
