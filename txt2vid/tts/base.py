"""What every voice is: one verb, text in, utterances out, sentence by sentence."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from txt2vid.core.media import AudioChunk
from txt2vid.core.phonemes import TimedPhoneme
from txt2vid.errors import SpeechError, UsageError
from txt2vid.tts.sentences import Sentence, sentences


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
    """A voice. Safe to use from one thread at a time."""

    name: str

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

        Raises SpeechError where nothing in the text can be spoken (at once, or at the first sentence where only the
        engine can tell), or the voice fails.
        """
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
        return SpeechError(
            f"nothing in the text can be spoken: {shown!r} has no words for {self.name}. Write words, or choose another"
            " voice with --tts and --voice"
        )


def known_voice(voice: str, known: list[str], engine: str) -> str:
    """The voice as `known` spells it, capitals or not. Raises UsageError naming the known ones."""
    for name in known:
        if name.lower() == voice.lower():
            return name
    shown = ", ".join(known)
    raise UsageError(f"{engine} has no voice {voice!r}: choose one of {shown}")
