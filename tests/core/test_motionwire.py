from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core.checks import WireError
from txt2vid.core.motion import BLENDSHAPES, Motion, coefficients
from txt2vid.core.motionwire import HEAD_BYTES, MOTION, MOTION_BYTES, Seen, decode_motion, encode_motion, is_motion


def motion() -> Motion:
    return Motion(
        coefficients(jawOpen=0.5, eyeBlinkLeft=1.0, tongueOut=0.25),
        np.array([0.1, -0.3, 0.02], np.float32),
        np.array([0.05, -0.01, 0.2], np.float32),
        np.array([-0.5, 1.0], np.float32),
    )


def test_what_goes_in_comes_out() -> None:
    data = encode_motion(Seen(12_345, motion(), 0.5))
    found = decode_motion(data)
    assert is_motion(data)
    assert len(data) == HEAD_BYTES + 3 == 33
    assert (found.time, round(found.presence, 2)) == (12_345, 0.5)
    assert found.motion.blendshapes == pytest.approx(motion().blendshapes, abs=0.003)
    assert found.motion.rotation == pytest.approx(motion().rotation, abs=2e-4)
    assert found.motion.translation == pytest.approx(motion().translation, abs=2e-4)
    assert found.motion.gaze == pytest.approx(motion().gaze, abs=1e-4)


def test_numbers_out_of_range_are_cut_and_time_goes_around() -> None:
    wild = Motion(np.full(52, 7, np.float32), np.full(3, 9, np.float32), np.full(3, -99, np.float32))
    data = encode_motion(Seen(2**32 + 5, wild, 3.0))
    found = decode_motion(data)
    assert len(data) == MOTION_BYTES == HEAD_BYTES + len(BLENDSHAPES)
    assert found.time == 5
    assert found.presence == 1
    assert found.motion.blendshapes.tolist() == [1.0] * 52
    assert np.abs(found.motion.rotation).max() <= np.pi + 1e-6


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bytes([MOTION]), "too short"),
        (encode_motion(Seen(0, Motion())) + b"x", "has 30 bytes, not 31"),
        (encode_motion(Seen(0, motion()))[:-1], "of 3 coefficients has 33 bytes, not 32"),
        (encode_motion(Seen(0, Motion()))[:22] + b"\xff" * 8, "52 coefficients, no more"),
        (b"\x01" + encode_motion(Seen(0, Motion()))[1:], "are no motion"),
    ],
)
def test_what_makes_no_sense_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        decode_motion(data)


@given(st.binary(max_size=100))
def test_garbage_is_refused_or_in_range(rest: bytes) -> None:
    try:
        found = decode_motion(bytes([MOTION]) + rest)
    except WireError:
        return
    assert 0 <= found.presence <= 1
    assert found.motion.blendshapes.min() >= 0
    assert np.abs(found.motion.gaze).max() <= 1
