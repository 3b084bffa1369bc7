from pathlib import Path

import pytest

from txt2vid.errors import UsageError
from txt2vid.tts.choose import choose, language
from txt2vid.tts.espeak import Espeak
from txt2vid.tts.flite import Flite


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello my friend", "en-us"),
        ("The die is cast, said Tom (Київ).", "en-us"),
        ("42", "en-us"),
        ("Das ist ein Haus und nicht die Welt", "de"),
        ("Hola, ¿cómo está el señor? No lo sé.", "es"),
        ("Je ne sais pas où est la gare", "fr-fr"),
        ("Привет мир", "ru"),
        ("Привіт, світе", "uk"),
        ("你好世界", "cmn"),
        ("日本語のテスト", "ja"),
        ("안녕하세요", "ko"),
        ("مرحبا بكم", "ar"),
    ],
)
def test_language(text: str, expected: str) -> None:
    assert language(text) == expected


def test_english_is_flites_and_the_rest_is_espeaks() -> None:
    assert isinstance(choose("Hello there."), Flite)
    assert isinstance(choose("Привет"), Espeak)
    assert isinstance(choose("Hello there.", "espeak"), Espeak)


def test_a_voice_finds_its_engine() -> None:
    assert isinstance(choose("Hello there.", voice="rms"), Flite)
    assert isinstance(choose("Hello there.", voice="en-gb"), Espeak)


def test_without_flite_espeak_speaks_english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert isinstance(choose("Hello there."), Espeak)
    assert isinstance(choose("Hello there.", voice="en-us"), Espeak)


def test_unknown_names_are_errors() -> None:
    with pytest.raises(UsageError, match="'nobody'"):
        choose("Hello.", voice="nobody")
    with pytest.raises(UsageError, match="flite, espeak"):
        choose("Hello.", "nothing")
