from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from txt2vid.core.media import Pixels
from txt2vid.errors import OutputError, UsageError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.landmarks import TEMPLES
from txt2vid.faces.solid import FACE_WIDTH, write_solid

trimesh = pytest.importorskip("trimesh")


@pytest.mark.parametrize("name", ["my face.obj", "face.gltf", "face.glb"])
def test_another_reader_sees_the_face_and_its_picture(
    name: str, tmp_path: Path, portrait: Pixels, truth: Landmarks
) -> None:
    files = write_solid(tmp_path / name, truth, portrait)
    assert all(path.stat().st_size for path in files)
    mesh = trimesh.load(tmp_path / name, force="mesh", process=False)
    assert mesh.vertices.shape == (468, 3)
    assert mesh.faces.shape == (898, 3)
    assert mesh.is_winding_consistent
    temples = mesh.vertices[list(TEMPLES)]
    assert np.linalg.norm(temples[0] - temples[1]) == pytest.approx(FACE_WIDTH, rel=1e-3)
    assert mesh.vertices[10, 1] > mesh.vertices[152, 1]  # forehead over chin
    assert mesh.vertices[1, 2] > mesh.vertices[234, 2]  # the nose towards the viewer
    assert (mesh.face_normals[:, 2] > 0).mean() > 0.9
    material = mesh.visual.material
    image = material.image if name.endswith("obj") else material.baseColorTexture
    assert np.array_equal(np.asarray(image.convert("RGB"))[:, :, ::-1], portrait)
    placed = mesh.visual.uv * (512, 512)  # trimesh counts from the lower left
    placed[:, 1] = 512 - placed[:, 1]
    assert np.abs(placed - truth[:468, :2]).max() < 0.01


def test_names(tmp_path: Path, portrait: Pixels, truth: Landmarks) -> None:
    files = write_solid(tmp_path / "my face.obj", truth, portrait)
    assert [path.name for path in files] == ["my face.obj", "my_face.mtl", "my_face_texture.png"]
    with pytest.raises(UsageError, match=r"choose one of \.obj .gltf .glb"):
        write_solid(tmp_path / "face.stl", truth, portrait)
    with pytest.raises(OutputError, match="cannot be written"):
        write_solid(tmp_path / "nowhere" / "face.obj", truth, portrait)
