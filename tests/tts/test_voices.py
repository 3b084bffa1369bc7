"""What every voice promises, asked of the real engines."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from txt2vid.core.phonemes import SILENCE
from txt2vid.errors import DependencyError, SpeechError, UsageError
from txt2vid.tts.base import Synthesizer, Utterance
from txt2vid.tts.espeak import Espeak
from txt2vid.tts.flite import Flite
from txt2vid.tts.sentences import PARAGRAPH_PAUSE, SENTENCE_PAUSE, Sentence
from txt2vid.tts.timing import LEAD

Curve = NDArray[np.float64]
SENTENCE = "She sells six sea shells; baby bop, put a big pot by the papa map."
CLOSED = "bbbppbpbppp"  # its lip closures in order, without the m
NASTY = [
    "-voice /etc/passwd", "--help", "`reboot` $(ls) ; | %s%n", "<speak><break time='9s'/>hi</speak>", "[[h@]] a\0b",
    "\ud800abc \u202eשלום hello مرحبا", "Z̸̢̛͍a̴l̷g̵o" * 30, "9" * 300, "f" * 300, "" + "'" * 300 + "a", "𝕳𝖊𝖑𝖑𝖔 Ⅻ ½ ẞ",
]  # fmt: skip


def levels(utterance: Utterance) -> Curve:
    """Energy in dB for each ms, smoothed over 10 ms."""
    samples, rate = utterance.audio.samples[:, 0].astype(float), utterance.audio.rate
    window = np.hanning(int(0.010 * rate))
    smooth = np.convolve(samples**2, window / window.sum(), "same")
    return np.asarray(
        10 * np.log10(smooth[(np.arange(0, len(samples) / rate - 0.001, 0.001) * rate).astype(int)] + 1e-6)
    )


def lag(utterance: Utterance, symbols: set[str], values: Curve) -> int:
    """The shift in ms at which the named phonemes hold the highest values against all the rest."""
    times = np.arange(len(values)) / 1000
    best = {}
    for shift in range(-60, 61, 2):
        inside = np.zeros(len(values), bool)
        for phoneme in utterance.phonemes or ():
            start, stop = phoneme.start / utterance.audio.rate, phoneme.stop / utterance.audio.rate
            inside |= (phoneme.symbol in symbols) & (times >= start + shift / 1000) & (times < stop + shift / 1000)
        best[shift] = values[inside].mean() - values[~inside].mean()
    return max(best, key=lambda shift: best[shift])


def hiss(utterance: Utterance) -> Curve:
    """How much louder it is above 2.8 kHz than below 1 kHz, in dB for each ms."""
    rate = utterance.audio.rate
    high = butter(4, min(2800, 0.35 * rate), "high", fs=rate, output="sos")
    low = butter(4, (120, 1000), "band", fs=rate, output="sos")
    bands = []
    for sos in (high, low):
        filtered = sosfiltfilt(sos, utterance.audio.samples, axis=0).astype(np.float32)
        bands.append(levels(Utterance("", type(utterance.audio)(filtered, rate, 0), None)))
    return np.asarray(bands[0] - bands[1])


class Voice:
    """Inherited by a class for each engine."""

    engine: ClassVar[type[Synthesizer]]

    def one(self, text: str, voice: str | None = None) -> Utterance:
        (utterance,) = self.engine(voice).speak(text)
        return utterance

    def test_phonemes_tile_the_utterance(self) -> None:
        utterance = self.one(SENTENCE)
        phonemes = utterance.phonemes
        assert phonemes is not None
        assert (phonemes[0].start, phonemes[-1].stop) == (0, len(utterance.audio))
        assert all(a.stop == b.start for a, b in itertools.pairwise(phonemes))
        assert all(phoneme.stop > phoneme.start for phoneme in phonemes)
        spoken = "".join(phoneme.symbol for phoneme in phonemes)
        assert "".join(char for char in spoken if char in "bp") == CLOSED

    def test_silence_around_it_is_as_declared(self) -> None:
        first, second = self.engine().speak("Hello there. Bye.")
        for utterance, pause in ((first, SENTENCE_PAUSE), (second, PARAGRAPH_PAUSE)):
            rate, phonemes = utterance.audio.rate, utterance.phonemes or ()
            assert phonemes[0].symbol == phonemes[-1].symbol == SILENCE
            assert phonemes[0].stop == round(LEAD * rate)
            assert len(utterance.audio) - phonemes[-1].start == round(pause * rate)

    def test_sound_is_where_the_phonemes_say(self) -> None:
        utterance = self.one(SENTENCE)
        assert utterance.audio.samples.dtype == np.float32
        assert 0.1 < np.abs(utterance.audio.samples).max() <= 1
        assert abs(lag(utterance, {"s", "z", "ʃ", "tʃ"}, hiss(utterance))) <= 12
        assert abs(lag(utterance, {SILENCE}, -levels(utterance))) <= 16
        assert abs(lag(utterance, set("ptkbdɡ"), -levels(utterance))) <= 16

    def test_the_second_sentence_waits_until_it_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        voice = self.engine()
        asked: list[str] = []
        say = voice._say

        def watched(sentence: Sentence) -> Iterator[Utterance]:
            asked.append(sentence.text)
            return say(sentence)

        monkeypatch.setattr(voice, "_say", watched)
        utterances = voice.speak("One. Two. " * 10_000)
        next(utterances)
        assert asked == ["One."]
        next(utterances)
        assert asked == ["One.", "Two."]

    @pytest.mark.parametrize("text", ["😀👍🏽", "?!… —", "\0\x1b\n"])
    def test_text_without_words_is_an_error(self, text: str) -> None:
        with pytest.raises(SpeechError, match=r"^nothing in the text can be spoken: .*\. Write words") as raised:
            self.engine().speak(text)
        assert "\n" not in str(raised.value)

    @pytest.mark.parametrize("text", ["", " \n"])
    def test_empty_text_is_an_error(self, text: str) -> None:
        with pytest.raises(SpeechError, match=r"^the text is empty: write some words$"):
            self.engine().speak(text)

    @pytest.mark.parametrize("text", NASTY)
    def test_nasty_text_is_spoken(self, text: str) -> None:
        for utterance in self.engine().speak(text):
            assert len(utterance.audio) > 0

    def test_an_unknown_voice_names_the_known_ones(self) -> None:
        known = self.engine.voices()
        assert known == sorted(known)
        with pytest.raises(UsageError, match=r"no voice 'nobody': choose one of (\S+), ") as raised:
            self.engine("nobody")
        assert str(raised.value).partition("choose one of ")[2].partition(",")[0] in known
        assert len(str(raised.value)) < 120


class TestFlite(Voice):
    engine = Flite

    @pytest.mark.parametrize("voice", ["kal", "kal16", "awb", "rms", "slt", "SLT"])
    def test_every_voice_speaks(self, voice: str) -> None:
        utterance = self.one("A test of this voice.", voice)
        assert utterance.audio.rate == (8000 if voice == "kal" else 16000)
        assert abs(lag(utterance, {SILENCE}, -levels(utterance))) <= 20

    def test_a_path_or_address_is_no_voice(self) -> None:
        with pytest.raises(UsageError, match="no voice"):
            Flite("http://127.0.0.1:9/voice.flitevox")

    def test_accents_and_signs_are_spelled(self) -> None:
        plain, signs = self.one("cafe 5 euro"), self.one("café 5€")
        assert [p.symbol for p in plain.phonemes or ()] == [p.symbol for p in signs.phonemes or ()]

    def test_other_scripts_are_an_error(self) -> None:
        with pytest.raises(SpeechError, match="nothing in the text can be spoken: 'Привет'"):
            list(Flite().speak("Привет"))

    def test_a_missing_program_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(DependencyError, match="apt install flite"):
            Flite()

    def test_a_failing_program_is_a_speech_error(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        program = tmp_path / "flite"
        program.write_text("#!/bin/sh\n[ $1 = -lv ] && echo 'Voices available: slt' && exit\necho broken >&2; exit 3\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with pytest.raises(SpeechError, match="flite failed: broken"):
            list(Flite().speak("Hello."))
        assert list(tmp_path.iterdir()) == [program]


class TestEspeak(Voice):
    engine = Espeak

    @pytest.mark.parametrize(
        ("voice", "text", "expected"),
        [
            ("de", "Über sieben Brücken.", "yː"),
            ("fr", "Bonjour, tu vas bien?", "ʒ"),
            ("ru", "Привет, мама!", "m"),
            ("en-gb+f3", "Hello, baby.", "b"),
            ("hi", "नमस्ते", "m"),
        ],
    )
    def test_languages_and_variants(self, voice: str, text: str, expected: str) -> None:
        assert expected in [phoneme.symbol for phoneme in self.one(text, voice).phonemes or ()]

    def test_stress_is_told(self) -> None:
        stress = {p.symbol: p.stress for p in self.one("banana").phonemes or ()}
        assert stress["æ"] == 2
        assert stress["b"] == 0

    def test_an_unknown_variant_is_an_error(self) -> None:
        with pytest.raises(UsageError, match="variants has no voice 'nobody'"):
            Espeak("en-us+nobody")

    def test_voices_do_not_disturb_each_other(self) -> None:
        alone = self.one("Hello.", "en-us")
        german, english = Espeak("de").speak("Guten Tag. Hallo."), Espeak("en-us").speak("Hello.")
        next(german)
        assert [p.symbol for p in next(english).phonemes or ()] == [p.symbol for p in alone.phonemes or ()]
        assert [p.symbol for p in next(german).phonemes or ()] != [p.symbol for p in alone.phonemes or ()]

    def test_ctrl_c_comes_through_the_c_library(self) -> None:
        def interrupt(_number: int, _frame: FrameType | None) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                for _ in Espeak().speak("This goes on and on, one word after the other. " * 20_000):
                    pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert len(self.one("Hello.").audio) > 0
