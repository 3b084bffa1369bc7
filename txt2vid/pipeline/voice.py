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

from txt2vid.core.captions import Caption
from txt2vid.core.clock import FrameTime
from txt2vid.core.media import LISTENING_RATE, SPEECH_RATE, AudioChunk, Samples
from txt2vid.core.motion import Motion
from txt2vid.core.options import SpeakerOptions
from txt2vid.drivers.base import Driver
from txt2vid.drivers.expressions import ExpressionDriver
from txt2vid.drivers.phonemes import PhonemeDriver
from txt2vid.drivers.speech import SpeechDriver
from txt2vid.errors import AudioError
from txt2vid.ffmpeg.decode import KEPT_RATES, OTHER_RATE, AudioReader
from txt2vid.pipeline.captions import caption
from txt2vid.pipeline.gate import Gate
from txt2vid.pipeline.speaking import Speech, Spoken, speak
from txt2vid.tts.base import Utterance

SILENT = 10 ** (-66 / 20)  # a peak below -66 dBFS (RMS of 16-bit dither is about -96) is nobody speaking
_PIECE = LISTENING_RATE // 10  # samples of a chunk


class Voice(ABC):
    """A stream of sound at the listener's rate, and the driver that moves lips to it.

    rate, channels: of the chunks. driver: the one whose motion belongs to this sound; where it is told phonemes, they
    are told before `chunks` gives the sound that they belong to; so are `expressions`, where it is set, of those in a
    text. driver_name: its name in the registry. captions: of what was said so far, where a text is said. duration:
    seconds, where that is known beforehand.
    """

    rate: int
    channels: int
    driver: Driver
    driver_name: str
    expressions: ExpressionDriver | None = None
    captions: list[Caption] | None = None
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
            self._info, self.duration = reader.info, reader.duration
            self.rate, self.channels = reader.rate, reader.channels
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
        with AudioReader(self._path, self._info) as reader:
            yield from reader


class SamplesVoice(Voice):
    """Sound that somebody has made already: (n, channels) in [-1, 1]. Raises AudioError where it is silent."""

    def __init__(self, samples: Samples, rate: int) -> None:
        if not (np.abs(samples) > SILENT).any():
            raise AudioError("the samples are silent from start to end: give a recording of speech")
        if rate not in KEPT_RATES:
            samples, rate = np.asarray(soxr.resample(samples, rate, OTHER_RATE), np.float32), OTHER_RATE
        self._samples, self.rate, self.channels = np.clip(samples, -1, 1), rate, samples.shape[1]
        self.duration = Fraction(len(samples), rate)
        self.driver, self.driver_name = SpeechDriver(), "speech"

    def chunks(self) -> Iterator[AudioChunk]:
        """The sound."""
        for start in range(0, len(self._samples), _PIECE):
            yield AudioChunk(self._samples[start : start + _PIECE], self.rate, start)


class SpokenVoice(Voice):
    """What a synthesizer says. speech: its beginning, which tells what kind of voice it is."""

    rate, channels = LISTENING_RATE, 1

    def __init__(self, speech: Speech) -> None:
        self.name = speech.voice
        self._first = next(speech.spoken)
        self._lips = Lips.of(speech, self._first.utterance)
        self.driver, self.driver_name = self._lips.driver, self._lips.name
        self.captions = []
        self._resampler = SentenceResampler(self.rate)

    def hear(self, spoken: Spoken, position: int) -> Samples:
        """The sound (n,) of what is said at a sample of the time line; lips, face and captions are told."""
        utterance = spoken.utterance
        samples, late = self._resampler.push(utterance)
        at = Fraction(position, self.rate) + late
        if self.expressions is not None:
            for sample, cue in spoken.cues:
                self.expressions.feed(cue, at + Fraction(sample, utterance.audio.rate))
        self._lips.feed(utterance, at)
        said = caption(utterance, float(at))
        if said is not None and self.captions is not None:
            self.captions.append(said)
        return samples


def in_chunks(samples: Samples, rate: int, position: int) -> Iterator[AudioChunk]:
    """Sound (n,) as consecutive chunks from a position on."""
    for start in range(0, len(samples), _PIECE):
        yield AudioChunk(samples[start : start + _PIECE, np.newaxis], rate, position + start)


