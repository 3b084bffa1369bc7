"""From a source to a server, over as many connections as it takes."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import numpy as np

from txt2vid.core import wire
from txt2vid.core.expressions import Cue
from txt2vid.errors import ServerError
from txt2vid.sender import address
from txt2vid.sender.connection import Connection, Place
from txt2vid.sender.loop import beside, both
from txt2vid.sender.outbox import Moved, Outbox
from txt2vid.sender.pace import delays
from txt2vid.sender.packets import BITRATE, Level, packetizer
from txt2vid.sender.refusal import LostError
from txt2vid.sender.sources import FilmedSource, MotionSource, SoundSource, Source, TextSource
from txt2vid.sender.status import Status

STOP_SECONDS = 3.0  # after `stop` for the rest to be shown

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SendOptions:
    """Where to, and how. codec: "opus" or "pcm". attempts: failures in a row before it gives up, None for no end.

    expression: the face's mood for as long as this sender speaks.
    interrupt: what is sent first drops what the session is saying, whoever says it. wait: also for a server that is
    not there yet. unknown_tags: one of core.options.UNKNOWN_TAGS; None is the server's choice. trust: of wss://, None
    for whom the system trusts.
    """

    url: str = address.DEFAULT
    session: str | None = None
    face: str | None = None
    token: str | None = None
    codec: str = "opus"
    bitrate: int = BITRATE
    expression: Cue | None = None
    interrupt: bool = False
    attempts: int | None = None
    wait: bool = False
    unknown_tags: str | None = None
    trust: ssl.SSLContext | None = None


class _StoppedError(Exception):
    """The user wanted an end, and the server took too long for it."""


class Client:
    """Sends all that a source has. Everything runs in one event loop, from which all methods must be called."""

    def __init__(self, options: SendOptions, source: Source) -> None:
        self._options, self._source = options, source
        self.status = Status()
        self._outbox = Outbox(live=source.live)
        self.sounds = isinstance(source, SoundSource | FilmedSource)
        """Whether sound is sent."""
        audio = wire.AudioFormat(_CODECS[options.codec]) if self.sounds else None
        hello = wire.Hello(
            session=options.session, face=options.face, token=options.token, audio=audio, interrupt=options.interrupt
        )
        mood = options.expression
        shown = None if mood is None else wire.Expression(mood.name, mood.strength)
        self._place = Place(options.url, hello, shown, trust=options.trust)
        self._begun, self._stopping = asyncio.Event(), asyncio.Event()

    async def run(self, view: Callable[[], Coroutine[None, None, None]] | None = None) -> Status:
        """Sends, and returns once all was shown. view: runs meanwhile.

        Raises ServerError where the server cannot be reached or refuses, MediaError where the source fails.
        """
        helpers = [self._feed(), self._stopper()] + ([view()] if view else [])
        try:
            await beside(self._connections(), *helpers)
        except _StoppedError:
            _log.info("ended before all was shown")
        finally:
            self._source.close()
            self.status.dropped = self._outbox.dropped
        return self.status

    def interrupt(self) -> None:
        """What the session says, and what waits here, is dropped."""
        self._outbox.cut()

    def mute(self, on: bool) -> None:
        """Silence is sent instead of the sound."""
        self.status.muted = on

    def stop(self) -> None:
        """Nothing more is taken from the source; what was sent is shown to its end where that is soon."""
        self._source.stop()
        self._stopping.set()

    async def _connections(self) -> None:
        waits, failures = delays(), 0
        while True:
            connection = Connection(self._place, self._outbox, self.status)
            try:
                await connection.run(self._begun)
            except LostError as lost:
                if connection.ready:
                    waits, failures = delays(), 0
                failures += 1
                self._give_up(lost, failures)
                wait = next(waits)
                self.status.state = f"again in {wait:.1f} s: {lost}"
                _log.info("%s; trying again in %.2f s", lost, wait)
            else:
                self.status.state = "ended"
                return
            await asyncio.sleep(wait)
            self.status.reconnects += 1

    def _give_up(self, lost: LostError, failures: int) -> None:
        """Raises ServerError where trying again is of no use, or not wanted."""
        never = not self._begun.is_set() and not self._options.wait
        attempts = self._options.attempts
        if not lost.again or never or (attempts is not None and failures > attempts):
            raise ServerError(f"{address.shown(self._options.url)}: {lost.sentence}") from lost

    async def _feed(self) -> None:
        await self._begun.wait()
        if isinstance(self._source, TextSource):
            await self._feed_texts(self._source)
        elif isinstance(self._source, SoundSource):
            await self._feed_sound(self._source)
        elif isinstance(self._source, MotionSource):
            await self._feed_motion(self._source)
        elif isinstance(self._source, FilmedSource):
            await both(self._feed_sound(self._source.voice), self._feed_motion(self._source.camera))
        self._outbox.close()

    async def _feed_motion(self, source: MotionSource) -> None:
        async for motion in source.motions():
            self._outbox.move(Moved(motion))

    async def _feed_texts(self, source: TextSource) -> None:
        number = 0
        async for text in source.texts():
            number += 1
            first = self._options.interrupt and number == 1
            voice = source.tts, source.voice, source.language
            await self._outbox.put(wire.Text(text, number, first, *voice, self._options.unknown_tags))

    async def _feed_sound(self, source: SoundSource) -> None:
        if self._options.interrupt:
            self._outbox.cut()
        packets, level = packetizer(self._options.codec, self._options.bitrate), Level()
        async for position, samples in source.sound():
            self.status.level = level.of(samples)
            for packet in packets.push(position, np.zeros_like(samples) if self.status.muted else samples):
                await self._outbox.put(packet)
        for packet in packets.flush():
            await self._outbox.put(packet)

    async def _stopper(self) -> None:
        await self._stopping.wait()
        await asyncio.sleep(STOP_SECONDS)
        raise _StoppedError


_CODECS = {"opus": "opus", "pcm": "pcm_s16le"}
CODECS = tuple(_CODECS)
