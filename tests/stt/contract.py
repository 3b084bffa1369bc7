"""What every ear keeps to. A test file names its class, and hands over an ear that hears."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.stt.base import Recognizer

BLOCK = SPEECH_RATE // 10


def spoken(path: Path, text: str, voice: str = "slt") -> Samples:
    """A text said by flite, at 16 kHz."""
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
    return decoded(path)


def decoded(path: Path) -> Samples:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-ar", str(SPEECH_RATE), "-ac", "1", "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout, np.float32)


def hear(ear: Recognizer, sound: Samples) -> tuple[list[str], str]:
    """What one utterance is understood as: on the way, and at its end."""
    ear.begin()
    partial = [ear.push(sound[at : at + BLOCK]) for at in range(0, len(sound), BLOCK)]
    return partial, ear.end()


class EarContract:
    """Inherited by each backend's tests, which give the fixture `ear`."""

    def test_utterances_follow_one_another(self, ear: Recognizer, hello: Samples) -> None:
        _, first = hear(ear, hello)
        _, second = hear(ear, hello)
        assert isinstance(first, str)
        assert isinstance(second, str)
        assert first == " ".join(first.split())

    def test_nothing_is_no_failure(self, ear: Recognizer) -> None:
        ear.begin()
        assert isinstance(ear.end(), str)

    def test_silence_and_clipping_are_no_failure(self, ear: Recognizer) -> None:
        for sound in (np.zeros(SPEECH_RATE, np.float32), 9 * np.sin(np.arange(SPEECH_RATE) / 9).astype(np.float32)):
            assert isinstance(hear(ear, sound)[1], str)

    def test_an_utterance_that_was_not_ended_is_forgotten(self, ear: Recognizer, hello: Samples) -> None:
        ear.begin()
        ear.push(hello[:BLOCK])
        assert hear(ear, hello)[1]

    def test_what_makes_no_sense_is_told(self, ear: Recognizer, hello: Samples) -> None:
        with pytest.raises(ValueError, match="nobody has begun"):
            ear.push(hello)
        with pytest.raises(ValueError, match="nobody has begun"):
            ear.end()

    def test_it_is_closed_twice(self, ear: Recognizer) -> None:
        ear.close()
        ear.close()
