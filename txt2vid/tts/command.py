"""Any program that reads a text on stdin and writes a WAV file to stdout: a voice that nobody here knows.

The program is an argument list, never a shell's line. Its sound is taken as it comes, so what streams is heard early.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterator

from txt2vid.core.media import Samples
from txt2vid.errors import DependencyError, SpeechError, UsageError
from txt2vid.interrupts import apart
from txt2vid.tts.base import Synthesizer, Utterance
from txt2vid.tts.pieces import pieces
from txt2vid.tts.sentences import Sentence
from txt2vid.tts.wav import WavStream

VARIABLE = "TXT2VID_TTS_COMMAND"
SILENCE_SECONDS = 20.0  # without a byte of it; a large model loads in that time
TOTAL_SECONDS = 120.0  # for one sentence
MAX_BYTES = 64 << 20  # of sound: three minutes at any rate in use
END_SECONDS = 5.0  # that it may take to end after its sound
READ_BYTES, KEPT_STDERR = 65_536, 2000


class Command(Synthesizer):
    """A program of the user's, run once a sentence. It tells no phonemes, so its sound moves the lips."""

    name = "command"
    tells_phonemes = False

    def __init__(self, voice: str | None = None, language: str | None = None) -> None:  # noqa: ARG002 - its own affair
        """Takes the program with its arguments, quoted as in a shell, which there is none of: "festival --tts -".

        None is what TXT2VID_TTS_COMMAND holds. Raises UsageError where neither is given or the quotes do not match,
        DependencyError where there is no such program.
        """
        self._arguments = _arguments(voice)

    @classmethod
    def voices(cls) -> list[str]:
        """The program in TXT2VID_TTS_COMMAND, if any."""
        configured = os.environ.get(VARIABLE)
        if not configured:
            raise DependencyError(
                f'no program is named: {VARIABLE}="PROGRAM ARGUMENTS", or --voice "PROGRAM ARGUMENTS"'
            )
        _arguments(None)
        return [configured]

    def _say(self, sentence: Sentence) -> Iterator[Utterance]:
        wav = WavStream(self._who)
        sound = self._sound(sentence.text, wav)
        with contextlib.closing(sound):
            first = next(sound, None)
            if first is not None:
                yield from pieces(sentence, wav.rate, _both(first, sound), who=self._who)

    @property
    def _who(self) -> str:
        return os.path.basename(self._arguments[0])  # noqa: PTH119 - of a string that need not be a path

    def _sound(self, text: str, wav: WavStream) -> Generator[Samples, None, None]:
        """The sound as the program writes it. Raises SpeechError; the program is gone at the end, however it comes."""
        program = apart(lambda: _started(self._arguments))
        try:
            talk = _Talk(program, text, self._who)
            for data in talk.read():
                samples = wav.push(data)
                if wav.begun:
                    yield samples
            talk.check()
            wav.end()
        finally:
            _end(program)


class _Talk:
    """Text goes in, sound and complaints come out, all at once: no pipe that is full stops another."""

    def __init__(self, program: subprocess.Popen[bytes], text: str, who: str) -> None:
        self._program, self._who = program, who
        self._text = memoryview(f"{text}\n".encode("utf-8", "replace"))
        self._stderr = b""

    def read(self) -> Iterator[bytes]:
        """What it writes to stdout, until it closes that."""
        begun, size = time.monotonic(), 0
        with selectors.DefaultSelector() as selector:
            for pipe, event in (
                (self._program.stdin, selectors.EVENT_WRITE),
                (self._program.stdout, selectors.EVENT_READ),
                (self._program.stderr, selectors.EVENT_READ),
            ):
                if pipe is not None:
                    os.set_blocking(pipe.fileno(), False)
                    selector.register(pipe, event)
            heard = time.monotonic()
            while self._program.stdout in {key.fileobj for key in selector.get_map().values()}:
                now = time.monotonic()
                if now - heard > SILENCE_SECONDS or now - begun > TOTAL_SECONDS:
                    raise SpeechError(
                        f"{self._who} takes too long for one sentence: shorten the text, or choose another"
                    )
                for key, _ in selector.select(min(1.0, SILENCE_SECONDS)):
                    if key.fileobj is self._program.stdin:
                        self._write(selector)
                        continue
                    data = os.read(key.fd, READ_BYTES)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._program.stderr:
                        self._stderr = (self._stderr + data)[-KEPT_STDERR:]
                    else:
                        heard, size = time.monotonic(), size + len(data)
                        if size > MAX_BYTES:
                            raise SpeechError(f"{self._who} writes more than a sentence can be: choose another")
                        yield data

    def check(self) -> None:
        """Raises SpeechError where the program has failed."""
        try:
            code = self._program.wait(END_SECONDS)
        except subprocess.TimeoutExpired as err:
            raise SpeechError(f"{self._who} does not end after its sound: choose another") from err
        if code != 0:
            if self._program.stderr is not None:
                with contextlib.suppress(BlockingIOError):
                    self._stderr += self._program.stderr.read(KEPT_STDERR) or b""
            words = " ".join(self._stderr.decode(errors="replace").split())[-200:] or f"exit code {code}"
            raise SpeechError(f"{self._who} failed: {words}. Try it by hand, or choose another voice")

    def _write(self, selector: selectors.BaseSelector) -> None:
        stdin = self._program.stdin
        if stdin is None:
            return
        try:
            self._text = self._text[os.write(stdin.fileno(), self._text) :]
        except BrokenPipeError:  # it has read enough
            self._text = self._text[:0]
        if not self._text:
            selector.unregister(stdin)
            with contextlib.suppress(BrokenPipeError):
                stdin.close()


def _arguments(voice: str | None) -> list[str]:
    line = voice if voice is not None else os.environ.get(VARIABLE)
    if not line or not line.strip():
        raise UsageError(
            f'no program speaks: name it as --voice "PROGRAM ARGUMENTS", or in the environment as {VARIABLE}'
        )
    try:
        arguments = shlex.split(line)
    except ValueError as err:
        raise UsageError(f"the program's arguments are not quoted well ({err}): write them as in a shell") from err
    program = shutil.which(arguments[0])
    if program is None:
        raise DependencyError(f"there is no program {arguments[0]!r}: install it, or give its path")
    return [program, *arguments[1:]]


def _started(arguments: list[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # all that it starts ends with it
        )
    except OSError as err:
        raise SpeechError(f"{arguments[0]} cannot be run ({err.strerror}): try it by hand") from err


def _end(program: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()
    for pipe in (program.stdin, program.stdout, program.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _both(first: Samples, rest: Iterator[Samples]) -> Iterator[Samples]:
    yield first
    yield from rest
