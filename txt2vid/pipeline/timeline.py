"""Frames and the sound that belongs to them, cut from one stream on the sample clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from txt2vid.core.clock import FrameTime, first_sample, frame_count
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.motion import Motion
from txt2vid.drivers.base import Driver
from txt2vid.engines.base import Hearing
from txt2vid.pipeline.tape import Tape
from txt2vid.pipeline.voice import Listener, Voice


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame: its time, what is heard while it is shown, and what the face does.

    sound: float32 (n, channels) at the voice's rate; the last frame's may be shorter than the frame. heard: what the
    engine's own hearing made of it.
    """

    frame: FrameTime
    sound: Samples
    motion: Motion
    heard: Any = None


def moments(voice: Voice, drivers: Sequence[Driver], fps: Fraction, hearing: Hearing | None = None) -> Iterator[Moment]:
    """The whole stream of a voice as frames, each as soon as the drivers' lookahead is there, and the hearing's.

    The last frame is the one in which the last sample sounds, so picture and sound end within one frame.
    """
    sound, speech = Tape(voice.channels), Tape(None)
    given = [0] * len(drivers)  # how far each driver has heard
    told = 0  # how far the hearing has
    listener, chunks = Listener(voice.rate, SPEECH_RATE), voice.chunks()
    lookahead = max([*(driver.lookahead for driver in drivers), hearing.lookahead if hearing else 0])
    total: int | None = None
    for index in itertools.count():
        frame = FrameTime(index, fps)
        first, last = frame.span(voice.rate)
        heard = frame.span(SPEECH_RATE)[1]
        while total is None and (speech.end < heard + lookahead or sound.end < last):
            chunk = next(chunks, None)
            if chunk is None:
                total = frame_count(sound.end, fps, voice.rate)
                speech.append(listener.end())
            else:
                sound.append(chunk.samples)
                speech.append(listener.hear(chunk))
        if total is not None and index >= total:
            return
        motion = Motion()
        for i, driver in enumerate(drivers):
            until = heard + driver.lookahead
            motion = motion + driver.drive(frame, speech.between(given[i], until))
            given[i] = until
        if voice.expressions is not None:
            motion = voice.expressions.over(frame, motion)
        words = None
        if hearing is not None:
            until = heard + hearing.lookahead
            words, told = hearing.hear(frame, speech.between(told, until)), until
        yield Moment(frame, sound.between(first, min(last, sound.end)), motion, words)
        sound.forget(first_sample(index + 1, fps, voice.rate))
        speech.forget(min([*given, told] if hearing else given))
