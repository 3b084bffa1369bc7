"""Whisper by faster-whisper (CTranslate2): a hundred languages, with punctuation; the model is the user's.

Radford et al. 2022, "Robust speech recognition via large-scale weak supervision".
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from txt2vid.core.machine import cores
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.errors import SpeechError, UsageError
from txt2vid.stt.base import Recognizer, primary

PARTIAL_SECONDS = 1.0  # between looks, at least
PARTIAL_SHARE = 3.0  # times what the last look took must pass before the next: the end must not wait
NO_SPEECH = 0.6  # above, the network thinks that nobody speaks (as published)
_NEEDED = ("model.bin", "config.json", "tokenizer.json")
_LAYOUT = "a folder of ct2-transformers-converter, with --copy_files tokenizer.json preprocessor_config.json"


class Whisper(Recognizer):
    """Whole sentences. Each look is at all that was said so far, and costs as much as the last one."""

    name = "faster-whisper"
    writes = True

    def __init__(self, model: Path | None = None, language: str | None = None) -> None:
        super().__init__(model, language)
        if model is None:
            raise SpeechError(f"faster-whisper needs a model: give --stt-model {_LAYOUT}")
        missing = [name for name in _NEEDED if not (model / name).is_file()]  # it would fetch what is missing
        if missing:
            raise SpeechError(f"{model} is no model of faster-whisper (no {', no '.join(missing)}): give {_LAYOUT}")
        try:
            self._model = WhisperModel(str(model), device="auto", compute_type="auto", cpu_threads=cores())
            known = self._model.supported_languages
        except Exception as err:  # tokenizers raises plain ones
            raise SpeechError(f"{model} cannot be loaded by faster-whisper ({err}): give {_LAYOUT}") from err
        self._spoken = primary(language) if language else None
        if self._spoken is not None and self._spoken not in known:
            shown = ", ".join(known[:10]) + (" …" if len(known) > 10 else "")
            raise UsageError(f"this model does not know the language {language!r}: choose one of {shown}")
        self._sound: list[Samples] = []
        self._words, self._next = "", 0.0

    def _begin(self) -> None:
        self._sound, self._words = [], ""
        self._next = time.monotonic() + PARTIAL_SECONDS

    def _push(self, samples: Samples) -> str:
        self._sound.append(samples)
        began = time.monotonic()
        if began >= self._next:
            self._words = self._understood()
            took = time.monotonic() - began
            self._next = began + took + max(PARTIAL_SECONDS, PARTIAL_SHARE * took)
        return self._words

    def _end(self) -> str:
        text = self._understood() if self._sound else ""
        self._sound = []
        return text

    def _understood(self) -> str:
        sound = np.concatenate(self._sound)
        if len(sound) < SPEECH_RATE // 10:
            return ""
        try:
            segments, _ = self._model.transcribe(
                sound, language=self._spoken, beam_size=1, temperature=0.0, condition_on_previous_text=False,
                without_timestamps=True,
            )  # fmt: skip
            return "".join(each.text for each in segments if each.no_speech_prob < NO_SPEECH).strip()
        except (RuntimeError, ValueError) as err:
            raise SpeechError(f"faster-whisper failed ({err}): try another --stt-model") from err
