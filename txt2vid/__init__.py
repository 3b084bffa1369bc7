"""txt2vid: a talking face from a voice or a text, live.

::

    import txt2vid

    face = txt2vid.Face.open("hero.png")
    txt2vid.render(face, text="Hello!", output="hello.mp4")
    with txt2vid.Session(face) as session:
        session.say("Hello!")
        for frame in session:
            frame.pixels, frame.samples

`docs/python.md` has all of it. Importing this package loads nothing else: what needs numpy and more is loaded by the
first use of one of its names.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from txt2vid.errors import (
    AudioError,
    DependencyError,
    EngineError,
    FaceError,
    FFmpegError,
    MediaError,
    OutputError,
    PictureError,
    ServerError,
    SpeechError,
    Txt2VidError,
    UsageError,
    VideoError,
)

if TYPE_CHECKING:
    from txt2vid.api import EXPRESSIONS, Face, Frame, Rendered, Session, render

__version__ = "0.1.0"

__all__ = [
    "EXPRESSIONS",
    "AudioError",
    "DependencyError",
    "EngineError",
    "FFmpegError",
    "Face",
    "FaceError",
    "Frame",
    "MediaError",
    "OutputError",
    "PictureError",
    "Rendered",
    "ServerError",
    "Session",
    "SpeechError",
    "Txt2VidError",
    "UsageError",
    "VideoError",
    "__version__",
    "render",
]

_LATER = frozenset({"EXPRESSIONS", "Face", "Frame", "Rendered", "Session", "render"})


def __getattr__(name: str) -> Any:
    """The names of `txt2vid.api`, which is loaded by the first of them."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module("txt2vid.api"), name)
    except ModuleNotFoundError as err:  # a machine that only sends and plays has no faces
        raise DependencyError(f"txt2vid.{name} needs {err.name}: pip install 'txt2vid[serve]'") from err


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
