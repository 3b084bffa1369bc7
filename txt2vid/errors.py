"""Everything that can go wrong, each family with its exit code.

::

    Txt2VidError                exit 1   (also: some jobs of a batch failed)
    ├── UsageError                   2   an option or argument makes no sense
    ├── MediaError                   3   an input cannot be read
    │   ├── PictureError
    │   ├── AudioError
    │   └── VideoError
    ├── FaceError                    4   no face was found, or not the one asked for
    ├── EngineError                  5   an engine cannot draw
    ├── SpeechError                  6   a voice (TTS) or an ear (STT) failed
    ├── OutputError                  7   the result cannot be written
    ├── DependencyError              8   a program or package is missing
    ├── FFmpegError                  9   ffmpeg failed for a reason of its own
    └── ServerError                 10   a server cannot be reached, or refuses
    Ctrl-C                         130   as shells have it

A message is one line: what was wrong with what, then, after a colon or a full stop, what to type next. The command
line alone turns these into text on stderr (`txt2vid.cli.main`).
"""


class Txt2VidError(Exception):
    """Base of all errors that a user can do something about."""

    exit_code = 1


class UsageError(Txt2VidError):
    """An option or argument makes no sense."""

    exit_code = 2


class MediaError(Txt2VidError):
    """An input cannot be read."""

    exit_code = 3


class PictureError(MediaError):
    """A picture cannot be read, or is too large to be one."""


class AudioError(MediaError):
    """A sound file cannot be read, or holds no sound."""


class VideoError(MediaError):
    """A video cannot be read, or holds no picture."""


class FaceError(Txt2VidError):
    """No face was found, or not the one that was asked for."""

    exit_code = 4


class EngineError(Txt2VidError):
    """An engine cannot draw."""

    exit_code = 5


class SpeechError(Txt2VidError):
    """A voice (TTS) or an ear (STT) failed."""

    exit_code = 6


class OutputError(Txt2VidError):
    """The result cannot be written."""

    exit_code = 7


class DependencyError(Txt2VidError):
    """A program or a package is missing."""

    exit_code = 8


class FFmpegError(Txt2VidError):
    """ffmpeg failed for a reason of its own; the tail of its stderr is in the message."""

    exit_code = 9


class ServerError(Txt2VidError):
    """A server cannot be reached, or refuses."""

    exit_code = 10


def error_of(exit_code: int, message: str) -> Txt2VidError:
    """The error of another process: of the family with that exit code."""
    families: list[type[Txt2VidError]] = [Txt2VidError, *Txt2VidError.__subclasses__()]
    for family in families:
        if family.exit_code == exit_code:
            return family(message)
    return Txt2VidError(message)
