from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soxr

from tests.pipeline.instant import Instant
from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.ffmpeg.decode import AudioReader


@pytest.fixture(scope="session")
def voice(speech: Path) -> Samples:
    """About a second of speech, (n,) at LISTENING_RATE, a whole number of packets of 20 ms."""
    with AudioReader(speech) as reader:
        samples = np.concatenate([chunk.samples[:, 0] for chunk in reader])
        sound = np.asarray(soxr.resample(samples, reader.rate, LISTENING_RATE), np.float32)
    return np.clip(sound[: len(sound) // 1920 * 1920], -1, 1)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with Instant(1) as pool:
        yield pool
