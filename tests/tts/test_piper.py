"""piper with a model that is made here, and with files that are none."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tts.pipers import FRAMES, HOP, RATE, config, make
from txt2vid.core.options import SpeakerOptions
from txt2vid.errors import DependencyError, UsageError
from txt2vid.tts.choose import choose
from txt2vid.tts.piper import FOLDERS, Piper
from txt2vid.tts.timing import LEAD

pytest.importorskip("piper")
pytest.importorskip("onnx")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDERS, str(tmp_path))
    return tmp_path


def test_it_speaks(folder: Path) -> None:
    voice = Piper(str(make(folder / "plain.onnx")))
    assert voice.tells_phonemes is False
    first, second = voice.speak("Hello there. Bye.")
    assert first.audio.rate == RATE
    assert first.phonemes is None
    assert np.abs(first.audio.samples).max() > 0.9  # piper makes all voices equally loud
    assert len(first.audio) > len(second.audio) > 0.3 * RATE


def test_alignments_move_the_lips(folder: Path) -> None:
    voice = Piper(str(make(folder / "told.onnx", alignments=True)))
    assert voice.tells_phonemes is True
    (said,) = voice.speak("Baby.")
    told = said.phonemes or ()
    assert (told[0].start, told[-1].stop) == (0, len(said.audio))
    assert all(a.stop == b.start for a, b in itertools.pairwise(told))
    sounds = [phoneme for phoneme in told if phoneme.symbol]
    assert sounds[0].symbol == "b"
    assert [phoneme.symbol for phoneme in sounds].count("b") == 2
    assert max(phoneme.stress for phoneme in sounds) == 2
    assert sounds[0].start == round(LEAD * RATE)
    assert sounds[0].stop - sounds[0].start == 2 * FRAMES * HOP  # the phoneme's id, and the pad behind it


def test_a_name_finds_its_file(folder: Path) -> None:
    make(folder / "en_US-anna.onnx")
    make(folder / "de_DE-bernd.onnx", settings=config(language={"code": "de_DE"}, espeak={"voice": "de"}))
    assert Piper.voices() == ["de_DE-bernd", "en_US-anna"]
    assert {each.name: each.language for each in Piper.listed()} == {"de_DE-bernd": "de-DE", "en_US-anna": "en-US"}
    assert list(Piper("EN_us-Anna").speak("Hello."))
    assert list(Piper(None, "de").speak("Hallo."))
    assert isinstance(choose("Hello.", SpeakerOptions(voice="en_US-anna")), Piper)
    with pytest.raises(UsageError, match="no voice 'en_US-ana': choose one of en_US-anna"):
        Piper("en_US-ana")
    with pytest.raises(UsageError, match="no voice for fr: it has"):
        Piper(None, "fr")
    with pytest.raises(UsageError, match="speaks en-US, not de"):
        Piper("en_US-anna", "de")


def test_a_path_alone_chooses_piper(folder: Path) -> None:
    assert isinstance(choose("Hello.", SpeakerOptions(voice=str(make(folder / "plain.onnx")))), Piper)


def test_speakers(folder: Path) -> None:
    path = make(folder / "many.onnx", speakers=3)
    assert list(Piper(f"{path}#s2").speak("Hello."))
    assert list(Piper("many").speak("Hello."))
    with pytest.raises(UsageError, match="no voice 's7': choose one of s"):
        Piper(f"{path}#s7")


def test_none_says_where_to_put_one(folder: Path) -> None:
    for ask in (Piper, Piper.voices):
        with pytest.raises(DependencyError, match=str(folder)):
            ask()
    with pytest.raises(UsageError, match=r"no voice .*gone\.onnx"):
        Piper(str(folder / "gone.onnx"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "a voice of piper's is two files"),
        ("{", "does not describe a voice"),
        ("[1]", "does not describe a voice"),
        ("{}", "does not describe a voice"),
        (json.dumps(config(audio={"sample_rate": 1})), "does not describe a voice"),
        (json.dumps(config(phoneme_id_map=3)), "does not describe a voice"),
        (json.dumps(config(phoneme_type="pinyin")), "needs 'pinyin' phonemes"),
        ("[" * 100_000, "does not describe a voice"),
    ],
)
def test_settings_that_are_none(folder: Path, text: str | None, message: str) -> None:
    path = make(folder / "voice.onnx")
    beside = folder / "voice.onnx.json"
    beside.unlink()
    if text is not None:
        beside.write_text(text)
    with pytest.raises(UsageError, match=message) as raised:
        Piper(str(path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("data", [b"", b"not a model", b"PK\x03\x04" + bytes(100)])
def test_a_file_that_is_no_model(folder: Path, data: bytes) -> None:
    path = make(folder / "voice.onnx")
    path.write_bytes(data)
    with pytest.raises(UsageError, match="is no model that can be loaded"):
        Piper(str(path))


def test_a_model_of_another_kind(folder: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    def info(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])

    path = make(folder / "voice.onnx")
    graph = helper.make_graph([helper.make_node("Abs", ["picture"], ["face"])], "g", [info("picture")], [info("face")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), str(path))
    with pytest.raises(UsageError, match=r"a model of another kind \(it takes picture\)"):
        Piper(str(path))
