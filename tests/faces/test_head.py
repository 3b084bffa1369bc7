from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from txt2vid.faces.canonical import canonical
from txt2vid.faces.head import GAP, head_of


def opened(by: float) -> NDArray[np.float64]:
    """The average face with its inner lips so far apart, in face heights."""
    face = canonical().astype(np.float64)
    height = np.linalg.norm(face[10] - face[152])
    for above, below in GAP:
        face[below, 1] = face[above, 1] + by * height
        face[below, 2] = face[above, 2]
    return face


def rotation(pitch: float, yaw: float, roll: float) -> NDArray[np.float64]:
    p, y, r = np.radians((pitch, yaw, roll))
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    made: NDArray[np.float64] = tilt @ turn @ nod
    return made


@pytest.mark.parametrize("pose", [(0, 0, 0), (25, 0, 0), (-20, 10, 5), (0, 45, 0), (10, -40, 30), (0, 0, 170)])
@pytest.mark.parametrize("scale", [40.0, 900.0])
def test_pose_and_size_do_not_count(pose: tuple[float, float, float], scale: float) -> None:
    for gap in (0.0, 0.02, 0.08):
        face = scale * opened(gap) @ rotation(*pose).T + (320, 200, 15)
        head = head_of(face.astype(np.float32))
        assert head is not None
        assert head.gap == pytest.approx(gap, abs=1e-3)
        frontal = head_of((100 * opened(gap)).astype(np.float32))
        assert frontal is not None
        assert head.width == pytest.approx(frontal.width, abs=1e-3)


@pytest.mark.parametrize("yaw", [0, 30, -30, 70])
def test_turned(yaw: float) -> None:
    head = head_of((100 * opened(0) @ rotation(0, yaw, 0).T).astype(np.float32))
    assert head is not None
    assert head.turned == pytest.approx(abs(yaw), abs=1)


def test_what_is_no_face() -> None:
    assert head_of(np.zeros((478, 3), np.float32)) is None
    assert head_of(np.full((478, 3), np.nan, np.float32)) is None
