"""Texts with tags, spoken by the real voices: what happens where, and how long it is silent."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence

import numpy as np
import pytest

from txt2vid.core.media import AudioChunk
from txt2vid.core.options import SpeakerOptions
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.errors import SpeechError, UsageError
from txt2vid.pipeline.aligning import align, symbols
from txt2vid.pipeline.fitting import fitted, moments, sounding
from txt2vid.pipeline.speaking import WORDLESS, Spoken, speak
from txt2vid.tts.base import Utterance
from txt2vid.tts.flite import Flite
from txt2vid.tts.passages import letters
from txt2vid.tts.tags import MAX_TAGS
from txt2vid.tts.timing import LEAD

FLITE = SpeakerOptions("flite")


def timeline(spoken: Sequence[Spoken]) -> tuple[list[tuple[float, float]], dict[str, float], float]:
    """The stretches of sound, the cues by name, and the end, all in seconds."""
    sounds: list[tuple[float, float]] = []
    cues: dict[str, float] = {}
    at = 0.0
    for each in spoken:
        rate = each.utterance.audio.rate
        for phoneme in each.utterance.phonemes or ():
            start, stop = at + phoneme.start / rate, at + phoneme.stop / rate
            if phoneme.symbol == SILENCE:
                continue
            if sounds and start - sounds[-1][1] < 0.01:
                sounds[-1] = (sounds[-1][0], stop)
            else:
                sounds.append((start, stop))
        cues |= {cue.name: at + sample / rate for sample, cue in each.cues}
        at += len(each.utterance.audio) / rate
    return sounds, cues, at


@pytest.mark.parametrize("tts", ["flite", "espeak"])
@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.5])
def test_a_pause_is_as_long_as_asked(tts: str, seconds: float) -> None:
    text = f"Hello my friend [pause {seconds}s] good evening."
    sounds, _, _ = timeline(list(speak(text, SpeakerOptions(tts)).spoken))
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(sounds)]
    assert min(abs(gap - seconds) for gap in gaps) < 0.02


def test_pauses_at_either_end() -> None:
    sounds, cues, end = timeline(list(speak("[nod] [pause 1s] Hello. [pause 2s]", FLITE).spoken))
    assert sounds[0][0] == pytest.approx(1.0, abs=0.02)
    assert cues["nod"] == 0
    assert end - sounds[-1][1] == pytest.approx(2.0 - LEAD, abs=0.02)


def test_manners_join_without_a_gap() -> None:
    plain, _, _ = timeline(list(speak("I think that we are very happy today.", FLITE).spoken))
    joined, _, _ = timeline(list(speak("I think that we are <emphasis>very</emphasis> happy today.", FLITE).spoken))
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(joined)]
    assert max(gaps) < 0.1
    assert joined[-1][1] < plain[-1][1] + 0.7


@pytest.mark.parametrize("tts", ["flite", "espeak"])
def test_a_tag_is_due_at_its_word(tts: str) -> None:
    """The word that follows is one that begins with a hiss, which nothing else in the text has."""
    text = "A man and a [happy] sherry glass, they were apart. In 1984 we had [sad] ships."
    spoken = list(speak(text, SpeakerOptions(tts)).spoken)
    at = 0.0
    found = []
    for each in spoken:
        rate = each.utterance.audio.rate
        found += [at + phoneme.start / rate for phoneme in each.utterance.phonemes or () if phoneme.symbol == "ʃ"]
        at += len(each.utterance.audio) / rate
    _, cues, _ = timeline(spoken)
    assert cues["joy"] == pytest.approx(found[0], abs=0.06)
    assert cues["sadness"] == pytest.approx(found[-1], abs=0.06)


def test_tags_between_sentences_wait_for_the_next() -> None:
    spoken = list(speak("One. [joy] Two. Three. [sad]", FLITE).spoken)
    assert [[cue.name for _, cue in each.cues] for each in spoken] == [[], ["joy"], [], ["sadness"]]
    (sample, _), *_ = spoken[1].cues
    assert sample == sounding(spoken[1].utterance)[0]


def test_what_comes_last_is_given_its_time() -> None:
    sounds, cues, end = timeline(list(speak("Goodbye. [wink]", FLITE).spoken))
    assert 0 <= cues["wink"] - sounds[-1][1] < 0.15
    assert end - cues["wink"] > 0.64 + WORDLESS / 2


@pytest.mark.parametrize("text", ["[nod]", "[happy] [nod] [pause 1s] [shake]", "[pause 2s]", "<break time='1s'/>"])
def test_tags_without_words(text: str) -> None:
    speech = speak(text)
    (only,) = list(speech.spoken)
    assert speech.voice is None
    assert not only.utterance.audio.samples.any()
    assert len(only.utterance.audio) / only.utterance.audio.rate > 0.9
    assert sorted(sample for sample, _ in only.cues) == [sample for sample, _ in only.cues]


def test_nothing_to_say() -> None:
    for text in ("", "  \n ", "!!!", "\\[\\]"):
        with pytest.raises(SpeechError):
            list(speak(text).spoken)


def test_one_line_where_tags_make_no_sense(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UsageError, match="did you mean happy"):
        speak("[hapy] Hello.", unknown="refuse")
    with pytest.raises(UsageError, match="tags"):
        speak("[nod] " * (MAX_TAGS + 1) + "Hello.")
    with caplog.at_level(logging.WARNING):
        assert next(speak("[hapy] Hello [1].").spoken).utterance.text == "[hapy] Hello [1]."
    (record,) = caplog.records
    assert "did you mean happy" in record.getMessage()


def test_the_language_is_that_of_the_words() -> None:
    assert speak("[happy] <prosody rate='slow'>Привет, мир.</prosody>").voice == "espeak"
    assert speak("[happy] Hello, world.").voice == "flite"


def test_a_voice_without_phonemes_is_measured() -> None:
    """Two tones: where they are is heard, and tags are put by their share of the letters."""
    rate = 8000
    tone = np.sin(np.arange(rate) / 3).astype(np.float32) / 2
    sound = np.concatenate([np.zeros(rate // 2), tone, tone, np.zeros(rate)]).astype(np.float32)
    utterance = Utterance("aaaa bbbb", AudioChunk(sound[:, None], rate, 0), None)
    assert np.allclose(np.array(sounding(utterance)) / rate, (0.5, 2.5), atol=0.01)
    assert np.allclose(np.array(moments(utterance, [0, 4, 8])) / rate, (0.5, 1.5, 2.5), atol=0.02)
    shaped = fitted(utterance, 0.1, 0.2)
    assert len(shaped.audio) / rate == pytest.approx(2.3, abs=0.02)
    assert len(fitted(utterance, 1.0, 2.0).audio) / rate == pytest.approx(5.0, abs=0.02)


def test_fitting_keeps_phonemes_with_their_sound() -> None:
    utterance = next(Flite().speak("Papa."))
    before = utterance.phonemes or ()
    shaped = fitted(utterance, 0.3, 0.05)
    after = shaped.phonemes or ()
    assert after[0].start == 0
    assert after[-1].stop == len(shaped.audio)
    assert all(one.stop == two.start for one, two in itertools.pairwise(after))
    shift = sounding(shaped)[0] - sounding(utterance)[0]
    kept = [(each.symbol, each.start + shift) for each in before if each.symbol]
    assert [(each.symbol, each.start) for each in after if each.symbol] == kept


def test_alignment_of_letters_and_sounds() -> None:
    told = "h ə l oʊ . w ɜː l d".split(" ")  # noqa: SIM905 - as a voice tells it
    phonemes = [TimedPhoneme("" if each == "." else each, i, i + 1) for i, each in enumerate(told)]
    written = symbols("Hello, world")
    starts = align(written, phonemes)
    assert starts == sorted(starts)
    assert starts[written.index("w")] == 5
    assert letters("Hello, world") == len([each for each in written if each.isalnum()])
    assert align([], phonemes) == [len(phonemes)]
    assert align(written, []) == [0] * (len(written) + 1)
