"""Messages of the mesh page: there and back, and what makes no sense."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from txt2vid.core import landmarkwire
from txt2vid.core.checks import WireError
from txt2vid.core.landmarkwire import Landmarks, Seen, Settings


def face(number: int, seed: int) -> Seen:
    points = np.random.default_rng(seed).uniform((-0.9, -0.9, -0.9), (1.9, 1.9, 0.9), (478, 3)).astype(np.float32)
    return Seen(number, 0.75, points)


def test_there_and_back() -> None:
    sent = Landmarks(7, 640, 480, (face(0, 1), face(3, 2)), 1.7e12 + 0.25, 12.34, 5, 30, 200)
    got = landmarkwire.decode(landmarkwire.encode(sent))
    assert (got.frame, got.width, got.height, got.captured) == (7, 640, 480, sent.captured)
    assert (got.dropped, got.fps, got.serial) == (5, 30, 200)
    assert got.spent == pytest.approx(12.34, abs=0.06)
    assert [each.number for each in got.faces] == [0, 3]
    for one, other in zip(got.faces, sent.faces, strict=True):
        assert np.abs(one.points - other.points)[:, :2].max() * 640 < 0.02, "a fiftieth of a pixel"
        assert np.abs(one.points - other.points)[:, 2].max() * 640 < 0.02
        assert one.confidence == pytest.approx(0.75, abs=1e-4)


def test_what_is_out_of_range_is_cut_off_and_not_wrapped() -> None:
    points = np.full((478, 3), 9, np.float32)
    points[1] = -9
    got = landmarkwire.decode(landmarkwire.encode(Landmarks(1, 2, 2, (Seen(1, 7.0, points),), spent=1e9)))
    assert got.faces[0].points[0] == pytest.approx([2, 2, 1])
    assert got.faces[0].points[1] == pytest.approx([-1, -1, -1])
    assert (got.faces[0].confidence, got.spent) == (1, 6553.5)
    assert math.isnan(got.captured)


def test_a_message_has_the_documented_size() -> None:
    assert len(landmarkwire.encode(Landmarks(1, 640, 480))) == 24
    assert len(landmarkwire.encode(Landmarks(1, 640, 480, (face(1, 1),)))) == 24 + 2872


@pytest.mark.parametrize("data", [b"", b"\1", b"\2" + bytes(23), b"\1\0\1" + bytes(21), bytes(3000)])
def test_no_landmarks(data: bytes) -> None:
    with pytest.raises(WireError):
        landmarkwire.decode(data)


def test_settings() -> None:
    said = {"settings": 3, "faces": 2, "detection": 0.25, "tracking": 1, "mirror": True}
    assert landmarkwire.decode_settings(json.dumps(said)) == Settings(3, 2, 0.25, 1.0, True)
    assert landmarkwire.decode_settings("{}") == Settings()


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "7", "{", "[" * 500,
        '{"faces": 0}', '{"faces": 9}', '{"faces": 1.5}', '{"faces": true}', '{"faces": "1"}',
        '{"detection": -0.1}', '{"tracking": 1.1}', '{"tracking": NaN}', '{"tracking": null}', '{"settings": 256}',
        '{"else": 1}', '{"mirror": 1}', '{"faces": 1' + " " * 600 + "}", b"\xff",
    ],
)  # fmt: skip
def test_no_settings(text: str | bytes) -> None:
    with pytest.raises(WireError):
        landmarkwire.decode_settings(text)


def test_pictures() -> None:
    message = landmarkwire.encode_picture(b"file", 12.5, landmarkwire.WEBP)
    assert landmarkwire.decode_picture(message) == (landmarkwire.WEBP, 12.5, b"file")
    for broken in (b"", message[:12], b"\2" + message[1:], message[:1] + b"\7" + message[2:]):
        with pytest.raises(WireError):
            landmarkwire.decode_picture(broken)
