from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from tests.stt.contract import BLOCK
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.stt.endpoint import END_WINDOW, FRAME, FRAMES_A_SECOND, HARD, LEAD, SOFT, Endpointer, Event, Mark, detector

LOUD = 1000  # of 16 bits, of a mean


def loud(frame: bytes) -> bool:
    """A detector for tests: what is loud is a voice."""
    return float(np.abs(np.frombuffer(frame, np.int16)).mean()) > LOUD


def noise(seconds: float, level: float, seed: int = 0) -> Samples:
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * SPEECH_RATE))).astype(np.float32)


def events(endpointer: Endpointer, sound: Samples) -> Iterator[Event]:
    for at in range(0, len(sound), BLOCK):
        yield from endpointer.push(sound[at : at + BLOCK])
    yield from endpointer.finish()


def utterances(found: Iterable[Event]) -> list[tuple[float, Mark]]:
    """How many seconds each had, and how it ended."""
    length = 0
    lengths: list[tuple[float, Mark]] = []
    for event in found:
        if isinstance(event, np.ndarray):
            length += len(event)
        elif event is Mark.BEGIN:
            length = 0
        else:
            lengths.append((length / SPEECH_RATE, event))
    return lengths


def test_a_voice_between_silences() -> None:
    sound = np.concatenate([noise(2, 0.001), noise(1.5, 0.2), noise(2, 0.001)])
    ((seconds, mark),) = utterances(events(Endpointer(loud), sound))
    assert mark is Mark.END
    lead, tail = LEAD / FRAMES_A_SECOND, END_WINDOW / FRAMES_A_SECOND
    assert 1.5 + 0.15 < seconds < 1.5 + lead + tail


def test_the_end_is_told_soon() -> None:
    endpointer = Endpointer(loud)
    list(endpointer.push(np.concatenate([noise(1, 0.001), noise(1, 0.2)])))
    waited = 0
    while not any(event is Mark.END for event in endpointer.push(noise(0.03, 0.001))):
        waited += 1
        assert waited < 30
    assert waited * FRAME / SPEECH_RATE <= 0.6


def test_a_short_pause_is_none_and_clicks_are_no_voice() -> None:
    words = np.concatenate([noise(1, 0.001), noise(0.5, 0.2), noise(0.3, 0.001), noise(0.5, 0.2), noise(1, 0.001)])
    assert len(utterances(events(Endpointer(loud), words))) == 1
    clicks = np.tile(np.concatenate([noise(0.03, 0.5), noise(0.4, 0.001)]), 9)
    assert utterances(events(Endpointer(loud), clicks)) == []


def test_two_sentences_and_one_that_ends_with_the_stream() -> None:
    sound = np.concatenate([noise(1, 0.2), noise(1, 0.001), noise(1, 0.2)])
    assert [mark for _, mark in utterances(events(Endpointer(loud), sound))] == [Mark.END, Mark.END]


def test_what_never_ends_is_cut_at_a_quiet_spot_and_nothing_is_lost() -> None:
    syllables = [noise(0.93, 0.2), noise(0.09, 0.001)] * 52
    found = utterances(events(Endpointer(loud), np.concatenate(syllables)))
    assert [mark for _, mark in found[:-1]] == [Mark.CUT] * 4
    assert all(SOFT / FRAMES_A_SECOND <= seconds <= SOFT / FRAMES_A_SECOND + 1.1 for seconds, _ in found[:-1])
    assert sum(seconds for seconds, _ in found) == pytest.approx(52 * 1.02, abs=0.05)


def test_what_has_no_quiet_spot_is_cut_anywhere() -> None:
    swelling = np.concatenate([noise(1, 0.001), *(noise(1, 0.06 * 1.15**second) for second in range(18))])
    (first, mark), *_ = utterances(events(Endpointer(loud), swelling))
    assert mark is Mark.CUT
    assert first == pytest.approx(HARD / FRAMES_A_SECOND)


def test_steady_noise_becomes_the_floor() -> None:
    hum = utterances(events(Endpointer(lambda _: True), noise(120, 0.02)))
    assert sum(seconds for seconds, _ in hum) < 30
    assert utterances(events(Endpointer(lambda _: True), noise(5, 0.0002))) == []  # as quiet as a room


def test_hours_hold_no_more_than_moments() -> None:
    endpointer, block = Endpointer(loud), np.tile(noise(0.5, 0.2), 2)
    for _ in range(400):
        list(endpointer.push(block))
    held = endpointer._held.nbytes + sum(frame.nbytes for frame in endpointer._lead)
    assert held <= (LEAD + 1) * FRAME * 4


def test_the_real_detector(hello: Samples) -> None:
    pytest.importorskip("pocketsphinx", reason="the extra stt is not installed")
    sound = np.concatenate([np.zeros(SPEECH_RATE, np.float32), hello, np.zeros(SPEECH_RATE, np.float32)])
    for gain in (1.0, 0.1, 20.0):  # far, and clipped
        ((seconds, mark),) = utterances(events(Endpointer(detector()), np.clip(gain * sound, -1, 1)))
        assert mark is Mark.END
        assert 1.5 < seconds < len(hello) / SPEECH_RATE + 1.1
    assert utterances(events(Endpointer(detector()), np.zeros(60 * SPEECH_RATE, np.float32))) == []
