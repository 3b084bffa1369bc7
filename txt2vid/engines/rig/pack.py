"""A rig as bytes: what a browser needs to draw the face itself (docs/mesh-wire.md has the layout).

A head of JSON says what there is and where; arrays follow, deflated all at once, then the pictures as JPEG. Arrays are
integers, each the difference of its neighbours above, to the left, and above to the left (as PNG's filters do), which
leaves almost nothing of smooth fields.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from txt2vid.core.media import Pixels
from txt2vid.faces.geometry import Array

MAGIC = b"T2VF"
VERSION = 1
QUALITY = 95  # of JPEG, without chroma subsampling: a lip's edge is red on pink
LEVEL = 6  # of deflate; 9 takes three times as long for a hundredth

Part = dict[str, Any]


class Pack:
    """Takes arrays and pictures, each for a word of JSON by which the head names it; `bytes` gives the whole."""

    def __init__(self) -> None:
        self._arrays = bytearray()
        self._pictures = bytearray()

    def array(self, values: Array, unit: float) -> Part:
        """An array of at least 2 axes, kept as multiples of `unit` in 16 bits; what is past them is held there."""
        steps = np.clip(np.rint(values / np.float32(unit)), -32768, 32767).astype(np.int16)
        return {**self._add(steps.view(np.uint16), steps.shape), "unit": unit}

    def levels(self, values: Pixels) -> Part:
        """Levels of 0 to 255, (rows, columns) or (rows, columns, channels); they come back channel by channel."""
        planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
        return self._add(np.ascontiguousarray(planes), planes.shape)

    def picture(self, pixels: Pixels) -> Part:
        """A BGR picture, as JPEG."""
        written = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(
            written, "JPEG", quality=QUALITY, subsampling=0, optimize=True
        )
        part = {"at": len(self._pictures), "bytes": written.tell()}
        self._pictures += written.getvalue()
        return part

    def bytes(self, head: dict[str, Any]) -> bytes:
        """The file; `head` goes into its JSON."""
        arrays = zlib.compress(bytes(self._arrays), LEVEL)
        about = {"version": VERSION, "packed": len(arrays), "unpacked": len(self._arrays), **head}
        text = json.dumps(about, separators=(",", ":")).encode()
        return MAGIC + struct.pack("<I", len(text)) + text + arrays + self._pictures

    def _add(self, values: NDArray[np.uint8] | NDArray[np.uint16], shape: tuple[int, ...]) -> Part:
        for axis in (-1, -2):
            values = np.diff(values, axis=axis, prepend=values.dtype.type(0))
        part = {"at": len(self._arrays), "shape": list(shape), "size": values.itemsize}
        flat = values.astype(values.dtype.newbyteorder("<")).reshape(-1)
        self._arrays += flat.view(np.uint8).reshape(-1, values.itemsize).T.tobytes()  # low bytes first, then high ones
        return part
