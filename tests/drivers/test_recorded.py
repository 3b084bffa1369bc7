from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from txt2vid.core.clock import FrameTime
from txt2vid.core.livelink import Take
from txt2vid.core.motion import INDEX, TURN_LIMITS
from txt2vid.drivers.recorded import FADE, RecordedDriver

SILENCE = np.zeros(640, np.float32)


def take(seconds: float = 1.0, rate: int = 60, yaw: float = 0.0) -> Take:
    """A jaw that opens evenly."""
    count = round(seconds * rate) + 1
    blendshapes = np.zeros((count, 52), np.float32)
    blendshapes[:, INDEX["jawOpen"]] = np.linspace(0, 1, count)
    angles = np.zeros((count, 9), np.float32)
    angles[:, 0] = yaw
    return Take(np.arange(count) / rate, blendshapes, angles)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(12)])
@pytest.mark.parametrize("rate", [60, 24])
def test_any_rate_is_resampled_by_time(fps: Fraction, rate: int) -> None:
    driver = RecordedDriver(take(rate=rate))
    for i in range(int(fps)):
        assert driver.drive(FrameTime(i, fps), SILENCE)["jawOpen"] == pytest.approx(float(i / fps), abs=1e-4)


def test_it_fades_to_rest_when_it_is_over() -> None:
    driver = RecordedDriver(take())
    values = [driver.drive(FrameTime(i, Fraction(25)), SILENCE)["jawOpen"] for i in range(25, 50)]
    assert values[0] == pytest.approx(1, abs=0.05)
    assert max(abs(a - b) for a, b in pairwise(values)) < 0.15
    assert values[int((FADE + 0.1) * 25)] == 0


def test_heads_turn_no_further_than_pictures_can() -> None:
    motion = RecordedDriver(take(yaw=1.5)).drive(FrameTime(0, Fraction(25)), SILENCE)
    assert 0 < motion.rotation[1] <= TURN_LIMITS[1] + 1e-6
