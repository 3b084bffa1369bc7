"""piper's voices: neural, offline, a file the user has (https://github.com/OHF-Voice/piper1-gpl).

A voice is NAME.onnx with NAME.onnx.json beside it. Nothing is downloaded. Models that were made to tell alignments
(`piper.patch_voice_with_alignment`) tell when each phoneme sounds; of others the sound moves the lips.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.errors import DependencyError, SpeechError, UsageError
from txt2vid.tts.base import Listed, Synthesizer, Utterance, known_voice
from txt2vid.tts.languages import fits
from txt2vid.tts.pieces import whole
from txt2vid.tts.sentences import Sentence
from txt2vid.tts.timing import utterance

FOLDERS = "TXT2VID_PIPER_VOICES"
MODEL, CONFIG = ".onnx", ".onnx.json"
MAX_CONFIG = 8 << 20  # bytes: those of hundreds of speakers have some kilobytes
INPUTS = {"input", "input_lengths", "scales"}
PHONEMES = ("espeak", "text")  # other kinds need models or packages that would have to be fetched
_STRESS = {"ˈ": 2, "ˌ": 1}
_GET = "put NAME.onnx and NAME.onnx.json there, from https://huggingface.co/rhasspy/piper-voices"


class Piper(Synthesizer):
    """A voice of piper's, on one CPU or more; some models tell when each phoneme sounds."""

    name = "piper"

    def __init__(self, voice: str | None = None, language: str | None = None) -> None:
        """Takes a path to NAME.onnx, or NAME in one of `folders()`, each with #SPEAKER where there are several.

        Raises UsageError where it is unknown, no voice of piper's or of another language, DependencyError where piper
        is missing or there is no voice at all.
        """
        load, self._config_class = _library()
        path, speaker = _found(voice, language)
        config = _config(path)
        if voice is not None and language is not None and not fits(_language(config) or language, language):
            raise UsageError(f"{path.name} speaks {_language(config)}, not {language}: choose another --voice")
        self._who, self.language = path.name, _language(config)
        self._model = _loaded(load, path)
        self._speaker = _speaker(config, speaker, path.name)
        self.tells_phonemes = len(self._model.session.get_outputs()) > 1

    @classmethod
    def voices(cls) -> list[str]:
        """The names of what lies in `folders()`."""
        return sorted(each.name for each in cls.listed())

    @classmethod
    def listed(cls) -> list[Listed]:
        """The same with their languages; broken ones too, so that one sees them."""
        _library()
        found = [_described(path) for path in installed()]
        if not found:
            raise DependencyError(f"no voice in {' or '.join(map(str, folders()))}: {_GET}")
        return found

    def _say(self, sentence: Sentence) -> Iterator[Utterance]:
        config = self._config_class(speaker_id=self._speaker)
        rate = int(self._model.config.sample_rate)
        try:
            made = list(self._model.synthesize(sentence.text, config, include_alignments=bool(self.tells_phonemes)))
        except ModuleNotFoundError as err:
            raise DependencyError(f"{self._who} needs {err.name}: pip install {err.name}") from err
        except Exception as err:  # onnxruntime and piper have no base of their own
            raise SpeechError(
                f"{self._who} cannot say {sentence.text[:40]!r} ({_why(err)}): choose another voice"
            ) from err
        told = _told([each.phoneme_alignments for each in made], [len(each.audio_float_array) for each in made])
        sound = [np.clip(np.nan_to_num(np.atleast_1d(each.audio_float_array)), -1, 1) for each in made]
        if told:
            yield from utterance(sentence, np.concatenate(sound).astype(np.float32), rate, told)
        else:
            yield from whole(sentence, rate, np.concatenate(sound or [np.zeros(0)]).astype(np.float32), self._who)


