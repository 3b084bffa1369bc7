from __future__ import annotations

import numpy as np
import pytest

from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion, coefficients


def test_there_are_52_names_and_each_once() -> None:
    assert len(BLENDSHAPES) == len(set(BLENDSHAPES)) == len(INDEX) == 52


def test_rest_is_zero() -> None:
    motion = Motion()
    for part in (motion.blendshapes, motion.rotation, motion.translation, motion.gaze):
        assert not part.any()
        assert part.dtype == np.float32


def test_a_name_without_a_side_sets_both() -> None:
    vector = coefficients(mouthSmile=0.4, jawOpen=0.2)
    assert vector[INDEX["mouthSmileLeft"]] == vector[INDEX["mouthSmileRight"]] == np.float32(0.4)
    assert np.count_nonzero(vector) == 3


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError):
        coefficients(jawWide=1)


def test_motions_add_within_their_ranges() -> None:
    one = Motion(coefficients(jawOpen=0.7), gaze=np.array((0.8, 0), np.float32))
    both = one + Motion(coefficients(jawOpen=0.6, eyeBlink=0.5), gaze=np.array((0.8, -0.5), np.float32))
    assert both["jawOpen"] == 1
    assert both["eyeBlinkLeft"] == 0.5
    np.testing.assert_allclose(both.gaze, (1, -0.5))


def test_a_changed_copy_leaves_the_original() -> None:
    one = Motion()
    other = one.with_blendshapes(jawOpen=0.5)
    assert (one["jawOpen"], other["jawOpen"]) == (0, 0.5)
