"""Sound that comes bit by bit becomes the pieces of a sentence, with the right silence around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from txt2vid.core.media import AudioChunk, Samples
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.errors import SpeechError
from txt2vid.tts.base import Utterance
from txt2vid.tts.sentences import Sentence
from txt2vid.tts.timing import LEAD, tile

QUIET = 0.003  # of full scale, as a peak: nobody speaks
FIRST, LATER = 0.2, 0.5  # seconds of the pieces: soon heard, then not too many of them
MAX_SECONDS = 180.0  # of one sentence, whatever a voice makes of it: a bound on memory and patience


def pieces(
    sentence: Sentence,
    rate: int,
    sound: Iterable[Samples],
    phonemes: Sequence[TimedPhoneme] | None = None,
    who: str = "the voice",
) -> Iterator[Utterance]:
    """The sentence, each piece as soon as it is there; nothing where it is silent from start to end.

    sound: (n,) each, at `rate`. phonemes: of all of it, where they are told beforehand. Silence before the first sound
    is cut to LEAD, and behind the last one to the sentence's pause. Raises SpeechError where it never ends.
    """
    trim = _Trim(round(LEAD * rate), round(sentence.pause * rate), round(MAX_SECONDS * rate), who)
    held: list[Samples] = []
    length = position = 0
    for samples in sound:
        part = trim.push(samples)
        held.append(part)
        length += len(part)
        wanted = round((LATER if position else FIRST) * rate)
        while length >= wanted:
            there = np.concatenate(held)
            told = None if phonemes is None else _moved(phonemes, trim.cut, position, position + wanted)
            size = wanted if not told else told[-1].stop
            if size > length:
                break  # a phoneme is not cut in two: its rest is still to come
            yield _piece(sentence, there[:size], rate, position, told, more=True)
            position, held, length = position + size, [there[size:]], length - size
            wanted = round(LATER * rate)
    held.append(trim.end())
    if not trim.heard:
        return
    rest = np.concatenate(held)
    told = None if phonemes is None else _moved(phonemes, trim.cut, position, position + len(rest), last=True)
    yield _piece(sentence, rest, rate, position, told, more=False)


def whole(sentence: Sentence, rate: int, samples: Samples, who: str = "the voice") -> Iterator[Utterance]:
    """The same of a sound (n,) that is all there: one utterance, or none."""
    trim = _Trim(round(LEAD * rate), round(sentence.pause * rate), round(MAX_SECONDS * rate), who)
    spoken = trim.push(samples)
    if trim.heard:
        yield _piece(sentence, np.concatenate((spoken, trim.end())), rate, 0, None, more=False)


class _Trim:
    """Takes silence from both ends of a sound as it comes. cut: samples that were taken (+) or put (-) before it."""

    def __init__(self, lead: int, tail: int, most: int, who: str) -> None:
        self._lead, self._tail, self._left, self._who = lead, tail, most, who
        self._quiet = np.zeros(0, np.float32)  # what may turn out to be the end
        self._skipped = 0
        self.heard, self.cut = False, 0

    def push(self, samples: Samples) -> Samples:
        """What is certain to belong to the sentence, (n,)."""
        self._left -= len(samples)
        if self._left < 0:
            raise SpeechError(f"{self._who} speaks for more than {MAX_SECONDS:g} s on one sentence: choose another")
        whole = np.concatenate((self._quiet, samples))
        (loud,) = (np.abs(whole) > QUIET).nonzero()
        if not len(loud):
            kept = whole if self.heard else whole[max(0, len(whole) - self._lead) :]
            self._skipped += len(whole) - len(kept)
            self._quiet = kept
            return np.zeros(0, np.float32)
        end = int(loud[-1]) + 1
        first = 0
        if not self.heard:
            self.heard = True
            first = int(loud[0]) - self._lead
            self.cut = self._skipped + first
        self._quiet = whole[end:]
        lead = np.zeros(max(0, -first), np.float32)
        return np.concatenate((lead, whole[max(0, first) : end]))

    def end(self) -> Samples:
        """The silence behind the last sound."""
        rest = self._quiet[: self._tail]
        return np.concatenate((rest, np.zeros(self._tail - len(rest), np.float32)))


def _piece(sentence: Sentence, samples: Samples, rate: int, position: int, told: list[TimedPhoneme] | None, *,
           more: bool) -> Utterance:  # fmt: skip
    chunk = AudioChunk(samples[:, np.newaxis], rate, position)
    phonemes = None if told is None else tuple(tile(told, len(samples)))
    return Utterance(sentence.text, chunk, phonemes, more)


def _moved(
    phonemes: Sequence[TimedPhoneme], cut: int, start: int, stop: int, *, last: bool = False
) -> list[TimedPhoneme]:
    """The phonemes that begin in [start, stop) of the trimmed sound, counted from `start`; whole ones."""
    moved = [replace(each, start=each.start - cut - start, stop=each.stop - cut - start) for each in phonemes]
    within = [each for each in moved if each.stop > 0 and each.start < stop - start and each.symbol != SILENCE]
    if last:
        return within
    reach = max((each.stop for each in within), default=0)
    return [*within, TimedPhoneme(SILENCE, reach, max(reach, stop - start))]
