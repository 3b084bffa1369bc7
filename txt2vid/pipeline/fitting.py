"""Where in an utterance its letters are heard, and how much silence lies around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from txt2vid.core.media import AudioChunk
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.pipeline.aligning import align, is_written, symbols
from txt2vid.tts.base import Utterance
from txt2vid.tts.passages import letters
from txt2vid.tts.timing import tile

_QUIET = 10 ** (-50 / 20)  # a voice's silence is digital, or the hiss of a room


def following(first: Utterance, pieces: Iterator[Utterance]) -> Iterator[Utterance]:
    """The pieces of a sentence after its first one."""
    last = first
    while last.more:
        piece = next(pieces, None)
        if piece is None:
            return
        yield piece
        last = piece


def joined(first: Utterance, pieces: Iterator[Utterance]) -> Utterance:
    """A whole sentence. Where a voice broke off, and another began it anew, what the first one said is left out."""
    if not first.more:
        return first
    together = [first]
    for piece in following(first, pieces):
        together = [*together, piece] if piece.audio.position else [piece]
    samples = np.concatenate([piece.audio.samples for piece in together])
    phonemes: list[TimedPhoneme] = []
    for piece in together:
        at = piece.audio.position
        phonemes += [replace(each, start=each.start + at, stop=each.stop + at) for each in piece.phonemes or ()]
    told = all(piece.phonemes is not None for piece in together)
    chunk = AudioChunk(samples, together[0].audio.rate, 0)
    return Utterance(first.text, chunk, tuple(phonemes) if told else None)


def sounding(utterance: Utterance) -> tuple[int, int]:
    """The samples [first, last) between which something is heard; the whole of it where that cannot be told."""
    if utterance.phonemes is not None:
        told = [each for each in utterance.phonemes if each.symbol != SILENCE]
        return (told[0].start, told[-1].stop) if told else (0, len(utterance.audio))
    loud = np.flatnonzero(np.abs(utterance.audio.samples[:, 0]) > _QUIET)
    return (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, len(utterance.audio))


def fitted(utterance: Utterance, lead: float | None, tail: float | None) -> Utterance:
    """With so many seconds of silence before its first sound and after its last one; None leaves that as it is."""
    if lead is None and tail is None:
        return utterance
    rate, length = utterance.audio.rate, len(utterance.audio)
    first, last = sounding(utterance)
    start = 0 if lead is None else first - round(lead * rate)
    stop = length if tail is None else last + round(tail * rate)
    before, after = max(0, -start), max(0, stop - length)
    kept = np.pad(utterance.audio.samples[max(0, start) : stop], ((before, after), (0, 0)))
    phonemes = utterance.phonemes
    if phonemes is not None:
        moved = [replace(each, start=each.start - start, stop=each.stop - start) for each in phonemes]
        inside = [_cut(each, stop - start) for each in moved if each.stop > 0 and each.start < stop - start]
        phonemes = tuple(tile(inside, stop - start))
    return Utterance(utterance.text, AudioChunk(kept, rate, 0), phonemes)


def moments(utterance: Utterance, counts: Sequence[int]) -> list[int]:
    """The samples at which the letters after the first `counts` letters and digits begin.

    Where the voice tells phonemes, those and the letters are aligned; else a letter's place in the sound is its place
    among the letters.
    """
    first, last = sounding(utterance)
    total = letters(utterance.text)
    inside = [count for count in counts if 0 < count < total]
    places = dict.fromkeys(counts, first) | {count: last for count in counts if count >= total > 0}
    written = symbols(utterance.text)
    if inside and utterance.phonemes is not None and is_written(written):
        starts = align(written, utterance.phonemes)
        numbers = [i for i, symbol in enumerate(written) if symbol.isalnum()]
        for count in inside:
            phoneme = utterance.phonemes[
                min(starts[numbers[min(count, len(numbers) - 1)]], len(utterance.phonemes) - 1)
            ]
            places[count] = min(max(phoneme.start, first), last)
    elif inside:
        runs = _runs(utterance, first, last)
        places |= {count: _within(runs, count / total) for count in inside}
    return [places[count] for count in counts]


def _runs(utterance: Utterance, first: int, last: int) -> list[tuple[int, int]]:
    """The stretches of sound between pauses."""
    runs: list[tuple[int, int]] = []
    for each in utterance.phonemes or ():
        if each.symbol == SILENCE:
            continue
        if runs and runs[-1][1] == each.start:
            runs[-1] = (runs[-1][0], each.stop)
        else:
            runs.append((each.start, each.stop))
    return runs or [(first, last)]


def _within(runs: list[tuple[int, int]], share: float) -> int:
    """The sample at a share of the stretches' whole length."""
    at = share * sum(stop - start for start, stop in runs)
    for start, stop in runs:
        if at < stop - start:
            return round(start + at)
        at -= stop - start
    return runs[-1][1]


def _cut(phoneme: TimedPhoneme, length: int) -> TimedPhoneme:
    return replace(phoneme, start=max(0, phoneme.start), stop=min(length, phoneme.stop))
