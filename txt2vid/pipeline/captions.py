"""Utterances to captions: when each word of a sentence is heard."""

from __future__ import annotations

import re

from txt2vid.core.captions import Caption, Word
from txt2vid.pipeline.fitting import moments, sounding
from txt2vid.tts.base import Utterance
from txt2vid.tts.passages import letters

LETTERS_A_SECOND = 13.0  # of a sentence that comes in pieces, whose end nobody knows when it begins
_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese and Japanese have no spaces: each is a word
_WORD = re.compile(rf"\s*(?:[{_ALONE}][^\s\w]*|[^\s{_ALONE}]+)\s*")


def caption(utterance: Utterance, at: float) -> Caption | None:
    """What an utterance says, which is heard `at` so many seconds of the time line.

    None of a sentence's later pieces, and of silence. Where the voice tells phonemes, words are as exact as those are
    aligned with letters; else they are spread over the sound.
    """
    texts = _WORD.findall(utterance.text)
    if utterance.audio.position or not texts:
        return None
    counts, told = [], 0
    for text in texts:
        counts.append(told)
        told += letters(text)
    rate = utterance.audio.rate
    first, last = (sample / rate for sample in sounding(utterance))
    if utterance.more:
        starts = [first + count / LETTERS_A_SECOND for count in counts]
        last = first + told / LETTERS_A_SECOND
    else:
        starts = [sample / rate for sample in moments(utterance, counts)]
    latest, words = first, []
    for text, start in zip(texts, starts, strict=True):
        latest = min(max(latest, start), last)
        words.append(Word(text, at + latest))
    return Caption(tuple(words), at + last)
