"""`txt2vid bench stt` as it is typed: its word error rate is printed, not hidden."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Command

pytest.importorskip("pocketsphinx", reason="the extra stt is not installed")

SAMPLE = Path(__file__).resolve().parent.parent.parent / "sample_data" / "speech.wav"


def test_a_file_with_its_text_beside_it(txt2vid: Command, tmp_path: Path, speech: Path) -> None:
    shutil.copy(SAMPLE, tmp_path / "a.wav")
    shutil.copy(SAMPLE.with_suffix(".txt"), tmp_path / "a.txt")
    shutil.copy(speech, tmp_path / "b.wav")
    done = txt2vid("bench", "stt", "a.wav", "b.wav", "--json", "-o", "result.json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert json.loads((tmp_path / "result.json").read_text()) == result
    first, second = result["heard"]
    assert (first["of"], second["of"]) == (17, None)
    assert first["wrong"] < 8
    assert result["error"] == first["wrong"] / 17
    assert first["seconds"] == pytest.approx(5.27, abs=0.1)
    assert first["cpu"] > 0
    assert "my lips" in first["text"]


def test_the_table_shows_the_rate_and_the_words(txt2vid: Command, speech: Path) -> None:
    done = txt2vid("bench", "stt", speech)
    assert done.returncode == 0, done.stderr
    assert "WER %" in done.stdout
    assert "no text beside any sound" in done.stdout
    assert "hello.wav: Hello" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "there is no sample text here: name sound files"),
        (("nothing.wav",), 3, "nothing.wav"),
        ((SAMPLE, "--stt-backend", "horn"), 2, "'horn' is not known: choose one of pocketsphinx"),
        ((SAMPLE, "--stt-model", "nothing"), 6, "nothing is no folder with a model"),
        ((SAMPLE, "-o", "nowhere/a.json"), 2, "the folder of nowhere/a.json does not exist"),
    ],
)
def test_what_cannot_work_is_one_line(txt2vid: Command, arguments: tuple[object, ...], code: int, says: str) -> None:
    done = txt2vid("bench", "stt", *arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
