"""What is measured of a video, as values: they are the JSON of `txt2vid score --json`, field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True, slots=True)
class Sync:
    """How far the picture is behind the sound, by the inner-lip gap against the gap that the sound asks for.

    offset_ms: + is picture behind the sound, - picture ahead of it; None unless confident. why: in words, what stands
    in the way; empty where nothing does. best_ms: where the correlation peaks, confident or not. correlation: there;
    correlation_at_zero: without any offset; median: over all offsets within ±400 ms. strength: the peak in standard
    deviations of chance. better_than: share of other moments of the sound that fit the picture less well.
    """

    offset_ms: float | None
    confident: bool
    why: str
    best_ms: float | None = None
    correlation: float | None = None
    correlation_at_zero: float | None = None
    median: float | None = None
    strength: float | None = None
    better_than: float | None = None


@dataclass(frozen=True, slots=True)
class Mouth:
    """What the mouth does; None where there is too little speech, or too little silence, to tell.

    gap_by_height, gap_by_width: inner-lip gap while somebody speaks, percentiles by name ("p50"), over the face's
    height and over the mouth's width. speech_motion, silence_motion: of the lips, in face heights a second.
    silence_share: the second over the first.
    """

    gap_by_height: Mapping[str, float] | None
    gap_by_width: Mapping[str, float] | None
    speech_motion: float | None
    silence_motion: float | None
    silence_share: float | None


@dataclass(frozen=True, slots=True)
class Jitter:
    """How far landmarks jump from frame to frame and back, medians, in thousandths of the face's height."""

    face: float | None
    lips: float | None


@dataclass(frozen=True, slots=True)
class Likeness:
    """A curve against a reference's: the best correlation within ±120 ms, and the lag there (+: ours is later)."""

    correlation: float | None
    lag_ms: float | None


@dataclass(frozen=True, slots=True)
class Reference:
    """The video against a recording of the same words. sound: both soundtracks; far from 1 they are not the same words.

    seconds: how long both are.
    """

    video: str
    seconds: float
    gap: Likeness
    width: Likeness
    sound: Likeness


@dataclass(frozen=True, slots=True)
class Expert:
    """SyncNet's verdict with the weights that were given: lse_d lower is better, lse_c higher. offset_ms as in Sync."""

    weights: str
    lse_d: float
    lse_c: float
    offset_ms: float
    windows: int


@dataclass(frozen=True, slots=True)
class Score:
    """All that was measured of one video.

    seconds, sound_seconds: from the file's first timestamp to the end of picture and sound. speech_seconds: in which
    somebody speaks. detected: share of frames with a face. profiles: share where it is turned too far to be measured.
    """

    video: str
    frames: int
    fps: float
    variable_fps: bool
    width: int
    height: int
    seconds: float
    sound_seconds: float
    speech_seconds: float
    detected: float
    profiles: float
    sync: Sync
    mouth: Mouth
    jitter: Jitter
    reference: Reference | None = None
    syncnet: Expert | None = None

    def with_expert(self, expert: Expert) -> Score:
        """The same with SyncNet's verdict."""
        return replace(self, syncnet=expert)

    def json(self) -> str:
        """One JSON object on one line."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)
