"""A session on the wall clock: when its next frame is due, its drawing, its encoder, and what is told of it."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from txt2vid.core.media import LISTENING_RATE, Pixels
from txt2vid.engines.base import Engine, Job, Question
from txt2vid.errors import Txt2VidError
from txt2vid.faces.face import Face
from txt2vid.faces.playback import there_and_back
from txt2vid.pipeline.forwarded import Forwarded
from txt2vid.pipeline.live import Session, Step
from txt2vid.pipeline.messages import Captioned, Drained, Event, Failed, Report, Said, Silenced
from txt2vid.pipeline.rigged import Rigging
from txt2vid.pipeline.streamed import Streamed
from txt2vid.pipeline.wardrobe import Bundle

BEHIND_SECONDS = 0.5  # a studio that stood still so long does not run after the time that it missed
REPORT_SECONDS = 1.0
FOREVER = float("inf")
WHITE, BLACK = 235, 16  # of limited range
MARK = 32  # pixels: the side of the square


@dataclass(frozen=True, slots=True)
class Pending:
    """A frame whose mouth was asked for. due: when it is drawn at the latest, with another mouth if need be."""

    ticket: int
    moment: Step
    job: Job
    question: Question
    lateness: float
    due: float


class Stage:
    """One session that is drawn while it is watched.

    mark: a square in the corner is white while speech is loud. begin: seconds that are told of as the session's start;
    viewers of a session that was lost and opened again see its time go on.
    """

    def __init__(self, name: str, session: Session, *, mark: bool = False, begin: Fraction = Fraction(0)) -> None:
        self.name, self.session = name, session
        self.face = ""
        self.over = False
        self._mark, self._begin = mark, begin
        self._shown: tuple[Face, Any] | None = None
        self._start = time.monotonic()  # when the session's time was 0
        self._next = float(session.time)  # kept as a float: `due` is asked for hundreds of times a second
        self._asleep = True
        self._watched = False
        self._streamed = Streamed(name, session.fps, begin)
        self.forwarded = Forwarded(name, session.fps, begin)
        self._rigging = Rigging(name)
        self._picture: Pixels | None = None
        self._picture_time = Fraction(0)  # of the session, when the picture was drawn for it
        self._written: Fraction | None = None  # of the frame that the encoder got last; None while nobody watches
        self._events: deque[tuple[Event, tuple[int, ...]]] = deque()
        self._reported = self._start
        self._drawn = self._late = self._dropped = 0
        self._mouths = self._held = self._tickets = 0
        self._pending: Pending | None = None
        self._mouth: Pixels | None = None  # the network's latest
        self._render_seconds = 0.0

    @property
    def due(self) -> float:
        """When the next frame is to be shown, on time.monotonic()."""
        return FOREVER if self._asleep else self._start + self._next

    def show(self, name: str, face: Face, prepared: Any, bundle: Callable[[], Bundle] | None = None) -> None:
        """From now on this face; a face of another size begins a new stream. bundle: as Rigging has it."""
        if self._shown is not None and self._shown[0].size != face.size:
            self._streamed.close()
            self._picture = None
        self.face, self._shown = name, (face, prepared)
        self._rigging.show(bundle)
        self._pending = self._mouth = None  # of another face

    def watch(self, *, on: bool) -> None:
        """Whether anyone watches the stream: only then, or where packets are wanted, is anything drawn."""
        self._watched = on
        if not on:
            self._streamed.close()
            self._rest()

    def forward(self, codecs: tuple[str, ...], bitrate: int) -> None:
        """The codecs that peers want packets in, and the most bit/s of each; none: no longer."""
        self.forwarded.want(codecs, bitrate)
        self._rest()

    @property
    def _needed(self) -> bool:
        """Whether somebody wants pictures, or what they draw some from."""
        return self._watched or self.forwarded.wanted

    @property
    def _draws(self) -> bool:
        """Whether pictures are drawn here."""
        return self._watched or self.forwarded.draws

    def _rest(self) -> None:
        if not self._draws:
            self._pending = self._picture = None
        if not self._needed:
            self._written = None

    def wake(self) -> None:
        """Time goes on, if it stood still: there is something to show."""
        if self._asleep and (self._needed or not self.session.quiet):
            self._asleep = False
            self._start = time.monotonic() - self._next
            self._reported = 0.0  # what was reported of time before does not hold any more

    def step(self, engine: Engine, *, asks: bool = False) -> Pending | None:
        """The next frame: heard, drawn and encoded; or, where `asks` and the engine needs its network for it, what must
        be asked. `answer` then draws it, or the next step, with the mouth before.
        """
        now = time.monotonic()
        if self._pending is not None:
            self._held += 1
            self._finish(engine, self._pending, self._mouth)
        lateness = now - self.due
        if lateness > BEHIND_SECONDS:
            self._start += lateness
            lateness = 0.0
        moment = self.session.step()
        self._next = float(self.session.time)
        if self._needed and self._shown is not None and not self.over:
            self._draw_or_ask(moment, engine, lateness, asks=asks)
        begin = float(self._begin)
        if moment.cut is not None:
            self._events.append((Silenced(self.name, begin + moment.cut), ()))
        self._events.extend((Captioned(self.name, caption.later(begin)), ()) for caption in moment.captions)
        self._events.extend((Said(self.name, text), ()) for text in moment.said)
        for text in moment.unspoken:
            self._events.append((Failed(self.name, "text", text.error or ""), ()))
            self._events.append((Said(self.name, text.id, dropped=True), ()))
        if moment.drained:
            self._events.append((Drained(self.name), ()))
        self._asleep = not self._needed and self.session.quiet
        if self._asleep or now - self._reported >= REPORT_SECONDS:
            self._reported = now
            self._events.append((self._report(now), ()))
        return self._pending

    def answer(self, ticket: int, mouth: Pixels | None, engine: Engine) -> None:
        """The network has drawn the mouth of a frame; None: it could not. Late answers are for the frames after."""
        self._mouth = mouth if mouth is not None else self._mouth
        pending = self._pending
        if pending is not None and pending.ticket == ticket and self._needed:
            self._mouths += mouth is not None
            self._held += mouth is None
            self._finish(engine, pending, self._mouth)

    def alone(self) -> None:
        """The network is lost: from now on motion moves the mouth."""
        self._mouth = None

    def events(self) -> list[tuple[Event, tuple[int, ...]]]:
        """What there is to tell, with file descriptors that go along; once."""
        events = list(self._events)
        self._events.clear()
        return events

    def writers(self) -> list[int]:
        """Pipes of the encoder that wait for room."""
        return self._streamed.writers()

    def flush(self) -> None:
        """Writes what the encoder's pipes take."""
        self._streamed.flush()

    def close(self) -> None:
        """Ends the encoders."""
        self._streamed.close()
        self.forwarded.close()
        for _, fds in self._events:
            for fd in fds:
                os.close(fd)
        self._events.clear()

    def _draw_or_ask(self, moment: Step, engine: Engine, lateness: float, *, asks: bool) -> None:
        face, prepared = self._shown or (None, None)
        if face is None:
            raise ValueError("a stage draws the face that it was shown")
        if not self._draws:
            self._written = moment.frame.time
            self._hand_on(moment, None)
            return
        index = there_and_back(moment.frame.index, len(face.frames))
        job = Job(prepared, index, moment.motion, moment.heard)
        question = engine.question(job) if asks else None
        if question is None:
            self._encode(moment, job, engine, None, lateness)
        else:
            self._tickets += 1
            self._pending = Pending(self._tickets, moment, job, question, lateness, self.due)

    def _finish(self, engine: Engine, pending: Pending, mouth: Pixels | None) -> None:
        self._pending = None
        if self._draws and not self.over:
            self._encode(pending.moment, pending.job, engine, mouth, pending.lateness)

    def _encode(self, moment: Step, job: Job, engine: Engine, mouth: Pixels | None, lateness: float) -> None:
        """Draws the frame, or holds the one before where there is no time for it, and hands it to the encoder."""
        started = time.perf_counter()
        if self._picture is None or lateness < float(moment.frame.duration):
            self._picture, self._picture_time = self._draw(moment, job, engine, mouth), moment.frame.time
            self._drawn += 1
        else:
            self._dropped += 1
        self._render_seconds += time.perf_counter() - started
        self._written = moment.frame.time
        self._hand_on(moment, self._picture)
        if time.monotonic() - self._start > float(moment.frame.time + moment.frame.duration) + self._slack(engine):
            self._late += 1

    def _hand_on(self, moment: Step, picture: Pixels | None) -> None:
        """The frame to whoever wants it: packets first, whose peers wait the least."""
        try:
            if self.forwarded.moves and (rigged := self._rigging.look()) is not None:
                self._events.append((rigged, ()))
            if self.forwarded.wanted:
                self._events.append((self.forwarded.write(moment, picture, self._rigging.number), ()))
            if self._watched and picture is not None:
                begun = self._streamed.write(moment, picture)
                if begun is not None:
                    self._events.append(begun)
        except Txt2VidError as err:
            why = f"the encoder fails again and again: {err}"
            self._events.append((Failed(self.name, "engine", why, ends=True), ()))
            self.over = True

    def _slack(self, engine: Engine) -> float:
        """Seconds past the next frame's time in which a frame is not late: it may wait so long for a network."""
        return float(1 / self.session.fps) / 2 if engine.network is not None else 0.0

    def _draw(self, moment: Step, job: Job, engine: Engine, mouth: Pixels | None) -> Pixels:
        picture = engine.draw_i420(job, mouth)
        if self._mark:
            picture[:MARK, :MARK] = WHITE if moment.loud else BLACK
            height = picture.shape[0] * 2 // 3
            picture[height:].reshape(2, height // 2, -1)[:, : MARK // 2, : MARK // 2] = 128
        return picture

    def _report(self, now: float) -> Report:
        session, jitter = self.session, self.session.jitter
        shown = session.time - 1 / session.fps if self._written is None else self._written
        return Report(
            session=self.name,
            time=float(self._begin + shown),
            clock=now,
            epoch=session.epoch,
            buffered=jitter.depth / LISTENING_RATE,
            playout=session.playout / LISTENING_RATE,
            av_offset=float(shown - self._picture_time) if self._draws else 0.0,
            drawn=self._drawn,
            late=self._late,
            dropped=self._dropped,
            restarts=self._streamed.restarts,
            render_seconds=self._render_seconds,
            encode_seconds=self._streamed.seconds + self.forwarded.seconds,
            queued_frames=self._streamed.waiting,
            heard_seconds=jitter.counters.heard / LISTENING_RATE,
            concealed_seconds=jitter.counters.concealed / LISTENING_RATE,
            trimmed_seconds=jitter.counters.trimmed / LISTENING_RATE,
            mouths=self._mouths,
            held=self._held,
            encoder_pid=self._streamed.pid,
        )
