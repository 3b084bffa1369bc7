"""faster-whisper with a network of Whisper's shape and random weights, made here: it runs, and understands nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.stt import whispers
from tests.stt.contract import EarContract, hear
from txt2vid.core.media import Samples
from txt2vid.errors import SpeechError, UsageError

pytest.importorskip("faster_whisper", reason="the extra whisper is not installed")

from txt2vid.stt.whisper import Whisper


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whisper")
    whispers.write(folder)
    return folder


@pytest.fixture(scope="module")
def ear(model: Path) -> Whisper:
    return Whisper(model, "en-GB")


class TestWhisper(EarContract):
    def test_random_words_come(self, ear: Whisper, hello: Samples) -> None:
        _, text = hear(ear, hello)
        assert text


def test_languages_are_the_models(model: Path) -> None:
    with pytest.raises(UsageError, match="does not know the language 'tlh': choose one of en"):
        Whisper(model, "tlh")


def test_models_of_the_wrong_kind(tmp_path: Path, model: Path) -> None:
    with pytest.raises(SpeechError, match="faster-whisper needs a model: give --stt-model"):
        Whisper()
    with pytest.raises(SpeechError, match=r"no model.bin, no config.json, no tokenizer.json"):
        Whisper(tmp_path)
    shutil.copytree(model, tmp_path / "damaged")
    (tmp_path / "damaged" / "model.bin").write_bytes(b"no model")
    with pytest.raises(SpeechError, match="cannot be loaded by faster-whisper"):
        Whisper(tmp_path / "damaged")
