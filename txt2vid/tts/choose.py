"""Which voice speaks a text when nobody says which."""

from __future__ import annotations

from typing import cast

from txt2vid import registry
from txt2vid.errors import DependencyError, UsageError
from txt2vid.tts.base import Synthesizer
from txt2vid.tts.languages import ENGLISH, is_latin, language


def choose(text: str, name: str = "auto", voice: str | None = None) -> Synthesizer:
    """The voice for a text: the one named, else flite for English and espeak-ng for everything else.

    name: a name in the registry, or "auto". voice: of that synthesizer; with "auto" the one that has it is taken.
    Raises UsageError where the name or the voice is unknown, DependencyError where no engine is installed.
    """
    if name != "auto":
        return _load(name, voice)
    if voice is not None:
        return _with_voice(voice)
    spoken = language(text)
    if spoken == ENGLISH and is_latin(text):  # flite would leave out a word in any other script
        try:
            return _load("flite", None)
        except DependencyError:
            pass  # espeak-ng speaks English, too, if less well
    return _load("espeak", spoken)


def _load(name: str, voice: str | None) -> Synthesizer:
    return cast("Synthesizer", registry.load("tts", name)(voice))


def _with_voice(voice: str) -> Synthesizer:
    known = _flites_voices()
    if voice.lower() in known:
        return _load("flite", voice)
    try:
        return _load("espeak", voice)
    except UsageError as err:
        raise UsageError(f"{err}; flite has {', '.join(known)}" if known and "+" not in voice else str(err)) from err


def _flites_voices() -> list[str]:
    try:
        known: list[str] = registry.load("tts", "flite").voices()
    except DependencyError:
        return []
    return known
