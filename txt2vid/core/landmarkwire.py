"""Messages of the mesh page: landmarks as bytes one way, settings as JSON the other. docs/mesh-page.md has the layout.

A message may be lost, and may come after a later one: each says all that there is to say.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.checks import WireError

VERSION = 1
POINTS = 478
MAX_FACES = 8  # of one picture: 24 kB a message
MAX_SETTINGS = 512  # bytes of the JSON
SUBPROTOCOL = "txt2vid.mesh.v1"

_HEAD = struct.Struct("<BBBBIdHHHH")  # 24 bytes
_FACE = struct.Struct("<HH")
FACE_BYTES = _FACE.size + 6 * POINTS
_REACH = 3.0  # frame widths (heights) that x (y) covers, from -1 to 2: faces are cut by the frame's edge
_STEPS = 65535
_DEEP = 32767  # of z: one frame width towards the viewer or away

_PICTURE = struct.Struct("<BBHd")  # of the fallback's pictures: 12 bytes
JPEG, WEBP = 0, 1
_FIELDS = {"settings", "faces", "detection", "tracking", "mirror"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the page's sliders say. serial: 0 to 255, told back with each picture that they were used for.

    faces: 1 to MAX_FACES. detection, tracking: least confidences, 0 to 1. mirror: of pictures that go back.
    """

    serial: int = 0
    faces: int = 1
    detection: float = 0.5
    tracking: float = 0.5
    mirror: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One face. number: the same while it is followed. points: (478, 3); x, z in frame widths, y in frame heights."""

    number: int
    confidence: float
    points: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """What was seen in one picture.

    frame: its number, which rises. captured: milliseconds of the peer's own clock, NaN where they are not known.
    width, height: of the picture that was looked at. spent: milliseconds from its arrival to this message.
    dropped: pictures that were left out so far, of 65536. fps: pictures a second that the server has time for.
    """

    frame: int
    width: int
    height: int
    faces: Sequence[Seen] = field(default_factory=tuple)
    captured: float = math.nan
    spent: float = 0.0
    dropped: int = 0
    fps: int = 0
    serial: int = 0


def encode(seen: Landmarks) -> bytes:
    """The message."""
    spent = min(_STEPS, max(0, round(10 * seen.spent)))
    head = _HEAD.pack(
        VERSION,
        seen.serial & 255,
        len(seen.faces),
        min(255, seen.fps),
        seen.frame & 0xFFFFFFFF,
        seen.captured,
        seen.width,
        seen.height,
        spent,
        seen.dropped & 0xFFFF,
    )
    return head + b"".join(_face(face) for face in seen.faces)


def decode(data: bytes) -> Landmarks:
    """What it says. Raises WireError."""
    if len(data) < _HEAD.size or data[0] != VERSION:
        raise WireError(f"this is no message of version {VERSION}: see docs/mesh-page.md")
    _, serial, count, fps, frame, captured, width, height, spent, dropped = _HEAD.unpack_from(data)
    if len(data) != _HEAD.size + count * FACE_BYTES:
        raise WireError(f"{count} faces have {_HEAD.size + count * FACE_BYTES} bytes, not {len(data)}")
    faces = tuple(_seen(data, _HEAD.size + i * FACE_BYTES) for i in range(count))
    return Landmarks(frame, width, height, faces, captured, spent / 10, dropped, fps, serial)


def decode_settings(text: str | bytes) -> Settings:
    """What the sliders say. Raises WireError."""
    if len(text) > MAX_SETTINGS:
        raise WireError(f"settings have at most {MAX_SETTINGS} bytes")
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise WireError("settings are one JSON object") from err
    if not isinstance(said, dict) or not set(said) <= _FIELDS:
        raise WireError(f"settings are one JSON object with {', '.join(sorted(_FIELDS))}")
    serial, faces = said.get("settings", 0), said.get("faces", 1)
    if type(serial) is not int or not 0 <= serial <= 255:
        raise WireError("settings has a number from 0 to 255")
    if type(faces) is not int or not 1 <= faces <= MAX_FACES:
        raise WireError(f"faces is a number from 1 to {MAX_FACES}")
    mirror = said.get("mirror", False)
    if type(mirror) is not bool:
        raise WireError("mirror is true or false")
    return Settings(serial, faces, _share(said, "detection"), _share(said, "tracking"), mirror)


def encode_picture(data: bytes, captured: float, kind: int = JPEG) -> bytes:
    """A picture of the fallback. captured: milliseconds of the sender's clock."""
    return _PICTURE.pack(VERSION, kind, 0, captured) + data


def decode_picture(message: bytes) -> tuple[int, float, bytes]:
    """Its kind, when it was captured, and the file. Raises WireError."""
    if len(message) <= _PICTURE.size or message[0] != VERSION or message[1] not in (JPEG, WEBP):
        raise WireError(f"this is no picture of version {VERSION}: see docs/mesh-page.md")
    _, kind, _, captured = _PICTURE.unpack_from(message)
    return kind, captured, message[_PICTURE.size :]


def _share(said: dict[str, Any], name: str) -> float:
    value = said.get(name, 0.5)
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise WireError(f"{name} is a number from 0 to 1")
    return float(value)


def _face(face: Seen) -> bytes:
    at = np.clip((face.points[:, :2].T + 1) * (_STEPS / _REACH), 0, _STEPS).round().astype("<u2")
    deep = np.clip(face.points[:, 2] * _DEEP, -_DEEP, _DEEP).round().astype("<i2")
    confidence = round(min(1.0, max(0.0, face.confidence)) * _STEPS)
    return _FACE.pack(face.number & 0xFFFF, confidence) + at.tobytes() + deep.tobytes()


def _seen(data: bytes, begin: int) -> Seen:
    number, confidence = _FACE.unpack_from(data, begin)
    at = np.frombuffer(data, "<u2", 2 * POINTS, begin + _FACE.size).reshape(2, POINTS).T * (_REACH / _STEPS) - 1
    deep = np.frombuffer(data, "<i2", POINTS, begin + _FACE.size + 4 * POINTS) / _DEEP
    return Seen(number, confidence / _STEPS, np.column_stack([at, deep]).astype(np.float32))
