from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from txt2vid.errors import FaceError, MediaError, OutputError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.points import read_landmarks, write_landmarks


@pytest.mark.parametrize("suffix", [".csv", ".json", ".npy"])
def test_what_is_written_can_be_read(truth: Landmarks, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"points{suffix}"
    write_landmarks(path, truth)
    np.testing.assert_allclose(read_landmarks(path), truth, atol=0.001)


def test_a_plain_json_list_without_depth(truth: Landmarks, tmp_path: Path) -> None:
    path = tmp_path / "points.json"
    path.write_text(str(truth[:, :2].tolist()))
    points = read_landmarks(path)
    np.testing.assert_allclose(points[:, :2], truth[:, :2], atol=0.001)
    nose, ear = points[1, 2], points[234, 2]
    assert nose < 0 < ear  # the nose is nearer


def test_irises_are_estimated(truth: Landmarks, tmp_path: Path) -> None:
    path = tmp_path / "points.npy"
    np.save(path, truth[:468])
    points = read_landmarks(path)
    eye = np.linalg.norm(truth[33, :2] - truth[133, :2])
    assert np.linalg.norm(points[468:, :2] - truth[468:, :2], axis=1).max() < 0.25 * eye


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds 0 numbers"),
        (b"hello", "holds|neither"),
        (b"1,2\n3,4\n", "holds 2x2 numbers"),
        (b"[[1, 2], [3]]", "neither CSV, JSON nor NPY"),
        (b"\xff\xfe\x00", "neither CSV, JSON nor NPY"),
        (b"\x93NUMPY garbage", "neither CSV, JSON nor NPY"),
        (b'{"points": []}', "neither CSV, JSON nor NPY"),
        (b"nan,nan\n" * 478, "not finite"),
        (b"5,5\n" * 478, "one spot or line"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(content)
    with pytest.raises(FaceError, match=message) as caught:
        read_landmarks(path)
    assert "\n" not in str(caught.value)


def test_missing_and_unwritable(truth: Landmarks, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="does not exist"):
        read_landmarks(tmp_path / "none.csv")
    with pytest.raises(OutputError, match="cannot be written"):
        write_landmarks(tmp_path / "none" / "points.csv", truth)
