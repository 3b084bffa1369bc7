"""A picture is moved by the face of another person: of a video, or one expression of an image."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from txt2vid.core.clock import FrameTime, frame_count
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.motion import Motion
from txt2vid.core.options import LONGEST_HELD, MOST_POSE, DriveOptions
from txt2vid.drivers.idle import IdleDriver
from txt2vid.drivers.speech import SpeechDriver
from txt2vid.engines.base import Job
from txt2vid.engines.mesh import MeshEngine
from txt2vid.errors import FaceError, OutputError, UsageError
from txt2vid.faces.pictures import is_picture
from txt2vid.faces.prepare import prepare_face
from txt2vid.ffmpeg.decode import AudioReader
from txt2vid.ffmpeg.encode import Encoder
from txt2vid.pipeline.person import FilmedPerson, Person, PersonDriver, PicturedPerson, landmarks_of
from txt2vid.pipeline.render import PROVENANCE, Progress
from txt2vid.pipeline.tape import Tape
from txt2vid.pipeline.timeline import moments
from txt2vid.pipeline.voice import FileVoice

PICTURES = (".png", ".jpg", ".jpeg", ".webp")  # names of an output that is one picture
JPEG_QUALITY = 95
SEARCH = 1  # x264's subme: with `veryfast`'s 2 it takes 4 parts in 10 more time, for 0.2 dB and a tenth fewer bytes


@dataclass(frozen=True, slots=True)
class DriveResult:
    """What was made.

    duration: seconds of picture, 0 of a picture. elapsed: seconds that it took. seen: frames in which the person was
    seen. sound: whether there is any.
    """

    output: Path
    frames: int
    fps: Fraction
    width: int
    height: int
    duration: Fraction
    elapsed: float
    seen: int
    sound: bool


@dataclass(frozen=True, slots=True)
class _Film:
    """What is drawn and heard. shown: a motion and the sound (n, channels) of each frame; total: how many, if known.

    rate: of the sound, None of a silent film.
    """

    shown: Iterator[tuple[Motion, Samples]]
    total: int | None
    rate: int | None = None
    channels: int = 1


def drive(options: DriveOptions, progress: Progress | None = None) -> DriveResult:
    """Makes one video (or, of an image, a picture); nothing is left under its name unless it is complete.

    Raises what `txt2vid.errors` has: FaceError where the hero or who drives it shows no face.
    """
    started = time.monotonic()
    _check(options)
    engine = MeshEngine()
    with ExitStack() as stack:
        person = stack.enter_context(_person(options))
        face = prepare_face(options.face)
        if not face.is_still:
            raise FaceError(f"{options.face.path} is a video: drive moves a picture; give --face a picture of the hero")
        prepared, (width, height) = engine.prepare(face), face.size
        if options.output.suffix.lower() in PICTURES:
            _save(options.output, engine, prepared, PersonDriver(person, options.pose, None))
            return DriveResult(
                options.output, 1, person.fps, width, height, Fraction(0), time.monotonic() - started, 1, sound=False
            )
        film = _film(options, person, stack)
        encoder = Encoder(
            options.output, width, height, person.fps, film.rate, film.channels,
            metadata={"comment": PROVENANCE}, search=SEARCH, planar=True,
        )  # fmt: skip
        with encoder:
            for motion, sound in film.shown:
                encoder.write_frame(engine.render_i420([Job(prepared, 0, motion)])[0])
                if len(sound):
                    encoder.write_audio(sound)
                if progress is not None:
                    progress(encoder.frames, film.total)
            encoder.close()
        return DriveResult(
            options.output, encoder.frames, person.fps, width, height, encoder.frames / person.fps,
            time.monotonic() - started, person.seen, film.rate is not None,
        )  # fmt: skip


def _person(options: DriveOptions) -> Person:
    neutral = landmarks_of(options.neutral) if options.neutral is not None else None
    if options.image is not None:
        return PicturedPerson(options.image, options.fps, options.person, neutral)
    if options.video is None:
        raise UsageError("nobody drives: give --video FILE or --image FILE")
    return FilmedPerson(options.video, options.fps, options.person, neutral)


def _film(options: DriveOptions, person: Person, stack: ExitStack) -> _Film:
    if options.audio is not None:
        return _spoken(options, person, FileVoice(options.audio))
    idle = IdleDriver(options.seed) if options.idle else None
    motions = _motions(person, PersonDriver(person, options.pose, idle))
    if isinstance(person, FilmedPerson):
        if options.sound and person.info is not None and person.info.audio is not None and options.video is not None:
            reader = stack.enter_context(AudioReader(options.video, person.info))
            return _Film(_heard(motions, reader, person.fps), person.total, reader.rate, reader.channels)
        return _Film(_silent(motions), person.total)
    total = max(1, round(options.seconds * person.fps))
    return _Film(_silent(_first(motions, total)), total)


def _spoken(options: DriveOptions, person: Person, voice: FileVoice) -> _Film:
    """Speech moves the mouth, for as long as it lasts; the person the rest."""
    ear = voice.driver.ear if isinstance(voice.driver, SpeechDriver) else None
    idle = IdleDriver(options.seed, ear=ear) if options.idle else None
    drivers = [voice.driver, PersonDriver(person, options.pose, idle, mouth=False)]
    shown = ((moment.motion, moment.sound) for moment in moments(voice, drivers, person.fps))
    total = None if voice.duration is None else frame_count(int(voice.duration * voice.rate), person.fps, voice.rate)
    return _Film(shown, total, voice.rate, voice.channels)


def _motions(person: Person, driver: PersonDriver) -> Iterator[Motion]:
    """One motion a frame, until there are no more. Nobody speaks to the driver: nods of its idle life are its own."""
    told, index = 0, 0
    while not person.over():
        frame = FrameTime(index, person.fps)
        until = frame.span(SPEECH_RATE)[1] + driver.lookahead
        yield driver.drive(frame, np.zeros(until - told, np.float32))
        told, index = until, index + 1


def _first(motions: Iterator[Motion], count: int) -> Iterator[Motion]:
    return (motion for motion, _ in zip(motions, range(count), strict=False))


def _silent(motions: Iterator[Motion]) -> Iterator[tuple[Motion, Samples]]:
    nothing = np.zeros((0, 1), np.float32)
    return ((motion, nothing) for motion in motions)


def _heard(motions: Iterator[Motion], reader: AudioReader, fps: Fraction) -> Iterator[tuple[Motion, Samples]]:
    """Each motion with the sound of its frame; where that ends early, the encoder fills it up."""
    tape = Tape(reader.channels)
    for index, motion in enumerate(motions):
        first, last = FrameTime(index, fps).span(reader.rate)
        while tape.end < last:
            chunk = next(reader, None)
            if chunk is None:
                break
            tape.append(chunk.samples)
        yield motion, tape.between(first, max(first, min(last, tape.end)))
        tape.forget(last)


def _save(path: Path, engine: MeshEngine, prepared: Any, driver: PersonDriver) -> None:
    """Draws one picture, which gets its name when it is whole. Raises OutputError."""
    frame = FrameTime(0, Fraction(1))
    pixels = engine.render([Job(prepared, 0, driver.drive(frame, np.zeros(SPEECH_RATE, np.float32)))])[0]
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        Image.fromarray(np.ascontiguousarray(pixels[:, :, ::-1])).save(part, quality=JPEG_QUALITY)
        part.replace(path)
    except OSError as err:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written ({err.strerror}): choose another name with -o") from err


def _check(options: DriveOptions) -> None:
    """Raises UsageError on options that contradict each other, before any work is done."""
    if (options.video is None) == (options.image is None):
        raise UsageError("one face drives: give --video FILE or --image FILE")
    if not 0 <= options.pose <= MOST_POSE:
        raise UsageError(f"pose {options.pose:g} is out of range: choose 0 (the head stays) to {MOST_POSE:g}")
    if not 0 < options.seconds <= LONGEST_HELD:
        raise UsageError(f"{options.seconds:g} seconds make no sense: choose more than 0 and at most {LONGEST_HELD:g}")
    one = options.output.suffix.lower() in PICTURES
    if one and (options.video is not None or options.audio is not None):
        raise UsageError(f"{options.output} is a picture's name: a video needs one as OUT.mp4")
    if options.video is not None and is_picture(options.video):
        raise UsageError(f"{options.video} is a picture: give it as --image")
    for path in (options.face.path, options.video, options.image, options.audio):
        if path is not None and path.exists() and options.output.exists() and path.samefile(options.output):
            raise UsageError(f"the output {options.output} is also an input: choose another name with -o")
