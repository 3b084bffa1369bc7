"""What a user asked for, as values: built by the command line or a caller in Python, read by the pipelines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from txt2vid.core.expressions import Cue
from txt2vid.errors import UsageError

DEFAULT_FPS = Fraction(25)  # for still pictures: what Wav2Lip was trained at, and what most listeners' eyes accept
MIN_SIZE, MAX_SIZE = 64, 4096  # pixels of the longer side; 4096 is the widest that H.264 level 5.1 decoders take


UNKNOWN_TAGS = ("speak", "refuse", "drop")
FACE_DETECTORS = ("mesh", "s3fd")


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """Which face, and where in the picture.

    path: a picture or a video.
    index: which of several faces, 0 the largest, 1 the second largest …; None asks for the largest.
    box: x, y, width, height in pixels of the picture: where a person says that the face is.
    landmarks: a file with the 478 landmarks of a still picture, placed by hand or by another program.
    size: the longer side of what is drawn, in pixels; None keeps the picture's own size (up to MAX_SIZE).
    detector: what finds faces, one of FACE_DETECTORS. detector_checkpoint: its weights; None is where weights lie.
    """

    path: Path
    index: int | None = None
    box: tuple[int, int, int, int] | None = None
    landmarks: Path | None = None
    size: int | None = None
    detector: str = "mesh"
    detector_checkpoint: Path | None = None


MAX_FACES = 32  # that are followed at once


@dataclass(frozen=True, slots=True)
class TrackingOptions:
    """How faces are followed; the words mean what they mean in MediaPipe.

    max_faces: at most so many at once, in [1, MAX_FACES].
    min_detection_confidence: the detector's score, in [0, 1], from which something new is looked at as a face.
    min_tracking_confidence: the mesh's score, in [0, 1], below which a face is lost.
    Raises UsageError where a number is out of range.
    """

    max_faces: int = 1
    min_detection_confidence: float = 0.5
    min_tracking_confidence: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.max_faces <= MAX_FACES:
            raise UsageError(f"{self.max_faces} faces cannot be followed: choose 1 to {MAX_FACES}")
        for name in ("min_detection_confidence", "min_tracking_confidence"):
            if not 0 <= getattr(self, name) <= 1:
                words = name.replace("_", " ")
                raise UsageError(f"{words} {getattr(self, name):g} is out of range: choose 0 to 1")


ENGINE_DEVICES = ("auto", "cpu", "cuda")
ENGINE_DTYPES = ("auto", "float32", "bfloat16", "float16")
PASTES = ("soft", "hard")
ALIGNMENTS = ("trained", "published")


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What draws, and how; an engine passes over what it has no use for.

    name: in the registry, or "auto": Wav2Lip where its weights are and the device keeps up, else mesh.
    checkpoint: weights, a file; None is where weights usually lie.
    device: one of ENGINE_DEVICES; "auto" is a GPU where there is one. dtype: one of ENGINE_DTYPES; "auto" is what the
    device is quick at.
    paste: "soft" shows no edge; "hard" overwrites the box, as Wav2Lip was published.
    pads: pixels that the face's box grows by: top, bottom, left, right.
    alignment: which mel window a frame gets: "trained" is what the weights were trained with, "published" one frame of
    25 a second later, as they were published to be used.
    threads: of a CPU for the network; None is all that this process may use.
    """

    name: str = "auto"
    checkpoint: Path | None = None
    device: str = "auto"
    dtype: str = "auto"
    paste: str = "soft"
    pads: tuple[int, int, int, int] = (0, 10, 0, 0)
    alignment: str = "trained"
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class SpeakerOptions:
    """Who speaks texts.

    tts: a name in the registry, or "auto". voice: of that synthesizer; None is its default. language: of the texts, as
    in BCP 47 ("de", "en-GB"); None is told by the text itself. fallback: who goes on where the voice fails: "flite",
    "espeak:de", or a voice's name; None is nobody.
    """

    tts: str = "auto"
    voice: str | None = None
    language: str | None = None
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """One video to render: a face, and a sound file, a text, or subtitles.

    output: the file to write; its extension chooses the container.
    fps: frames a second; None keeps a driving video's rate, and is DEFAULT_FPS for a still picture.
    engine: what draws. speaker: who speaks the text.
    unknown_tags: what is done with what looks like a tag in a text and is none: one of UNKNOWN_TAGS.
    expression: the mood of the whole. captions: whether what is said goes along, in the video and beside it.
    idle: blinks, breath and small head movement.
    seed: of all that is random; the same seed gives the same video.
    motion: a recording that moves the face instead (Live Link Face's CSV), with the sound of `audio` or in silence.
    """

    face: FaceOptions
    output: Path
    audio: Path | None = None
    text: str | None = None
    subtitles: Path | None = None
    engine: EngineOptions = EngineOptions()
    fps: Fraction | None = None
    speaker: SpeakerOptions = SpeakerOptions()
    unknown_tags: str = "speak"
    expression: Cue | None = None
    captions: bool = False
    idle: bool = True
    seed: int = 0
    motion: Path | None = None


