"""How skin moves: without folds, without streaks at the picture's edge, and a smile with its corners up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.engines.contract import SAMPLES
from txt2vid.core.motion import INDEX, Motion, coefficients
from txt2vid.core.options import FaceOptions
from txt2vid.engines.base import Job
from txt2vid.engines.mesh import MeshEngine
from txt2vid.engines.rig import imaging, inverse, sheet
from txt2vid.engines.rig.weights import Weights
from txt2vid.faces.face import Face
from txt2vid.faces.geometry import measure
from txt2vid.faces.landmarks import LOWER_LIP
from txt2vid.faces.prepare import prepare_face
from txt2vid.faces.shapes import Shapes

WIDE = {"jawOpen": 0.1, "mouthStretch": 0.4, "mouthSmile": 0.25, "mouthLowerDown": 0.25, "mouthUpperUp": 0.2}


@pytest.mark.parametrize(
    "values",
    [WIDE, {"jawOpen": 0.12, "mouthPucker": 0.8, "mouthFunnel": 0.2}, {"mouthSmile": 0.6, "jawOpen": 0.4},
     {"jawOpen": 0.7}],
)  # fmt: skip
def test_no_node_is_drawn_from_elsewhere(
    still: Face, values: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a field folds, its inverse runs off, and flecks of other skin show."""
    missed: list[float] = []

    def checked(field: inverse.Plane) -> inverse.Plane:
        found = inverse.inverted(field)
        own = inverse.nodes(*field.shape[1:])
        missed.append(float(np.abs(own - found - imaging.sample_planes(field, found)).max()))
        return found

    engine = MeshEngine()
    prepared = engine.prepare(still)
    monkeypatch.setattr(sheet, "inverted", checked)
    engine.render([Job(prepared, 0, Motion(coefficients(**values)))])
    assert max(missed) < 0.3


def test_skin_below_a_thin_lip_goes_down_with_it(still: Face) -> None:
    landmarks = still.frames.landmarks(0).copy()
    for lip, skin in (pairs := ((17, 18), (84, 83), (314, 313))):
        landmarks[skin] += 0.6 * (landmarks[14] - landmarks[lip])
    for row, depth in zip(LOWER_LIP[:-1], (0.6, 0.5, 0.3), strict=True):
        inner = landmarks[list(LOWER_LIP[-1])]
        landmarks[list(row[1:-1])] += depth * (inner - landmarks[list(row)])[1:-1]
    jaw = Shapes(landmarks, measure(landmarks)).displacements[INDEX["jawOpen"], :, 1]
    for lip, skin in pairs:
        assert jaw[skin] > 0.9 * jaw[lip]


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_a_smile_keeps_its_corner_while_a_vowel_opens(still: Face, side: str) -> None:
    landmarks = still.frames.landmarks(0)
    axes = measure(landmarks)
    shapes = Shapes(landmarks, axes)
    weights = Weights(landmarks, axes, shapes.displacements, shapes.corner_pulls)
    corner = {"Left": 291, "Right": 61}[side]

    def lifted(**values: float) -> float:
        moved = weights.of(Motion(coefficients(**values))) @ weights.displacements[:, corner]
        return float(-(moved @ axes.axes[1]))

    smile = lifted(**{f"mouthSmile{side}": 0.6})
    assert smile > 0
    assert lifted(jawOpen=0.4, **{f"mouthSmile{side}": 0.6}) > 0.8 * smile
    assert lifted(jawOpen=0.4) < -0.3 * smile  # without a smile the jaw pulls it down


def test_a_face_cut_by_the_pictures_edge_draws_no_streaks(tmp_path: Path) -> None:
    """What would come in from beyond the edge is not known: skin there stays, and does not repeat its last pixels."""
    whole = prepare_face(FaceOptions(SAMPLES / "hero.png", size=512))
    left = int(whole.frames.landmarks(0)[50, 0])  # through the cheek
    path = tmp_path / "cut.png"
    Image.fromarray(whole.frames.pixels(0)[:, left:, ::-1]).save(path)
    face = prepare_face(FaceOptions(path))
    engine = MeshEngine()
    motion = Motion(
        coefficients(mouthPucker=0.8),
        rotation=np.array((0, 0.05, 0), np.float32),
        translation=np.array((0.01, 0, 0), np.float32),
    )
    (frame,) = engine.render([Job(engine.prepare(face), 0, motion)])
    picture = face.frames.pixels(0)
    assert np.abs(frame.astype(int) - picture)[:, 30:90].mean() > 1.5  # farther in it moves
    assert np.abs(frame.astype(int) - picture)[:, 0].mean() < 0.5  # resampled, as at rest
