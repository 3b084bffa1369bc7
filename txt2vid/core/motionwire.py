"""Motion on the wire: what a person's face does at one frame, in some forty bytes (docs/protocol.md has the layout).

Coefficients that are 0 are not sent: a mask says which are there. Everything that comes from the wire is checked here.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np

from txt2vid.core.checks import WireError
from txt2vid.core.motion import BLENDSHAPES, Motion

MOTION = 2  # the kind of binary message that is motion
_HEAD = struct.Struct(">BBI8hQ")  # kind, presence, milliseconds, rotation, translation, gaze, mask
HEAD_BYTES = _HEAD.size
MOTION_BYTES = HEAD_BYTES + len(BLENDSHAPES)  # at most
TIMES = 1 << 32  # milliseconds are counted modulo this: 49 days
FULL = 32767
TURN = math.pi  # radians that FULL is
SHIFT = 4.0  # face widths that FULL is


@dataclass(frozen=True, slots=True)
class Seen:
    """What a camera saw. time: milliseconds since its sender began, modulo TIMES. presence: 0 to 1, of a face."""

    time: int
    motion: Motion
    presence: float = 1.0


def is_motion(data: bytes) -> bool:
    """Whether a binary message is motion."""
    return data[:1] == bytes([MOTION])


def encode_motion(seen: Seen) -> bytes:
    """The message. Coefficients are told in 255ths, turns in hundredths of a degree; what is beyond is cut."""
    motion = seen.motion
    coefficients = np.rint(np.clip(motion.blendshapes, 0, 1) * 255).astype(np.uint8)
    there = np.flatnonzero(coefficients)
    mask = sum(1 << int(index) for index in there)
    scaled = np.concatenate([motion.rotation / TURN, motion.translation / SHIFT, motion.gaze])
    numbers = np.rint(np.clip(scaled, -1, 1) * FULL).astype(int).tolist()
    presence = round(255 * min(1.0, max(0.0, seen.presence)))
    values: bytes = coefficients[there].tobytes()
    return _HEAD.pack(MOTION, presence, seen.time % TIMES, *numbers, mask) + values


def decode_motion(data: bytes) -> Seen:
    """What was sent. Raises WireError where it makes no sense."""
    if len(data) < HEAD_BYTES:
        raise WireError(f"a motion of {len(data)} bytes is too short: its head alone has {HEAD_BYTES}")
    kind, presence, time, *numbers, mask = _HEAD.unpack_from(data)
    if kind != MOTION:
        raise WireError(f"binary messages of kind {kind} are no motion")
    if mask >> len(BLENDSHAPES):
        raise WireError(f"a motion has {len(BLENDSHAPES)} coefficients, no more")
    there = [index for index in range(len(BLENDSHAPES)) if mask >> index & 1]
    if len(data) != HEAD_BYTES + len(there):
        raise WireError(f"a motion of {len(there)} coefficients has {HEAD_BYTES + len(there)} bytes, not {len(data)}")
    coefficients = np.zeros(len(BLENDSHAPES), np.float32)
    coefficients[there] = np.frombuffer(data, np.uint8, offset=HEAD_BYTES) / np.float32(255)
    scaled = np.array(numbers, np.float32) / np.float32(FULL)
    motion = Motion(
        coefficients, scaled[:3] * np.float32(TURN), scaled[3:6] * np.float32(SHIFT), scaled[6:].clip(-1, 1)
    )
    return Seen(time, motion, presence / 255)