class TextVoice(SpokenVoice):
    """A text, spoken sentence by sentence while the video is made. Raises SpeechError where nothing can be spoken."""

    def __init__(self, text: str, speaker: SpeakerOptions = SpeakerOptions(),  # noqa: B008 - frozen
                 unknown_tags: str = "speak") -> None:  # fmt: skip
        """unknown_tags: one of core.options.UNKNOWN_TAGS; tags are those of `tts.tags`."""
        speech = speak(text, speaker, unknown_tags)
        super().__init__(speech)
        self._spoken = itertools.chain((self._first,), speech.spoken)

    def chunks(self) -> Iterator[AudioChunk]:
        """The speech; can be read once."""
        position = 0
        for spoken in self._spoken:
            samples = self.hear(spoken, position)
            yield from in_chunks(samples, self.rate, position)
            position += len(samples)


class Lips:
    """The driver for a text: phonemes where the voice tells them, the sound where it does not, or each in turn."""

    def __init__(self, *, phonemes: bool, sound: bool) -> None:
        self._phonemes = PhonemeDriver() if phonemes else None
        self._both = BothDriver(self._phonemes) if self._phonemes is not None and sound else None
        self.driver: Driver = self._both or self._phonemes or SpeechDriver()
        self.name = "+".join([*(["phonemes"] if phonemes else []), *(["speech"] if sound else [])])

    @classmethod
    def of(cls, speech: Speech, first: Utterance) -> Lips:
        """What fits a text whose first utterance is this."""
        tells = speech.tells_phonemes
        return cls(phonemes=tells is not False or first.phonemes is not None, sound=tells is not True)

    def feed(self, utterance: Utterance, start: Fraction) -> None:
        """An utterance that is heard `start` seconds into the time line."""
        if self._phonemes is None or utterance.phonemes is None:
            return
        self._phonemes.cut(start)  # of a sentence that broke off: its last piece may be told further than it is heard
        self._phonemes.feed(utterance.phonemes, utterance.audio.rate, start)
        if self._both is not None:
            self._both.told(start, start + Fraction(len(utterance.audio), utterance.audio.rate))


class BothDriver(Driver):
    """Lips that follow the sound, and phonemes over the stretches in which they are told."""

    lookahead = max(SpeechDriver.lookahead, PhonemeDriver.lookahead)

    def __init__(self, phonemes: PhonemeDriver) -> None:
        self._phonemes, self._sound, self._gate = phonemes, SpeechDriver(), Gate()
        self._ahead = np.zeros(0, np.float32)  # what the speech driver does not look at yet
        self._given = 0

    def told(self, start: Fraction, stop: Fraction) -> None:
        """Phonemes rule the lips from start to stop, in seconds."""
        self._gate.close(float(start), float(stop))

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:
        """The motion at the middle of `frame`; see `Driver.drive`."""
        speech = np.concatenate((self._ahead, speech))
        count = frame.span(SPEECH_RATE)[1] + SpeechDriver.lookahead - self._given
        self._ahead, self._given = speech[count:], self._given + count
        heard = self._gate.at(float(frame.time + frame.duration / 2))
        by_sound = self._sound.drive(frame, speech[:count])
        return Motion(by_sound.blendshapes * np.float32(heard)) + self._phonemes.drive(frame, speech)


class SentenceResampler:
    """Utterances at the listener's rate; the pieces of a sentence are one stream."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._stream: soxr.ResampleStream | None = None
        self._given = 0  # samples of the sentence so far

    def push(self, utterance: Utterance) -> tuple[Samples, Fraction]:
        """(n,), and by how many seconds the utterance's own first sample comes after the first of these."""
        audio = utterance.audio
        if not audio.position:
            self._stream, self._given = None, 0
            if not utterance.more:
                return resampled(utterance, self._rate)[:, 0], Fraction(0)
        if self._stream is None:
            self._stream = soxr.ResampleStream(audio.rate, self._rate, 1, dtype="float32")
        converted = self._stream.resample_chunk(audio.samples[:, 0], last=not utterance.more)
        late = Fraction(audio.position, audio.rate) - Fraction(self._given, self._rate)
        self._given += len(converted)
        return np.clip(np.asarray(converted, np.float32), -1, 1), late


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
