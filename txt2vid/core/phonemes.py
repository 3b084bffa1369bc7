"""Timed phonemes: what a voice tells of its own speech, and what moves lips directly."""

from __future__ import annotations

from dataclasses import dataclass

SILENCE = ""  # the symbol of a pause


@dataclass(frozen=True, slots=True)
class TimedPhoneme:
    """One segment of speech.

    symbol: IPA, one phoneme ("p", "iː", "aɪ", "tʃ"), without stress marks or spaces; SILENCE for a pause.
    start, stop: sample indexes [start, stop) in the utterance that it belongs to, at the utterance's rate.
    stress: 0 none, 1 secondary, 2 primary.
    """

    symbol: str
    start: int
    stop: int
    stress: int = 0
