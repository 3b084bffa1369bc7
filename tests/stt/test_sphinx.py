from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.stt.contract import EarContract, hear
from txt2vid.core.media import Samples
from txt2vid.errors import SpeechError, UsageError

pocketsphinx = pytest.importorskip("pocketsphinx", reason="the extra stt is not installed")

from txt2vid.stt.sphinx import Pocketsphinx  # noqa: E402


@pytest.fixture(scope="module")
def ear() -> Pocketsphinx:
    return Pocketsphinx()


class TestPocketsphinx(EarContract):
    def test_it_understands(self, ear: Pocketsphinx, hello: Samples) -> None:
        hear(ear, hello)  # the first is understood at its end only
        partial, text = hear(ear, hello)
        assert "give me a few words and watch my lips" in text
        assert any(words and text.startswith(words) for words in partial)


def test_a_model_of_the_users(tmp_path: Path, hello: Samples) -> None:
    own = Path(pocketsphinx.get_model_path()) / "en-us"
    for name in ("en-us", "en-us.lm.bin", "cmudict-en-us.dict"):
        (tmp_path / name).symlink_to(own / name)
    assert "give me a few words and watch my lips" in hear(Pocketsphinx(tmp_path, "de"), hello)[1]


def test_its_own_model_hears_english_only() -> None:
    with pytest.raises(UsageError, match="hears English only, not 'de-DE': give --stt-model"):
        Pocketsphinx(language="de-DE")


def test_models_of_the_wrong_kind(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="no folder with a model"):
        Pocketsphinx(tmp_path / "nothing")
    with pytest.raises(SpeechError, match=r"0 acoustic, 0 language models, 0 dictionaries"):
        Pocketsphinx(tmp_path)
    (tmp_path / "hmm").mkdir()
    for name in ("hmm/mdef", "a.lm.bin", "a.dict"):
        (tmp_path / name).write_bytes(b"no model")
    code = f"import pathlib, txt2vid.stt.sphinx as it; it.Pocketsphinx(pathlib.Path({str(tmp_path)!r}))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    assert ended.returncode == 1  # by itself, in C: one reason why ears have a process of their own
