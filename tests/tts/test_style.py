"""Manners of speaking, of the real voices."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from txt2vid.core.media import Samples
from txt2vid.core.phonemes import SILENCE
from txt2vid.tts.base import Synthesizer, Utterance
from txt2vid.tts.espeak import Espeak
from txt2vid.tts.flite import Flite
from txt2vid.tts.style import Style, sounded, whispered

TEXT = "The rain in Spain stays mainly on the plain."
ENGINES = [Flite, Espeak]


def said(engine: type[Synthesizer], **style: float) -> Utterance:
    return next(engine().speak(TEXT, Style(**style)))  # type: ignore[arg-type]


def spoken_seconds(utterance: Utterance) -> float:
    sounds = [each for each in utterance.phonemes or () if each.symbol != SILENCE]
    return (sounds[-1].stop - sounds[0].start) / utterance.audio.rate


def pitch(samples: Samples, rate: int) -> tuple[float, float]:
    """The median of what repeats between 60 and 400 Hz, and how much of the sound does."""
    length, found, loud = rate // 20, [], 0
    for at in range(0, len(samples) - length, length // 2):
        piece = samples[at : at + length]
        if piece.std() < 0.01:
            continue
        loud += 1
        repeats = np.correlate(piece, piece, "full")[length - 1 :]
        lag = rate // 400 + int(repeats[rate // 400 : rate // 60].argmax())
        if repeats[lag] > 0.5 * repeats[0]:
            found.append(rate / lag)
    return (float(np.median(found)) if found else 0.0), len(found) / max(loud, 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_rate_is_what_was_asked(engine: type[Synthesizer]) -> None:
    usual = spoken_seconds(said(engine))
    assert spoken_seconds(said(engine, rate=1.5)) == pytest.approx(usual / 1.5, rel=0.15)
    assert spoken_seconds(said(engine, rate=0.7)) == pytest.approx(usual / 0.7, rel=0.15)


@pytest.mark.parametrize("engine", ENGINES)
def test_pitch_is_what_was_asked(engine: type[Synthesizer]) -> None:
    usual, high, low = (
        pitch(u.audio.samples[:, 0], u.audio.rate)[0]
        for u in (said(engine), said(engine, pitch=1.3), said(engine, pitch=0.8))
    )
    assert high / usual == pytest.approx(1.3, rel=0.1)
    assert low / usual == pytest.approx(0.8, rel=0.1)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_manner_leaves_nothing_behind(engine: type[Synthesizer]) -> None:
    before = said(engine)
    said(engine, rate=1.7, pitch=1.5)
    after = said(engine)
    assert spoken_seconds(after) == pytest.approx(spoken_seconds(before), rel=0.01)  # espeak-ng varies a little
    assert pitch(after.audio.samples[:, 0], after.audio.rate)[0] == pytest.approx(
        pitch(before.audio.samples[:, 0], before.audio.rate)[0], rel=0.02
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_whisper_has_no_voice_and_keeps_its_words(engine: type[Synthesizer]) -> None:
    utterance = said(engine)
    sound, rate = utterance.audio.samples[:, 0], utterance.audio.rate
    breath = whispered(sound, rate)
    assert len(breath) == len(sound)
    assert pitch(sound, rate)[1] > 0.5
    assert pitch(breath, rate)[1] < 0.15
    window = rate // 50
    levels = [
        np.log(np.convolve(each.astype(float) ** 2, np.ones(window) / window, "same")[::window] + 1e-7)
        for each in (sound, breath)
    ]
    assert np.corrcoef(*levels)[0, 1] > 0.8  # as loud, and as quiet, at the same times
    assert np.abs(breath).max() <= 1


@pytest.mark.parametrize("samples", [0, 1, 7, 400])
def test_short_sounds_are_whispered_as_well(samples: int) -> None:
    assert len(whispered(np.ones(samples, np.float32) / 2, 16_000)) == samples


def test_volume_is_in_decibels_and_never_clips_beyond_full_scale() -> None:
    tone = np.sin(np.arange(1600) / 5).astype(np.float32) * np.float32(0.4)
    quiet, loud = sounded(tone, 16_000, Style(volume=-6.0)), sounded(tone, 16_000, Style(volume=12.0))
    assert quiet.std() / tone.std() == pytest.approx(0.5012, rel=1e-3)
    assert np.abs(loud).max() == 1.0


def test_what_a_voice_cannot_do_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    from txt2vid.pipeline import speaking
    from txt2vid.tts.tags import read

    class Plain(Flite):
        manners = frozenset()

    with caplog.at_level(logging.WARNING):
        speaking._tell_limits(Plain(), read("[slow] a. [/slow] b. <prosody pitch='high'>c</prosody> [slow] d").passages)
    assert [record.getMessage() for record in caplog.records] == [
        "flite cannot change its pitch and rate: left as it is"
    ]
