"""One video is watched and listened to, and what was seen and heard becomes numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from txt2vid.score.curves import LONG_PAUSE, Progress, Seen, watch
from txt2vid.score.hearing import GRID, Heard, hear
from txt2vid.score.measures import Lag, best_lag, on_grid
from txt2vid.score.result import Jitter, Likeness, Mouth, Reference, Score, Sync

REACH = 0.4  # seconds to either side in which an offset is looked for
SAME_WORDS = 0.12  # seconds to either side in which a reference's mouth is looked for
SAME_SOUND = 0.5  # seconds to either side for the soundtracks
SPOKEN = 0.5  # how surely a place has to be speech
SETTLED = 0.25  # seconds before and after silence that do not count: lips open early and close late
LEAST_SECONDS = 0.3  # of frames, below which nothing is told of them
PERCENTILES = (10, 50, 90, 98)

Curve = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measured:
    """A video's curves, for numbers, for comparing and for drawing. gap, width: on the grid of `heard`, (n,)."""

    path: Path
    seen: Seen
    heard: Heard
    gap: Curve
    width: Curve


def measure(path: Path, progress: Progress | None = None) -> Measured:
    """Listens and watches. Raises AudioError, VideoError or FaceError where one of it is not there."""
    heard = hear(path)
    seen = watch(path, progress)
    places = len(heard.gap)
    gap, width = (on_grid(seen.times, curve, places, GRID, LONG_PAUSE) for curve in (seen.gap, seen.width))
    return Measured(path, seen, heard, gap, width)


def score(measured: Measured, reference: Measured | None = None) -> Score:
    """The numbers of one video, beside a reference where there is one."""
    seen, heard = measured.seen, measured.heard
    frames = len(seen.times)
    return Score(
        video=str(measured.path),
        frames=frames,
        fps=round(seen.fps, 3),
        variable_fps=seen.variable,
        width=seen.size[0],
        height=seen.size[1],
        seconds=round(seen.duration, 3),
        sound_seconds=round(heard.seconds, 3),
        speech_seconds=round(float((heard.speech > SPOKEN).sum()) / GRID, 2),
        detected=round(seen.faces / frames, 4),
        profiles=round(seen.profiles / frames, 4),
        sync=_sync(measured),
        mouth=_mouth(seen, heard),
        jitter=Jitter(_thousandths(seen.face_jitter), _thousandths(seen.lip_jitter)),
        reference=None if reference is None else _compared(measured, reference),
    )


def _sync(measured: Measured) -> Sync:
    heard = measured.heard
    if not (heard.speech > SPOKEN).any():
        return Sync(None, False, "nobody speaks")
    lag = best_lag(measured.gap, heard.gap, GRID, REACH)
    if lag is None:
        seen = np.isfinite(measured.gap).sum() / GRID
        return Sync(None, False, "the mouth does not move" if seen > 1 else "the face is seen for too short a time")
    ms = round(1000 * lag.seconds, 1)
    return Sync(
        offset_ms=ms if lag.confident else None,
        confident=lag.confident,
        why=_doubt(lag),
        best_ms=ms,
        correlation=round(lag.likeness, 3),
        correlation_at_zero=_rounded(lag.at_zero, 3),
        median=round(lag.median, 3),
        strength=round(lag.strength, 2),
        better_than=None if lag.better is None else round(lag.better, 3),
    )


def _doubt(lag: Lag) -> str:
    if lag.confident:
        return ""
    if not lag.inside:
        return f"the best fit is at the end of ±{1000 * REACH:.0f} ms, perhaps beyond"
    return "lips and sound fit hardly better than chance"


def _mouth(seen: Seen, heard: Heard) -> Mouth:
    spoken, silent = _spoken_and_silent(seen.times, heard)
    ratio = seen.gap / np.maximum(seen.width, 1e-3)
    loud, quiet = _mean(seen.motion, spoken, seen.fps), _mean(seen.motion, silent, seen.fps)
    share = quiet / loud if loud is not None and quiet is not None and loud > 0 else None
    return Mouth(
        _percentiles(seen.gap, spoken, seen.fps),
        _percentiles(ratio, spoken, seen.fps),
        _rounded(loud, 4),
        _rounded(quiet, 4),
        _rounded(share, 3),
    )


def _spoken_and_silent(times: Curve, heard: Heard) -> tuple[Mask, Mask]:
    """Which frames are shown while somebody speaks, and which where nobody does for a while; beyond the sound, none."""
    sound = np.convolve(heard.speech > 0, np.ones(2 * round(SETTLED * GRID) + 1), mode="same") > 0
    places = np.floor(times * GRID).astype(int)
    inside = (places >= 0) & (places < len(heard.speech))
    places = np.where(inside, places, 0)
    return inside & (heard.speech[places] > SPOKEN), inside & ~sound[places]


def _known(curve: Curve, where: Mask, fps: float) -> Curve | None:
    """The numbers of those frames; None where they are too few."""
    found = curve[where & np.isfinite(curve)]
    return found if len(found) >= max(2, LEAST_SECONDS * fps) else None


def _mean(curve: Curve, where: Mask, fps: float) -> float | None:
    found = _known(curve, where, fps)
    return None if found is None else float(found.mean())


def _percentiles(curve: Curve, where: Mask, fps: float) -> dict[str, float] | None:
    found = _known(curve, where, fps)
    if found is None:
        return None
    return {f"p{each}": round(float(np.percentile(found, each)), 4) for each in PERCENTILES}


def _thousandths(curve: Curve) -> float | None:
    known = curve[np.isfinite(curve)]
    return round(1000 * float(np.median(known)), 3) if len(known) else None


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None or not np.isfinite(number) else round(number, digits)


def _compared(ours: Measured, theirs: Measured) -> Reference:
    shared = min(len(ours.gap), len(theirs.gap))
    pairs = ((ours.gap, theirs.gap, SAME_WORDS), (ours.width, theirs.width, SAME_WORDS),
             (ours.heard.gap, theirs.heard.gap, SAME_SOUND))  # fmt: skip
    gap, width, sound = (_likeness(best_lag(a[:shared], b[:shared], GRID, reach)) for a, b, reach in pairs)
    return Reference(str(theirs.path), round(shared / GRID, 2), gap, width, sound)


def _likeness(lag: Lag | None) -> Likeness:
    return Likeness(None, None) if lag is None else Likeness(round(lag.likeness, 3), round(1000 * lag.seconds, 1))
