"""A voice, and who goes on where it fails: a service that is down must not end a session."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from txt2vid.errors import DependencyError, SpeechError
from txt2vid.tts.base import Synthesizer, Utterance
from txt2vid.tts.sentences import Sentence

REST_SECONDS = 30.0  # that a voice which failed is not asked: each try may take as long as its service hangs
Finder = Callable[[str], Synthesizer]

_log = logging.getLogger(__name__)


class WithFallback(Synthesizer):
    """The first voice while it works; where a sentence fails, the second one says it, from its start.

    find_first, find_second: the voices for a text. Raises what `find_second` does: nobody would be there to go on.
    A voice that is not known at all (UsageError) is an error of whoever named it, and stays one.
    """

    def __init__(self, label: str, find_first: Finder, find_second: Finder, second: str,
                 now: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        self.name = label
        self._find_first, self._find_second, self._second, self._now = find_first, find_second, second, now
        self._resting = float("-inf")  # until when the first one is not asked
        second_found = find_second("")
        self.manners = (self._try_first("") or second_found).manners

    @classmethod
    def voices(cls) -> list[str]:
        """None of its own."""
        return []

    def _say(self, sentence: Sentence) -> Iterator[Utterance]:
        first = self._try_first(sentence.text)
        if first is not None:
            try:
                yield from first._say(sentence)
                return
            except (SpeechError, DependencyError) as err:
                self._failed(err)
        yield from self._find_second(sentence.text)._say(sentence)

    def _try_first(self, text: str) -> Synthesizer | None:
        if self._now() < self._resting:
            return None
        try:
            return self._find_first(text)
        except (SpeechError, DependencyError) as err:
            self._failed(err)
            return None

    def _failed(self, error: Exception) -> None:
        self._resting = self._now() + REST_SECONDS
        _log.warning("%s. %s goes on for %g s", error, self._second, REST_SECONDS)
