"""A session for a minute, senders and viewers coming and going; TXT2VID_SOAK_MINUTES says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from txt2vid.bench.live import measure_soak
from txt2vid.bench.target import Options

MINUTES = float(os.environ.get("TXT2VID_SOAK_MINUTES", "1"))


@pytest.mark.slow
@pytest.mark.timeout(MINUTES * 60 + 120)
def test_nothing_grows_and_nothing_drifts(hero: Path) -> None:
    soak = measure_soak(Options(hero, size=128, container="mp4"), MINUTES).soak
    assert soak is not None
    assert soak.senders >= 10 * MINUTES
    assert soak.viewers >= 10 * MINUTES
    assert len(soak.samples) >= 30
    assert abs(soak.av_offset[-1].best) < 80  # correctness, not speed: a busy machine leaves frames out
    verdicts = {each.what: each for each in soak.verdicts}
    assert {"A/V offset, ms", "playout delay, ms"} <= verdicts.keys()
    for what in verdicts.keys() & {"memory, MiB", "open files"}:
        assert verdicts[what].steady, verdicts[what]
