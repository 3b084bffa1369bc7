"""Sound that comes bit by bit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from tests.tts.sounds import tone
from txt2vid.core.media import Samples
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.errors import SpeechError
from txt2vid.tts.base import Utterance
from txt2vid.tts.pieces import FIRST, pieces
from txt2vid.tts.sentences import Sentence
from txt2vid.tts.timing import LEAD

RATE = 16_000
HELLO = Sentence("Hello.", 0.3)
SOUND = tone(2.0, RATE, before=0.4, after=0.7)
PHONEMES = [TimedPhoneme("m", round((0.4 + i / 10) * RATE), round((0.5 + i / 10) * RATE)) for i in range(20)]


def parts(samples: Samples, seconds: float = 0.05) -> Iterator[Samples]:
    step = round(seconds * RATE)
    for at in range(0, len(samples), step):
        yield samples[at : at + step]


def whole(utterances: list[Utterance]) -> Samples:
    for before, after in itertools.pairwise(utterances):
        assert after.audio.position == before.audio.end
    assert [each.more for each in utterances] == [True] * (len(utterances) - 1) + [False]
    assert {each.text for each in utterances} == {"Hello."}
    return np.concatenate([each.audio.samples[:, 0] for each in utterances])


@pytest.mark.parametrize("seconds", [0.001, 0.05, 10.0])
def test_silence_is_cut_to_what_belongs_there(seconds: float) -> None:
    said = whole(list(pieces(HELLO, RATE, parts(SOUND, seconds))))
    (loud,) = (np.abs(said) > 0.003).nonzero()
    assert abs(loud[0] - LEAD * RATE) <= 2
    assert abs(len(said) - 1 - loud[-1] - 0.3 * RATE) <= 2
    np.testing.assert_array_equal(
        said[loud[0] : loud[-1] + 1], SOUND[SOUND.nonzero()[0][0] :][: loud[-1] + 1 - loud[0]]
    )


def test_the_first_piece_comes_before_the_rest_is_there() -> None:
    given = 0

    def counted() -> Iterator[Samples]:
        nonlocal given
        for part in parts(SOUND):
            given += len(part)
            yield part

    first = next(pieces(HELLO, RATE, counted()))
    assert first.more
    assert given <= (0.4 + FIRST + 0.05) * RATE


def test_a_pause_within_the_sentence_stays() -> None:
    sound = np.concatenate((SOUND, SOUND))
    said = whole(list(pieces(HELLO, RATE, parts(sound))))
    assert abs(len(said) / RATE - (LEAD + 2 + 0.7 + 0.4 + 2 + 0.3)) < 0.01


def test_no_silence_before_the_sound_is_made_up_for() -> None:
    said = whole(list(pieces(HELLO, RATE, [tone(1, RATE, before=0, after=0)])))
    assert abs(len(said) / RATE - (LEAD + 1 + 0.3)) < 0.01


def test_silence_is_nothing() -> None:
    assert list(pieces(HELLO, RATE, parts(np.zeros(RATE, np.float32)))) == []
    assert list(pieces(HELLO, RATE, [])) == []


def test_phonemes_tile_each_piece_and_none_is_cut_in_two() -> None:
    utterances = list(pieces(HELLO, RATE, parts(SOUND), PHONEMES))
    assert len(utterances) > 3
    whole(utterances)
    found = []
    for utterance in utterances:
        told = utterance.phonemes or ()
        assert (told[0].start, told[-1].stop) == (0, len(utterance.audio))
        assert all(a.stop == b.start for a, b in itertools.pairwise(told))
        found += [(p.start + utterance.audio.position, p.stop + utterance.audio.position) for p in told if p.symbol]
    begin = round((0.4 - LEAD) * RATE)
    assert len(found) == len(PHONEMES)
    for (start, stop), phoneme in zip(found, PHONEMES, strict=True):
        assert abs(start + begin - phoneme.start) <= 2
        assert abs(stop + begin - phoneme.stop) <= 2
    assert (utterances[-1].phonemes or ())[-1].symbol == SILENCE


def test_a_voice_that_never_ends_is_an_error() -> None:
    with pytest.raises(SpeechError, match="more than 180 s"):
        for _ in pieces(HELLO, RATE, itertools.repeat(SOUND)):
            pass
