from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core.clock import FrameTime, first_sample, frame_count, parse_fps, settle_fps
from txt2vid.errors import UsageError

RATES = st.sampled_from([8000, 16_000, 22_050, 44_100, 48_000])
FPS = st.sampled_from(
    [Fraction(n) for n in (1, 12, 24, 25, 30, 50, 60, 240)] + [Fraction(n * 1000, 1001) for n in (24, 30, 60)]
)


@given(st.integers(0, 10**7), FPS, RATES)
def test_spans_tile_the_time_line(index: int, fps: Fraction, rate: int) -> None:
    start, stop = FrameTime(index, fps).span(rate)
    assert stop == FrameTime(index + 1, fps).span(rate)[0]
    assert start == first_sample(index, fps, rate)


@given(st.integers(0, 10**7), FPS, RATES)
def test_a_sample_belongs_to_the_frame_that_is_shown_when_it_sounds(index: int, fps: Fraction, rate: int) -> None:
    start, stop = FrameTime(index, fps).span(rate)
    for sample in {start, stop - 1} if stop > start else set():
        assert Fraction(index) / fps <= Fraction(sample, rate) < Fraction(index + 1) / fps


@given(st.integers(1, 10**9), FPS, RATES)
def test_frames_cover_all_samples_and_no_frame_is_without(samples: int, fps: Fraction, rate: int) -> None:
    count = frame_count(samples, fps, rate)
    assert first_sample(count, fps, rate) >= samples
    assert first_sample(count - 1, fps, rate) < samples


def test_no_samples_need_no_frame() -> None:
    assert frame_count(0, Fraction(25), 48_000) == 0


def test_an_hour_of_ntsc_does_not_drift() -> None:
    fps = Fraction(30_000, 1001)
    index = 107_892  # about an hour
    assert abs(Fraction(first_sample(index, fps, 48_000), 48_000) - index / fps) < Fraction(1, 48_000)


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("25", Fraction(25)),
        ("29.97", Fraction(30_000, 1001)),
        ("23.976", Fraction(24_000, 1001)),
        ("59.94", Fraction(60_000, 1001)),
        ("30000/1001", Fraction(30_000, 1001)),
        ("12.5", Fraction(25, 2)),
        (" 60 ", Fraction(60)),
    ],
)
def test_frame_rates_as_people_write_them(text: str, fps: Fraction) -> None:
    assert parse_fps(text) == fps


@pytest.mark.parametrize("text", ["", "fast", "0", "-25", "1/0", "1e9", "nan", "inf"])
def test_nonsense_is_no_frame_rate(text: str) -> None:
    with pytest.raises(UsageError, match=r"frame rate"):
        parse_fps(text)


def test_rates_of_variable_videos_settle_on_what_was_meant() -> None:
    assert settle_fps(Fraction(2_499_999, 100_000)) == 25
    assert settle_fps(Fraction(22_131, 1000)).denominator <= 1001
