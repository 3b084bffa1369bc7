from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from txt2vid.score.report import render
from txt2vid.score.result import Expert, Jitter, Likeness, Mouth, Reference, Score, Sync

PERCENTILES = {"p10": 0.001, "p50": 0.024, "p90": 0.061, "p98": 0.07}
WHOLE = Score(
    video="[bold]a.mp4",
    frames=250,
    fps=24.5,
    variable_fps=True,
    width=640,
    height=360,
    seconds=10.2,
    sound_seconds=10.0,
    speech_seconds=7.5,
    detected=0.96,
    profiles=0.02,
    sync=Sync(-41.6, True, "", -41.6, 0.62, 0.5, 0.1, 5.2, 0.99),
    mouth=Mouth(PERCENTILES, PERCENTILES, 0.2, 0.02, 0.1),
    jitter=Jitter(0.8, 2.1),
    reference=Reference("real.mp4", 9.5, Likeness(0.7, 12.0), Likeness(None, None), Likeness(0.2, 300.0)),
).with_expert(Expert("syncnet_v2.model", 7.1, 6.9, -40, 240))


def shown(score: Score) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(render(score))
    return out.getvalue()


def test_everything_is_told() -> None:
    said = shown(WHOLE)
    for words in (
        "[bold]a.mp4: 250 frames, 24.5 fps (variable), 640x360, 10.2 s of picture",
        "-42 ms (+: picture behind the sound)",
        "0.62 at -42 ms, 0.50 at 0, median 0.10",
        "5.2 standard deviations, better than 99% of other moments",
        "p10 0.1%, p50 2.4%, p90 6.1%, p98 7.0%",
        "10% of speech's (0.020 against 0.200 face heights a second)",
        "face 0.80, lips 2.10 ‰",
        "96.0%, 2.0% turned too far to measure",
        "correlation 0.70 at +12 ms (+: later than the reference)",
        "nothing to compare",
        "not the same words?",
        "7.100",
        "6.900",
    ):
        assert words in said


def test_nothing_is_known() -> None:
    bare = replace(
        WHOLE,
        sync=Sync(None, False, "nobody speaks"),
        mouth=Mouth(None, None, None, None, None),
        jitter=Jitter(None, None),
        reference=None,
        syncnet=None,
    )
    said = shown(bare)
    assert "no confident offset: nobody speaks" in said
    assert said.count("too little speech") == 2
    assert "SyncNet" not in said
    assert json.loads(bare.json())["mouth"]["silence_share"] is None
