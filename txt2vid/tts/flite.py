"""flite's voices: small, quick, English, offline (Black & Lenzo 2001, http://cmuflite.org)."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
import unicodedata
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from txt2vid.core.media import Samples
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.errors import DependencyError, SpeechError, UsageError
from txt2vid.interrupts import apart
from txt2vid.tts.base import Listed, Synthesizer, Utterance, known_voice
from txt2vid.tts.languages import fits
from txt2vid.tts.sentences import Sentence, speakable
from txt2vid.tts.style import Style
from txt2vid.tts.timing import utterance

DEFAULT_VOICE = "slt"
"""Statistical (CLUSTERGEN) at 16 kHz, General American, recorded in a studio; kal and kal16 are older diphone voices
(kal has 8 kHz), rms is the same technique with a male speaker, awb has a Scottish accent."""
ANSWER_TIME = 60.0  # seconds until a sentence is given up; it takes 0.1 s

IPA = {
    "aa": "ɑː", "ae": "æ", "ah": "ʌ", "ao": "ɔː", "aw": "aʊ", "ax": "ə", "axr": "ɚ", "ay": "aɪ", "b": "b", "ch": "tʃ",
    "d": "d", "dh": "ð", "dx": "ɾ", "eh": "ɛ", "el": "l", "em": "m", "en": "n", "er": "ɝ", "ey": "eɪ", "f": "f",
    "g": "ɡ", "hh": "h", "hv": "ɦ", "ih": "ɪ", "iy": "iː", "jh": "dʒ", "k": "k", "l": "l", "m": "m", "n": "n",
    "ng": "ŋ", "nx": "n", "ow": "oʊ", "oy": "ɔɪ", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ", "t": "t", "th": "θ",
    "uh": "ʊ", "uw": "uː", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ", "pau": SILENCE, "brth": SILENCE,
    "h#": SILENCE, "sil": SILENCE, "ssil": SILENCE,
}  # fmt: skip
"""ARPAbet as flite's cmulex uses it (lower case, "ax" for schwa) to IPA."""
_LAG = {"slt": 0.006}
"""Seconds by which the sound is behind the times that a voice tells: measured, see tests/tts/test_flite.py."""
_SPELLED = str.maketrans(
    {"€": " euro ", "£": " pound ", "¥": " yen ", "°": " degrees ", "×": " times ", "÷": " divided by "}
    | {"‘": "'", "’": "'", "“": '"', "”": '"', "–": " - ", "—": " - "}
    | {"ß": "ss", "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "Oe", "ł": "l", "Ł": "L", "ð": "th"}
)
"""What decomposition does not bring to ASCII."""


class Flite(Synthesizer):
    """The flite program, one short run a sentence; its phoneme times are within 10 ms of its sound."""

    name = "flite"
    tells_phonemes = True
    language = "en"
    manners = frozenset({"rate", "pitch"})

    def __init__(self, voice: str | None = None, language: str | None = None) -> None:
        """Takes one of `voices()`. Raises UsageError where it is another, or the language is not English.

        Raises DependencyError where flite is missing.
        """
        if language is not None and not fits("en", language):
            raise UsageError(f"flite speaks English alone, not {language!r}: choose --tts espeak, or leave --tts out")
        # flite itself takes an unknown name for a path or a URL to load, or silently speaks with another voice.
        self._voice = known_voice(
            DEFAULT_VOICE if voice is None else voice, self.voices(), "flite", "txt2vid voices --tts flite"
        )

    @classmethod
    def voices(cls) -> list[str]:
        """The English voices built into the program."""
        return list(_installed(_program()))

    @classmethod
    def listed(cls) -> list[Listed]:
        """The same; all speak English."""
        return [Listed(name, "en-GB" if name == "awb" else "en-US", cls.name, True) for name in cls.voices()]

    def _say(self, sentence: Sentence) -> Iterator[Utterance]:
        text = spelled(sentence.text)
        if not speakable(text):
            return
        # apart, else Ctrl-C might leave the folder behind
        told, samples, rate = apart(lambda: _spoken(text, self._voice, sentence.style))
        yield from utterance(sentence, samples, rate, _segments(told, rate, _LAG.get(self._voice, 0.0)))


def spelled(text: str) -> str:
    """The text in ASCII, all that flite reads: accents are dropped, quotes and common signs are written out."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    return decomposed.encode("ascii", "ignore").decode("ascii").replace("\0", " ").strip()


def _program() -> str:
    program = shutil.which("flite")
    if program is None:
        raise DependencyError("flite is missing: apt install flite (or brew install flite), or choose --tts espeak")
    return program


@functools.cache
def _installed(program: str) -> tuple[str, ...]:
    names = _run([program, "-lv"]).partition(":")[2].split()
    return tuple(sorted(name for name in names if name != "awb_time"))  # that one can only tell the time


def _spoken(text: str, voice: str, style: Style) -> tuple[str, Samples, int]:
    """What flite tells of the times, the sound (n,) and its rate."""
    with tempfile.TemporaryDirectory(prefix="txt2vid-") as folder:
        path = Path(folder, "speech.wav")
        # As -t, the text is spoken as one utterance with one line of times; from a file, flite would cut it again.
        # A leading "-" is safe there, and sentences are far shorter than what an argument may be.
        manner = ["--setf", f"duration_stretch={1 / style.rate:.3f}", "--setf", f"f0_shift={style.pitch:.3f}"]
        told = _run(
            [_program(), "-voice", voice, *(manner if style.asked() else ()), "-psdur", "-o", str(path), "-t", text]
        )
        return told, *_read(path)


def _run(arguments: list[str]) -> str:
    """What flite prints. Raises SpeechError where it fails or hangs; no child is left behind in any case."""
    try:
        done = subprocess.run(arguments, capture_output=True, check=True, timeout=ANSWER_TIME, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as err:
        raise SpeechError(f"flite gave no answer in {ANSWER_TIME:g} s: shorten the text, or try --tts espeak") from err
    except subprocess.CalledProcessError as err:
        reason = err.stderr.decode(errors="replace").strip()[-200:] or f"exit code {err.returncode}"
        raise SpeechError(f"flite failed: {reason}. Try --tts espeak") from err
    except OSError as err:
        raise SpeechError(f"flite cannot be run: {err}. Reinstall it, or try --tts espeak") from err
    return done.stdout.decode("ascii", "replace")


def _read(path: Path) -> tuple[Samples, int]:
    try:
        with wave.open(str(path)) as file:
            data, rate = file.readframes(file.getnframes()), file.getframerate()
            if len(data) < file.getnframes() * file.getsampwidth() * file.getnchannels():
                raise EOFError
    except (OSError, EOFError, wave.Error) as err:
        raise SpeechError(
            "flite's sound is not whole: is the disk full? Set TMPDIR to a folder with space, or try --tts espeak"
        ) from err
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768, rate


def _segments(told: str, rate: int, lag: float) -> list[TimedPhoneme]:
    """From "pau:0.222 m:0.250 …", the end time of each segment in seconds.

    flite does not tell stress: full vowels get 1, the schwas, which it writes only where there is no stress, 0.
    """
    segments: list[TimedPhoneme] = []
    start = 0
    for item in told.split():
        name, _, end = item.rpartition(":")
        stop = round((float(end) + lag) * rate)
        symbol = IPA.get(name, SILENCE)
        segments.append(TimedPhoneme(symbol, start, stop, int(name[:1] in "aeiou" and name not in ("ax", "axr"))))
        start = stop
    return segments
