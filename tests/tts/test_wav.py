"""WAV that comes in pieces of any size."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tts.sounds import chunk, resembles_wav, tone, wav, wav_of
from txt2vid.core.media import Samples
from txt2vid.errors import SpeechError
from txt2vid.tts.wav import MAX_CHUNK, Mark, WavStream

TONE = tone(0.2, 16_000)


def read(data: bytes, step: int = 1 << 20) -> tuple[Samples, WavStream]:
    stream = WavStream("it")
    parts = [stream.push(data[at : at + step]) for at in range(0, len(data), step)]
    stream.end()
    return np.concatenate(parts), stream


@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 20])
def test_the_pieces_size_does_not_matter(step: int) -> None:
    samples, stream = read(wav(TONE, 16_000), step)
    assert stream.rate == 16_000
    np.testing.assert_allclose(samples, TONE, atol=1e-4)


@pytest.mark.parametrize(
    ("code", "bits", "data"),
    [
        (1, 8, (TONE * 127 + 128).astype(np.uint8).tobytes()),
        (1, 24, b"".join(struct.pack("<i", int(x * 8_388_607))[:3] for x in TONE)),
        (1, 32, (TONE.astype(float) * (2**31 - 1)).astype("<i4").tobytes()),
        (3, 32, TONE.astype("<f4").tobytes()),
        (3, 64, TONE.astype("<f8").tobytes()),
    ],
)
def test_every_format_in_use(code: int, bits: int, data: bytes) -> None:
    samples, _ = read(wav_of(code, bits, data), 999)
    np.testing.assert_allclose(samples, TONE, atol=0.02)


def test_channels_are_mixed() -> None:
    samples, _ = read(wav(TONE, 16_000, channels=2))
    np.testing.assert_allclose(samples, TONE, atol=1e-4)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_length_that_nobody_knew_is_all_that_comes(size: int) -> None:
    samples, _ = read(wav_of(1, 16, (TONE * 32767).astype("<i2").tobytes(), size=size))
    assert len(samples) == len(TONE)


def test_what_follows_the_sound_is_not_heard() -> None:
    samples, _ = read(wav(TONE, 16_000) + chunk(b"LIST", b"INFOabcdefgh"), 13)
    assert len(samples) == len(TONE)


def test_timestamps_of_resemble_are_told() -> None:
    data = resembles_wav(TONE, 16_000, [("h", 0.1, 0.2), ("ˈe", 0.15, 0.3)])
    samples, stream = read(data, 50)
    assert len(samples) == len(TONE)
    assert stream.marks == [
        Mark("grph", "H", 0, 1600),
        Mark("phon", "h", 1600, 3200),
        Mark("phon", "ˈe", 2400, 4800),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it sent no sound"),
        (b"RIFF", "it sent no sound"),
        (b"<html>Not found</html>", r"no WAV file \('<html>Not found</html>'…\)"),
        (b'{"error": "no"}', "no WAV file"),
        (b"ID3\x04" + bytes(100), "no WAV file"),
        (wav(TONE, 16_000)[:-1000], "only a part of its sound"),
        (wav(TONE, 16_000)[:40], "it sent no sound"),
        (b"RIFF\0\0\0\0WAVE" + chunk(b"data", b"abcd"), "no format before its sound"),
        (b"RIFF\0\0\0\0WAVE" + chunk(b"fmt ", b"ab"), "too short"),
        (b"RIFF\0\0\0\0WAVE" + chunk(b"junk", b"", MAX_CHUNK + 1), "a broken WAV file"),
        (wav_of(6, 8, b"abcd"), "of a kind that is not read"),
        (wav_of(1, 16, b"abcd", rate=1), "of a kind that is not read"),
        (wav_of(1, 16, b"abcd", channels=0), "of a kind that is not read"),
    ],
)
def test_what_is_no_sound_is_an_error_of_one_line(data: bytes, message: str) -> None:
    with pytest.raises(SpeechError, match=message) as raised:
        read(data)
    assert "\n" not in str(raised.value)


@given(st.binary(max_size=300), st.integers(1, 50))
def test_garbage_breaks_nothing(data: bytes, step: int) -> None:
    for begin in (b"", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVE" + chunk(b"cue ", b"\xff" * 30)):
        with contextlib.suppress(SpeechError):
            read(begin + data, step)
