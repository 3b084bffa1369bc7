"""An ffmpeg that asyncio feeds through a pipe, and whose output it may read: nothing here blocks the loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

from txt2vid.errors import FFmpegError
from txt2vid.ffmpeg import program

READ_BYTES = 64 * 1024  # of one read: a pipe's usual size


class Fed:
    """One run. Nothing is queued here but what the two pipes hold (64 kB each): `write` waits, and so does ffmpeg.

    command: makes the arguments, from the numbers of the pipe that ffmpeg reads and of the one that it writes.
    """

    def __init__(self, command: Callable[[int, int], Sequence[str]]) -> None:
        self._command = command
        self._child: program.Child | None = None
        self._input = self._output = -1

    async def open(self) -> None:
        """Starts it. Raises FFmpegError where the system cannot, DependencyError where there is none."""
        program.find("ffmpeg")
        theirs: list[int] = []
        try:
            reader, self._input = os.pipe()
            theirs.append(reader)
            self._output, writer = os.pipe()
            theirs.append(writer)
            os.set_blocking(self._input, False)
            os.set_blocking(self._output, False)
            self._child = program.Child(self._command(reader, writer), pass_fds=theirs)
            await _whole(self._child.start)
        except BaseException as err:
            await self.close()
            if isinstance(err, OSError):
                raise FFmpegError(f"ffmpeg cannot be started ({err.strerror}): end other programs, then retry") from err
            raise
        finally:
            for fd in theirs:
                os.close(fd)

    async def write(self, data: bytes) -> None:
        """Hands the data over; waits while ffmpeg takes none. Raises FFmpegError where it has ended, or was closed."""
        rest = memoryview(data)
        while rest:
            if self._input < 0:
                raise FFmpegError("ffmpeg was stopped")
            try:
                rest = rest[os.write(self._input, rest) :]
            except BlockingIOError:
                await _ready(self._input, writing=True)
            except BrokenPipeError:
                raise await self._failure() from None

    async def read(self) -> bytes:
        """What it has written; waits until there is something. Nothing at its end."""
        while self._output >= 0:
            try:
                return os.read(self._output, READ_BYTES)
            except BlockingIOError:  # noqa: PERF203 - each time until there is something
                await _ready(self._output, writing=False)
        return b""

    def finish(self) -> None:
        """No more data: ffmpeg writes what it has, and ends. Twice is safe."""
        if self._input >= 0:
            os.close(self._input)
            self._input = -1

    async def close(self) -> None:
        """Kills it, and leaves nothing of it. Twice is safe. Whoever waits in `write` or `read` is to be cancelled."""
        self.finish()
        if self._output >= 0:
            os.close(self._output)
            self._output = -1
        if self._child is not None:
            child, self._child = self._child, None
            await _whole(child.stop)

    async def _failure(self) -> FFmpegError:
        child = self._child
        if child is None:
            return FFmpegError("ffmpeg was stopped")
        code = await asyncio.to_thread(child.wait, program.STOP_SECONDS)
        ended = "closed its input" if code is None else program.how_it_ended(code)
        return FFmpegError(f"ffmpeg ended ({ended}): {program.last_words(child.stderr)}")


async def _ready(fd: int, *, writing: bool) -> None:
    """Waits until a pipe can be written, or read."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    (loop.add_writer if writing else loop.add_reader)(fd, wake)
    try:
        await ready
    finally:
        (loop.remove_writer if writing else loop.remove_reader)(fd)


async def _whole(work: Callable[[], None]) -> None:
    """Runs work in a thread, to its end even where we are cancelled: a program is started, and its number is known."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            await asyncio.wait((task,))
        raise
