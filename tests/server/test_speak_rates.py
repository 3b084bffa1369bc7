"""How much a sender may send, by a clock that the tests turn."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core.wire import AudioFormat, WireError
from txt2vid.server import limits
from txt2vid.server.rates import Allowance, Bucket, packet_seconds

OPUS, PCM = AudioFormat(), AudioFormat("pcm_s16le", 16_000)


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 20)), max_size=60))
def test_never_more_than_rate_and_burst(steps: list[tuple[float, float]]) -> None:
    bucket, now, passed = Bucket(2, 10, 0), 0.0, 0.0
    for wait, amount in steps:
        now += wait
        passed += amount if bucket.take(amount, now) else 0
        assert passed <= 10 + 2 * now + 1e-6


def test_a_burst_and_then_the_rate() -> None:
    bucket = Bucket(2, 10, 100)
    assert bucket.take(10, 100)
    assert not bucket.take(1, 100)
    assert bucket.take(1, 100.5)
    assert not bucket.take(0.01, 100.5)


def test_sound_in_real_time_passes_for_ever() -> None:
    allowance, now = Allowance(0), 0.0
    for _ in range(10_000):
        allowance.message(now)
        allowance.audio(0.02, now)
        now += 0.02


def test_sound_that_a_network_held_back_passes() -> None:
    allowance = Allowance(0)
    for _ in range(250):  # five seconds at once
        allowance.message(10)
        allowance.audio(0.02, 10)


def test_sound_at_twice_real_time_does_not_pass_for_long() -> None:
    allowance, sent = Allowance(0), 0.0

    def flood() -> None:
        nonlocal sent
        for _ in range(10_000):
            allowance.audio(0.02, sent / 2)
            sent += 0.02

    with pytest.raises(WireError, match="real time") as caught:
        flood()
    assert caught.value.code == "rate"
    assert 9 < sent < 60


def test_too_many_messages_and_too_much_text() -> None:
    allowance = Allowance(0)
    for _ in range(round(limits.MESSAGES_A_SECOND * limits.BURST_SECONDS)):
        allowance.message(1)
    with pytest.raises(WireError, match="messages a second"):
        allowance.message(1)
    allowance.text(round(limits.TEXT_BURST), 1)
    with pytest.raises(WireError, match="characters"):
        allowance.text(1, 1)


def test_the_largest_texts_pass_at_once() -> None:
    allowance = Allowance(0)
    for _ in range(round(limits.TEXT_BURST) // 10_000):
        allowance.text(10_000, 0)


@pytest.mark.parametrize("ms", [2.5, 5, 10, 20, 40, 60, 80, 120])
def test_what_libopus_makes_is_as_long_as_it_says(ms: float) -> None:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.rate, encoder.format, encoder.layout = 48_000, "s16", "mono"
    encoder.options = {"frame_duration": f"{ms:g}"}
    samples = (np.sin(np.arange(round(48 * ms)) / 20) * 9000).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
    frame.rate = 48_000
    made = [bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]]
    assert packet_seconds(made[0], OPUS) == pytest.approx(ms / 1000)


@pytest.mark.parametrize("payload", [b"\x03", b"\x03\x00", b"\x1b\x3f", b"\xff\x3f\x00"])
def test_opus_heads_that_cannot_be(payload: bytes) -> None:
    with pytest.raises(WireError) as caught:
        packet_seconds(payload, OPUS)
    assert caught.value.code == "audio"


def test_pcm_is_counted_in_samples() -> None:
    assert packet_seconds(b"\0\0" * 320, PCM) == pytest.approx(0.02)


@pytest.mark.parametrize("payload", [b"\0", b"\0\0\0", b"\0\0" * 16_001])
def test_pcm_that_is_refused(payload: bytes) -> None:
    with pytest.raises(WireError) as caught:
        packet_seconds(payload, PCM)
    assert caught.value.code == "audio"
