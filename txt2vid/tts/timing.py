"""From what an engine hands over (samples, segments) to an Utterance with the right silence around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from txt2vid.core.media import AudioChunk, Samples
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.tts.base import Utterance
from txt2vid.tts.sentences import Sentence

LEAD = 0.1  # seconds of silence before the first sound: lips start to move about so long before it


def utterance(sentence: Sentence, samples: Samples, rate: int, segments: list[TimedPhoneme]) -> Iterator[Utterance]:
    """The sentence with LEAD seconds of silence before its first sound and its own pause after the last one.

    samples: float32 (n,). segments: in order, as the engine told them; holes are filled, overlaps are cut.
    Nothing where there is no sound but pauses.
    """
    tiled = tile(segments, len(samples))
    sounding = [segment for segment in tiled if segment.symbol != SILENCE]
    if not sounding:
        return
    first, last = sounding[0].start, sounding[-1].stop
    lead, tail = round(LEAD * rate), round(sentence.pause * rate)
    kept = _window(samples, first - lead, last + tail)
    moved = [
        replace(segment, start=segment.start - first + lead, stop=segment.stop - first + lead)
        for segment in tiled
        if first <= segment.start < last
    ]
    phonemes = tile(moved, len(kept))
    yield Utterance(sentence.text, AudioChunk(kept[:, np.newaxis], rate, 0), tuple(phonemes))


def tile(segments: list[TimedPhoneme], length: int) -> list[TimedPhoneme]:
    """The segments without holes from sample 0 to `length`: pauses fill and join, overlaps end the earlier one."""
    tiled: list[TimedPhoneme] = []
    at = 0
    for segment in [*segments, TimedPhoneme(SILENCE, length, length)]:
        start = min(max(segment.start, at), length)
        if start > at:
            tiled.append(TimedPhoneme(SILENCE, at, start))
        at = max(start, min(segment.stop, length))
        if at > start:
            tiled.append(replace(segment, start=start, stop=at))
    return _joined(tiled)


def _joined(segments: list[TimedPhoneme]) -> list[TimedPhoneme]:
    joined: list[TimedPhoneme] = []
    for segment in segments:
        if joined and segment.symbol == SILENCE == joined[-1].symbol:
            joined[-1] = replace(joined[-1], stop=segment.stop)
        else:
            joined.append(segment)
    return joined


def _window(samples: Samples, start: int, stop: int) -> Samples:
    """samples[start:stop], with zeros where that is outside."""
    inside = samples[max(0, start) : max(0, stop)]
    before = max(0, -start)
    return np.pad(inside, (before, stop - start - before - len(inside))).astype(np.float32, copy=False)
