"""vosk without a model of its own: what can be told without one. A model that hears is the user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.stt.contract import EarContract
from txt2vid.errors import SpeechError

pytest.importorskip("vosk", reason="the extra vosk is not installed")

from txt2vid.stt.vosk import Vosk

MODEL = os.environ.get("TXT2VID_TEST_VOSK")  # a folder; whoever has one hears all of it tested


@pytest.fixture(scope="module")
def ear() -> Vosk:
    return Vosk(Path(str(MODEL)))


@pytest.mark.skipif(not MODEL, reason="TXT2VID_TEST_VOSK names no model")
class TestVosk(EarContract):
    pass


def test_models_of_the_wrong_kind(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="vosk needs a model: give --stt-model"):
        Vosk()
    with pytest.raises(SpeechError, match="no folder with a model"):
        Vosk(tmp_path / "nothing")
    with pytest.raises(SpeechError, match=r"no am/final.mdl, no conf/mfcc.conf"):
        Vosk(tmp_path)


def test_a_damaged_model(tmp_path: Path) -> None:
    for name in ("am/final.mdl", "conf/mfcc.conf", "conf/model.conf", "graph/HCLr.fst", "graph/Gr.fst"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(SpeechError, match="cannot be loaded by vosk"):
        Vosk(tmp_path)
