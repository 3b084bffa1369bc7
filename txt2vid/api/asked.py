"""What programs write, as the values that the pipelines read; whatever makes no sense is a UsageError of one line."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from txt2vid.core.clock import parse_fps, settle_fps
from txt2vid.core.expressions import GESTURES, MOODS, Cue, parse_mood
from txt2vid.core.options import EngineOptions, SpeakerOptions, parse_engine, parse_language, parse_size
from txt2vid.errors import UsageError

EXPRESSIONS: tuple[str, ...] = (*MOODS, *GESTURES)
"""The names of all expressions: moods, which last, then gestures, which pass."""

PathLike = str | os.PathLike[str]
Rate = int | float | str | Fraction


def path_of(given: PathLike, what: str) -> Path:
    """A path. Raises UsageError, naming `what`, where it is none."""
    try:
        return Path(given)
    except TypeError as err:
        raise UsageError(f"{what} is a {type(given).__name__}: give a path") from err


def fps_of(given: Rate | None) -> Fraction | None:
    """Frames a second: 25, 29.97, "30000/1001", Fraction(25); None stays None. Raises UsageError."""
    if given is None:
        return None
    return settle_fps(given) if isinstance(given, Fraction) else parse_fps(str(given))


def size_of(given: int | None) -> int | None:
    """Pixels of the longer side. Raises UsageError where that is out of range."""
    return None if given is None else parse_size(str(given))


def mood_of(given: str | None) -> Cue | None:
    """A mood by its name, with a strength if wanted: "joy", "joy:0.5". Raises UsageError."""
    return None if given is None else parse_mood(given)


def speaker_of(voice: str | None, tts: str, language: str | None, fallback: str | None) -> SpeakerOptions:
    """Who speaks. Raises UsageError where the language is none; the voice is looked for when it speaks."""
    return SpeakerOptions(tts, voice, None if language is None else parse_language(language), fallback)


def engine_of(engine: str, device: str, checkpoint: PathLike | None) -> EngineOptions:
    """What draws. Raises UsageError on a device that is not known; the engine is looked for when it draws."""
    weights = None if checkpoint is None else path_of(checkpoint, "checkpoint")
    return parse_engine({"engine": engine, "device": device}, weights)
