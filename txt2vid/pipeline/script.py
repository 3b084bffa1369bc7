"""The texts of a live session: spoken sentence by sentence, a little ahead of the time line, in a thread beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from fractions import Fraction

from txt2vid.core.expressions import Cue
from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.errors import Txt2VidError
from txt2vid.pipeline.messages import Say
from txt2vid.pipeline.speaking import Spoken, speak
from txt2vid.pipeline.voice import SentenceResampler
from txt2vid.tts.base import Utterance
from txt2vid.tts.choose import Kept

MAX_TEXTS = 64  # that wait; a typist is never so far ahead, and each may be ten minutes long
AHEAD_SECONDS = 5.0  # of speech that is made ahead: no gap between sentences, little to throw away at an interruption


@dataclass(frozen=True, slots=True)
class Line:
    """A spoken sentence, or a piece of one.

    id: of its text. sound: float32 (n,) at LISTENING_RATE. late: seconds from its first sample to the utterance's own.
    cues: what is due, and at which of the utterance's samples.
    """

    id: int
    utterance: Utterance
    sound: Samples
    late: Fraction = Fraction(0)
    cues: tuple[tuple[int, Cue], ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether it is the next piece of a sentence that has begun."""
        return self.utterance.audio.position > 0


@dataclass(frozen=True, slots=True)
class Finished:
    """A text has no more sentences. error: why it could not be spoken (further)."""

    id: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A text whose first sentence is spoken: `made`, and the rest."""

    made: Line | Finished
    rest: Speaking


class Speaking:
    """A text that is being spoken."""

    def __init__(self, spoken: Iterator[Spoken]) -> None:
        self._spoken, self._resampler = spoken, SentenceResampler(LISTENING_RATE)

    def line(self, text_id: int) -> Line | None:
        """What is spoken next; None at the end. Raises what the voice does."""
        spoken = next(self._spoken, None)
        if spoken is None:
            return None
        return Line(text_id, spoken.utterance, *self._resampler.push(spoken.utterance), spoken.cues)


Made = Line | Finished | Begun


class Script:
    """The texts of one session, in order. executor: threads that several sessions share. kept: their voices."""

    def __init__(self, executor: Executor, kept: Kept | None = None) -> None:
        self._executor, self._kept = executor, kept or Kept()
        self._texts: deque[Say] = deque()
        self._beginning: int | None = None  # id of the text whose first sentence the thread makes
        self._speaking: tuple[int, Speaking] | None = None
        self._future: Future[Made] | None = None
        self._made: deque[Line | Finished] = deque()
        self._seconds = 0.0  # of the lines in it

    def add(self, say: Say) -> bool:
        """Queues a text; False where MAX_TEXTS wait."""
        if len(self._texts) >= MAX_TEXTS:
            return False
        self._texts.append(say)
        self._go_on()  # now, rather than when the next frame is due
        return True

    @property
    def idle(self) -> bool:
        """Whether there is nothing to speak."""
        return not (self._texts or self._speaking or self._future or self._made)

    def next(self, *, piece: bool = False) -> Line | Finished | None:
        """What comes next on the time line, if it is there already; never waits. piece: only one that goes on."""
        self._go_on()
        if not self._made or (piece and not (isinstance(self._made[0], Line) and self._made[0].goes_on)):
            return None
        made = self._made.popleft()
        if isinstance(made, Line):
            self._seconds -= len(made.sound) / LISTENING_RATE
            self._go_on()  # now that there is room: not when this line is over
        return made

    def cut(self) -> list[int]:
        """Drops everything; the ids of the texts that were not spoken to their end."""
        ids = [line.id for line in self._made] + [say.id for say in self._texts]
        if self._speaking is not None:
            ids.append(self._speaking[0])
        if self._beginning is not None:
            ids.append(self._beginning)
        if self._future is not None:
            self._future.cancel()  # or its result is for nobody
        self._texts.clear()
        self._made.clear()
        self._beginning = self._speaking = self._future = None
        self._seconds = 0.0
        return list(dict.fromkeys(ids))

    def _go_on(self) -> None:
        """Takes what the thread has made, and gives it the next piece of work."""
        if self._future is not None and self._future.done():
            self._take(self._future)
            self._future = None
        if self._future is not None or self._seconds > AHEAD_SECONDS:
            return
        if self._speaking is not None:
            self._future = self._executor.submit(_spoken, *self._speaking)
        elif self._texts:
            say = self._texts.popleft()
            self._beginning = say.id
            self._future = self._executor.submit(_begun, say, self._kept)

    def _take(self, future: Future[Made]) -> None:
        result = future.result()
        self._beginning = None
        if isinstance(result, Begun):
            self._speaking, result = (result.made.id, result.rest), result.made
        if isinstance(result, Finished):
            self._speaking = None
        else:
            self._seconds += len(result.sound) / LISTENING_RATE
        self._made.append(result)


def _begun(say: Say, kept: Kept) -> Made:
    try:
        speaking = Speaking(speak(say.text, say.speaker, say.unknown_tags, kept).spoken)
    except Exception as err:  # noqa: BLE001 - a voice that breaks must not end other sessions
        return Finished(say.id, _why(err))
    return Begun(_spoken(say.id, speaking), speaking)


def _spoken(text_id: int, speaking: Speaking) -> Line | Finished:
    try:
        return speaking.line(text_id) or Finished(text_id)
    except Exception as err:  # noqa: BLE001 - as above
        return Finished(text_id, _why(err))


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, Txt2VidError) else f"the voice broke ({type(error).__name__}: {error})"
