"""How well, how quickly and at what price an ear understands: files, and text that this machine's voices say."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from txt2vid import registry
from txt2vid.bench.words import errors, words
from txt2vid.core.media import LISTENING_RATE, SPEECH_RATE, Samples
from txt2vid.errors import DependencyError, MediaError
from txt2vid.ffmpeg import AudioReader
from txt2vid.pipeline.hearing import Decimator
from txt2vid.sender.resample import Resampler
from txt2vid.stt.base import Recognizer
from txt2vid.stt.listen import Listener

BLOCK = SPEECH_RATE // 10
MOST_REFERENCE = 100_000  # bytes of a text beside a sound
VOICES = (("flite", "slt"), ("flite", "rms"), ("espeak", "en-us"))


@dataclass(frozen=True, slots=True)
class Heard:
    """One sound. seconds: how long it is. wall, cpu: seconds that understanding took, of the clock and of all cores.

    waits: seconds from each sentence's end, noticed, to its text. wrong, of: words, None without a reference.
    """

    name: str
    seconds: float
    wall: float
    cpu: float
    waits: list[float]
    text: str
    wrong: int | None = None
    of: int | None = None

    @property
    def error(self) -> float | None:
        """The word error rate, None where nobody knows."""
        return None if self.wrong is None or not self.of else self.wrong / self.of


@dataclass(frozen=True, slots=True)
class Result:
    """All sounds. load: seconds until the model was there."""

    ear: str
    model: str
    load: float
    heard: list[Heard] = field(default_factory=list)

    @property
    def error(self) -> float | None:
        """The word error rate over all words of all references."""
        known = [each for each in self.heard if each.of]
        return sum(each.wrong or 0 for each in known) / sum(each.of or 0 for each in known) if known else None

    def json(self) -> str:
        """One object."""
        return json.dumps({**asdict(self), "error": self.error}, ensure_ascii=False)


def measure(
    make: Callable[[], Recognizer], files: list[Path], sample: str | None, tell: Callable[[str], None]
) -> Result:
    """Each sound with an ear that is new. sample: what the voices say where there are no files.

    Raises MediaError where a file cannot be read, and whatever the ear does.
    """
    began = time.monotonic()
    ear = make()
    result = Result(ear.name, "its own" if ear.model is None else str(ear.model), round(time.monotonic() - began, 3))
    for name, sound, text in _sounds(files, sample):
        tell(f"{name}: {len(sound) / SPEECH_RATE:.0f} s")
        result.heard.append(_hear(make(), name, sound, text))
    return result


def _hear(ear: Recognizer, name: str, sound: Samples, reference: str | None) -> Heard:
    listener, texts, waits = Listener(ear), [], []
    began, cpu = time.monotonic(), time.process_time()
    for at in range(0, len(sound) + BLOCK, BLOCK):
        before = time.monotonic()
        block = sound[at : at + BLOCK]
        for heard in listener.push(block) if len(block) else listener.finish():
            if heard.final:
                texts.append(heard.text)
                waits.append(round(time.monotonic() - before, 3))
    wall, cpu = time.monotonic() - began, time.process_time() - cpu
    ear.close()
    wanted = words(reference) if reference is not None else []
    wrong = errors(wanted, words(" ".join(texts))) if wanted else None
    seconds, wall, cpu = (round(number, 3) for number in (len(sound) / SPEECH_RATE, wall, cpu))
    return Heard(name, seconds, wall, cpu, waits, " ".join(texts), wrong, len(wanted) or None)


def _sounds(files: list[Path], sample: str | None) -> Iterator[tuple[str, Samples, str | None]]:
    """A name, the sound at 16 kHz, and what is said in it where that is known."""
    for path in files:
        yield path.name, _decoded(path), _beside(path)
    if not files and sample is not None:
        for engine, voice in VOICES:
            try:
                said = list(registry.load("tts", engine)(voice).speak(sample))
            except DependencyError:
                continue
            rate = said[0].audio.rate
            mono = np.concatenate([each.audio.samples[:, 0] for each in said])
            yield f"{engine} {voice}", _at_16(mono, rate), sample


def _decoded(path: Path) -> Samples:
    with AudioReader(path) as reader:
        parts = [chunk.samples.mean(axis=1) for chunk in reader]
        return _at_16(np.concatenate(parts), reader.rate)


def _at_16(mono: Samples, rate: int) -> Samples:
    """As the sender does it, at once."""
    resampler = Resampler(rate)
    high = np.concatenate([resampler.push(mono.astype(np.float32)), resampler.flush()])
    return Decimator().push(np.concatenate([high, np.zeros(LISTENING_RATE // 100, np.float32)]))


def _beside(path: Path) -> str | None:
    """The text in a file of the same name with .txt at its end."""
    text = path.with_suffix(".txt")
    if not text.is_file():
        return None
    try:
        with text.open(encoding="utf-8") as file:
            return file.read(MOST_REFERENCE)
    except (OSError, ValueError) as err:
        raise MediaError(f"{text} cannot be read ({err}): write there what {path.name} says, or take it away") from err
