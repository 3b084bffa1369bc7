from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core.media import Pixels
from txt2vid.faces.canonical import canonical, mirror
from txt2vid.faces.crop import View, tilt, view_of

views = st.builds(View, st.floats(-50, 500), st.floats(-50, 500), st.floats(20, 900), st.floats(-3.1, 3.1))


@given(views, st.integers(32, 256))
def test_points_go_to_a_view_and_back(view: View, pixels: int) -> None:
    points = np.random.default_rng(1).uniform(0, 400, (478, 3)).astype(np.float32)
    matrix = view.matrix(pixels)
    seen = points.copy()
    seen[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    back = view.to_picture(seen, pixels)
    np.testing.assert_allclose(back[:, :2], points[:, :2], atol=0.01)


def blob(x: float, y: float) -> Pixels:
    ys, xs = np.mgrid[0:600, 0:800] + 0.5
    grey = 255 * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * 12.0**2))
    return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)


@given(st.floats(-3.1, 3.1), st.sampled_from([100.0, 250.0, 600.0, 1500.0]))
def test_what_is_drawn_lies_where_the_matrix_says(angle: float, side: float) -> None:
    view = View(400, 300, side, angle)
    drawn = view.draw(blob(410.5, 295.5), 192)[:, :, 0].astype(float)
    ys, xs = np.mgrid[0:192, 0:192] + 0.5
    seen = np.array([(xs * drawn).sum(), (ys * drawn).sum()]) / drawn.sum()
    matrix = view.matrix(192)
    expected = matrix[:, :2] @ (410.5, 295.5) + matrix[:, 2]
    np.testing.assert_allclose(seen, expected, atol=0.6)


def test_the_view_of_a_face_shows_it_upright_in_the_middle() -> None:
    placed = View(300, 200, 120, 0.7).to_picture(canonical() + np.array([0.5, 0.5, 0], np.float32), 1)
    assert abs(tilt(placed) - 0.7) < 0.01
    view = view_of(placed)
    assert abs(view.angle - 0.7) < 0.01
    assert abs(view.side - 120) < 8
    assert np.hypot(view.x - 300, view.y - 200) < 5


def test_the_average_face_is_symmetric_and_mirrors_onto_itself() -> None:
    face, other = canonical(), mirror()
    assert (other[other] == np.arange(478)).all()
    assert other[33] == 263
    assert other[61] == 291
    np.testing.assert_allclose(face[other] * (-1, 1, 1), face, atol=1e-4)
    assert cv2.contourArea(face[[33, 263, 152], :2]) > 0.01
