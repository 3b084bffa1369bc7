"""What is sent: sound with its positions, what a camera sees, or texts."""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import CancelledError
from itertools import chain
from pathlib import Path

from txt2vid.core.media import LISTENING_RATE, AudioChunk, Samples
from txt2vid.core.wire import MAX_TEXT
from txt2vid.errors import UsageError
from txt2vid.ffmpeg import AudioReader, MediaInfo
from txt2vid.sender.pace import Pacer
from txt2vid.sender.packets import PACKET
from txt2vid.sender.resample import Resampler
from txt2vid.textwire.codec import LONG
from txt2vid.tts.sentences import PARAGRAPH_PAUSE, sentences, speakable

READ_BYTES = 65_536  # of stdin at once
LINES = 8  # of stdin that wait; then whoever writes it waits


class Source:
    """Base of all. live: it cannot wait, and what is late is of no use."""

    live = False

    def stop(self) -> None:
        """What comes next is the end, soon."""
        return

    def close(self) -> None:
        """Nothing more comes. Closing twice is safe."""
        return


class SoundSource(Source, ABC):
    """Sound at 48 kHz, mono."""

    @abstractmethod
    def sound(self) -> AsyncIterator[tuple[int, Samples]]:
        """The position of the first sample, and the samples, (n,); ends with the source, or when it is closed."""


class MotionSource(Source, ABC):
    """What a camera sees of a face, as messages for the wire (core.motionwire)."""

    live = True

    @abstractmethod
    def motions(self) -> AsyncIterator[bytes]:
        """One for each picture that was looked at; ends with the source, or when it is closed."""


class FilmedSource(Source):
    """A voice, and what a camera sees of a face meanwhile. It ends when both have."""

    live = True

    def __init__(self, voice: SoundSource, camera: MotionSource) -> None:
        self.voice, self.camera = voice, camera

    def stop(self) -> None:
        """Both end, soon."""
        self.voice.stop()
        self.camera.stop()

    def close(self) -> None:
        """Nothing more comes of either."""
        self.voice.close()
        self.camera.close()


class TextSource(Source, ABC):
    """Texts. tts, voice: who shall speak them, language: theirs; None for the server's choice."""

    def __init__(self, tts: str | None = None, voice: str | None = None, language: str | None = None) -> None:
        self.tts, self.voice, self.language = tts, voice, language

    @abstractmethod
    def texts(self) -> AsyncIterator[str]:
        """One after the other, each short enough for one message."""


class FileSource(SoundSource):
    """The sound of a file of any format, in real time. Raises AudioError where it holds none."""

    def __init__(self, path: Path, info: MediaInfo | None = None) -> None:
        self._reader = AudioReader(path, info)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Ends within 20 ms."""
        self._stopped.set()

    def close(self) -> None:
        """Ends reading."""
        self._reader.close()

    async def sound(self) -> AsyncIterator[tuple[int, Samples]]:
        """Each 20 ms when they are due."""
        pacer, resampler, position = Pacer(LISTENING_RATE), Resampler(self._reader.rate), 0
        ended = False
        chunk: AudioChunk | None
        while (chunk := await asyncio.to_thread(next, self._reader, None)) or not ended:
            ended = chunk is None
            samples = resampler.flush() if chunk is None else resampler.push(chunk.samples.mean(axis=1))
            for start in range(0, len(samples), PACKET):
                if self._stopped.is_set():
                    return
                await asyncio.sleep(pacer.wait(position, time.monotonic()))
                part = samples[start : start + PACKET]
                yield position, part
                position += len(part)


class GivenText(TextSource):
    """A text that is there already. Raises UsageError where there is nothing in it to say."""

    def __init__(
        self, text: str, tts: str | None = None, voice: str | None = None, language: str | None = None
    ) -> None:
        super().__init__(tts, voice, language)
        self._pieces = list(pieces(text))
        if not self._pieces:
            raise UsageError("the text holds nothing to say: write some words")

    async def texts(self) -> AsyncIterator[str]:
        """All of it."""
        for piece in self._pieces:
            yield piece


class LineSource(TextSource):
    """Lines of a file descriptor (stdin) as they are typed."""

    def __init__(self, fd: int, tts: str | None = None, voice: str | None = None, language: str | None = None) -> None:
        super().__init__(tts, voice, language)
        self._fd = fd

    async def texts(self) -> AsyncIterator[str]:
        """Each line that holds something to say."""
        lines: asyncio.Queue[str | None] = asyncio.Queue(LINES)
        loop = asyncio.get_running_loop()

        def read() -> None:  # in a thread of its own, which nobody waits for: reading may take for ever
            try:
                for line in chain(read_lines(self._fd), [None]):
                    asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
            except (RuntimeError, CancelledError):  # the loop has ended meanwhile
                return

        threading.Thread(target=read, name="stdin", daemon=True).start()
        while (line := await lines.get()) is not None:
            for piece in pieces(line):
                yield piece


def read_lines(fd: int) -> Iterator[str]:
    """The lines of a file descriptor, without their ends; parts of MAX_TEXT characters where one is longer.

    Reads the descriptor itself: a thread that waits in Python's stdin would hold its lock when the process ends.
    """
    decoder, held = codecs.getincrementaldecoder("utf-8")("replace"), ""
    while data := os.read(fd, READ_BYTES):
        *lines, held = (held + decoder.decode(data)).split("\n")
        yield from lines
        while len(held) > MAX_TEXT:
            at = held.rfind(" ", 1, MAX_TEXT) + 1 or MAX_TEXT
            yield held[:at]
            held = held[at:]
    if held:
        yield held


def pieces(text: str) -> Iterator[str]:
    """A text in parts of at most LONG characters, cut between sentences; none where there is nothing to say.

    Servers take MAX_TEXT, but longer parts are not packed as well, and are heard later.
    """
    text = text.encode("utf-8", "replace").decode()  # an argument's odd bytes are lone surrogates
    if len(text) <= LONG:
        if speakable(text):
            yield text.strip()
        return
    held = ""
    for sentence in sentences(text):
        if held and len(held) + len(sentence.text) + 2 > LONG:
            yield held.strip()
            held = ""
        held += sentence.text + ("\n\n" if sentence.pause == PARAGRAPH_PAUSE else " ")
    if held.strip():
        yield held.strip()
