"""Finding ffmpeg and ffprobe; starting, watching and stopping them. Nothing here knows what they are asked to do."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from txt2vid.errors import DependencyError, FFmpegError
from txt2vid.interrupts import apart

TAIL_LINES = 12  # of a program's stderr that are kept: an error with its causes; a broken file may cause millions
LINE_BYTES = 1000  # of such a line
MESSAGE_CHARS = 300  # of an exception's message that quotes ffmpeg
SHOWN_CHARS = 300  # of one argument in the debug log
PIPE_BYTES = 1 << 20  # Linux's default limit for one pipe: a 512x512 frame then passes in one turn instead of twelve
STOP_SECONDS = 5  # that a killed program may take to vanish

_log = logging.getLogger(__name__)

Listings = dict[tuple[str, str], str]
"""What ffmpeg prints of itself, by its path and the option."""

_listings: Listings = {}
_PREFIX = re.compile(r"^\[[^\]]* @ 0x[0-9a-f]+\] ")


def find(name: str) -> str:
    """The path of "ffmpeg" or "ffprobe". Raises DependencyError where it is not installed."""
    path = shutil.which(name)
    if path is None:
        raise DependencyError(f"{name} is not installed: sudo apt install ffmpeg, or brew install ffmpeg")
    return path


def version() -> str:
    """The version of ffmpeg, as "5.1.9-0+deb12u1". Raises DependencyError where it is not installed."""
    words = listing("-version").split()
    return words[2] if len(words) > 2 else "unknown"


def encoders() -> frozenset[str]:
    """The names of the encoders that ffmpeg has, as "libx264". Raises DependencyError where it is not installed."""
    table = listing("-encoders").partition(" ------")[2]
    return frozenset(row.split()[1] for row in table.splitlines() if len(row.split()) > 1)


def listing(option: str) -> str:
    """What `ffmpeg -version`, `-demuxers`, `-devices`, `-filters` or the like prints; asked once a process."""
    key = find("ffmpeg"), option
    if key not in _listings:
        _listings[key] = _listing(*key)
    return _listings[key]


def listings() -> Listings:
    """What ffmpeg has told of itself so far, for a process that is started from here: `believe` it there."""
    return dict(_listings)


def believe(told: Listings) -> None:
    """Takes over what another process of this machine was told: each `listing` is a process, and 100 ms."""
    _listings.update(told)


def _listing(program: str, option: str) -> str:
    code, out, err = capture([program, "-hide_banner", option], timeout=30)
    if code != 0:
        raise FFmpegError(f"{program} {option} fails: {last_words(err)}. Install ffmpeg again")
    return out


def capture(command: Sequence[str], timeout: float) -> tuple[int, str, str]:
    """Run a program to its end: its exit status, stdout and stderr. Raises FFmpegError after `timeout` seconds."""
    launch = _Launch(command, stdout=subprocess.PIPE)
    try:
        process = apart(launch.start)
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as late:
        raise FFmpegError(f"{command[0]} gave no answer within {timeout:g} s and was stopped") from late
    finally:
        launch.kill()
        launch.close()
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")


def _shown(command: Sequence[str]) -> str:
    """The command for a log, without the far ends of long arguments (the list of demuxers is one)."""
    return shlex.join(word if len(word) <= SHOWN_CHARS else f"{word[:SHOWN_CHARS]}…" for word in command)


def _environment() -> dict[str, str]:
    """Ours, without the variable that makes ffmpeg write a log file into the current folder."""
    return {name: value for name, value in os.environ.items() if name != "FFREPORT"}


def last_words(stderr: str) -> str:
    """The last lines of a program's stderr as one line of bounded length, without ffmpeg's object addresses."""
    lines = [_PREFIX.sub("", line).strip() for line in stderr.splitlines()]
    words = "; ".join(dict.fromkeys(line for line in lines[-3:] if line)) or "it said nothing"
    return words if len(words) <= MESSAGE_CHARS else "…" + words[-MESSAGE_CHARS:]


class _Launch:
    """One program, in a session of its own: a terminal's Ctrl-C reaches only us.

    Call `start` apart, lest an interrupt comes when it runs already and nobody has its number yet; and then, however
    that ended, `kill` and `close`.
    """

    def __init__(self, command: Sequence[str], *, stdout: int, pass_fds: Sequence[int] = ()) -> None:
        self._command, self._stdout, self._pass_fds = command, stdout, pass_fds
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """The running program. Raises OSError where the system cannot start it."""
        _log.debug("run %s", _shown(self._command))
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=subprocess.PIPE,
            pass_fds=self._pass_fds,
            start_new_session=True,
            env=_environment(),
        )
        return self._process

    def kill(self) -> None:
        """End it at once. Twice is safe."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):  # dying, as all that is killed
                self._process.wait(STOP_SECONDS)

    def close(self) -> None:
        """Close our ends of its pipes."""
        if self._process is not None:
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()


class Child:
    """One run of ffmpeg, its stderr's tail kept. Call `start` apart, and then, however that ended, `stop`.

    stdout: whether its stdout is read through `read`. pass_fds: file descriptors that it inherits.
    """

    def __init__(self, command: Sequence[str], *, stdout: bool = False, pass_fds: Sequence[int] = ()) -> None:
        self._launch = _Launch(command, stdout=subprocess.PIPE if stdout else subprocess.DEVNULL, pass_fds=pass_fds)
        self._process: subprocess.Popen[bytes] | None = None
        self._tail: deque[bytes] = deque(maxlen=TAIL_LINES)
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Start it. Raises OSError where the system cannot."""
        self._process = self._launch.start()
        self._watcher = threading.Thread(target=self._watch, name="ffmpeg-stderr", daemon=True)
        self._watcher.start()
        if self._process.stdout is not None:
            widen(self._process.stdout.fileno())

    def read(self, size: int) -> bytes:
        """The next `size` bytes of stdout; fewer only at its end."""
        out = self._process.stdout if self._process else None
        return b"" if out is None else out.read(size)

    @property
    def stderr(self) -> str:
        """The last lines that it wrote to stderr; all there are once it has ended."""
        if self.poll() is not None:
            self._join_watcher()
        return b"\n".join(self._tail).decode(errors="replace")

    def poll(self) -> int | None:
        """The exit status (negative: the signal that killed it), None while it runs."""
        return self._process.poll() if self._process else None

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit status, None where it still runs after `timeout` seconds."""
        try:
            return self._process.wait(timeout) if self._process else None
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """Kill it where it runs still, and leave nothing of it behind. Stopping twice is safe."""
        self._launch.kill()
        self._join_watcher()
        self._launch.close()

    def _join_watcher(self) -> None:
        if self._watcher is not None:
            with suppress(RuntimeError):  # not started, or not quite, because an interrupt came
                self._watcher.join(STOP_SECONDS)

    def _watch(self) -> None:
        pipe = self._process.stderr if self._process else None
        with suppress(ValueError):  # closed under our hands by `stop`
            while pipe is not None and (line := pipe.readline(LINE_BYTES)):
                self._tail.append(line.rstrip())


def widen(pipe: int) -> None:
    """Make room for PIPE_BYTES in a pipe where the system lets us (Linux); elsewhere it stays as it is."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        try:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:  # over this user's total of pipe memory: smaller works as well
            _log.debug("pipe %d keeps its size", pipe)


def how_it_ended(code: int) -> str:
    """An exit status in words: "exit status 1", "killed by SIGKILL"."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