def folders() -> list[Path]:
    """Where voices lie: TXT2VID_PIPER_VOICES, separated as PATH is, or ~/.local/share/txt2vid/voices."""
    named = os.environ.get(FOLDERS)
    if named:
        return [Path(each) for each in named.split(os.pathsep) if each]
    return [Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share", "txt2vid", "voices")]


def _library() -> tuple[Any, Any]:
    """What loads a voice, and what asks it for a speaker."""
    try:
        from piper import PiperVoice, SynthesisConfig
    except ModuleNotFoundError as err:
        raise DependencyError(f"piper needs {err.name}: pip install 'txt2vid[piper]'") from err
    return PiperVoice.load, SynthesisConfig


def installed() -> list[Path]:
    """The models in `folders()`, by their names."""
    return sorted(path for folder in folders() if folder.is_dir() for path in folder.glob(f"*{MODEL}"))


def _described(path: Path) -> Listed:
    try:
        config = _config(path)
    except UsageError:
        return Listed(path.name.removesuffix(MODEL), "", Piper.name, None, "broken")
    speakers = config.get("num_speakers", 1)
    note = f"{speakers} speakers" if speakers != 1 else ""
    return Listed(path.name.removesuffix(MODEL), _language(config) or "", Piper.name, None, note)


def _found(voice: str | None, language: str | None) -> tuple[Path, str | None]:
    """The model's file, and the speaker that is wanted."""
    name, _, speaker = (voice or "").partition("#")
    if name.endswith(MODEL) or os.sep in name:
        path = Path(name)
        if not path.is_file():
            raise UsageError(
                f"there is no voice {path}: give the path of a {MODEL} file, or put one into {folders()[0]}"
            )
        return path, speaker or None
    found = {path.name.removesuffix(MODEL): path for path in installed()}
    if not found:
        raise DependencyError(f"piper has no voice: {_GET} ({folders()[0]}), or give --voice a path")
    if name:
        return found[known_voice(name, list(found), "piper", "txt2vid voices --tts piper")], speaker or None
    for path in found.values():
        if language is None or fits(_described(path).language or "und", language):
            return path, None
    raise UsageError(f"piper has no voice for {language}: it has {', '.join(found)}; or choose --tts espeak")


def _config(path: Path) -> dict[str, Any]:
    """What stands beside a model. Raises UsageError where that is nothing, or nothing of piper's."""
    beside = path.with_name(path.name.removesuffix(MODEL) + CONFIG)
    try:
        with beside.open("rb") as file:
            data = file.read(MAX_CONFIG + 1)
        config: dict[str, Any] = json.loads(data) if len(data) <= MAX_CONFIG else {}
        rate, phonemes = config["audio"]["sample_rate"], config["phoneme_id_map"]
        kind = config.get("phoneme_type", "espeak")
        good = isinstance(rate, int) and 8000 <= rate <= 48_000 and isinstance(phonemes, dict)
    except OSError as err:
        raise UsageError(
            f"{beside} cannot be read ({err.strerror}): a voice of piper's is two files, get both"
        ) from err
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as err:
        raise UsageError(f"{beside} does not describe a voice of piper's: get both of its files once more") from err
    if not good:
        raise UsageError(f"{beside} does not describe a voice of piper's: get both of its files once more")
    if kind not in PHONEMES:
        raise UsageError(f"{path.name} needs {kind!r} phonemes, which are not made here: choose another voice")
    return config


def _loaded(load: Any, path: Path) -> Any:
    try:
        model = load(path)
        inputs = {each.name for each in model.session.get_inputs()}
    except Exception as err:  # onnxruntime's errors have no base of their own
        raise UsageError(f"{path} is no model that can be loaded ({_why(err)}): get a voice of piper's") from err
    if not inputs >= INPUTS:
        raise UsageError(
            f"{path} is a model of another kind (it takes {', '.join(sorted(inputs))}): get a voice of piper's"
        )
    return model


def _speaker(config: dict[str, Any], wanted: str | None, name: str) -> int | None:
    if wanted is None:
        return None
    known = {str(key): int(number) for key, number in (config.get("speaker_id_map") or {}).items()}
    known = known or {str(number): number for number in range(int(config.get("num_speakers", 1)))}
    return known[known_voice(wanted, list(known), name, "txt2vid voices --tts piper")]


def _language(config: dict[str, Any]) -> str | None:
    """Piper's "en_US" as "en-US", or espeak-ng's name of it."""
    language = config.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    espeak = config.get("espeak")
    code = code or (espeak.get("voice") if isinstance(espeak, dict) else None)
    return str(code).replace("_", "-") if code else None


def _told(alignments: Sequence[Any], lengths: Sequence[int]) -> list[TimedPhoneme]:
    """Timed phonemes of all parts, one after the other; none where a part tells nothing.

    piper tells single characters: stress marks and lengths ("ː") belong to their neighbours.
    """
    segments: list[TimedPhoneme] = []
    begin = 0
    for parts, length in zip(alignments, lengths, strict=True):
        if not parts:
            return []
        at, stress = begin, 0
        for part in parts:
            stop = at + int(part.num_samples)
            symbol = "".join(c for c in part.phoneme if unicodedata.category(c)[0] == "L" and c not in _STRESS)
            if part.phoneme in _STRESS:
                stress = _STRESS[part.phoneme]
            modifier = part.phoneme == "ː" or unicodedata.category(part.phoneme[0])[0] == "M"
            if modifier and segments:
                last = segments[-1]
                segments[-1] = TimedPhoneme(last.symbol + part.phoneme, last.start, stop, last.stress)
            else:
                segments.append(TimedPhoneme(symbol or SILENCE, at, stop, stress if symbol else 0))
                stress = 0 if symbol else stress
            at = stop
        begin += length
    return segments


def _why(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
