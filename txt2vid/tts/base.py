"""What every voice is: one verb, text in, utterances out, sentence by sentence."""

from __future__ import annotations

import difflib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from txt2vid.core.media import AudioChunk
from txt2vid.core.phonemes import TimedPhoneme
from txt2vid.errors import SpeechError, UsageError
from txt2vid.tts.languages import ENGLISH, language
from txt2vid.tts.sentences import Sentence, sentences
from txt2vid.tts.style import PLAIN, Style


@dataclass(frozen=True, slots=True)
class Utterance:
    """One spoken sentence.

    text: what was said.
    audio: the sound, one channel, position 0, with the silence that belongs before and after the sentence.
    phonemes: in order, tiling the utterance from sample 0 to its end; None where the voice does not tell them.
    """

    text: str
    audio: AudioChunk
    phonemes: tuple[TimedPhoneme, ...] | None


class Synthesizer(ABC):
    """A voice. Safe to use from one thread at a time.

    manners: what of `Style.asked` it can do. style: in which it says what is asked for next.
    """

    name: str
    manners: ClassVar[frozenset[str]] = frozenset()
    style: Style = PLAIN

    @abstractmethod
    def __init__(self, voice: str | None = None) -> None:
        """Takes one of `voices()`, None for the default one.

        Raises UsageError where the voice is unknown, DependencyError where the engine is not installed.
        """

    @classmethod
    @abstractmethod
    def voices(cls) -> list[str]:
        """The voices that are installed, sorted. Raises DependencyError where the engine is not."""

    def speak(self, text: str) -> Iterator[Utterance]:
        """Speaks the text sentence by sentence; each is made when it is asked for.

        Raises SpeechError where the text is empty or nothing in it can be spoken (at once, or at the first sentence
        where only the engine can tell), or the voice fails.
        """
        if not text.strip():
            raise SpeechError("the text is empty: write some words")
        pending = sentences(text)
        first = next(pending, None)
        if first is None:
            raise self._unspeakable(text)
        return self._spoken(text, itertools.chain((first,), pending))

    @abstractmethod
    def _say(self, sentence: Sentence) -> Utterance | None:
        """One sentence as sound; None where this voice has no sound for any of it."""

    def _spoken(self, text: str, pending: Iterator[Sentence]) -> Iterator[Utterance]:
        silent = True
        for sentence in pending:
            utterance = self._say(sentence)
            if utterance is not None:
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
    for name in known:
        if name.lower() == voice.lower():
            return name
    few = difflib.get_close_matches(voice.lower(), known, _NAMED, 0.5) or known[:_NAMED]
    shown = ", ".join(few) if len(known) > _NAMED else ", ".join(known)
    rest = f" …; all are listed by {listing}" if len(known) > _NAMED else ""
    raise UsageError(f"{engine} has no voice {voice!r}: choose one of {shown}{rest}")
