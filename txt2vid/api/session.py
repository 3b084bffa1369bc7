"""`txt2vid.Session`: a face on a time line of its own, frame after frame with the sound that belongs to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from txt2vid.api.asked import PathLike, Rate, engine_of, fps_of, mood_of, path_of, speaker_of
from txt2vid.api.face import Face
from txt2vid.api.sound import mono, sound_of
from txt2vid.core.expressions import cue
from txt2vid.core.media import LISTENING_RATE, Pixels, Samples
from txt2vid.core.options import DEFAULT_FPS, SpeakerOptions, parse_unknown_tags
from txt2vid.engines.base import Job
from txt2vid.errors import SpeechError, UsageError
from txt2vid.faces.playback import there_and_back
from txt2vid.pipeline.fed import FedSound
from txt2vid.pipeline.live import Session as TimeLine
from txt2vid.pipeline.live import Step
from txt2vid.pipeline.messages import Say
from txt2vid.pipeline.script import MAX_TEXTS
from txt2vid.pipeline.speaking import check_speech
from txt2vid.tts.choose import Kept


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a session, and what is heard while it is shown.

    pixels: uint8 (height, width, 3), RGB. pts: its number from the session's start, in units of `time_base` seconds.
    samples: float32 (n,) in [-1, 1], mono, `rate` a second; those of consecutive frames follow one another without a
    gap. position: of the first of them, from the session's start.
    """

    pixels: Pixels
    pts: int
    time_base: Fraction
    samples: Samples
    position: int
    rate: int = LISTENING_RATE

    @property
    def time(self) -> Fraction:
        """Seconds from the session's start to this frame, exactly."""
        return self.pts * self.time_base


