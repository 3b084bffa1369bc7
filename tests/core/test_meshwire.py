"""Motion and sound as records: little is lost, little is sent, and nothing that comes breaks the reader."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core import meshwire
from txt2vid.core.checks import WireError
from txt2vid.core.meshwire import DELTA, KEY, SOUND, MotionDecoder, MotionEncoder, motion_of, records_of, steps_of
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.packets import SoundPacket

RIG = 0xDEADBEEF


def lively(index: int) -> Motion:
    """A face that never stands still."""
    turn = np.sin(np.arange(3) + index / 9).astype(np.float32)
    shape = np.abs(np.sin(np.arange(52) * 3 + index / 4)).astype(np.float32)
    return Motion(shape, turn * 0.3, turn * 0.05, turn[:2])


def equal(one: Motion, other: Motion) -> bool:
    return bool((steps_of(one) == steps_of(other)).all())


def test_motions_come_back_to_a_step() -> None:
    encoder, decoder = MotionEncoder(), MotionDecoder()
    for index in range(60):
        key, data = encoder.encode(lively(index), 1920 * index, RIG, key=index % 25 == 0)
        ((kind, body),) = records_of(data)
        moved = decoder.decode(kind, body)
        assert moved is not None
        assert (moved.position, moved.rig, moved.key, key) == (1920 * index, RIG, index % 25 == 0, index % 25 == 0)
        assert np.abs(moved.motion.blendshapes - lively(index).blendshapes).max() <= 0.5 / 255 + 1e-6
        assert np.abs(moved.motion.rotation - lively(index).rotation).max() <= 0.5 / 2048 + 1e-6


def test_a_still_face_takes_next_to_nothing() -> None:
    encoder = MotionEncoder()
    encoder.encode(Motion(), 0, RIG)
    _, delta = encoder.encode(Motion(), 1920, RIG)
    assert len(delta) <= 14
    assert len(delta) * 8 * 25 < 40_000


@pytest.mark.parametrize(("position", "rig"), [(0, RIG), (1000, RIG), (200_000, RIG), (2920, 1)])
def test_what_no_delta_can_tell_is_a_key(position: int, rig: int) -> None:
    """Time that stands still, goes back or leaps, and another face."""
    encoder = MotionEncoder()
    encoder.encode(lively(0), 1000, RIG)
    key, _ = encoder.encode(lively(1), position, rig)
    assert key


def test_nothing_is_told_before_a_key_nor_after_a_gap() -> None:
    encoder, decoder = MotionEncoder(), MotionDecoder()
    records = [records_of(encoder.encode(lively(i), 1920 * i, RIG, key=i in (0, 6))[1])[0] for i in range(9)]
    assert decoder.decode(*records[1]) is None
    assert decoder.decode(*records[0]) is not None
    assert decoder.decode(*records[1]) is not None
    assert [decoder.decode(*records[i]) is None for i in (3, 4, 5)] == [True] * 3  # 2 is lost
    moved = decoder.decode(*records[6])
    assert moved is not None
    assert equal(moved.motion, lively(6))


def test_values_out_of_range_are_held() -> None:
    wild = Motion(
        coefficients(jawOpen=7.0, eyeBlink=-3.0, tongueOut=np.nan),
        np.array((np.inf, -np.inf, np.nan), np.float32),
        np.array((1e9, -1e9, 0), np.float32),
        np.array((5, -5), np.float32),
    )
    moved = motion_of(steps_of(wild))
    assert moved["jawOpen"] == 1
    assert moved["eyeBlinkLeft"] == moved["tongueOut"] == 0
    assert np.isfinite(moved.rotation).all()
    assert moved.gaze.tolist() == [1, -1]


def test_sound_keeps_its_places() -> None:
    packets = [SoundPacket(960 * i, bytes([i]) * (i + 1)) for i in (0, 1, 2, 9, 10)]
    found = records_of(meshwire.sound_record(packets))
    assert [kind for kind, _ in found] == [SOUND, SOUND]  # a gap begins another
    assert [packet for _, body in found for packet in meshwire.sounds_of(body)] == packets
    assert meshwire.sound_record([]) == b""


def test_kinds_of_a_later_time_are_left_out() -> None:
    assert records_of(meshwire.record(77, b"news") + meshwire.record(KEY, b"x")) == [(KEY, b"x")]


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_read(message: bytes) -> None:
    decoder = MotionDecoder()
    try:
        for kind, body in records_of(message):
            if kind == SOUND:
                meshwire.sounds_of(body)
            else:
                decoder.decode(kind, body)
    except WireError:
        pass


@given(st.integers(0, 80), st.integers(0, 7), st.booleans())
def test_damaged_motions_never_leave_their_ranges(at: int, bit: int, key: bool) -> None:
    encoder, decoder = MotionEncoder(), MotionDecoder()
    first, second = (records_of(encoder.encode(lively(i), 1920 * i, RIG)[1])[0] for i in range(2))
    decoder.decode(*first)
    kind, body = first if key else second
    damaged = bytearray(body)
    damaged[at % len(body)] ^= 1 << bit
    try:
        moved = decoder.decode(kind, bytes(damaged))
    except WireError:
        return
    if moved is not None:
        assert (moved.motion.blendshapes >= 0).all()
        assert (moved.motion.blendshapes <= 1).all()
        assert equal(motion_of(steps_of(moved.motion)), moved.motion)


@pytest.mark.parametrize("kind", [KEY, DELTA])
@pytest.mark.parametrize("cut", [0, 2, 12, 20])
def test_a_motion_that_is_cut_short_is_refused(kind: int, cut: int) -> None:
    encoder, decoder = MotionEncoder(), MotionDecoder()
    bodies = {kind: body for i in range(2) for kind, body in records_of(encoder.encode(lively(i), i, RIG)[1])}
    decoder.decode(KEY, bodies[KEY])
    with pytest.raises(WireError):
        decoder.decode(kind, bodies[kind][:cut])
    with pytest.raises(WireError):
        decoder.decode(kind, bodies[kind] + b"\0")


@pytest.mark.parametrize(
    "body",
    [b"", b"\0" * 7, b"\xff" * 8, b"\0" * 8 + b"\0", b"\0" * 8 + b"\0\0", b"\0" * 8 + b"\0\5abc"],
)
def test_sound_that_is_cut_short_is_refused(body: bytes) -> None:
    if body == b"\xff" * 8:
        with pytest.raises(WireError, match="past all time"):
            meshwire.sounds_of(body)
    else:
        with pytest.raises(WireError):
            meshwire.sounds_of(body)
