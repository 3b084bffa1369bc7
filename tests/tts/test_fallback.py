"""A voice that fails, and who goes on: with a real program that fails, and real voices that do not."""

from __future__ import annotations

import logging
import shlex
import sys
from pathlib import Path

import pytest

from tests.tts.sounds import tone, wav
from txt2vid.core.options import SpeakerOptions
from txt2vid.errors import SpeechError, UsageError
from txt2vid.tts.choose import Kept, choose
from txt2vid.tts.fallback import REST_SECONDS, WithFallback

FAILING = shlex.join([sys.executable, "-c", "import sys; sys.exit('out of order')"])


def test_the_other_voice_says_every_sentence(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    voice = choose("", SpeakerOptions("command", FAILING, fallback="flite:rms"))
    said = list(voice.speak("Hello there. Bye."))
    assert [each.text for each in said] == ["Hello there.", "Bye."]
    assert all(each.phonemes for each in said)
    (line,) = caplog.messages  # it rests after it has failed: no second try, no second line
    assert "out of order" in line
    assert "flite:rms goes on" in line


@pytest.mark.parametrize(("language", "text"), [("de", "Guten Tag."), (None, "Привет, мир.")])
def test_a_fallback_without_the_language_leaves_it_to_one_that_has_it(language: str | None, text: str) -> None:
    assert list(choose(text, SpeakerOptions("command", FAILING, language, "flite")).speak(text))
    assert list(choose(text, SpeakerOptions("espeak", None, language, "flite")).speak(text))


def test_it_is_tried_again_after_a_rest() -> None:
    now, tries = 0.0, 0

    def first(text: str) -> WithFallback:
        nonlocal tries
        tries += bool(text)
        raise SpeechError("down")

    voice = WithFallback("it", first, lambda _: choose("", SpeakerOptions("flite")), "flite", now=lambda: now)
    list(voice.speak("One. Two."))
    assert tries == 0  # it failed at once
    now = REST_SECONDS + 1
    list(voice.speak("One. Two."))
    assert tries == 1


def test_a_sentence_that_breaks_off_is_said_from_its_start(tmp_path: Path) -> None:
    sound = tmp_path / "half.wav"
    sound.write_bytes(wav(tone(2.0, 16_000), 16_000)[:50_000])
    voice = choose("", SpeakerOptions("command", f"cat {sound}", fallback="flite"))
    said = list(voice.speak("Hello there."))
    assert said[0].more
    assert said[0].phonemes is None
    assert said[-1].audio.position == 0
    assert said[-1].phonemes


def test_a_missing_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.delenv("RESEMBLE_API_KEY", raising=False)
    monkeypatch.setenv("TXT2VID_KEYS", str(tmp_path / "none"))
    assert list(choose("", SpeakerOptions("resemble", fallback="espeak:de")).speak("Guten Tag."))
    assert "RESEMBLE_API_KEY" in caplog.text


def test_a_voice_that_nobody_has_is_an_error_anyway() -> None:
    with pytest.raises(UsageError, match="no voice 'rmsx'"):
        choose("", SpeakerOptions("flite", "rmsx", fallback="espeak"))
    with pytest.raises(UsageError, match="no voice 'nobody'"):
        choose("", SpeakerOptions("flite", fallback="nobody"))
    with pytest.raises(UsageError, match="'klingon' is not known"):
        choose("", SpeakerOptions("flite", fallback="klingon:worf"))


def test_voices_stay_loaded() -> None:
    kept = Kept(2)
    first = choose("Hello.", SpeakerOptions("flite"), kept)
    assert choose("Bye.", SpeakerOptions("flite"), kept) is first
    for name in ("rms", "kal"):
        choose("Hello.", SpeakerOptions("flite", name), kept)
    assert choose("Hello.", SpeakerOptions("flite"), kept) is not first
