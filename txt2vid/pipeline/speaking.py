"""A text with tags becomes utterances, each with what the face is to do, and at which of its samples."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from txt2vid.core.expressions import Cue
from txt2vid.core.media import SPEECH_RATE, AudioChunk
from txt2vid.core.options import SpeakerOptions
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.drivers.moods import GESTURES
from txt2vid.errors import SpeechError
from txt2vid.pipeline.fitting import fitted, following, joined, moments, sounding
from txt2vid.tts.base import Synthesizer, Utterance
from txt2vid.tts.choose import Kept, choose
from txt2vid.tts.passages import Passage, letters
from txt2vid.tts.sentences import speakable
from txt2vid.tts.style import PLAIN, sounded
from txt2vid.tts.tags import read
from txt2vid.tts.timing import LEAD

WORDLESS = 0.6  # seconds of a text of tags alone, beyond what its gestures take

_log = logging.getLogger(__name__)
Held = tuple[float, Cue]  # seconds from where a silence begins


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance, and its cues in order: the sample of it at which each is due."""

    utterance: Utterance
    cues: tuple[tuple[int, Cue], ...] = ()


@dataclass(frozen=True, slots=True)
class Speech:
    """A text that is being spoken. voice: the synthesizer's name, None where there are no words.

    tells_phonemes: as `Synthesizer` has it.
    """

    voice: str | None
    spoken: Iterator[Spoken]
    tells_phonemes: bool | None = True


def speak(text: str, speaker: SpeakerOptions | None = None, unknown: str = "speak", kept: Kept | None = None,
          rate: float = 1.0) -> Speech:  # fmt: skip
    """Speaks a text sentence by sentence; each is made when it is asked for, the first at once.

    unknown: what is done with tags that are none. kept: where voices stay loaded. rate: of all that is said, a factor.
    Raises what `tts.choose` and `Synthesizer.speak` raise, and UsageError where tags make no sense (`tts.tags`).
    """
    tagged = read(text, unknown)
    for note in tagged.notes:
        _log.warning("%s; it is %s", note, "left out" if unknown == "drop" else "spoken")
    passages = [replace(each, style=each.style.changed(rate=rate)) for each in tagged.passages]
    if not speakable(tagged.words) and any(each.marks or each.pause for each in passages):
        return Speech(None, iter([_wordless(*_silent(passages))]))
    synthesizer = choose(tagged.words, speaker, kept)
    if not passages:
        synthesizer.speak(text)  # raises: there is nothing to say
    _tell_limits(synthesizer, passages)
    spoken = _spoken(synthesizer, passages)
    first = next(spoken)
    return Speech(synthesizer.name, itertools.chain((first,), spoken), synthesizer.tells_phonemes)


def check_speech(text: str, speaker: SpeakerOptions, unknown: str, kept: Kept) -> None:
    """Raises what `speak` would raise before it says a word."""
    tagged = read(text, unknown)
    if speakable(tagged.words):
        choose(tagged.words, speaker, kept)
    elif not any(each.marks or each.pause for each in tagged.passages):
        raise SpeechError("there is nothing to speak: give a text with a letter or a digit in it")


def _spoken(synthesizer: Synthesizer, passages: Sequence[Passage]) -> Iterator[Spoken]:
    silence: float | None = None  # seconds until the next sound; None is as the voice begins
    held: list[Held] = []
    wordy = [speakable(each.text) for each in passages]
    final = max((i for i, words in enumerate(wordy) if words), default=0)
    for i, passage in enumerate(passages):
        if not wordy[i] and (i != final):
            more, silence = _silent([passage], silence)
            held += more
            continue
        yield from _passage(synthesizer, passage, silence, held, final=i == final)
        held = _after(passage) if i == final else []
        silence = 0.0 if held else None if passage.pause is None else min(passage.pause, LEAD)
    if held:
        yield _wordless(held, silence)


