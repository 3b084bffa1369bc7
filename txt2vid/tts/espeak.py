"""espeak-ng's voices: more than a hundred languages, offline (https://github.com/espeak-ng/espeak-ng)."""

from __future__ import annotations

import difflib
import itertools
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from txt2vid.core.media import Samples
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.errors import SpeechError
from txt2vid.interrupts import apart
from txt2vid.tts.base import Listed, Synthesizer, Utterance, known_voice
from txt2vid.tts.espeak_library import Event, Library, Speech
from txt2vid.tts.languages import nearest
from txt2vid.tts.sentences import Sentence
from txt2vid.tts.style import Style
from txt2vid.tts.timing import utterance

DEFAULT_VOICE = "en-us"
_CLOSURE = 0.045  # seconds that espeak-ng is silent before the burst of p, t, k: 35 to 45 ms, measured
_BURST = 0.010  # seconds before the told time in which the burst already begins: 5 ms, measured
_QUIET = 0.003  # of full scale: nothing but a closure is as quiet within a word
_STRESS = {"ˈ": 2, "ˌ": 1}
_VOICELESS_STOPS = frozenset("ptkcqʈ")
_LOCK = threading.Lock()  # the library keeps one voice and one text for the whole process


class Espeak(Synthesizer):
    """The espeak-ng library; its phoneme times are those of its own synthesis, exact to a few ms."""

    name = "espeak"
    tells_phonemes = True
    multilingual = True
    manners = frozenset({"rate", "pitch"})

    def __init__(self, voice: str | None = None, language: str | None = None) -> None:
        """Takes a language ("en-us", "de") as in `voices()`, also with a variant: "en-us+f3".

        Raises UsageError where it is unknown, DependencyError where the library is missing.
        """
        with _LOCK:
            self._library = Library.load()
            languages, variants = self._library.languages, list(self._library.variants)
            chosen = voice or (DEFAULT_VOICE if language is None else nearest(language, languages) or language)
            base, plus, variant = chosen.partition("+")
            self.language = known_voice(base, list(languages), "espeak-ng", "txt2vid voices --tts espeak")
            self._voice = languages[self.language]
            if plus:
                self._voice += plus + known_voice(
                    variant, variants, "espeak-ng's variants", "espeak-ng --voices=variant"
                )

    @classmethod
    def voices(cls) -> list[str]:
        """The languages that are installed."""
        with _LOCK:
            return list(Library.load().languages)

    @classmethod
    def listed(cls) -> list[Listed]:
        """The same: each is a language."""
        return [Listed(name, name, cls.name, True) for name in cls.voices()]

    def _say(self, sentence: Sentence) -> Iterator[Utterance]:
        # Apart, because C code that calls Python back would lose a Ctrl-C that comes there.
        spoken, written = apart(lambda: self._synthesize(sentence.text, sentence.style))
        if not len(spoken.samples):
            raise SpeechError(f"espeak-ng made no sound of {sentence.text[:40]!r}: try another voice")
        rate = self._library.rate
        segments = _stressed(_segments(spoken.events, len(spoken.samples)), written)
        yield from utterance(sentence, spoken.samples, rate, _with_closures(segments, spoken.samples, rate))

    def _synthesize(self, text: str, style: Style) -> tuple[Speech, list[str]]:
        with _LOCK:
            spoken = self._library.synthesize(text, self._voice, style.rate, style.pitch)
            return spoken, self._library.phonemes(text)


class _Mark(NamedTuple):
    symbol: str
    stress: int


def _segments(events: list[Event], length: int) -> list[TimedPhoneme]:
    """Each event starts a segment that lasts until the next one; language switches ("(en)") sound like nothing."""
    events = [event for event in events if not event.name.startswith("(")]
    stops = [event.sample for event in events[1:]] + [length]
    segments = []
    for event, stop in zip(events, stops, strict=True):
        mark = _mark(event.name)
        segments.append(TimedPhoneme(mark.symbol, event.sample, stop, mark.stress))
    return segments


def _mark(name: str) -> _Mark:
    """Symbol and stress of a name like "ˈaɪ"; a pause is "" or "_" or has no letter at all."""
    stress = max((_STRESS.get(char, 0) for char in name), default=0)
    symbol = "".join(char for char in name if char not in _STRESS and not char.isspace() and char not in "_:|%,'")
    sounds = any(unicodedata.category(char)[0] == "L" for char in symbol)
    return _Mark(symbol if sounds else SILENCE, stress)


def _stressed(segments: list[TimedPhoneme], written: list[str]) -> list[TimedPhoneme]:
    """The segments with the stress that the library only writes in its transcription, where both agree."""
    marks = [mark for mark in map(_mark, written) if mark.symbol]
    places = [i for i, segment in enumerate(segments) if segment.symbol]
    told = [segments[i].symbol.rstrip("ː") for i in places]
    matcher = difflib.SequenceMatcher(None, told, [mark.symbol.rstrip("ː") for mark in marks], autojunk=False)
    stressed = list(segments)
    for block in matcher.get_matching_blocks():
        for k in range(block.size):
            segment, mark = segments[places[block.a + k]], marks[block.b + k]
            stressed[places[block.a + k]] = replace(segment, stress=max(segment.stress, mark.stress))
    return stressed


def _with_closures(segments: list[TimedPhoneme], samples: Samples, rate: int) -> list[TimedPhoneme]:
    """The segments with each voiceless stop from where its closure begins: espeak-ng only tells its burst."""
    moved = list(segments)
    for i, (before, segment) in enumerate(itertools.pairwise(segments), start=1):
        if segment.symbol[:1] not in _VOICELESS_STOPS or not segment.symbol:
            continue
        start = max(before.start, segment.start - round((_CLOSURE + _BURST) * rate))
        (loud,) = (np.abs(samples[start : segment.start - round(_BURST * rate)]) > _QUIET).nonzero()
        start += int(loud[-1]) + 1 if len(loud) else round(_BURST * rate)
        if start < segment.start - _BURST * rate:
            moved[i - 1] = replace(moved[i - 1], stop=start)
            moved[i] = replace(segment, start=start)
    return moved
