from pathlib import Path

import pytest

from txt2vid.core.options import SpeakerOptions
from txt2vid.errors import SpeechError, UsageError
from txt2vid.tts.choose import choose
from txt2vid.tts.espeak import Espeak
from txt2vid.tts.flite import Flite
from txt2vid.tts.languages import language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello my friend", "en-us"),
        ("The die is cast, said Tom (Київ).", "en-us"),
        ("42", "en-us"),
        ("", "en-us"),
        ("Café", "en-us"),
        ("A naïve résumé", "en-us"),
        ("The Müllers are in Köln", "en-us"),
        ("Grüße aus Köln", "de"),
        ("Gru\u0308\u00dfe aus Ko\u0308ln", "de"),
        ("Schöne Grüße", "de"),
        ("Bonjour, ça va?", "fr-fr"),
        ("Très bien, à bientôt", "fr-fr"),
        ("¡Mañana! ¿Qué?", "es"),
        ("Olá, João. Até amanhã!", "pt"),
        ("Hej på er, ha en bra dag i Skåne", "sv"),
        ("Tak for mad, søde børn, og smør", "da"),
        ("Dziękuję bardzo", "pl"),
        ("Teşekkürler, iyi akşamlar", "tr"),
        ("Příliš žluťoučký kůň", "cs"),
        ("Xin chào Việt Nam", "vi"),
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
    assert isinstance(choose("Hello there.", SpeakerOptions("espeak")), Espeak)
    assert isinstance(choose("A naïve résumé."), Flite)
    assert isinstance(choose("Grüße aus Köln"), Espeak)
    assert isinstance(choose("They wrote Привет on the wall of the house."), Espeak)


def test_what_flite_cannot_say_names_the_voice_that_can() -> None:
    with pytest.raises(SpeechError, match=r"or choose --tts espeak --voice ru$"):
        list(choose("Привет", SpeakerOptions("flite")).speak("Привет"))


def test_a_voice_finds_its_engine() -> None:
    assert isinstance(choose("Hello there.", SpeakerOptions(voice="rms")), Flite)
    assert isinstance(choose("Hello there.", SpeakerOptions(voice="en-gb")), Espeak)


def test_without_flite_espeak_speaks_english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert isinstance(choose("Hello there."), Espeak)
    assert isinstance(choose("Hello there.", SpeakerOptions(voice="en-us")), Espeak)


def test_unknown_names_are_errors() -> None:
    with pytest.raises(UsageError, match="'nobody'"):
        choose("Hello.", SpeakerOptions(voice="nobody"))
    with pytest.raises(
        UsageError, match=r"txt2vid has no voice 'fr-f': choose one of .*fr-fr.*all are listed by txt2vid voices$"
    ):
        choose("Hello.", SpeakerOptions(voice="fr-f"))
    with pytest.raises(UsageError, match="flite, espeak"):
        choose("Hello.", SpeakerOptions("nothing"))
