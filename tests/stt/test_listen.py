"""Sentences of a stream, with the embedded ear; nothing grows, and noise is no speech."""

from __future__ import annotations

import numpy as np
import psutil
import pytest

from tests.stt.contract import BLOCK
from tests.stt.test_endpoint import noise
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.stt.base import Recognizer
from txt2vid.stt.listen import Heard, Listener

pytest.importorskip("pocketsphinx", reason="the extra stt is not installed")

from txt2vid.stt.sphinx import Pocketsphinx

PAUSE = np.zeros(SPEECH_RATE, np.float32)


def listen(sound: Samples, ear: Recognizer) -> list[Heard]:
    listener = Listener(ear)
    heard = [each for at in range(0, len(sound), BLOCK) for each in listener.push(sound[at : at + BLOCK])]
    return [*heard, *listener.finish()]


@pytest.fixture(scope="module")
def ear() -> Recognizer:
    return Pocketsphinx()


def test_sentences_come_one_by_one_with_their_marks(ear: Recognizer, hello: Samples) -> None:
    heard = listen(np.concatenate([PAUSE, hello, PAUSE, hello, PAUSE]), ear)
    final = [each for each in heard if each.final]
    assert len(final) == 2
    for sentence in final:
        assert "me a few words and watch my" in sentence.text
        assert sentence.text[0].isupper()
        assert sentence.text.endswith(".")
    assert final[0].at < (len(hello) + SPEECH_RATE) / SPEECH_RATE + 1.0  # before the next begins
    partial = [each.text for each in heard[heard.index(final[0]) + 1 : -1]]
    assert len(partial) > 3
    assert all(text == text.lower() and not text.endswith(".") for text in partial)


def test_silence_says_nothing(ear: Recognizer) -> None:
    assert listen(np.zeros(20 * SPEECH_RATE, np.float32), ear) == []


def test_telephones_and_clipping_are_heard(hello: Samples) -> None:
    """But not well: the model was made for clean sound at 16 kHz. txt2vid bench stt tells how well."""
    spectrum = np.fft.rfft(hello)
    spectrum[len(spectrum) // 2 :] = 0  # as a file at 8 kHz
    narrow = np.fft.irfft(spectrum, len(hello)).astype(np.float32)
    for sound in (narrow, np.clip(4 * hello, -1, 1)):
        assert len(listen(np.concatenate([PAUSE, sound, PAUSE]), Pocketsphinx())) > 0


@pytest.mark.slow
def test_memory_does_not_grow_with_noise(ear: Recognizer) -> None:
    """Two minutes of what never pauses, after half a minute of it."""
    babble = np.concatenate([noise(0.2, level, seed) for seed, level in enumerate([0.3, 0.1, 0.2, 0.25] * 4)])
    listener, used = Listener(ear, lambda _: True), []
    for _ in range(5):
        for _ in range(10):
            list(listener.push(babble))
        used.append(psutil.Process().memory_info().rss)
    assert used[-1] - used[0] < 40 * 2**20
