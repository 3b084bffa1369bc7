"""Sound becomes texts here, at the sender, and only they are sent."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import numpy as np

from txt2vid.pipeline.hearing import Decimator
from txt2vid.sender.ear import Ear
from txt2vid.sender.packets import Level
from txt2vid.sender.sources import SoundSource, TextSource, pieces
from txt2vid.sender.status import SILENT
from txt2vid.stt.base import pcm

WAITING_BLOCKS = 500  # of 20 ms: 10 s of sound that an ear may be behind; then the oldest of a microphone is dropped
WAITING_SENTENCES = 4  # of a microphone, beside those at the server; what is older would be heard too late
POLL_SECONDS = 0.05  # of a file that waits for the server
SHOWN = 16  # sentences that wait to be shown on a terminal

_log = logging.getLogger(__name__)


class SpokenText(TextSource):
    """What a microphone or a file says, sentence by sentence.

    Of a microphone the oldest is dropped where ear or server cannot keep up; a file waits. For whoever shows it:
    partial, what is understood of the present sentence; sentences, the last whole ones, to be taken away; level in
    dBFS; muted.
    """

    def __init__(self, sound: SoundSource, ear: Ear, tts: str | None = None, voice: str | None = None,
                 language: str | None = None) -> None:  # fmt: skip
        super().__init__(tts, voice, language)
        self._sound, self._ear = sound, ear
        self._ready: deque[str] = deque()
        self._changed = asyncio.Event()
        self._behind = False
        self.partial = ""
        self.sentences: deque[str] = deque(maxlen=SHOWN)
        self.level = SILENT
        self.muted = False

    async def open(self) -> None:
        """Waits until the ear hears. Raises SpeechError, UsageError or DependencyError where it never will."""
        await self._ear.open()

    def stop(self) -> None:
        """What was said until now is sent."""
        self._sound.stop()

    def close(self) -> None:
        """Nothing more comes."""
        self._sound.close()
        self._ear.close()

    def forget(self) -> None:
        """Sentences that wait are not sent."""
        self._ready.clear()
        self._changed.set()

    async def texts(self) -> AsyncIterator[str]:
        """Each sentence when it has ended."""
        blocks: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_BLOCKS)
        tasks = [self._task(work) for work in (self._listen(blocks), self._pass_on(blocks), self._understand())]
        try:
            while True:
                self._changed.clear()
                for task in tasks:
                    if task.done():
                        task.result()
                if self._ready:
                    yield self._ready.popleft()
                elif tasks[-1].done():
                    return
                else:
                    await self._changed.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self._changed.set())
        return task

    async def _listen(self, blocks: asyncio.Queue[bytes | None]) -> None:
        decimator, level = Decimator(), Level()
        async for _, samples in self._sound.sound():
            self.level = level.of(samples)
            block = pcm(decimator.push(np.zeros_like(samples) if self.muted else samples))
            if self._sound.live and blocks.full():
                blocks.get_nowait()
                self._warn()
            await blocks.put(block)
        await blocks.put(None)

    async def _pass_on(self, blocks: asyncio.Queue[bytes | None]) -> None:
        while (block := await blocks.get()) is not None:
            await self._ear.say(block)
        self._ear.end()

    async def _understand(self) -> None:
        async for text, final in self._ear.heard():
            if not final:
                self.partial = text
                continue
            self.partial = ""
            self.sentences.append(text)
            for piece in pieces(text):
                await self._offer(piece)

    async def _offer(self, text: str) -> None:
        while len(self._ready) >= WAITING_SENTENCES:
            if self._sound.live:
                _log.warning("left out, since the server is behind: %s", self._ready.popleft())
            else:
                await asyncio.sleep(POLL_SECONDS)
        self._ready.append(text)
        self._changed.set()

    def _warn(self) -> None:
        if not self._behind:
            self._behind = True
            _log.warning("the ear cannot keep up, sound is left out: choose a smaller --stt-model")
