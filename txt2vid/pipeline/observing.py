"""What the server and the processes that track faces tell each other (observers.py, observer.py). Light to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from txt2vid.core.landmarkwire import Settings
from txt2vid.core.packets import PicturePacket


@dataclass(frozen=True, slots=True)
class Watch:
    """A camera begins. annotated: pictures go back with the mesh drawn into them."""

    camera: int
    annotated: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of it. codec: "h264", "vp8", "jpeg" or "webp". captured: milliseconds of the camera's clock, or NaN.

    came: on time.monotonic(), which all processes share.
    """

    camera: int
    codec: str
    key: bool
    data: bytes
    captured: float
    came: float


@dataclass(frozen=True, slots=True)
class Tune:
    """Its sliders."""

    camera: int
    settings: Settings


@dataclass(frozen=True, slots=True)
class Want:
    """What its pictures go back as, none for not at all, in at most so many bit/s."""

    camera: int
    codecs: tuple[str, ...]
    bitrate: int


@dataclass(frozen=True, slots=True)
class Key:
    """Whoever gets its pictures back has lost one."""

    camera: int


@dataclass(frozen=True, slots=True)
class Leave:
    """It ends."""

    camera: int


@dataclass(frozen=True, slots=True)
class Pace:
    """So many pictures a second are expected of each camera."""

    fps: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen. message: as core.landmarkwire has it. picture: annotated. dropped: pictures left out, in all."""

    camera: int
    message: bytes
    faces: int
    dropped: int
    picture: PicturePacket | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A picture could not be decoded: nothing can be seen before the next key."""

    camera: int


@dataclass(frozen=True, slots=True)
class Unfit:
    """It cannot go on: why."""

    camera: int
    why: str


Request = Watch | Picture | Tune | Want | Key | Leave | Pace
Event = Looked | Lost | Unfit


def event_of(answer: Any) -> Event:
    """What came over a link. Raises TypeError where it is none."""
    if not isinstance(answer, Looked | Lost | Unfit):
        raise TypeError(f"not an event: {type(answer).__name__}")
    return answer
