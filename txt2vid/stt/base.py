"""What every ear is: the sound of one utterance in, its words out, again and again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from txt2vid.core.media import Samples

DEFAULT_LANGUAGE = "en-US"
_FULL = 32767


class Recognizer(ABC):
    """An ear: `begin`, `push` as often as there is sound, `end`; then from the start. Used from one thread.

    Where an utterance begins and ends is decided outside (txt2vid.stt.endpoint), alike for all ears.

    writes: whether its texts come with capitals and punctuation. model: the user's, None for the ear's own.
    language: what is spoken, as in BCP 47 ("en-US").
    """

    name: str
    writes: bool = False

    @abstractmethod
    def __init__(self, model: Path | None = None, language: str | None = None) -> None:
        """Loads a model of the user's, None for the ear's own; language None is the model's, or English.

        Raises SpeechError where the model is missing or of the wrong kind, UsageError where the language is not one
        of its own, DependencyError where a package is missing.
        """
        self.model = model
        self.language = language or DEFAULT_LANGUAGE
        self._begun = False

    def begin(self) -> None:
        """Somebody begins to speak. An utterance that was not ended is forgotten."""
        if self._begun:
            self.end()
        self._begun = True
        self._begin()

    def push(self, samples: Samples) -> str:
        """Takes sound, (n,) at 16 kHz in [-1, 1]; returns what is understood so far, "" for nothing yet.

        Raises SpeechError where the ear fails.
        """
        if not self._begun:
            raise ValueError("nobody has begun to speak")
        return self._push(samples)

    def end(self) -> str:
        """The utterance has ended; returns its words, "" for none. Raises SpeechError where the ear fails."""
        if not self._begun:
            raise ValueError("nobody has begun to speak")
        self._begun = False
        return " ".join(self._end().split())

    def close(self) -> None:
        """Gives back what it holds. Closing twice is safe."""
        return

    @abstractmethod
    def _begin(self) -> None: ...
    @abstractmethod
    def _push(self, samples: Samples) -> str: ...
    @abstractmethod
    def _end(self) -> str: ...


def pcm(samples: Samples) -> bytes:
    """Samples as 16-bit numbers of this machine's byte order, as C libraries want them."""
    return (np.clip(np.nan_to_num(samples, nan=0.0), -1, 1) * _FULL).round().astype(np.int16).tobytes()


def primary(language: str) -> str:
    """The first part of a language tag, in small letters: "en" of "en-US"."""
    return language.replace("_", "-").partition("-")[0].lower()