class Session:
    """A face that says what it is given, here in this process; no server, no clock but the frames that are taken.

    ::

        with txt2vid.Session(face) as session:
            session.say("Hello!")
            for frame in session:          # until all is said
                frame.pixels, frame.samples

    The time line goes on only when a frame is taken, as fast as it is taken. Iterating ends once everything that was
    given has been shown, and may begin again; `frame()` gives the next one whether or not there is anything to say. All
    methods may be called from any thread.
    """

    def __init__(
        self,
        face: Face | PathLike,
        *,
        fps: Rate | None = None,
        voice: str | None = None,
        tts: str = "auto",
        language: str | None = None,
        fallback_voice: str | None = None,
        engine: str = "auto",
        device: str = "auto",
        checkpoint: PathLike | None = None,
        expression: str | None = None,
        unknown_tags: str = "speak",
        seed: int = 0,
        live: bool = False,
    ) -> None:
        """A session that nothing has been said in.

        face: a `Face`, or the path of a picture or a video. fps: frames a second, 1 to 240; None is a video's own, or
        25. voice, tts, language, fallback_voice, engine, device, checkpoint, expression, unknown_tags, seed: as in
        `render`. live: voices speak in a thread beside, and frames never wait for them: for programs that show each
        frame at its time. Otherwise a frame waits for its words, and the same calls give the same frames.

        Raises what `Face.open` does, UsageError where an argument makes no sense, EngineError, DependencyError.
        """
        self._lock = threading.RLock()
        self._closed = False
        self._executor: Executor = ThreadPoolExecutor(1, "txt2vid-voice") if live else _AtOnce()
        self._speaker = speaker_of(voice, tts, language, fallback_voice)
        self._unknown = parse_unknown_tags(unknown_tags)
        mood, rate = mood_of(expression), fps_of(fps)
        asked = engine_of(engine, device, checkpoint)
        self._face = face if isinstance(face, Face) else Face.open(path_of(face, "the face"))
        cache, options = self._face._cache, self._face._options
        self._engine = cache.engine(asked).engine
        shown, self._prepared = cache.get(options, rate, self._engine, None)
        self._frames = len(shown.frames)
        self._fps = rate or shown.fps or DEFAULT_FPS
        self._sound, self._kept = FedSound(), Kept()
        self._line = TimeLine(self._fps, self._executor, seed if shown.is_still else None,
                           self._engine.hearing(self._fps), self._kept, mood, self._sound)  # fmt: skip
        self._texts = 0

    # What is given

    def say(self, text: str, *, voice: str | None = None, tts: str | None = None, language: str | None = None,
            interrupt: bool = False) -> None:  # fmt: skip
        """Speaks a text once all that was given before it is spoken; it may hold tags (docs/expressions.md).

        voice, tts, language: who speaks it, instead of the session's own. interrupt: what is being said is dropped.

        Raises SpeechError where there is nothing to speak, or 64 texts wait; UsageError where the voice is unknown or
        speaks no such language; DependencyError where it is missing here.
        """
        with self._lock:
            self._open()
            speaker = self._speaker_for(voice, tts, language)
            check_speech(text, speaker, self._unknown, self._kept)
            if interrupt:
                self.interrupt()
            self._texts += 1
            if not self._line.say(Say("", text, self._texts, speaker=speaker, unknown_tags=self._unknown)):
                raise SpeechError(f"{MAX_TEXTS} texts wait to be spoken: take frames before you give more")

    def feed(self, samples: NDArray[Any], rate: int) -> None:
        """Sound that the face speaks, after what was fed before; texts are heard over it.

        samples: floats in [-1, 1], int16 or int32, (n,) or (n, 2), which becomes mono. rate: of them a second, 8000 to
        192000. Pieces may have any length; consecutive ones of one rate are one sound.

        Raises UsageError on another shape, type or rate, and where ten minutes wait; AudioError on NaN, infinity, and
        floats far beyond 1.
        """
        sound = mono(sound_of(samples, rate))
        with self._lock:
            self._open()
            if len(sound) / rate > self._sound.room:
                raise UsageError(f"{len(sound) / rate:.0f} s more than fit: take frames before you feed more")
            self._sound.feed(sound, int(rate))

    def express(self, name: str | None, *, strength: float = 1.0, seconds: float | None = None) -> None:
        """The face shows this from the next frame on: a mood until another comes, a gesture once; None: its own again.

        strength: 0 to 1. seconds: after which a mood passes; None does not. Raises UsageError on a name that is not
        known, or a number out of range.
        """
        shown = None if name is None else cue(name, strength, seconds)
        with self._lock:
            self._open()
            self._line.express(shown)

    def interrupt(self) -> None:
        """All that is not shown yet is dropped: the sound ends softly within a tenth of a second, lips shut."""
        with self._lock:
            self._open()
            self._line.cut(self._line.epoch + 1)

    # What is taken

    def frame(self) -> Frame:
        """The next frame, whatever there is to say: a face that is silent breathes and blinks.

        Raises SpeechError where a text could not be spoken; the frame after it may be taken.
        """
        with self._lock:
            self._open()
            return self._shown(self._line.step())

    def __iter__(self) -> Iterator[Frame]:
        """Frames until all that was given is shown, and lips are shut. Raises as `frame` does."""
        with self._lock:
            self._open()
            if self._line.quiet:
                return
            self._line.drain()
        while (shown := self._following()) is not None:
            frame, is_last = shown
            yield frame
            if is_last:
                return

    @property
    def face(self) -> Face:
        """The face that speaks."""
        return self._face

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames in pixels."""
        return self._face.size

    @property
    def fps(self) -> Fraction:
        """Frames a second, exactly."""
        return self._fps

    @property
    def time(self) -> Fraction:
        """Seconds of the time line that were taken so far."""
        return self._line.time

    @property
    def is_quiet(self) -> bool:
        """Whether all that was given is on its way: nothing is left to be spoken."""
        return self._line.quiet

    # Its end

    def close(self) -> None:
        """Ends the session; twice is as good as once. A session that is never closed ends with its last reference."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._line.cut(self._line.epoch + 1)
                self._executor.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self.close()

    def _open(self) -> None:
        if self._closed:
            raise UsageError("the session is closed: begin another one")

    def _following(self) -> tuple[Frame, bool] | None:
        """The next frame, and whether it is the last one for now; None where somebody has closed the session."""
        with self._lock:
            if self._closed:
                return None
            step = self._line.step()
            frame = self._shown(step)
            is_last = step.drained and self._line.quiet
            if step.drained and not is_last:  # more was given meanwhile
                self._line.drain()
            return frame, is_last

    def _speaker_for(self, voice: str | None, tts: str | None, language: str | None) -> SpeakerOptions:
        own = self._speaker
        if voice is None and tts is None and language is None:
            return own
        return speaker_of(voice, tts or "auto", language or own.language, own.fallback)

    def _shown(self, step: Step) -> Frame:
        if step.unspoken:
            raise SpeechError(step.unspoken[0].error or "the text could not be spoken")
        index = step.frame.index
        job = Job(self._prepared, there_and_back(index, self._frames), step.motion, step.heard)
        pixels = np.ascontiguousarray(self._engine.render([job])[0][:, :, ::-1])
        first, last = step.frame.span(LISTENING_RATE)
        samples = np.concatenate((step.lead, step.sound))[: last - first]
        return Frame(pixels, index, step.frame.duration, samples, first)


class _AtOnce(Executor):
    """Does what it is given before it returns: frames wait for their words."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The result, done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as err:  # noqa: BLE001 - whoever asks for the result is told
            future.set_exception(err)
        return future