MOST_POSE = 2.0
LONGEST_HELD = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class DriveOptions:
    """A picture that is moved by another face: that of a video, or one expression of an image.

    face: the hero, a still picture. output: the file to write: a video, or of an image a picture as well.
    video, image: who drives; one of them. person: which of several faces in it, 0 the largest. neutral: a picture of
    the same person's face at rest, against which expressions are told; None is found in the video.
    audio: speech that moves the mouth instead, and is heard. sound: whether the driving video's own is kept.
    pose: strength of the head's movement, 0 to MOST_POSE. fps: None keeps the driving video's.
    seconds: how long an image's expression is held where no audio tells it, up to LONGEST_HELD.
    idle, seed: life where nobody drives, as in RenderOptions.
    """

    face: FaceOptions
    output: Path
    video: Path | None = None
    image: Path | None = None
    neutral: Path | None = None
    person: int = 0
    audio: Path | None = None
    sound: bool = True
    pose: float = 1.0
    fps: Fraction | None = None
    seconds: float = 5.0
    idle: bool = True
    seed: int = 0


def parse_box(text: str) -> tuple[int, int, int, int]:
    """A face's place as people write it: "X,Y,WIDTH,HEIGHT" in pixels. Raises UsageError where it is no such box."""
    try:
        x, y, width, height = (int(number) for number in text.split(","))
    except ValueError as err:
        raise UsageError(
            f"face box {text!r} is not X,Y,WIDTH,HEIGHT in pixels: write, for instance, 120,80,200,240"
        ) from err
    if min(x, y) < 0 or min(width, height) < 1:
        raise UsageError(
            f"face box {text!r} is empty or begins outside the picture: write, for instance, 120,80,200,240"
        )
    return x, y, width, height


def parse_size(text: str) -> int:
    """The longer side in pixels. Raises UsageError where it is no whole number in [MIN_SIZE, MAX_SIZE]."""
    choice = f"choose {MIN_SIZE} to {MAX_SIZE} pixels"
    try:
        size = int(text)
    except ValueError as err:
        raise UsageError(f"size {text!r} is no whole number: {choice}") from err
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise UsageError(f"size {size} is out of range: {choice}")
    return size


def parse_count(text: str, what: str) -> int:
    """A whole number from 0. Raises UsageError, naming `what`, where it is none."""
    try:
        count = int(text)
    except ValueError as err:
        raise UsageError(f"{what} {text!r} is no whole number: write 0, 1, 2 …") from err
    if count < 0:
        raise UsageError(f"{what} {count} is negative: write 0 or more")
    return count


def parse_unknown_tags(text: str) -> str:
    """One of UNKNOWN_TAGS. Raises UsageError where it is another word."""
    if text not in UNKNOWN_TAGS:
        raise UsageError(f"unknown_tags {text!r} is not known: choose one of {', '.join(UNKNOWN_TAGS)}")
    return text


def parse_language(text: str) -> str:
    """A language as in BCP 47: "de", "en-GB", "pt_BR". Raises UsageError where it is none."""
    if not re.fullmatch(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,6}", text):
        raise UsageError(f"language {text[:40]!r} is none: write, for instance, de, en-GB or pt-BR; see txt2vid voices")
    return text.replace("_", "-")


def parse_pads(text: str) -> tuple[int, int, int, int]:
    """Pads as people write them: "TOP,BOTTOM,LEFT,RIGHT" in pixels. Raises UsageError where they are none."""
    try:
        top, bottom, left, right = (int(number) for number in text.split(","))
    except ValueError as err:
        raise UsageError(
            f"pads {text!r} are not TOP,BOTTOM,LEFT,RIGHT in pixels: write, for instance, 0,10,0,0"
        ) from err
    if max(abs(pad) for pad in (top, bottom, left, right)) > MAX_SIZE:
        raise UsageError(f"pads {text!r} are larger than any picture: write, for instance, 0,10,0,0")
    return top, bottom, left, right


def parse_engine(given: Mapping[str, str], checkpoint: Path | None) -> EngineOptions:
    """Engine options from words by the fields' names; what is not given is as by default. Raises UsageError."""
    choices = {"device": ENGINE_DEVICES, "dtype": ENGINE_DTYPES, "paste": PASTES, "alignment": ALIGNMENTS}
    for name, known in choices.items():
        if given.get(name, known[0]) not in known:
            raise UsageError(f"{name} {given[name]!r} is not known: choose one of {', '.join(known)}")
    words: dict[str, Any] = {name: given[name] for name in ("device", "dtype", "paste", "alignment") if name in given}
    if "pads" in given:
        words["pads"] = parse_pads(given["pads"])
    return EngineOptions(given.get("engine", "auto"), checkpoint, **words)
