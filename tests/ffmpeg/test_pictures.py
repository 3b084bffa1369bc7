"""Pictures as packets: each alone, keys when asked, rates kept, and decoded again by ffmpeg's own decoder."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from txt2vid.core.media import Pixels
from txt2vid.core.packets import PICTURE_CODECS
from txt2vid.ffmpeg.pictures import PictureEncoder

WIDTH, HEIGHT, FPS, TICKS = 128, 96, Fraction(25), 3600


def picture(number: int) -> Pixels:
    """A bright bar that moves, on noise that stays."""
    noise = np.random.default_rng(5).integers(60, 120, (HEIGHT * 3 // 2, WIDTH), np.uint8)
    noise[HEIGHT:] = 128
    noise[:HEIGHT, 4 * number % WIDTH : 4 * number % WIDTH + 16] = 230
    return noise


@pytest.mark.parametrize("codec", PICTURE_CODECS)
def test_each_picture_is_a_packet_that_can_be_decoded_at_once(codec: str) -> None:
    encoder = PictureEncoder(codec, WIDTH, HEIGHT, FPS, 2_000_000)
    decoder = av.CodecContext.create(codec, "r")
    keys = []
    for number in range(20):
        packet = encoder.encode(picture(number), TICKS * number, key=number == 7)
        assert (packet.codec, packet.time) == (codec, TICKS * number)
        if packet.key:
            keys.append(number)
        frames = decoder.decode(av.Packet(packet.data))  # type: ignore[attr-defined]
        assert len(frames) == 1
        shown = frames[0].to_ndarray()[:HEIGHT]
        error = np.mean((shown.astype(float) - picture(number)[:HEIGHT]) ** 2)
        assert 10 * np.log10(255**2 / error) > 30
    assert keys == [0, 7]


def test_h264_keys_bring_their_parameters_in_annex_b() -> None:
    encoder = PictureEncoder("h264", WIDTH, HEIGHT, FPS, 2_000_000)
    packets = [encoder.encode(picture(number), TICKS * number, key=number == 3) for number in range(5)]
    kinds = [{unit[0] & 31 for unit in packet.data.split(b"\0\0\1")[1:]} for packet in packets]
    assert [{7, 8, 5} <= found for found in kinds] == [True, False, False, True, False]
    assert kinds[1] == {1}


@pytest.mark.parametrize("codec", PICTURE_CODECS)
def test_the_rate_is_kept(codec: str) -> None:
    coarse = np.random.default_rng(1).integers(0, 255, (50, HEIGHT * 3 // 8, WIDTH // 4), np.uint8)
    noise = coarse.repeat(4, axis=1).repeat(4, axis=2)
    encoder = PictureEncoder(codec, WIDTH, HEIGHT, FPS, 300_000)
    sizes = [len(encoder.encode(each, TICKS * number).data) for number, each in enumerate(noise)]
    assert sum(sizes[25:]) * 8 < 1.3 * 300_000


def test_codecs_that_are_not_forwarded() -> None:
    with pytest.raises(ValueError, match="h264 or vp8"):
        PictureEncoder("av1", WIDTH, HEIGHT, FPS, 300_000)
