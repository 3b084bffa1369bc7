"""Where the sound of a render comes from: a file, or a text that a voice speaks; one stream for the listener."""

from __future__ import annotations

import contextlib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import soxr

from txt2vid.core.media import LISTENING_RATE, AudioChunk, Samples
from txt2vid.drivers.base import Driver
from txt2vid.drivers.expressions import ExpressionDriver
from txt2vid.drivers.phonemes import PhonemeDriver
from txt2vid.drivers.speech import SpeechDriver
from txt2vid.errors import AudioError
from txt2vid.ffmpeg.decode import AudioReader
from txt2vid.pipeline.speaking import speak
from txt2vid.tts.base import Utterance

SILENT = 10 ** (-66 / 20)  # a peak below -66 dBFS (RMS of 16-bit dither is about -96) is nobody speaking
_PIECE = LISTENING_RATE // 10  # samples of a chunk


class Voice(ABC):
    """A stream of sound at the listener's rate, and the driver that moves lips to it.

    rate, channels: of the chunks. driver: the one whose motion belongs to this sound; where it is told phonemes, they
    are told before `chunks` gives the sound that they belong to; so are `expressions`, where it is set, of those in a
    text. driver_name: its name in the registry. duration:
    seconds, where that is known beforehand.
    """

    rate: int
    channels: int
    driver: Driver
    driver_name: str
    expressions: ExpressionDriver | None = None
    name: str | None = None
    duration: Fraction | None = None

    @abstractmethod
    def chunks(self) -> Iterator[AudioChunk]:
        """The sound from its start, in consecutive chunks of about 100 ms."""


class FileVoice(Voice):
    """The sound of a file. Raises AudioError where there is none, or nothing but silence.

    Where the file does not tell how long it is (a recording that was streamed), it is read to its end to know.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with AudioReader(path) as reader:
            self.rate, self.channels, self.duration = reader.rate, reader.channels, reader.duration
            loud, end = False, 0
            for chunk in reader:
                loud, end = loud or bool(np.abs(chunk.samples).max(initial=0) > SILENT), chunk.end
                if loud and self.duration is not None:
                    break
        if not loud:
            raise AudioError(f"{path} is silent from start to end: give a recording of speech")
        self.duration = self.duration or Fraction(end, self.rate)
        self.driver, self.driver_name = SpeechDriver(), "speech"

    def chunks(self) -> Iterator[AudioChunk]:
        """The file's sound."""
        with AudioReader(self._path) as reader:
            yield from reader


class TextVoice(Voice):
    """A text, spoken sentence by sentence while the video is made. Raises SpeechError where nothing can be spoken."""

    rate, channels = LISTENING_RATE, 1

    def __init__(self, text: str, tts: str = "auto", voice: str | None = None, unknown_tags: str = "speak") -> None:
        """unknown_tags: one of core.options.UNKNOWN_TAGS; tags are those of `tts.tags`."""
        speech = speak(text, tts, voice, unknown_tags)
        self.name = speech.voice
        first = next(speech.spoken)
        self._spoken = itertools.chain((first,), speech.spoken)
        self._phonemes = PhonemeDriver() if first.utterance.phonemes is not None else None
        self.driver = self._phonemes or SpeechDriver()
        self.driver_name = "speech" if self._phonemes is None else "phonemes"

    def chunks(self) -> Iterator[AudioChunk]:
        """The speech; can be read once."""
        position = 0
        for spoken in self._spoken:
            utterance = spoken.utterance
            if self.expressions is not None:
                for sample, cue in spoken.cues:
                    at = Fraction(position, self.rate) + Fraction(sample, utterance.audio.rate)
                    self.expressions.feed(cue, at)
            if self._phonemes is not None and utterance.phonemes is not None:
                self._phonemes.feed(utterance.phonemes, utterance.audio.rate, Fraction(position, self.rate))
            samples = resampled(utterance, self.rate)
            for start in range(0, len(samples), _PIECE):
                yield AudioChunk(samples[start : start + _PIECE], self.rate, position + start)
            position += len(samples)


def resampled(utterance: Utterance, rate: int) -> Samples:
    """(n, 1) at `rate`, n rounded up, so that no phoneme lies past the end."""
    audio = utterance.audio
    length = -(-len(audio) * rate // audio.rate)
    samples = np.zeros((length, 1), np.float32)
    converted = soxr.resample(audio.samples[:, 0], audio.rate, rate)[:length]
    samples[: len(converted), 0] = np.clip(converted, -1, 1)
    return samples


class Listener:
    """What models hear of a stream: SPEECH_RATE, mono, resampled as it comes (soxr, no drift, whole stream as one)."""

    def __init__(self, rate: int, speech_rate: int) -> None:
        self._stream = soxr.ResampleStream(rate, speech_rate, 1, dtype="float32")

    def hear(self, chunk: AudioChunk) -> Samples:
        """The speech that the chunk completes, (n,)."""
        return np.asarray(self._stream.resample_chunk(chunk.samples.mean(axis=1)), np.float32)

    def end(self) -> Samples:
        """The rest."""
        with contextlib.suppress(ValueError):  # soxr refuses to flush a stream that was given nothing
            return np.asarray(self._stream.resample_chunk(np.zeros(0, np.float32), last=True), np.float32)
        return np.zeros(0, np.float32)
