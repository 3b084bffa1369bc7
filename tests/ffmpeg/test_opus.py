from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from txt2vid.core.media import LISTENING_RATE
from txt2vid.errors import AudioError
from txt2vid.ffmpeg.opus import PACKET, OpusDecoder, OpusEncoder, OpusPacket

Sound = NDArray[np.float32]


def noise(seconds: float, seed: int = 0) -> Sound:
    """Low-passed noise: it has one sharp peak when it is correlated with itself."""
    rng = np.random.default_rng(seed)
    sound = np.convolve(rng.standard_normal(round(seconds * LISTENING_RATE)), np.ones(24) / 24, "same")
    return np.asarray(sound / np.abs(sound).max() * 0.7, np.float32)


def encode(sound: Sound, encoder: OpusEncoder, cuts: list[int]) -> list[OpusPacket]:
    packets = [packet for part in np.split(sound, cuts) for packet in encoder.push(part)]
    return packets + encoder.flush()


def decode(packets: list[OpusPacket], length: int) -> Sound:
    """The sound at its positions."""
    decoder, out = OpusDecoder(), np.zeros(length + 2 * PACKET, np.float32)
    for position, data in packets:
        sound = decoder.decode(data)
        out[position : position + len(sound)] = sound
    return out[:length]


def offset(sent: Sound, heard: Sound) -> int:
    """Samples by which `heard` comes later."""
    size = 2 * len(sent)
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sent, size)))
    best = int(product.argmax())
    return best if best < len(sent) else best - size


@pytest.mark.parametrize("application", ["voip", "audio", "lowdelay"])
@pytest.mark.parametrize("start", [0, 12_345])
def test_decoded_sound_is_where_its_position_says(application: str, start: int) -> None:
    sound = noise(2)
    packets = encode(sound, OpusEncoder(32_000, application, position=start), [1, 700, 5000, 5001, 60_000])
    assert [packet.position for packet in packets] == [start + i * PACKET for i in range(len(packets))]
    assert len(packets) == len(sound) // PACKET
    heard = decode([OpusPacket(at - start, data) for at, data in packets], len(sound))
    assert abs(offset(sound, heard)) <= LISTENING_RATE // 1000
    assert np.corrcoef(sound, heard)[0, 1] > 0.7


def test_the_last_sample_is_in_a_packet() -> None:
    sound = np.zeros(10 * PACKET + 1, np.float32)
    sound[-300:] = noise(1)[:300]
    packets = encode(sound, OpusEncoder(64_000, "audio"), [])
    assert len(packets) == 11
    heard = decode(packets, 11 * PACKET)
    assert np.abs(heard[10 * PACKET - 300 : 10 * PACKET]).max() > 0.1


def test_nothing_makes_no_packets() -> None:
    assert OpusEncoder().flush() == []


@given(st.lists(st.integers(0, 3000), max_size=8))
@settings(max_examples=25, deadline=None)
def test_any_lengths_make_the_same_packets(lengths: list[int]) -> None:
    sound = noise(0.5)
    cuts = np.minimum(np.cumsum(lengths, dtype=int), len(sound)).tolist()
    assert encode(sound, OpusEncoder(), cuts) == encode(sound, OpusEncoder(), [])


def test_what_is_no_number_is_silence() -> None:
    sound = np.full(4 * PACKET, np.nan, np.float32)
    sound[PACKET : 2 * PACKET] = np.inf
    heard = decode(encode(sound, OpusEncoder(), []), len(sound))
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= 1


def test_the_bit_rate_counts() -> None:
    low, high = (sum(len(p.data) for p in encode(noise(1), OpusEncoder(rate), [])) for rate in (12_000, 64_000))
    assert low < 12_000 / 8 * 1.5
    assert high > 3 * low


def test_a_bit_rate_that_cannot_be() -> None:
    with pytest.raises(AudioError, match="--bitrate"):
        OpusEncoder(1)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_garbage_is_sound_or_an_error_and_the_decoder_goes_on(garbage: bytes) -> None:
    packets = encode(noise(0.1), OpusEncoder(), [])
    decoder = OpusDecoder()
    decoder.decode(packets[0].data)
    try:
        sound = decoder.decode(garbage)
    except AudioError:
        pass
    else:
        assert sound.dtype == np.float32
        assert sound.ndim == 1
        assert 120 <= len(sound) <= 0.12 * LISTENING_RATE
        assert np.abs(sound).max() <= 1
    assert len(decoder.decode(packets[1].data)) == PACKET


@given(st.integers(0, 4), st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_a_damaged_packet_never_ends_the_decoder(which: int, at: int, flip: int) -> None:
    packets = encode(noise(0.1), OpusEncoder(), [])
    broken = bytearray(packets[which].data)
    broken[at % len(broken)] ^= flip
    decoder = OpusDecoder()
    with contextlib.suppress(AudioError):
        assert np.isfinite(decoder.decode(bytes(broken))).all()
    assert len(decoder.decode(packets[1].data)) == PACKET


@pytest.mark.parametrize("packet", [b"", b"\xff", bytes(70_000)])
def test_what_is_no_packet(packet: bytes) -> None:
    decoder = OpusDecoder()
    with pytest.raises(AudioError):
        decoder.decode(packet)
    assert len(decoder.decode(encode(noise(0.1), OpusEncoder(), [])[0].data)) == PACKET
