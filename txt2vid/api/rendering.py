"""`txt2vid.render`: a face and a voice become a video file, in one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from txt2vid.api.asked import PathLike, Rate, engine_of, fps_of, mood_of, path_of, size_of, speaker_of
from txt2vid.api.face import Face
from txt2vid.api.sound import sound_of
from txt2vid.core.options import FaceOptions, RenderOptions, parse_unknown_tags
from txt2vid.errors import UsageError
from txt2vid.pipeline import render as pipeline
from txt2vid.pipeline.jobs import default_name
from txt2vid.pipeline.voice import SamplesVoice

Sound = tuple[NDArray[Any], int]
"""Samples, and how many there are a second."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A video that was made.

    path: where it is. frames, fps, width, height: of its picture. seconds: of its sound. elapsed: seconds that it took.
    engine, voice: who drew and who spoke, by name; voice is None where the sound was given.
    """

    path: Path
    frames: int
    fps: Fraction
    width: int
    height: int
    seconds: float
    elapsed: float
    engine: str
    voice: str | None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height


def render(face: Face | PathLike, *, text: str | None = None, audio: PathLike | Sound | None = None,
           subtitles: PathLike | None = None, output: PathLike | None = None, voice: str | None = None,
           tts: str = "auto", language: str | None = None, fallback_voice: str | None = None, engine: str = "auto",
           device: str = "auto", checkpoint: PathLike | None = None, fps: Rate | None = None, size: int | None = None,
           expression: str | None = None, unknown_tags: str = "speak", captions: bool = False, idle: bool = True,
           seed: int = 0, progress: Callable[[int, int | None], None] | None = None) -> Rendered:  # fmt: skip
    """Makes a video of a face that speaks; it gets its name once it is complete.

    ::

        made = txt2vid.render("hero.png", text="[happy] Hello!", output="hello.mp4")
        made.path, made.seconds

    face: a `Face`, or the path of a picture or a video.
    text: what is said; it may hold tags (docs/expressions.md). audio: or a file with sound, or samples and their rate:
        `(samples, 16000)`, floats in [-1, 1] or int16, (n,) or (n, 2). subtitles: or an .srt or .vtt file.
    output: the file to write; its extension chooses the container. None is FACE-VOICE.mp4 in this folder.
    voice, tts, language, fallback_voice: who speaks the text, as docs/voices.md has it.
    engine, device, checkpoint: what draws: "auto", "mesh" or "wav2lip"; "auto", "cpu" or "cuda"; Wav2Lip's weights.
    fps: frames a second, 1 to 240: 25, 29.97, "30000/1001". None is a video's own, or 25.
    size: pixels of the longer side, 64 to 4096, of a face that is given as a path.
    expression: the mood of the whole: "joy", "sadness:0.5". unknown_tags: "speak", "refuse" or "drop".
    captions: the words go into the video, and beside it as WebVTT. idle: blinks, breath, small movements of the head.
    seed: of all that is random. progress: called with the frames done, and those in all where that is known.

    Raises UsageError where arguments make no sense, and what else `txt2vid.errors` has. Nothing is left of a video that
    could not be finished, or whose `progress` raised.
    """
    shown, cache = _face(face, size)
    _check(text, audio, subtitles, (voice, language, fallback_voice))
    sound = _samples(audio) if isinstance(audio, tuple) else None
    file = None if audio is None or isinstance(audio, tuple) else path_of(audio, "audio")
    written = None if subtitles is None else path_of(subtitles, "subtitles")
    target = default_name(shown.path, file or written) if output is None else output
    made = pipeline.render(
        RenderOptions(
            shown, path_of(target, "output"), file, text, written, engine_of(engine, device, checkpoint), fps_of(fps),
            speaker_of(voice, tts, language, fallback_voice), parse_unknown_tags(unknown_tags), mood_of(expression),
            captions, idle, seed,
        ),
        progress, cache, sound,
    )  # fmt: skip
    return Rendered(made.output, made.frames, made.fps, made.width, made.height, float(made.duration), made.elapsed,
                    made.engine, made.voice)  # fmt: skip


def _face(face: Face | PathLike, size: int | None) -> tuple[FaceOptions, pipeline.FaceCache | None]:
    """Which face, and where it is ready."""
    if not isinstance(face, Face):
        return FaceOptions(path_of(face, "the face"), size=size_of(size)), None
    if size not in (None, max(face.size)):
        raise UsageError(f"the face is open already, at {max(face.size)} pixels: give size to Face.open")
    return face._options, face._cache


def _samples(audio: tuple[Any, ...]) -> SamplesVoice:
    if len(audio) != 2:
        raise UsageError(f"audio has {len(audio)} parts: give (samples, rate), or a path")
    return SamplesVoice(sound_of(*audio), int(audio[1]))


def _check(text: str | None, audio: object, subtitles: object, spoken: tuple[str | None, ...]) -> None:
    """Raises UsageError where there is not one voice, in this function's own words."""
    if sum(each is not None for each in (text, audio, subtitles)) != 1:
        raise UsageError("a video needs one voice: give one of text, audio, subtitles")
    if audio is not None and any(each is not None for each in spoken):
        raise UsageError("voice, language and fallback_voice are for texts: leave them out where audio is given")
