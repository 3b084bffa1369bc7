"""Which voice speaks a text: the one that was named, or the one that fits the text's language."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from dataclasses import replace
from typing import cast

from txt2vid import registry
from txt2vid.core.options import SpeakerOptions
from txt2vid.errors import DependencyError, Txt2VidError, UsageError
from txt2vid.tts.base import Synthesizer, known_voice
from txt2vid.tts.fallback import WithFallback
from txt2vid.tts.languages import ENGLISH, fits, is_latin, language
from txt2vid.tts.piper import MODEL, installed

KEPT = 8  # voices of a process that stay loaded: a model of piper's has 60 MB


class Kept:
    """Voices that stay loaded, the ones used longest ago are dropped: a model takes a second, a connection a tenth."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._lock = most, threading.Lock()
        self._voices: OrderedDict[SpeakerOptions, Synthesizer] = OrderedDict()

    def load(self, speaker: SpeakerOptions) -> Synthesizer:
        """The voice of that engine. Raises what its class raises."""
        with self._lock:
            found = self._voices.get(speaker)
            if found is not None:
                self._voices.move_to_end(speaker)
                return found
        made = _made(speaker, self)  # without the lock: other voices need not wait for this one
        with self._lock:
            self._voices[speaker] = made
            while len(self._voices) > self._most:
                self._voices.popitem(last=False)
        return made


def choose(text: str, speaker: SpeakerOptions | None = None, kept: Kept | None = None) -> Synthesizer:
    """The voice for a text: the one named, else flite for English and espeak-ng for everything else.

    kept: where voices stay loaded. Raises UsageError where the engine or the voice is unknown or speaks no such
    language, DependencyError where the engine, its key or its model is missing and no fallback is named.
    """
    speaker = speaker or SpeakerOptions()
    if speaker.fallback is not None:
        detected = speaker.language or language(text)
        speaker = replace(speaker, language=detected) if _multilingual(speaker) else speaker
        return (kept or Kept()).load(speaker)
    return _fitting(text, speaker, kept or Kept())


def warm_up(kept: Kept) -> None:
    """Has the voices that come along say a word, so that the first text does not wait for their programs to load."""
    for name in ("flite", "espeak"):
        with contextlib.suppress(Txt2VidError):
            list(choose("a", SpeakerOptions(name, language="en"), kept).speak("a"))


def parse_fallback(name: str, spoken: str | None) -> SpeakerOptions:
    """A voice as people name it in one word: "flite", "flite:rms", "espeak:de", or a voice alone."""
    engine, colon, voice = name.partition(":")
    if engine in (*registry.names("tts"), "auto"):
        return SpeakerOptions(engine, voice or None, None if voice else spoken)
    if colon and "/" not in engine:
        registry.load("tts", engine)  # raises: names those that there are
    return SpeakerOptions("auto", name)


def _made(speaker: SpeakerOptions, kept: Kept) -> Synthesizer:
    if speaker.fallback is None:
        return cast("Synthesizer", registry.load("tts", speaker.tts)(speaker.voice, speaker.language))
    first = replace(speaker, fallback=None)
    second = parse_fallback(speaker.fallback, speaker.language)
    return WithFallback(
        speaker.voice or speaker.tts,
        lambda text: _fitting(text, first, kept),
        lambda text: _second(text, second, kept),
        speaker.fallback,
    )


def _second(text: str, speaker: SpeakerOptions, kept: Kept) -> Synthesizer:
    """The fallback for a text; where its engine lacks the language, one that has it."""
    if speaker.voice is not None or speaker.tts == "auto":
        return _fitting(text, speaker, kept)
    spoken = speaker.language or language(text)
    try:
        return _fitting(text, replace(speaker, language=spoken), kept)
    except UsageError:
        return _fitting(text, SpeakerOptions("auto", None, spoken), kept)


def _multilingual(speaker: SpeakerOptions) -> bool:
    """Whether the engine wants to be told the language of a text, since nobody has named a voice."""
    return speaker.tts != "auto" and speaker.voice is None and registry.load("tts", speaker.tts).multilingual


def _fitting(text: str, speaker: SpeakerOptions, kept: Kept) -> Synthesizer:
    if speaker.tts != "auto":
        if speaker.language is None and _multilingual(speaker):
            speaker = replace(speaker, language=language(text))
        return kept.load(speaker)
    if speaker.voice is not None:
        return _with_voice(speaker, kept)
    spoken = speaker.language or language(text)
    if fits(ENGLISH, spoken) and is_latin(text):  # flite would leave out a word in any other script
        try:
            return kept.load(SpeakerOptions("flite"))
        except DependencyError:
            pass  # espeak-ng speaks English, too, if less well
    return kept.load(SpeakerOptions("espeak", None, spoken))


def _with_voice(speaker: SpeakerOptions, kept: Kept) -> Synthesizer:
    """The engine that has a voice: by the kind of its name."""
    voice, known = speaker.voice or "", _flites_voices()
    pipers = [path.name.removesuffix(MODEL) for path in installed()]
    if voice.partition("#")[0].endswith(MODEL) or voice.partition("#")[0] in pipers:
        return kept.load(replace(speaker, tts="piper"))
    if voice.lower() in known:
        return kept.load(replace(speaker, tts="flite"))
    try:
        return kept.load(replace(speaker, tts="espeak"))
    except UsageError:
        if "+" in voice:  # a variant of espeak-ng's, which its own error tells of
            raise
        known += [*registry.load("tts", "espeak").voices(), *pipers]
        known_voice(voice, sorted(known), "txt2vid", "txt2vid voices")
        raise


def _flites_voices() -> list[str]:
    try:
        return list(registry.load("tts", "flite").voices())
    except DependencyError:
        return []
