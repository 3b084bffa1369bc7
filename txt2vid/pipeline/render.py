"""A face and a voice become a video file."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from txt2vid import __version__
from txt2vid.core.clock import MAX_FPS, MIN_FPS, frame_count, settle_fps
from txt2vid.core.options import DEFAULT_FPS, EngineOptions, FaceOptions, RenderOptions
from txt2vid.drivers.base import Driver
from txt2vid.drivers.expressions import ExpressionDriver
from txt2vid.drivers.idle import IdleDriver
from txt2vid.drivers.speech import SpeechDriver
from txt2vid.engines.base import Engine, Job
from txt2vid.errors import UsageError, VideoError
from txt2vid.faces.face import Face
from txt2vid.faces.pictures import is_picture
from txt2vid.faces.playback import there_and_back
from txt2vid.faces.prepare import prepare_face
from txt2vid.ffmpeg.captions import add_captions, captions_beside
from txt2vid.ffmpeg.encode import Encoder
from txt2vid.ffmpeg.probe import probe
from txt2vid.pipeline.choice import Chosen, choose
from txt2vid.pipeline.recorded import RecordedVoice
from txt2vid.pipeline.timeline import Moment, moments
from txt2vid.pipeline.voice import FileVoice, TextVoice, Voice

PROVENANCE = f"Synthetic media: this face was animated by txt2vid {__version__}"

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class RenderResult:
    """What was made.

    duration: seconds of sound, exactly. elapsed: seconds that it took. engine, driver, voice: what made it, by
    their names in the registry; voice is None where the sound came from a file. engine_why: why that engine, where
    the choice was left open.
    """

    output: Path
    frames: int
    fps: Fraction
    width: int
    height: int
    duration: Fraction
    elapsed: float
    engine: str
    driver: str
    voice: str | None
    engine_why: str = ""


class FaceCache:
    """Faces that were prepared once, with what an engine made of them, for the renders of one batch.

    Holds one face: rows that share it come one after the other, and a prepared picture may take 100 MB. The engine
    that was used last is kept as well: a network takes a second to load.
    """

    def __init__(self) -> None:
        self._engine: tuple[EngineOptions, Chosen] | None = None
        self._clip: tuple[Fraction | None, int | None] = (None, None)
        self._face: tuple[FaceOptions, Face] | None = None
        self._prepared: tuple[tuple[Any, ...], Any] | None = None

    def face(self, options: FaceOptions, fps: Fraction | None = None, frames: int | None = None) -> Face:
        """The face. fps, frames: of a video; None is its own rate, and all of it."""
        clip = fps, frames
        held = self._face
        if held is None or held[0] != options or not (held[1].is_still or clip == self._clip):
            self._face = self._prepared = None  # the one before: two at once would be twice the memory
            held = self._face = options, prepare_face(options, fps, frames)
            self._clip = clip
        return held[1]

    def get(self, options: FaceOptions, fps: Fraction | None, engine: Engine, frames: int | None) -> tuple[Face, Any]:
        """The face, as `face` has it, and what `engine` prepared of it."""
        face, key = self.face(options, fps, frames), (type(engine), engine.options)
        if self._prepared is None or self._prepared[0] != key:
            self._prepared = None
            self._prepared = key, engine.prepare(face)
        return face, self._prepared[1]

    def engine(self, options: EngineOptions) -> Chosen:
        """The engine that the options ask for."""
        if self._engine is None or self._engine[0] != options:
            self._engine = None  # the one before: two networks would be twice the memory
            self._engine = options, choose(options)
        return self._engine[1]


def render(options: RenderOptions, progress: Progress | None = None, faces: FaceCache | None = None,
           voice: Voice | None = None) -> RenderResult:  # fmt: skip
    """Renders one video; nothing is left under its name, or anywhere, unless it is complete.

    progress: called with frames done and, where that is known, frames in all. voice: what is heard, instead of what
    the options name. Raises what `txt2vid.errors` has.
    """
    started = time.monotonic()
    _check(options, has_voice=voice is not None)
    voice = voice or _voice(options)
    needed = _needed(voice, options) if faces is None else None  # rows that share a video share all of it
    faces = faces or FaceCache()
    chosen = faces.engine(options.engine if options.motion is None else replace(options.engine, name="mesh"))
    engine = chosen.engine
    face, prepared = faces.get(options.face, options.fps, engine, needed)
    fps = options.fps or face.fps or DEFAULT_FPS
    drivers: list[Driver] = [voice.driver]
    voice.expressions = ExpressionDriver(options.expression, mouth_only=not face.is_still)
    if options.idle and face.is_still:  # a video lives by itself
        ear = voice.driver.ear if isinstance(voice.driver, SpeechDriver) else None  # the sound is heard once
        drivers.append(IdleDriver(options.seed, ear=ear))
    total = None if voice.duration is None else frame_count(int(voice.duration * voice.rate), fps, voice.rate)
    width, height = face.size
    with Encoder(options.output, width, height, fps, voice.rate, voice.channels,
                 metadata={"comment": PROVENANCE}, planar=True) as encoder:  # fmt: skip
        for batch in _batches(moments(voice, drivers, fps, engine.hearing(fps)), engine.batch):
            jobs = [
                Job(prepared, there_and_back(each.frame.index, len(face.frames)), each.motion, each.heard)
                for each in batch
            ]
            for moment, pixels in zip(batch, engine.render_i420(jobs), strict=True):
                encoder.write_frame(pixels)
                encoder.write_audio(moment.sound)
            if progress is not None:
                progress(encoder.frames, total)
        encoder.close()
    if options.captions:
        add_captions(options.output, voice.captions or [])
    return RenderResult(
        options.output, encoder.frames, fps, width, height, Fraction(encoder.samples, voice.rate),
        time.monotonic() - started, chosen.name, voice.driver_name, voice.name, chosen.why,
    )  # fmt: skip


def _batches(stream: Iterator[Moment], size: int) -> Iterator[list[Moment]]:
    """Moments in groups of `size`; the last may be smaller."""
    while batch := list(itertools.islice(stream, size)):
        yield batch


def _voice(options: RenderOptions) -> Voice:
    if options.motion is not None:
        return RecordedVoice(options.motion, options.audio)
    if options.audio is not None:
        return FileVoice(options.audio)
    if options.subtitles is not None:
        from txt2vid.pipeline.subtitles import SubtitleVoice  # its reader: only for those who need it

        return SubtitleVoice(options.subtitles, options.speaker, options.unknown_tags)
    return TextVoice(options.text or "", options.speaker, options.unknown_tags)


def _needed(voice: Voice, options: RenderOptions) -> int | None:
    """How many frames of a driving video are looked at: no more than the sound is long; None is all of it."""
    if voice.duration is None or is_picture(options.face.path):
        return None
    video = probe(options.face.path, VideoError).video
    if video is None:
        return None  # `prepare_face` says what is wrong with it
    fps = options.fps or settle_fps(min(max(video.fps, MIN_FPS), MAX_FPS))
    return frame_count(int(voice.duration * voice.rate), fps, voice.rate) + int(fps)


def _check(options: RenderOptions, *, has_voice: bool) -> None:
    """Raises UsageError on options that contradict each other, before any work is done."""
    if options.motion is not None:
        _check_motion(options)
    elif sum(voice is not None for voice in (options.audio, options.text, options.subtitles)) != (not has_voice):
        raise UsageError("give a sound file (--audio FILE), a text (--text TEXT, --text-file FILE) or --subtitles FILE")
    if options.captions and (options.audio is not None or has_voice):
        raise UsageError("what is said in a sound file is not known: leave --captions out, or give a text")
    beside = captions_beside(options.output)
    if options.captions and options.subtitles is not None and beside.resolve() == options.subtitles.resolve():
        raise UsageError(f"the captions {beside} would overwrite the subtitles: choose another name with -o")
    for path in (options.face.path, options.audio, options.motion):
        if path is not None and path.exists() and options.output.exists() and path.samefile(options.output):
            raise UsageError(f"the output {options.output} is also an input: choose another name with -o")


def _check_motion(options: RenderOptions) -> None:
    """Raises UsageError on what a recording of motion leaves no room for."""
    if options.text is not None or options.subtitles is not None:
        raise UsageError(
            "a recording of motion moves the mouth itself: leave the text out, or give its sound with --audio"
        )
    if options.engine.name not in ("auto", "mesh"):
        raise UsageError(
            f"engine {options.engine.name} does not draw recorded motion: leave --engine out, or write mesh"
        )
    if options.captions:
        raise UsageError("what is said in a recording of motion is not known: leave --captions out")
