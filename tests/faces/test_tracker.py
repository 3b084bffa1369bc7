from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.faces import tracker
from txt2vid.faces.canonical import mirror
from txt2vid.faces.crop import view_of
from txt2vid.faces.face import Landmarks

SCRIPT = """
import sys
from pathlib import Path
from txt2vid.core.options import FaceOptions
from txt2vid.faces.prepare import prepare_face
prepare_face(FaceOptions(Path(sys.argv[1])))
print("matplotlib" in sys.modules or "jax" in sys.modules)
"""


def test_is_quiet_and_loads_nothing_it_does_not_need(astronaut: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(astronaut)], capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    assert done.stdout.strip() == b"False"


def test_mesh_is_sure_of_a_face_and_of_none(portrait: Pixels, truth: Landmarks) -> None:
    view = view_of(truth)
    points, score = tracker.mesh()(view.draw(portrait, tracker.MESH_SIDE))
    assert score > 0.99
    assert np.ptp(points[:, 1]) > 100
    assert tracker.mesh()(np.full((192, 192, 3), 100, np.uint8))[1] < 0.1


def test_mesh_sees_a_mirrored_face_mirrored(portrait: Pixels, truth: Landmarks) -> None:
    crop = view_of(truth).draw(portrait, tracker.MESH_SIDE)
    points, _ = tracker.mesh()(crop)
    other, _ = tracker.mesh()(np.ascontiguousarray(crop[:, ::-1]))
    other = other[mirror()]
    other[:, 0] = tracker.MESH_SIDE - other[:, 0]
    assert np.abs(points - other)[:, :2].mean() < 1.0


def test_detectors(portrait: Pixels, truth: Landmarks) -> None:
    for full_range in (False, True):
        best = tracker.detector(full_range)(portrait)[0]
        x, y, width, height = best.box
        nose = truth[1]
        assert best.score > 0.8
        assert x < nose[0] < x + width
        assert y < nose[1] < y + height


def test_segmenter(portrait: Pixels, truth: Landmarks) -> None:
    mask = tracker.segmenter()(portrait)
    x, y = truth[1, :2].astype(int)
    assert mask.shape == (512, 512)
    assert mask[y, x] > 0.9
    assert mask[20, 470] < 0.1
