"""`render --subtitles`: each cue of a subtitle file is said at its time."""

from __future__ import annotations

import html
import itertools
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pysubs2

from txt2vid.core.media import AudioChunk, Samples
from txt2vid.core.options import SpeakerOptions
from txt2vid.errors import MediaError, SpeechError, Txt2VidError
from txt2vid.pipeline.fitting import sounding
from txt2vid.pipeline.speaking import Spoken, speak
from txt2vid.pipeline.voice import SpokenVoice, in_chunks
from txt2vid.tts.choose import Kept
from txt2vid.tts.pieces import QUIET
from txt2vid.tts.sentences import speakable
from txt2vid.tts.timing import LEAD

MAX_BYTES, MAX_CUES, MAX_HOURS, MAX_CHARS = 4 << 20, 20_000, 24, 5_000  # the last of one cue's text
FASTEST = 1.6  # times as fast as usual, where a cue is too short for its words; faster is hard to follow
SLACK = 0.05  # seconds that a cue may take longer without being said faster
LATE_SECONDS = 0.3  # of a cue's beginning: less is nobody's business

_WORD_TIMES = re.compile(
    r"<(\d\d+:)?\d\d:\d\d\.\d{3}>"
)  # of WebVTT, as render --captions writes them; nobody says them
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cue:
    """What is said from `start` to `stop`, in seconds."""

    start: Fraction
    stop: Fraction
    text: str


def read_subtitles(path: Path) -> list[Cue]:
    """The cues that hold words, by time, of SubRip, WebVTT and what else pysubs2 reads. Raises MediaError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as err:
        raise MediaError(f"{path} cannot be read ({err.strerror}): give --subtitles a .srt or .vtt file") from err
    if len(data) > MAX_BYTES:
        raise MediaError(f"{path} is larger than {MAX_BYTES >> 20} MiB: give --subtitles a .srt or .vtt file")
    try:
        found = pysubs2.SSAFile.from_string(_WORD_TIMES.sub("", data.decode("utf-8-sig")))
    except UnicodeDecodeError as err:
        raise MediaError(f"{path} is not UTF-8 text: save it as UTF-8") from err
    except Exception as err:
        raise MediaError(f"{path} holds no subtitles that can be read: give a .srt or .vtt file") from err
    cues = [
        Cue(Fraction(max(0, each.start), 1000), Fraction(max(0, each.end), 1000), _plain(each.plaintext))
        for each in found
        if not each.is_comment
    ]
    cues = sorted((cue for cue in cues if speakable(cue.text)), key=lambda cue: cue.start)
    if not cues:
        raise MediaError(f"{path} holds no subtitles with words: give a .srt or .vtt file")
    if len(cues) > MAX_CUES or max(cue.stop for cue in cues) > 3600 * MAX_HOURS:
        raise MediaError(f"{path} has more than {MAX_CUES} subtitles, or {MAX_HOURS} hours: cut it into parts")
    if any(len(cue.text) > MAX_CHARS for cue in cues):
        raise MediaError(f"{path} has a subtitle of more than {MAX_CHARS} characters: cut it into several")
    return cues


def _plain(text: str) -> str:
    return " ".join(html.unescape(text).split())


class SubtitleVoice(SpokenVoice):
    """Each cue's words from its start on: faster where the next one would be late, late where even that is too slow.

    Raises MediaError where the file holds none, and what `speak` raises.
    """

    def __init__(self, path: Path, speaker: SpeakerOptions | None = None, unknown_tags: str = "speak") -> None:
        self._path, self._cues = path, read_subtitles(path)
        self._speaker, self._unknown, self._kept = speaker, unknown_tags, Kept()
        super().__init__(speak(self._cues[0].text, speaker, unknown_tags, self._kept))
        self._end = max(cue.stop for cue in self._cues)
        self.duration = self._end  # at least: the last words may go on for longer

    def chunks(self) -> Iterator[AudioChunk]:
        """The speech, and silence between and after it; can be read once."""
        position = late = 0
        for cue, after in itertools.zip_longest(self._cues, self._cues[1:]):
            due = max(0, self._sample(cue.start - Fraction(LEAD)))
            if position > due + LATE_SECONDS * self.rate:
                late += 1
            if position < due:
                yield from in_chunks(np.zeros(due - position, np.float32), self.rate, position)
                position = due
            until = None if after is None else self._sample(after.start - Fraction(LEAD))
            samples = self._said(cue, position, until)
            yield from in_chunks(samples, self.rate, position)
            position += len(samples)
        rest = max(0, self._sample(self._end) - position)
        yield from in_chunks(np.zeros(rest, np.float32), self.rate, position)
        if late:
            _log.warning("%s: %d of %d subtitles begin late, for want of time", self._path, late, len(self._cues))

    def _sample(self, seconds: Fraction) -> int:
        return round(seconds * self.rate)

    def _said(self, cue: Cue, position: int, until: int | None) -> Samples:
        """A cue's sound from a position on, (n,), without the silence behind it that the next cue has no time for."""
        spoken = self._spoken(cue, 1.0)
        if until is not None and spoken:
            room = max((until - position) / self.rate, 0.1)
            needed = _seconds(spoken)
            if needed > room + SLACK:
                spoken = self._spoken(cue, min(FASTEST, needed / room))
        sounds = [np.zeros(0, np.float32)]
        for each in spoken:
            sounds.append(self.hear(each, position + sum(map(len, sounds))))
        samples = np.concatenate(sounds)
        if until is not None and position + len(samples) > until:
            loud = np.flatnonzero(np.abs(samples) > QUIET)
            last = int(loud[-1]) + 1 if len(loud) else 0
            samples = samples[: max(last, until - position)]
        return samples

    def _spoken(self, cue: Cue, rate: float) -> list[Spoken]:
        try:
            return list(speak(cue.text, self._speaker, self._unknown, self._kept, rate).spoken)
        except SpeechError as err:
            _log.warning("%s: nothing is said at %.1f s: %s", self._path, float(cue.start), err)
            return []
        except Txt2VidError as err:
            raise type(err)(f"{self._path}, at {float(cue.start):.1f} s: {err}") from err


def _seconds(spoken: list[Spoken]) -> float:
    """From the beginning to the last sound."""
    lengths = [len(each.utterance.audio) / each.utterance.audio.rate for each in spoken]
    last = spoken[-1].utterance
    return sum(lengths[:-1]) + sounding(last)[1] / last.audio.rate
