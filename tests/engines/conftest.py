from __future__ import annotations

import pytest

from tests.engines.contract import SAMPLES
from txt2vid.core.options import FaceOptions
from txt2vid.faces.face import Face
from txt2vid.faces.prepare import prepare_face


@pytest.fixture(scope="module")
def still() -> Face:
    return prepare_face(FaceOptions(SAMPLES / "hero.png", size=384))


@pytest.fixture(scope="module")
def video() -> Face:
    return prepare_face(FaceOptions(SAMPLES / "driving.mp4"), max_frames=6)
