"""An ear in a process of its own (txt2vid.stt.child): sound goes in, what was understood comes out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from txt2vid.core.tasks import within
from txt2vid.errors import SpeechError, error_of
from txt2vid.interrupts import apart

DEFAULT_EAR = "pocketsphinx"
LOAD_SECONDS = 120.0  # for a model of some gigabytes on a slow disk
LINE_BYTES = 1 << 20  # of one answer; an utterance has 15 s
END_SECONDS = 2.0  # for the process to go once it is killed


@dataclass(frozen=True, slots=True)
class EarOptions:
    """Which ear. backend: a name in the registry. model, language: as txt2vid.stt.base.Recognizer takes them."""

    backend: str = DEFAULT_EAR
    model: Path | None = None
    language: str | None = None


class Ear:
    """Starts at once; `open` waits until it hears. Everything but `close` runs in one event loop."""

    def __init__(self, options: EarOptions) -> None:
        self._name = options.backend
        words = [options.backend, str(options.model or ""), options.language or ""]
        command = [sys.executable, "-m", "txt2vid.stt.child", *words]
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None
        self._reading: asyncio.ReadTransport | None = None
        apart(lambda: self._start(command))

    async def open(self) -> None:
        """Waits for the model. Raises what the ear does, SpeechError where it never comes; then it is closed."""
        try:
            await self._open()
        except BaseException:
            self.close()
            raise

    async def _open(self) -> None:
        process, loop = self._process, asyncio.get_running_loop()
        if process is None or process.stdin is None or process.stdout is None:
            raise ValueError("the ear is closed")
        self._reader = asyncio.StreamReader(LINE_BYTES)
        reading = asyncio.StreamReaderProtocol(self._reader)
        self._reading, _ = await loop.connect_read_pipe(lambda: reading, process.stdout)
        transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, process.stdin)
        self._writer = asyncio.StreamWriter(transport, protocol, None, loop)
        try:
            first = await within(self._line(), LOAD_SECONDS)
        except asyncio.TimeoutError as err:
            raise SpeechError(
                f"{self._name} was not ready after {LOAD_SECONDS:g} s: choose a smaller --stt-model"
            ) from err
        if first is None:
            raise self._died()

    async def say(self, data: bytes) -> None:
        """16-bit samples, 16 kHz, mono; waits where the ear is behind."""
        if self._writer is not None:
            with contextlib.suppress(ConnectionError):  # why it ended is for `heard` to tell
                self._writer.write(data)
                await self._writer.drain()

    def end(self) -> None:
        """That was all sound."""
        if self._writer is not None:
            self._writer.close()

    async def heard(self) -> AsyncIterator[tuple[str, bool]]:
        """Texts, and whether they are final, until the end. Raises what the ear does."""
        while (line := await self._line()) is not None:
            yield str(line["text"]), bool(line["final"])
        process = self._process
        if process is not None and await asyncio.to_thread(lambda: process.wait()) != 0:
            raise self._died()

    def close(self) -> None:
        """Ends the process. Twice is safe."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        for stream in (self._writer, self._reading, process.stdin, process.stdout):
            with contextlib.suppress(OSError, RuntimeError):  # the loop has ended
                if stream is not None:
                    stream.close()

    def _start(self, command: list[str]) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(  # a session of its own: the terminal's Ctrl-C is ours
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True
        )

    async def _line(self) -> dict[str, Any] | None:
        if self._reader is None:
            raise ValueError("the ear is not open")
        line = await self._reader.readline()
        if not line:
            return None
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            raise error_of(int(message["exit_code"]), str(message["error"]))
        return message

    def _died(self) -> SpeechError:
        code = self._process.wait() if self._process is not None else None
        why = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return SpeechError(f"{self._name} ended by itself ({why}): try another --stt-model or --stt-backend")
