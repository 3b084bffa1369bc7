from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from txt2vid.errors import UsageError
from txt2vid.faces.face import LANDMARKS, Landmarks
from txt2vid.faces.many import TrackedFace
from txt2vid.faces.point_files import points_writer

RNG = np.random.default_rng(3)
SEEN = ((0, Fraction(0), (0,)), (1, Fraction(1001, 30000), ()), (2, Fraction(1, 9), (0, 2)))


def points(i: int) -> Landmarks:
    return (np.random.default_rng(i).uniform(-50, 2000, (LANDMARKS, 3))).astype(np.float32)


def written(path: Path) -> Path:
    with points_writer(path)(path, (640, 480)) as writer:
        for index, time, ids in SEEN:
            writer.write(index, time, [TrackedFace(i, points(10 * index + i), 0.75) for i in ids])
    return path


def test_json_lines(tmp_path: Path) -> None:
    frames = [json.loads(line) for line in written(tmp_path / "a.jsonl").read_text().splitlines()]
    assert [frame["frame"] for frame in frames] == [0, 1, 2]
    assert [frame["time"] for frame in frames] == [0.0, 1001 / 30000, 1 / 9]
    assert [[face["id"] for face in frame["faces"]] for frame in frames] == [[0], [], [0, 2]]
    assert np.abs(np.array(frames[2]["faces"][1]["points"]) - points(22)).max() < 6e-4
    assert frames[0]["faces"][0]["confidence"] == 0.75


def test_csv(tmp_path: Path) -> None:
    with written(tmp_path / "a.CSV").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["frame"], float(row["time"]), row["id"]) for row in rows] == [
        ("0", 0.0, "0"), ("2", 1 / 9, "0"), ("2", 1 / 9, "2"),
    ]  # fmt: skip
    last = [[float(rows[2][f"{axis}{i}"]) for axis in "xyz"] for i in range(LANDMARKS)]
    assert np.abs(np.array(last) - points(22)).max() < 6e-4


def test_npz(tmp_path: Path) -> None:
    with np.load(written(tmp_path / "a.npz"), allow_pickle=False) as data:
        assert data["frame"].tolist() == [0, 2, 2]
        assert data["time"].tolist() == [0, 1 / 9, 1 / 9]
        assert data["id"].tolist() == [0, 0, 2]
        assert data["confidence"].tolist() == [0.75] * 3
        assert data["size"].tolist() == [640, 480]
        assert np.array_equal(data["points"], np.stack([points(0), points(20), points(22)]))


def test_no_faces_at_all(tmp_path: Path) -> None:
    for kind in ("jsonl", "csv", "npz"):
        path = tmp_path / f"none.{kind}"
        with points_writer(path)(path, (2, 2)):
            pass
        assert path.exists()
    with np.load(tmp_path / "none.npz") as data:
        assert data["points"].shape == (0, LANDMARKS, 3)


def test_unknown_extension() -> None:
    with pytest.raises(UsageError, match=r"choose one of \.jsonl .csv .npz"):
        points_writer(Path("a.xml"))
