"""What every voice is: one verb, text in, utterances out, sentence by sentence."""

from __future__ import annotations

import difflib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from txt2vid.core.media import AudioChunk
from txt2vid.core.phonemes import TimedPhoneme
from txt2vid.errors import SpeechError, UsageError
from txt2vid.tts.languages import ENGLISH, language
from txt2vid.tts.sentences import Sentence, sentences
from txt2vid.tts.style import PLAIN, Style


@dataclass(frozen=True, slots=True)
class Utterance:
    """A spoken sentence, or the next piece of one where the voice streams: the first sound is early then.

    text: the sentence, the same in all its pieces.
    audio: the sound, one channel, with the silence that belongs before and after the sentence (see `tts.timing`); its
    position is this piece's place in the sentence, 0 in the first.
    phonemes: in order, tiling the piece, counted from its first sample; None where the voice does not tell them.
    more: another piece of the sentence follows.
    """

    text: str
    audio: AudioChunk
    phonemes: tuple[TimedPhoneme, ...] | None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A voice that can be chosen. name: for --voice. language: as in BCP 47, "" where nobody knows.

    engine: for --tts. phonemes: whether it tells their times, None where only its answers show that. note: what people
    call it.
    """

    name: str
    language: str
    engine: str
    phonemes: bool | None
    note: str = ""


class Synthesizer(ABC):
    """A voice. Several threads may speak with it at once: what a sentence needs is kept with the sentence.

    name: of the engine, in the registry. tells_phonemes: whether utterances have phonemes, which then move the lips
    directly; where they have none, the sound does; None where only an answer shows it. paid: each sentence may cost.
    multilingual: where no voice is named, it wants to be told the language. language: what it speaks, where known.
    manners: what of `Style.asked` it can do.
    """

    name: str
    tells_phonemes: bool | None = None
    language: str | None = None
    manners: frozenset[str] = frozenset()
    paid: ClassVar[bool] = False
    multilingual: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, voice: str | None = None, language: str | None = None) -> None:
        """Takes one of `voices()`, None for the one that fits the language; language: of the texts, None for unknown.

        Raises UsageError where the voice is unknown or speaks no such language, DependencyError where the engine, its
        key or its model is missing.
        """

    @classmethod
    @abstractmethod
    def voices(cls) -> list[str]:
        """The voices that can be had, sorted. Raises DependencyError where the engine, its key or model is missing."""

    @classmethod
    def listed(cls) -> list[Listed]:
        """The same with what is known of each; raises likewise."""
        return [Listed(name, "", cls.name, cls.tells_phonemes) for name in cls.voices()]

    @classmethod
    def ready(cls) -> str:
        """What is there, in a few words, without asking a paid service. Raises DependencyError where nothing is."""
        return f"{len(cls.voices())} voices"

    def speak(self, text: str, style: Style = PLAIN) -> Iterator[Utterance]:
        """Speaks the text sentence by sentence; each is made when it is asked for. style: as far as `manners` go.

        Raises SpeechError where the text is empty or nothing in it can be spoken (at once, or at the first sentence
        where only the engine can tell), or the voice fails.
        """
        if not text.strip():
            raise SpeechError("the text is empty: write some words")
        pending = (replace(sentence, style=style) for sentence in sentences(text))
        first = next(pending, None)
        if first is None:
            raise self._unspeakable(text)
        return self._spoken(text, itertools.chain((first,), pending))

    @abstractmethod
    def _say(self, sentence: Sentence) -> Iterator[Utterance]:
        """One sentence as sound, whole or in pieces; nothing where this voice has no sound for any of it."""

    def _spoken(self, text: str, pending: Iterator[Sentence]) -> Iterator[Utterance]:
        silent = True
        for sentence in pending:
            for utterance in self._say(sentence):
                silent = False
                yield utterance
        if silent:
            raise self._unspeakable(text)

    def _unspeakable(self, text: str) -> SpeechError:
        shown = text[:40] + ("…" if len(text) > 40 else "")
        fitting = language(text)
        other = "another voice with --tts and --voice" if fitting == ENGLISH else f"--tts espeak --voice {fitting}"
        return SpeechError(
            f"nothing in the text can be spoken: {shown!r} has no words for {self.name}. Write words, or choose {other}"
        )


_NAMED = 6  # of the known voices that an error names


def known_voice(voice: str, known: list[str], engine: str, listing: str) -> str:
    """The voice as `known` spells it, capitals or not.

    Raises UsageError naming those that are most like it, and `listing`, the command that lists them all.
    """
    if not known:
        raise UsageError(f"{engine} has no voice {voice!r}, nor any other: see {listing}")
    for name in known:
        if name.lower() == voice.lower():
            return name
    lower = {name.lower(): name for name in known}
    few = [lower[name] for name in difflib.get_close_matches(voice.lower(), lower, _NAMED, 0.5)] or known[:_NAMED]
    shown = ", ".join(few if len(known) > _NAMED else [*few, *(name for name in known if name not in few)])
    rest = f" …; all are listed by {listing}" if len(known) > _NAMED else ""
    raise UsageError(f"{engine} has no voice {voice[:60]!r}: choose one of {shown}{rest}")
