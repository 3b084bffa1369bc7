"""A face's bundle: small, the same each time, and what it holds is what the rig has."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from txt2vid.engines.mesh import MeshEngine
from txt2vid.engines.rig.pack import MAGIC, VERSION, Pack
from txt2vid.faces.face import Face


def opened(bundle: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    """Its head, arrays and pictures."""
    assert bundle[:4] == MAGIC
    (size,) = struct.unpack_from("<I", bundle, 4)
    head = json.loads(bundle[8 : 8 + size])
    arrays = bundle[8 + size : 8 + size + head["packed"]]
    return head, zlib.decompress(arrays), bundle[8 + size + head["packed"] :]


def array(part: dict[str, Any], arrays: bytes) -> Any:
    """An array as it went in."""
    count, size = int(np.prod(part["shape"])), part["size"]
    planes = np.frombuffer(arrays, np.uint8, count * size, part["at"]).reshape(size, count)
    whole = np.ascontiguousarray(planes.T).view("<u2" if size == 2 else np.uint8).reshape(part["shape"])
    summed = whole.cumsum(-1, dtype=whole.dtype).cumsum(-2, dtype=whole.dtype)
    return summed.view(np.int16) * part["unit"] if size == 2 else summed


def test_arrays_come_back_to_half_a_unit() -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(3, 5, 7)).astype(np.float32) * 40
    levels = random.integers(0, 256, (6, 4, 3), np.uint8)
    pack = Pack()
    parts = pack.array(values, 1 / 64), pack.levels(levels), pack.levels(levels[..., 0])
    _, arrays, _ = opened(pack.bytes({}))
    assert np.abs(array(parts[0], arrays) - values).max() <= 1 / 128 + 1e-5
    np.testing.assert_array_equal(array(parts[1], arrays).transpose(1, 2, 0), levels)
    np.testing.assert_array_equal(array(parts[2], arrays)[0], levels[..., 0])


def test_what_is_too_large_is_held() -> None:
    pack = Pack()
    part = pack.array(np.array([[1e9, -1e9]], np.float32), 1.0)
    assert array(part, opened(pack.bytes({}))[1]).tolist() == [[32767, -32768]]


def test_a_face_is_small_and_the_same_each_time(still: Face) -> None:
    engine = MeshEngine()
    prepared = engine.prepare(still)
    bundle = engine.bundle(prepared)
    assert bundle is not None
    assert len(bundle) < 600_000
    assert engine.bundle(prepared) == bundle
    head, arrays, pictures = opened(bundle)
    assert head["version"] == VERSION
    assert len(arrays) == head["unpacked"]
    assert head["head"]["size"] == list(still.size)
    assert len(head["eyes"]) == 2
    part = head["head"]["picture"]
    with Image.open(io.BytesIO(pictures[part["at"] : part["at"] + part["bytes"]])) as picture:
        seen = np.asarray(picture)[..., ::-1].astype(float)
    assert np.abs(seen - still.frames.pixels(0)).mean() < 3


@pytest.mark.slow
def test_a_video_has_none(video: Face) -> None:
    engine = MeshEngine()
    assert engine.bundle(engine.prepare(video)) is None
