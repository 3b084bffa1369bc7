"""pocketsphinx: small, offline, its English model in its wheel (Huggins-Daines et al. 2006, cmusphinx.github.io)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pocketsphinx

from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.errors import SpeechError, UsageError
from txt2vid.stt.base import Recognizer, pcm, primary

MOST_STATES = 3000  # hidden Markov models a frame: of 30,000 most are of no use, and take three times the time
MOST_SAMPLES = SPEECH_RATE // 10  # at once: pocketsphinx 5.1.1 dies of seconds at once while it adapts its mean
PARTIAL_SAMPLES = SPEECH_RATE // 4  # between looks at what is understood so far
WAIT = "…"  # what is understood of the first utterance until it has ended
FEW_WORDS, SURE = 2, 0.008  # so few words, with a posterior below, are noise: doors have 0.0004 to 0.005, words 0.02 on
_LAYOUT = "a folder with one of acoustic model (mdef …), language model (*.lm.bin) and dictionary (*.dict)"


class Pocketsphinx(Recognizer):
    """Words in American English, or with the user's model in any language; no punctuation.

    The mean of a voice's cepstrum goes on from utterance to utterance. The first one knows none: it is understood as a
    whole, at its end, with its own (in less than a third of its time).
    """

    name = "pocketsphinx"

    def __init__(self, model: Path | None = None, language: str | None = None) -> None:
        super().__init__(model, language)
        if model is None and primary(self.language) != "en":
            raise UsageError(
                f"pocketsphinx's own model hears English only, not {language!r}: give --stt-model a folder with "
                "another, or choose another --stt-backend"
            )
        files = {} if model is None else _files(model)
        try:
            self._decoder = pocketsphinx.Decoder(loglevel="FATAL", cmn="batch", maxhmmpf=MOST_STATES, **files)
        except (RuntimeError, ValueError) as err:
            raise SpeechError(f"{model or 'the model'} is none of pocketsphinx's ({err}): give {_LAYOUT}") from err
        self._first: list[Samples] | None = []
        self._words, self._waiting = "", 0

    def _begin(self) -> None:
        self._words, self._waiting = "", 0
        if self._first is None:
            self._decoder.start_utt()
        else:
            self._first = []

    def _push(self, samples: Samples) -> str:
        if self._first is not None:
            self._first.append(samples)
            return WAIT
        for start in range(0, len(samples), MOST_SAMPLES):
            self._decoder.process_raw(pcm(samples[start : start + MOST_SAMPLES]))
        self._waiting += len(samples)
        if self._waiting >= PARTIAL_SAMPLES:
            self._waiting, self._words = 0, self._understood()
        return self._words

    def _end(self) -> str:
        if self._first is not None:
            if not self._first:
                return ""
            sound, self._first = np.concatenate(self._first), None
            self._decoder.start_utt()
            self._decoder.process_raw(pcm(sound), full_utt=True)
            self._decoder.end_utt()
            self._decoder.set_cmn(self._decoder.get_cmn(False))  # from which the next ones go on
        else:
            self._decoder.end_utt()
        text, hypothesis = self._understood(), self._decoder.hyp()
        doubtful = hypothesis is not None and hypothesis.prob < SURE and len(text.split()) <= FEW_WORDS
        return "" if doubtful else text

    def _understood(self) -> str:
        hypothesis = self._decoder.hyp()
        return "" if hypothesis is None else str(hypothesis.hypstr)


def _files(model: Path) -> dict[str, str]:
    """What the decoder is to load of a folder. Raises SpeechError where it is no such folder."""
    if not model.is_dir():
        raise SpeechError(f"{model} is no folder with a model: give --stt-model {_LAYOUT}")
    acoustic = sorted(path.parent for path in [*model.glob("mdef"), *model.glob("*/mdef")])
    grammars = sorted({*model.glob("*.lm.bin"), *model.glob("*.lm"), *model.glob("*.lm.gz")})
    words = sorted({*model.glob("*.dict"), *model.glob("*.dic")})
    grammars = [path for path in grammars if "phone" not in path.name] or grammars  # a model of single phones beside it
    if not (len(acoustic) == len(grammars) == len(words) == 1):
        found = f"{len(acoustic)} acoustic, {len(grammars)} language models, {len(words)} dictionaries"
        raise SpeechError(f"{model} holds no model of pocketsphinx ({found}): give --stt-model {_LAYOUT}")
    return {"hmm": str(acoustic[0]), "lm": str(grammars[0]), "dict": str(words[0])}
