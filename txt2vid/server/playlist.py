"""`serve --audio` and `--text-file`: a sender inside the server, who begins when the first viewer comes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from txt2vid.core.media import AudioChunk
from txt2vid.core.tasks import within
from txt2vid.core.wire import MAX_TEXT, AudioFormat, Ended, Error, Hello, Packet, ServerMessage, Spoken, Text
from txt2vid.errors import AudioError, SpeechError
from txt2vid.ffmpeg.decode import AudioReader
from txt2vid.pipeline.jobs import read_text
from txt2vid.pipeline.messages import Drain, Hear, Source
from txt2vid.server.hub import Hub
from txt2vid.server.logs import say
from txt2vid.server.seat import Refused, Sender
from txt2vid.server.session import Session
from txt2vid.server.voice import Voice
from txt2vid.tts.sentences import speakable

_log = logging.getLogger(__name__)
PACKETS_A_SECOND = 50  # 20 ms each
AHEAD = 2  # texts that are with the studio: one is spoken, one is being made
BUSY_SECONDS = 0.5  # between looks whether a sender that speaks has ended
LOOK_SECONDS = 0.1  # between looks whether somebody watches
ROUND_SECONDS = 1.0  # that a round takes at least: a voice may be able to say nothing of it, again and again
END_SECONDS = 600.0  # that the rest may take to be shown; then the file ends anyway


class Playlist(Sender):
    """What the server plays in its first session. Raises an error at once where that cannot be played.

    loop: begins anew at its end, when somebody watches.
    """

    audio: AudioFormat | None = None

    def __init__(self, path: Path, *, loop: bool) -> None:
        self.label = str(path)
        self._path, self._loop = path, loop
        self._news: asyncio.Queue[ServerMessage] = asyncio.Queue(2 * AHEAD)  # answers to what was said
        self._dismissed = asyncio.Event()
        self._interrupted = False

    def tell(self, message: ServerMessage) -> None:
        """Takes what the playing waits for."""
        if isinstance(message, Error):
            say(_log, "playlist warned", logging.WARNING, file=self.label, why=message.message)
        if isinstance(message, Spoken | Ended):
            with contextlib.suppress(asyncio.QueueFull):
                self._news.put_nowait(message)

    def dismiss(self, code: str, message: str) -> None:
        """The playing ends, or pauses where another sender has interrupted it."""
        say(_log, "playlist ended", file=self.label, why=message, code=code)
        self._interrupted = code == "busy"
        self._dismissed.set()

    async def run(self, hub: Hub) -> None:
        """Plays, as often as it should. Ends quietly; its own errors are in the log."""
        await self._turn(hub)
        while self._interrupted:
            await self._turn(hub)

    async def _turn(self, hub: Hub) -> None:
        """Plays until it has ended, or is dismissed."""
        self._interrupted = False
        self._dismissed.clear()
        playing = asyncio.create_task(self._rounds(hub))
        dismissed = asyncio.create_task(self._dismissed.wait())
        try:
            await asyncio.wait({playing, dismissed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            playing.cancel()
            dismissed.cancel()
            await asyncio.wait({playing, dismissed})
        if not playing.cancelled():
            playing.result()

    async def _rounds(self, hub: Hub) -> None:
        session = await self._seated(hub)
        if session is None:
            return
        try:
            while True:
                while not session.viewers:
                    await asyncio.sleep(LOOK_SECONDS)
                begun = asyncio.get_running_loop().time()
                await self._play(hub, session)
                session.draining = True
                hub.send(Drain(session.name))
                await self._until(Ended)
                if not self._loop:
                    say(_log, "playlist ended", file=self.label)
                    return
                await asyncio.sleep(max(0.0, begun + ROUND_SECONDS - asyncio.get_running_loop().time()))
        except (AudioError, SpeechError) as err:
            say(_log, "playlist failed", logging.ERROR, file=self.label, why=str(err))
        finally:
            hub.release(session, self, broken=False)

    async def _seated(self, hub: Hub) -> Session | None:
        """The session, once nobody else speaks in it; None where it cannot be had."""
        hello = Hello(audio=self.audio)
        while (session := hub.find(hello.session)) is not None and session.seat.held(asyncio.get_running_loop().time()):
            await asyncio.sleep(BUSY_SECONDS)
        try:
            session, _ = await hub.claim(hello, self)
        except Refused as err:
            say(_log, "playlist failed", logging.ERROR, file=self.label, why=str(err))
            return None
        return session

    @abstractmethod
    async def _play(self, hub: Hub, session: Session) -> None:
        """Once, from start to end."""

    async def _until(self, kind: type[ServerMessage]) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            while not isinstance(await within(self._news.get(), END_SECONDS), kind):
                pass


class AudioPlaylist(Playlist):
    """A sound file, in real time. Raises AudioError where it cannot be played."""

    def __init__(self, path: Path, *, loop: bool) -> None:
        super().__init__(path, loop=loop)
        with AudioReader(path) as reader:
            self.audio = AudioFormat("pcm_s16le", reader.rate)
            next(reader)  # raises where nothing in it can be decoded

    async def _play(self, hub: Hub, session: Session) -> None:
        hub.send(Source(session.name, self.audio, fresh=True))  # positions begin at 0 in each round
        reader, position = AudioReader(self._path), 0
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            while (chunk := await _next(reader)) is not None:
                for payload in packets(chunk):
                    await asyncio.sleep(max(0.0, begun + position / reader.rate - loop.time()))
                    hub.send(Hear(session.name, Packet(session.epoch, position, payload)), droppable=True)
                    position += len(payload) // 2
        finally:
            await asyncio.shield(asyncio.to_thread(reader.close))


class TextPlaylist(Playlist):
    """A text file, by paragraphs. Raises MediaError where it cannot be read, SpeechError where it is empty."""

    def __init__(self, path: Path, *, loop: bool, voice: Voice) -> None:
        super().__init__(path, loop=loop)
        self._voice = voice
        self._paragraphs = [each for each in paragraphs(read_text(path)) if speakable(each)]
        if not self._paragraphs:
            raise SpeechError(f"{path} holds nothing to say: write some words into it")

    async def _play(self, hub: Hub, session: Session) -> None:
        for number, paragraph in enumerate(self._paragraphs, start=1):
            session.texts.append(number)
            hub.send(self._voice.say(session.name, Text(paragraph, number)))
            if len(session.texts) >= AHEAD:
                await self._until(Spoken)
        while session.texts:
            await self._until(Spoken)


def packets(chunk: AudioChunk) -> Iterator[bytes]:
    """The chunk as mono 16-bit packets of 20 ms; the last may be shorter."""
    mono = np.round(chunk.samples.mean(axis=1) * 32767).astype("<i2")
    step = chunk.rate // PACKETS_A_SECOND
    for start in range(0, len(mono), step):
        yield mono[start : start + step].tobytes()


def paragraphs(text: str) -> Iterator[str]:
    """What lies between empty lines, in pieces of at most MAX_TEXT characters, cut after sentences or words."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        rest = " ".join(paragraph.split())
        while len(rest) > MAX_TEXT:
            cut = max(rest.rfind(". ", 0, MAX_TEXT) + 1, 0) or rest.rfind(" ", 0, MAX_TEXT)
            cut = cut if cut > 0 else MAX_TEXT
            yield rest[:cut].strip()
            rest = rest[cut:].strip()
        if rest:
            yield rest


async def _next(reader: AudioReader) -> AudioChunk | None:
    """Decoding waits for ffmpeg, so it happens in a thread; that is waited for even where nobody wants it any more."""
    reading = asyncio.ensure_future(asyncio.to_thread(next, reader, None))
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        await asyncio.wait({reading})
        raise
