"""The server's side of one session: what is known of it, who speaks and who watches."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from fractions import Fraction
from typing import Any

from txt2vid.core.expressions import Cue
from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.wire import EPOCHS, Ended, Error, Spoken, Stats
from txt2vid.ffmpeg.live import TIMESTAMP_OFFSET
from txt2vid.ffmpeg.live_arguments import MAX_BITS_A_PIXEL
from txt2vid.pipeline.messages import Encoding, Opened, Packets, Report, Rigged, Said
from txt2vid.server import limits
from txt2vid.server.calls.passes import PREFIX
from txt2vid.server.captions import Captions
from txt2vid.server.rates import Bucket
from txt2vid.server.seat import Seat
from txt2vid.transports.broadcast import Broadcaster
from txt2vid.transports.forward import Forwarder, Timed

STREAMS = ("ts", "mp4", "mkv", "avi")  # containers that a session is streamed in; the first is for ffplay
MS = 1000
ZERO = -float(TIMESTAMP_OFFSET)  # seconds of a session at which the timestamps of its streams are 0
ENDING = frozenset({"audio", "rate"})  # what only the sender can mend: it would be told fifty times a second
AGAIN = 0.5  # seconds that a session's time jumps when its studio is lost: nothing that was told already comes again
SOUND_AHEAD = 0.045  # seconds by which peers get sound before its picture: browsers hold it back longer
CUT_SECONDS = 1.0  # after an interruption, in which reports may come that do not know of it yet


class Session:
    """One session. home: the face it began with. standing: named after its face, suspended instead of closed.
    private: of one in a call: not listed, and there for as long as its owner is.

    opening: the task that opens it in a studio, None before it was needed. answer: what that task waits for.
    watched: the studio draws. used: when somebody last came or went, in the loop's time.
    epoch: what sound must carry now. refused: sound that a studio did not take in time.
    """

    def __init__(
        self,
        name: str,
        face: str,
        *,
        standing: bool,
        broadcaster: Broadcaster,
        forwarder: Forwarder,
        private: bool = False,
    ) -> None:
        self.name, self.home, self.face, self.standing, self.private = name, face, face, standing, private
        self.before = face  # the one before a change, until it is known to have worked
        self.broadcaster, self.forwarder = broadcaster, forwarder
        self.captions = Captions(-ZERO)
        self.seat = Seat()
        self.opening: asyncio.Task[None] | None = None
        self.answer: asyncio.Future[None] | None = None
        self.running: Opened | None = None
        self.report: Report | None = None
        self.rig: Rigged | None = None  # None until somebody has wanted to draw the face
        self.start: Fraction | None = None
        self.mood: Cue | None = None  # that stays whoever speaks: of one in a call, or of a page; None is the server's
        self.pace = Bucket(limits.EXPRESSIONS_A_SECOND, limits.EXPRESSIONS_BURST, 0.0)  # of expressions by HTTP
        self.begin = Fraction(0)  # seconds at which its time begins in the next studio
        self.watched = False
        self.epoch = 0
        self.texts: deque[int] = deque()  # ids of texts that are not spoken yet; MAX_TEXTS at most (speak.py)
        self.draining = False
        self.audio_bytes = 0
        self.text_bytes = 0
        self.text_characters = 0
        self.refused = 0
        self.encoder_restarts = 0
        self.used = 0.0
        self.unwatching: asyncio.TimerHandle | None = None
        self.unforwarding: asyncio.TimerHandle | None = None
        self.closing: asyncio.TimerHandle | None = None
        self._cut_at = 0.0  # of time.monotonic()
        self._losses: deque[float] = deque(maxlen=limits.MAX_LOSSES)

    @property
    def label(self) -> str:
        """What metrics call it: a private one by a part of its name's digest."""
        return PREFIX + hashlib.sha256(self.name.encode()).hexdigest()[:8] if self.private else self.name

    @property
    def idle(self) -> bool:
        """Whether nobody speaks and nobody watches."""
        return self.seat.sender is None and not self.viewers

    @property
    def viewers(self) -> int:
        """How many watch: the stream, or as peers."""
        return self.broadcaster.viewers + len(self.forwarder.peers)

    @property
    def expression(self) -> str:
        """The name of the mood that stays whoever speaks, "" for none."""
        return "" if self.mood is None else self.mood.name

    @property
    def streams(self) -> dict[str, str]:
        """Container -> URL path."""
        return streams_of(self.name)

    def opened(self, event: Opened) -> None:
        """It runs in a studio."""
        self.running = event
        self.broadcaster.fps = event.fps
        self.forwarder.limit(round(MAX_BITS_A_PIXEL * event.width * event.height * event.fps))
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(None)

    def encoding(self, event: Encoding, fds: list[int]) -> None:
        """A new encoder writes."""
        ts_fd, mp4_fd = fds
        self.start = event.start
        self.encoder_restarts += event.restarted
        self.broadcaster.attach(ts_fd, mp4_fd, event.start)

    def forwarded(self, event: Packets) -> None:
        """A frame for peers; its sound is due as it is ahead of the picture, but for SOUND_AHEAD."""
        now = time.monotonic() - SOUND_AHEAD
        sound = [Timed(now + (each.time - event.time) / LISTENING_RATE, each) for each in event.sound]
        self.forwarder.push(event.pictures, sound)

    def rigged(self, event: Rigged) -> None:
        """Those who draw the face themselves draw this one from now on."""
        self.rig = event

    def read(self, text: str, message: str | bytes) -> None:
        """A text came, in such a message."""
        self.text_characters += len(text)
        self.text_bytes += len(message.encode() if isinstance(message, str) else message)

    def said(self, event: Said) -> None:
        """A text was shown or dropped."""
        if event.id not in self.texts:  # of a sender before this one
            return
        self.texts.remove(event.id)
        if self.seat.sender is not None:
            self.seat.sender.tell(Spoken(event.id, event.dropped))

    def warn(self, code: str, message: str) -> None:
        """Something that the sender asked for could not be done; the session goes on."""
        if code == "face":
            self.face = self.before
        if self.seat.sender is not None and code in ENDING:
            self.seat.sender.dismiss(code, message)
        elif self.seat.sender is not None:
            self.seat.sender.tell(Error(code, message, warning=True))

    def drained(self) -> None:
        """All was shown."""
        if self.draining and self.seat.sender is not None:
            self.seat.sender.tell(Ended())
        self.draining = False

    def cut(self, epoch: int) -> None:
        """An interruption that the studio is told of now."""
        self.epoch, self._cut_at = epoch, time.monotonic()

    def forget_words(self) -> None:
        """What an earlier sender waits for does not matter to the next."""
        self.texts.clear()
        self.draining = False

    def reported(self, report: Report) -> None:
        """A second has passed."""
        self.report = report
        if report.clock > self._cut_at + CUT_SECONDS:
            self.epoch = report.epoch % EPOCHS
        if self.seat.sender is not None:
            self.seat.sender.tell(self.stats())

    def lost(self, now: float) -> bool:
        """Its studio is gone: what it did not say is dropped. Whether it should be opened again."""
        time_now = self.time(time.monotonic())
        if time_now is not None:
            self.begin = Fraction(round((time_now + AGAIN) * MS), MS)
        self.captions.cut(0.0 if time_now is None else time_now)
        self.running, self.report, self.start, self.watched = None, None, None, False
        self.broadcaster.detach()
        for text in list(self.texts):
            self.said(Said(self.name, text, dropped=True))
        self.drained()
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(None)  # it asks again
        self._losses.append(now)
        return len(self._losses) < limits.MAX_LOSSES or now - self._losses[0] > limits.LOSS_SECONDS

    def time(self, clock: float) -> float | None:
        """Seconds of the session at `clock` of time.monotonic(), None before its first report. It may stand still."""
        if self.report is None:
            return None
        since = clock - self.report.clock
        return self.report.time + (since if since < limits.REST_SECONDS else 0.0)

    def describe(self, clock: float) -> dict[str, Any]:
        """For the page, as JSON."""
        report, running = self.report, self.running
        return {
            "name": self.name,
            "face": self.face,
            "standing": self.standing,
            "open": running is not None,
            "width": running.width if running else None,
            "height": running.height if running else None,
            "fps": float(running.fps) if running else None,
            "live": self.seat.sender is not None,
            "speaking": report is not None and (report.buffered > 0 or bool(self.texts)),
            "viewers": self.viewers,
            "expression": self.expression,
            "time": self.time(clock),
            "clock": clock,
            "start": None if self.start is None else float(self.start),
            "zero": ZERO,
            "stats": None if report is None else _measures(self.stats()),
            "streams": self.streams,
        }

    def stats(self) -> Stats:
        """What the sender is told of its session."""
        report = self.report
        if report is None:
            return Stats(0.0, 0.0, 0.0, 0.0, self.viewers, 0, 0, 0, self.epoch)
        return Stats(
            time=round(report.time, 3),
            buffered=round(report.buffered * MS, 1),
            playout=round(report.playout * MS, 1),
            av_offset=round(report.av_offset * MS, 1),
            viewers=self.viewers,
            drawn=report.drawn,
            late=report.late,
            dropped=report.dropped,
            epoch=self.epoch,
        )


def streams_of(name: str) -> dict[str, str]:
    """Container -> URL path of a session's streams."""
    return {container: f"/s/{name}/stream.{container}" for container in STREAMS}


def describe_asleep(name: str, clock: float) -> dict[str, Any]:
    """As `Session.describe`, of a face's session that nobody has needed yet."""
    known = {"name": name, "face": name, "standing": True, "viewers": 0, "expression": "", "clock": clock, "zero": ZERO}
    no = dict.fromkeys(("open", "live", "speaking"), False)
    unknown = dict.fromkeys(("width", "height", "fps", "time", "start", "stats"))
    return {**known, **no, **unknown, "streams": streams_of(name)}


def _measures(stats: Stats) -> dict[str, float]:
    names = ("buffered", "playout", "av_offset", "drawn", "late", "dropped", "epoch")
    return {name: getattr(stats, name) for name in names}
