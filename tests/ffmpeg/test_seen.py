"""Pictures of cameras, decoded: small and large ones, and what is none."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image

from txt2vid.core.media import Pixels
from txt2vid.errors import MediaError
from txt2vid.ffmpeg.pictures import PictureEncoder
from txt2vid.ffmpeg.seen import PictureDecoder, TooLargeError, fitted, still


def ramp(width: int, height: int) -> Pixels:
    across = np.linspace(0, 255, width).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(across[None, :, None], (height, width, 3)))


def packet(pixels: Pixels, codec: str) -> bytes:
    height, width = pixels.shape[:2]
    encoder = PictureEncoder(codec, width, height, Fraction(15), 4_000_000)
    return encoder.encode(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_I420), np.uint8), 0).data


@pytest.mark.parametrize("codec", ["h264", "vp8"])
@pytest.mark.parametrize("size", [(320, 240), (1280, 720)])
def test_video(codec: str, size: tuple[int, int]) -> None:
    decoder = PictureDecoder(codec, 640)
    frame = decoder.decode(packet(ramp(*size), codec))
    assert frame is not None, "at once, without the next"
    pixels = decoder.pixels(frame)
    width, height = fitted(*size, 640)
    assert pixels.shape == (height, width, 3)
    assert np.abs(pixels.astype(int) - ramp(width, height)).mean() < 4


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_no_video(codec: str) -> None:
    for data in (b"\0", b"\0\0\0\1\x65" + bytes(50), b"\x10\0\0" + b"junk" * 20, bytes(1000)):
        decoder = PictureDecoder(codec, 640)
        try:
            frame = decoder.decode(data)
        except MediaError as err:
            assert "send a key" in str(err)  # noqa: PT017 - some of it is silently nothing
        else:
            assert frame is None or frame.width > 0


def test_too_much_video() -> None:
    with pytest.raises(TooLargeError, match="2560x1440 are too large: send at most"):
        PictureDecoder("h264", 640).decode(packet(ramp(2560, 1440), "h264"))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_stills(kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(ramp(1000, 500)).save(file, kind, quality=90)
    pixels = still(file.getvalue(), 640)
    assert pixels.shape == (320, 640, 3)
    assert np.abs(pixels.astype(int) - ramp(640, 320)).mean() < 4


def test_no_stills() -> None:
    png = io.BytesIO()
    Image.fromarray(ramp(10, 10)).save(png, "PNG")
    jpeg = io.BytesIO()
    Image.fromarray(ramp(64, 64)).save(jpeg, "JPEG")
    for data in (b"", b"junk", png.getvalue(), jpeg.getvalue()[:20]):
        with pytest.raises(MediaError, match="JPEG"):
            still(data, 640)


@pytest.mark.parametrize("side", [8_000, 16_000])
def test_a_bomb_is_told_by_its_head(side: int) -> None:
    """Nothing of it is decoded: it says that it is large, and holds no picture at all."""
    head = b"\x2f" + struct.pack("<I", side - 1 | (side - 1) << 14) + zlib.compress(b"")
    body = b"WEBPVP8L" + struct.pack("<I", len(head)) + head + bytes(len(head) % 2)
    with pytest.raises(TooLargeError):
        still(b"RIFF" + struct.pack("<I", len(body)) + body, 640)


def test_sizes() -> None:
    assert fitted(640, 480, 640) == (640, 480)
    assert fitted(480, 640, 640) == (480, 640)
    assert fitted(1920, 1080, 640) == (640, 360)
    assert fitted(3, 1, 640) == (4, 2)
    assert fitted(10_000, 2, 640) == (640, 2)
