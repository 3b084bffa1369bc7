"""A live session's time line: what is heard and what the face does, frame after frame. There is no wall clock in it.

Sound is committed to the tape a lookahead before its frame is drawn, so that the drivers know what comes. What is on
the tape and not yet shown can still be cut (an interruption).
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from txt2vid.core.captions import Caption
from txt2vid.core.clock import FrameTime, first_sample
from txt2vid.core.expressions import Cue
from txt2vid.core.media import LISTENING_RATE, SPEECH_RATE, Samples
from txt2vid.core.motion import Motion
from txt2vid.core.motionwire import Seen
from txt2vid.core.wire import EPOCHS, AudioFormat, Packet
from txt2vid.drivers.expressions import ExpressionDriver
from txt2vid.drivers.features import Ear
from txt2vid.drivers.idle import IdleDriver
from txt2vid.drivers.phonemes import PhonemeDriver
from txt2vid.drivers.speech import SpeechDriver
from txt2vid.engines.base import Hearing
from txt2vid.pipeline.captions import caption
from txt2vid.pipeline.fed import SoundBuffer
from txt2vid.pipeline.gate import RAMP, Gate
from txt2vid.pipeline.hearing import Decimator
from txt2vid.pipeline.ingest import Ingest
from txt2vid.pipeline.jitter import JitterBuffer
from txt2vid.pipeline.messages import Say
from txt2vid.pipeline.puppet import Puppet
from txt2vid.pipeline.script import Finished, Line, Script
from txt2vid.pipeline.tape import Tape
from txt2vid.tts.choose import Kept
from txt2vid.tts.pieces import QUIET
from txt2vid.tts.timing import LEAD

LOOKAHEAD = max(SpeechDriver.lookahead, IdleDriver.lookahead)  # samples at SPEECH_RATE; phonemes are known in advance
AHEAD = LOOKAHEAD * LISTENING_RATE // SPEECH_RATE + Decimator.delay  # samples committed past a frame's end, at least
EARLY = LISTENING_RATE * 80 // 1000  # samples that sound is ahead of pictures: AAC comes out three packets late
CUT_FADE = LISTENING_RATE // 100  # samples: 10 ms, too short to understand, long enough not to click
LAPSE = 4  # seconds after the last word of a text until its mood ends: a typist's next line may go on with it
PIECES_AHEAD = LISTENING_RATE  # samples of a sentence that are known beyond the tape: more than phonemes look ahead
EARLIER = LISTENING_RATE * round((LEAD - 0.01) * 1000) // 1000
"""Samples of silence before a sentence that are left out where nothing is being said: the tape is ahead of the picture
already, so lips open in time."""
LOUD = 0.1  # of RMS: a frame is marked, where marks are asked for, when its speech is louder than -20 dBFS


@dataclass(frozen=True, slots=True)
class Step:
    """One frame of a live session.

    sound: float32 (n,) at LISTENING_RATE, what is heard EARLY after the frame's own span. lead: (EARLY,), what is heard
    before that, from the frame's start on: for an encoder that begins with this frame. loud: whether the drivers heard
    something louder than LOUD while the frame is shown, and it was not cut. said: ids of texts that end in it.
    unspoken: texts that could not be spoken, and why. drained: whether all that was there at `drain` is shown.
    heard: what the engine's own hearing made of it. captions: of sentences that have gone on the tape since the step
    before. cut: where there was an interruption since then, the seconds from which on nothing is said that earlier
    steps told of.
    """

    frame: FrameTime
    sound: Samples
    lead: Samples
    motion: Motion
    loud: bool
    said: list[int] = field(default_factory=list)
    unspoken: list[Finished] = field(default_factory=list)
    drained: bool = False
    heard: Any = None
    captions: list[Caption] = field(default_factory=list)
    cut: float | None = None


class Session:
    """One speaker: sound and texts in, frames out, on a time line that only `step` moves.

    fps: frames a second. seed: of the idle life; None is a face that lives by itself (a video). executor: the threads
    that speak texts. hearing: the engine's own, where it has one; its lookahead may be longer than the drivers'.
    voices: those that stay loaded. expression: the mood of whoever sets none. sound: keeps it until it is due.
    """

    def __init__(self, fps: Fraction, executor: Executor, seed: int | None = 0,
                 hearing: Hearing | None = None, voices: Kept | None = None,
                 expression: Cue | None = None, sound: SoundBuffer | None = None) -> None:  # fmt: skip
        self.fps = fps
        self._expression = expression
        self._expressions = ExpressionDriver(expression, mouth_only=seed is None)
        self._puppet = Puppet()
        self._hearing = hearing
        beyond = max(LOOKAHEAD, hearing.lookahead if hearing else 0)
        self._ahead = beyond * LISTENING_RATE // SPEECH_RATE + Decimator.delay
        self.epoch = 0
        self.jitter: SoundBuffer = sound or JitterBuffer()
        self._ingest: Ingest | None = None
        self._script = Script(executor, voices)
        self._line: Line | None = None
        self._spoken_to = 0  # where the last line ends on the tape
        self._rest = np.zeros(0, np.float32)  # of the line, and of pieces that go on with it: not on the tape yet
        self._ends: deque[tuple[int, Finished]] = deque()  # where texts end on the tape
        self._captions: list[Caption] = []  # not told yet
        self._cut_at: float | None = None  # the same
        self._drain_at: int | None = None
        self._draining = False
        self._index = 0
        self._sound, self._speech, self._decimator = Tape(), Tape(), Decimator()
        self._given = self._told = 0  # how far the drivers, and the hearing, have heard
        self._delay = 0  # samples that one which arrives now waits in the jitter buffer
        ear = Ear()
        self._mouth, self._phonemes = SpeechDriver(ear), PhonemeDriver()
        self._idle = None if seed is None else IdleDriver(seed, ear=ear)
        self._unscripted, self._uncut = Gate(), Gate()  # where the speech driver, or any, moves the lips

    @property
    def time(self) -> Fraction:
        """Seconds from the start to the next frame."""
        return self._index / self.fps

    @property
    def playout(self) -> int:
        """Samples at LISTENING_RATE from a sample's arrival to the frame in which it is heard."""
        return self._delay + self._ahead

    @property
    def quiet(self) -> bool:
        """Whether nobody speaks and nothing waits to be spoken."""
        silent = self._script.idle and self._line is None and self.jitter.drained
        return silent and not self._ends and not self._draining

    def source(self, audio: AudioFormat | None, *, fresh: bool) -> None:
        """A sender with this kind of sound; where it is fresh, its positions begin anew."""
        self._ingest = None if audio is None else Ingest(audio)
        if fresh:
            self.jitter.restart()

    def hear(self, packet: Packet) -> None:
        """A packet of the sender's. Raises AudioError where it is no sound; older epochs are dropped."""
        if self._ingest is None or packet.epoch != self.epoch % EPOCHS:
            return
        position, samples = self._ingest.decode(packet)
        if len(samples):
            self.jitter.put(position, samples)

    def say(self, request: Say) -> bool:
        """Queues a text; False where too many wait."""
        return self._script.add(request)

    def express(self, cue: Cue | None) -> None:
        """From the next frame on the face shows this; None is the mood that the session began with."""
        if cue is None or cue.is_mood:
            self._expressions.base(cue or self._expression, self.time)
        else:
            self._expressions.gesture(cue, self.time)

    def move(self, seen: Seen) -> None:
        """A camera saw a face: it moves this one, as long as more come. A face that lives by itself is left alone."""
        if self._idle is not None:
            self._puppet.put(seen, float(self.time))

    def cut(self, epoch: int) -> list[int]:
        """An interruption: what is not shown yet is dropped, softly. The ids of texts not spoken to their end."""
        self.epoch = epoch
        at = first_sample(self._index, self.fps, LISTENING_RATE) + EARLY
        dropped = [finished.id for _, finished in self._ends] + ([self._line.id] if self._line else [])
        dropped += self._script.cut()
        self._line = None
        self._ends.clear()
        self.jitter.cut()
        self.jitter.take(CUT_FADE)  # its own soft end would be heard a lookahead later
        self._sound.fade_out(at, CUT_FADE)
        now = Fraction(at, LISTENING_RATE)
        self._cut_at = float(now)
        self._phonemes.cut(now)
        self._expressions.cut(now)
        self._unscripted.reopen(float(now))
        self._uncut.close(float(now) - RAMP, self._sound.end / LISTENING_RATE)  # shut when the sound ends
        return list(dict.fromkeys(dropped))

    def drain(self) -> None:
        """Asks for `Step.drained` once all that is there now is shown."""
        self._draining, self._drain_at = True, None

    def step(self) -> Step:
        """The next frame."""
        frame = FrameTime(self._index, self.fps)
        first, last = frame.span(LISTENING_RATE)
        unspoken = self._commit(last + self._ahead - self._sound.end)
        motion, heard, loud = self._move(frame)
        lead, sound = self._sound.between(first, first + EARLY), self._sound.between(first + EARLY, last + EARLY)
        said = []
        while self._ends and self._ends[0][0] <= last:
            said.append(self._ends.popleft()[1].id)
        drained = self._drain_at is not None and self._drain_at <= last
        if drained:
            self._draining, self._drain_at = False, None
        self._index += 1
        self._sound.forget(last)
        given = self._given if self._hearing is None else min(self._given, self._told)
        self._speech.forget(min(given, frame.span(SPEECH_RATE)[1]))
        told, self._captions, cut, self._cut_at = self._captions, [], self._cut_at, None
        return Step(frame, sound, lead, motion, loud, said, unspoken, drained, heard, told, cut)

    def _commit(self, count: int) -> list[Finished]:
        """Puts the next `count` samples on the tape: of the sender, and of texts."""
        start = self._sound.end
        taken = self.jitter.take(count)
        samples, self._delay = taken.samples, taken.delay
        unspoken, at = [], 0
        while at < count:
            if self._line is None:
                following = self._script.next()
                if following is None:
                    break
                if isinstance(following, Finished):
                    if following.error:
                        unspoken.append(following)
                    else:
                        self._ends.append((start + at, following))
                    continue
                self._begin(following, start + at)
            at += self._lay(samples, at)
        self._sound.append(samples)
        self._speech.append(self._decimator.push(samples))
        if self._draining and self._drain_at is None and self._script.idle and not self._line and self.jitter.drained:
            self._drain_at = self._sound.end
        return unspoken

    def _begin(self, line: Line, position: int) -> None:
        """A line goes on the tape at a position: its phonemes, where the voice tells them, rule the lips."""
        utterance = line.utterance
        fresh = not line.goes_on and position > self._spoken_to  # nobody has just spoken: no pause is needed
        early = _silence(line.sound[:EARLIER]) if fresh else 0
        self._rest = line.sound[early:] if self._line is None else np.concatenate((self._rest, line.sound))
        self._line = line
        start, rate = Fraction(position - early, LISTENING_RATE) + line.late, utterance.audio.rate
        self._expressions.keep(start)
        told = caption(utterance, float(start))
        if told is not None:
            self._captions.append(told)
        for sample, cue in line.cues:
            self._expressions.feed(cue, start + Fraction(sample, rate))
        if utterance.phonemes is not None:
            self._phonemes.cut(start)  # of a sentence that broke off: it may be told further than heard
            self._phonemes.feed(utterance.phonemes, rate, start)
            self._unscripted.close(float(start), float(start + Fraction(len(utterance.audio), rate)))

    def _lay(self, samples: Samples, at: int) -> int:
        """Adds what fits of the line to samples[at:]; how much that was."""
        if self._line is None:
            return 0
        self._go_on(self._sound.end + at)
        part = self._rest[: len(samples) - at]
        mixed = samples[at : at + len(part)]
        np.clip(mixed + part, -1, 1, out=mixed)
        self._rest = self._rest[len(part) :]
        self._spoken_to = self._sound.end + at + len(part)
        if not len(self._rest):  # where a piece of it is late, it begins where it comes
            self._line = None
            self._expressions.lapse(Fraction(self._sound.end + at + len(part), LISTENING_RATE) + LAPSE)
        return len(part)

    def _go_on(self, position: int) -> None:
        """Takes the sentence's next pieces while the last one is not over: drivers want to know what comes."""
        while self._line is not None and self._line.utterance.more and len(self._rest) < PIECES_AHEAD:
            following = self._script.next(piece=True)
            if not isinstance(following, Line):
                return
            self._begin(following, position + len(self._rest))

    def _move(self, frame: FrameTime) -> tuple[Motion, Any, bool]:
        """What the face does, what the engine hears, and whether the speech of the frame is loud."""
        begin, end = frame.span(SPEECH_RATE)
        until = end + LOOKAHEAD
        speech = self._speech.between(self._given, until)
        self._given = until
        middle = float(frame.time + frame.duration / 2)
        uncut = self._uncut.at(middle)
        spoken = self._mouth.drive(frame, speech).faded(self._unscripted.at(middle))
        motion = (self._phonemes.drive(frame, speech) + spoken).faded(uncut)
        motion, alone = self._puppet.over(frame, self._expressions.over(frame, motion))
        if self._idle is not None:
            motion = motion + self._idle.drive(frame, speech).faded(alone)
        heard = None
        if self._hearing is not None:
            until = end + self._hearing.lookahead
            heard = self._hearing.hear(frame, self._speech.between(self._told, until), uncut)
            self._told = until
        shown = self._speech.between(begin, end)
        return motion, heard, bool(uncut > 0.5 and shown @ shown > LOUD * LOUD * len(shown))


def _silence(samples: Samples) -> int:
    """How many samples there are before the first sound."""
    (loud,) = (np.abs(samples) > QUIET).nonzero()
    return int(loud[0]) if len(loud) else len(samples)