def _passage(synthesizer: Synthesizer, passage: Passage, silence: float | None, held: list[Held], *,
             final: bool) -> Iterator[Spoken]:  # fmt: skip
    """The utterances of a passage. held: what happens in the silence before it.

    A sentence that comes in pieces is passed on as they come, unless something within it waits for its end.
    """
    total, told = letters(passage.text), 0
    marks = [mark for mark in passage.marks if not (final and mark.letters >= total)]
    pause = 0.0 if final and len(marks) < len(passage.marks) else passage.pause
    pieces = synthesizer.speak(passage.text, passage.style)
    for first in pieces:
        count = letters(first.text)
        last = told + count >= total
        tail = max(0.0, pause - LEAD) if last and pause is not None else None
        due = [mark for mark in marks if mark.letters < told + count or last]
        marks = marks[len(due) :]
        inside = any(mark.letters > told for mark in due)
        if first.more and not (inside or held or silence is not None or tail is not None or passage.style.sounds):
            yield Spoken(first, tuple((sounding(first)[0], mark.cue) for mark in due))
            yield from map(Spoken, following(first, pieces))
            told += count
            continue
        shaped = fitted(_styled(joined(first, pieces), passage), silence, tail)
        cues = [(min(round(at * shaped.audio.rate), sounding(shaped)[0]), cue) for at, cue in held]
        places = moments(shaped, [mark.letters - told for mark in due])
        yield Spoken(shaped, (*cues, *zip(places, [mark.cue for mark in due], strict=True)))
        told, silence, held = told + count, None, []


def _after(passage: Passage) -> list[Held]:
    """What happens after the last word."""
    total = letters(passage.text)
    return _in_turn([mark.cue for mark in passage.marks if mark.letters >= total], 0.0)[0]


def _silent(passages: Sequence[Passage], silence: float | None = None) -> tuple[list[Held], float | None]:
    """What happens in passages without words, and how long they last after so much silence."""
    held: list[Held] = []
    for passage in passages:
        more, _ = _in_turn([mark.cue for mark in passage.marks], silence or 0.0)
        held += more
        silence = silence if passage.pause is None else (silence or 0.0) + passage.pause
    return held, silence


def _in_turn(cues: Sequence[Cue], at: float) -> tuple[list[Held], float]:
    """Cues from `at` seconds on, each gesture after the one before; and when they have passed."""
    held: list[Held] = []
    for cue in cues:
        held.append((at, cue))
        gesture = GESTURES.get(cue.name)
        at += 0.0 if gesture is None else gesture.lasting(cue.seconds).seconds
    return held, at


def _styled(utterance: Utterance, passage: Passage) -> Utterance:
    if passage.style == PLAIN:
        return utterance
    audio = utterance.audio
    samples = sounded(audio.samples[:, 0], audio.rate, passage.style)
    return replace(utterance, audio=AudioChunk(samples[:, np.newaxis], audio.rate, 0))


def _wordless(held: Sequence[Held], silence: float | None) -> Spoken:
    """Silence in which the face does what is asked."""
    last = max((at + _in_turn([cue], 0.0)[1] for at, cue in held), default=0.0)
    count = round((max(last, silence or 0.0) + WORDLESS) * SPEECH_RATE)
    audio = AudioChunk(np.zeros((count, 1), np.float32), SPEECH_RATE, 0)
    cues = tuple((round(at * SPEECH_RATE), cue) for at, cue in held)
    return Spoken(Utterance("", audio, (TimedPhoneme(SILENCE, 0, count),)), cues)


def _tell_limits(synthesizer: Synthesizer, passages: Sequence[Passage]) -> None:
    """One line where a manner is asked for that the voice has not."""
    asked = frozenset[str]().union(*(passage.style.asked() for passage in passages))
    if missing := sorted(asked - synthesizer.manners):
        _log.warning("%s cannot change its %s: left as it is", synthesizer.name, " and ".join(missing))
