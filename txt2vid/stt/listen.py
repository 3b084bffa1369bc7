"""From a stream of sound to sentences: the endpointer, an ear, and what makes plain words a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.stt.base import Recognizer
from txt2vid.stt.endpoint import Detector, Endpointer, Event, Mark, detector
from txt2vid.stt.restore import restore


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood. final: it will not change, and is a sentence; else plain words that may.

    at: seconds of sound that were listened to by then.
    """

    text: str
    final: bool
    at: float


class Listener:
    """Hears a stream with one ear. is_speech: the detector of voices, None for WebRTC's."""

    def __init__(self, ear: Recognizer, is_speech: Detector | None = None) -> None:
        self._ear = ear
        self._endpointer = Endpointer(is_speech or detector())
        self._samples = 0
        self._shown = ""
        self._goes_on = False  # the utterance before was cut

    def push(self, samples: Samples) -> Iterator[Heard]:
        """What (n,) samples at 16 kHz let one understand. Raises SpeechError where the ear fails."""
        self._samples += len(samples)
        return self._hear(self._endpointer.push(samples))

    def finish(self) -> Iterator[Heard]:
        """The rest, at the end of the stream."""
        return self._hear(self._endpointer.finish())

    def _hear(self, events: Iterable[Event]) -> Iterator[Heard]:
        for event in _joined(events):
            if isinstance(event, np.ndarray):
                words = self._ear.push(event)
                if words != self._shown:
                    self._shown = words
                    yield Heard(words, False, self._at)
            elif event is Mark.BEGIN:
                self._ear.begin()
            else:
                text = self._sentence(self._ear.end(), event)
                if text or self._shown:
                    yield Heard(text, bool(text), self._at)
                self._shown = ""

    def _sentence(self, words: str, mark: Mark) -> str:
        goes_on, self._goes_on = self._goes_on, mark is Mark.CUT
        if mark is Mark.NOISE:
            return ""
        if self._ear.writes:
            return words
        return restore(words, self._ear.language, begins=not goes_on, whole=mark is Mark.END)

    @property
    def _at(self) -> float:
        return self._samples / SPEECH_RATE


def _joined(events: Iterable[Event]) -> Iterator[Event]:
    """The same with neighbouring pieces of sound as one: ears answer each, and that takes them time."""
    held: list[Samples] = []
    for event in events:
        if isinstance(event, np.ndarray):
            held.append(event)
            continue
        if held:
            yield np.concatenate(held)
            held = []
        yield event
    if held:
        yield np.concatenate(held)
