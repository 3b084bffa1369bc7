"""Vosk: Kaldi's recognizers with models for twenty languages (alphacephei.com/vosk); the model is the user's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import vosk

from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.errors import SpeechError
from txt2vid.stt.base import Recognizer, pcm

_LAYOUT = "an unpacked folder of alphacephei.com/vosk/models"
_OF_NAME = re.compile(r"vosk-model-(?:small-)?([a-z]{2,3})(?:-|$)")
_NEEDED = (("am/final.mdl", "final.mdl"), ("conf/mfcc.conf", "mfcc.conf"))  # new layout, old one


class Vosk(Recognizer):
    """Words without punctuation, in the model's language."""

    name = "vosk"

    def __init__(self, model: Path | None = None, language: str | None = None) -> None:
        if model is None:
            raise SpeechError(f"vosk needs a model: give --stt-model {_LAYOUT}")
        named = _OF_NAME.match(model.resolve().name)
        super().__init__(model, language or (named.group(1) if named else None))
        if not model.is_dir():
            raise SpeechError(f"{model} is no folder with a model: give --stt-model {_LAYOUT}")
        missing = [either[0] for either in _NEEDED if not any((model / name).is_file() for name in either)]
        if missing:
            raise SpeechError(f"{model} is no model of vosk (no {', no '.join(missing)}): give --stt-model {_LAYOUT}")
        vosk.SetLogLevel(-1)
        try:
            self._recognizer = vosk.KaldiRecognizer(vosk.Model(str(model)), SPEECH_RATE)
        except Exception as err:  # what vosk raises, and no other family of its own
            raise SpeechError(f"{model} cannot be loaded by vosk ({err}): give --stt-model {_LAYOUT}") from err
        self._parts: list[str] = []

    def _begin(self) -> None:
        self._parts = []
        self._recognizer.Reset()

    def _push(self, samples: Samples) -> str:
        if self._recognizer.AcceptWaveform(pcm(samples)):  # it has found an end of its own: the rest follows
            self._parts.append(_text(self._recognizer.Result(), "text"))
        return " ".join([*self._parts, _text(self._recognizer.PartialResult(), "partial")]).strip()

    def _end(self) -> str:
        return " ".join([*self._parts, _text(self._recognizer.FinalResult(), "text")])


def _text(answer: str, field: str) -> str:
    return str(json.loads(answer).get(field, ""))
