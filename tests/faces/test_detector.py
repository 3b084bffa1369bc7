"""`--detector s3fd`. The published weights may not be shipped: a network with the same tensors, wired by hand to see
skin, stands in. What it sees depends on the picture, and it errs: a neck is skin, too.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.faces.conftest import Film, Save, error, laid, landmarks_of, shrunk
from txt2vid.core.media import Pixels
from txt2vid.core.options import FaceOptions
from txt2vid.errors import DependencyError, FaceError, UsageError
from txt2vid.faces.detector import find_first, s3fd_boxes, settle_boxes
from txt2vid.faces.face import Landmarks
from txt2vid.faces.prepare import prepare_face
from txt2vid.faces.search import Box

torch = pytest.importorskip("torch")

from wav2lip.s3fd import S3FD  # noqa: E402

SIDE = 320  # pixels: at this size the drawn face fills the boxes that the network below draws
BOX = (110, 140)  # width and height of those boxes, in pixels
SKIN = (1 / 60, 2 / 60, -2 / 60)  # of red, green, blue: large where it is bright and warm
LEAST = 230 / 60  # what red cloth, brown hair and grey walls do not reach


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file like s3fd.pth, of a network that fires where about 100 pixels around are skin."""
    with torch.device("meta"):
        shapes = S3FD().state_dict()
    state = {name: torch.zeros(tensor.shape) for name, tensor in shapes.items()}
    look = torch.tensor(SKIN)
    for group, count in enumerate((2, 2, 3, 3, 3), 1):
        for i in range(1, count + 1):
            weight, bias = state[f"conv{group}_{i}.weight"], state[f"conv{group}_{i}.bias"]
            if group < 3:
                weight[0, 0, 1, 1] = 1  # hands on what it gets
            else:
                weight[0, 0] = 1 / 9  # and here what it gets on average
            bias[1] = 1  # a constant beside it, which the L2 norm measures it by
    state["conv1_1.weight"][0, :, 1, 1] = look
    state["conv1_1.bias"][0] = look @ torch.tensor([104.0, 117.0, 123.0]) - LEAST
    for name in state:
        if name.endswith("mbox_conf.bias"):
            state[name][-1] = -9
    state["conv5_3_norm.weight"][:] = 1
    state["conv5_3_norm_mbox_conf.weight"][1, 0, 1, 1] = 40
    state["conv5_3_norm_mbox_conf.bias"][1] = -20
    state["conv5_3_norm_mbox_loc.bias"][2:] = 5 * torch.log(torch.tensor(BOX) / 64)
    path = tmp_path_factory.mktemp("s3fd") / "s3fd.pth"
    torch.save(state, path, _use_new_zipfile_serialization=False)
    yield path
    path.unlink()  # 90 MB


@pytest.fixture(scope="module")
def drawn(hero: Path) -> Pixels:
    """The drawn face, SIDE x SIDE, BGR."""
    whole = np.asarray(Image.open(hero).convert("RGB"))[:, :, ::-1]
    return np.asarray(cv2.resize(whole, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def drawn_truth(hero: Path) -> Landmarks:
    """Its landmarks, by the default detector."""
    return landmarks_of(prepare_face(FaceOptions(hero, size=SIDE)))


def s3fd(path: Path, weights: Path, index: int | None = None) -> FaceOptions:
    return FaceOptions(path, index=index, detector="s3fd", detector_checkpoint=weights)


def test_boxes(drawn: Pixels, drawn_truth: Landmarks, weights: Path) -> None:
    """What the network sees: skin, in boxes of the size that it was wired for."""
    boxes = s3fd_boxes(weights)(drawn)
    middle = drawn_truth[:, :2].mean(axis=0)
    assert len(boxes) > 1
    assert any(x < middle[0] < x + w and y < middle[1] < y + h for x, y, w, h in boxes)
    np.testing.assert_allclose([box[2:] for box in boxes], [BOX] * len(boxes), rtol=1e-4)


def test_still(drawn: Pixels, drawn_truth: Landmarks, weights: Path, save: Save) -> None:
    face = prepare_face(s3fd(save(drawn), weights))
    assert error(landmarks_of(face), drawn_truth) < 0.02


def test_the_boxes_follow_the_face(drawn: Pixels, drawn_truth: Landmarks, weights: Path, save: Save) -> None:
    face = prepare_face(s3fd(save(laid(drawn, 480, 360, 150, 30)), weights))
    assert error(landmarks_of(face), drawn_truth + np.array([150, 30, 0], np.float32)) < 0.02


def test_skin_that_is_no_face(drawn: Pixels, weights: Path, save: Save) -> None:
    neck = np.ascontiguousarray(drawn[212:])
    assert s3fd_boxes(weights)(neck)
    with pytest.raises(FaceError, match=r"no face found in .*picture\.png: give --face-box"):
        prepare_face(s3fd(save(neck), weights))


def test_nothing_there(weights: Path, save: Save) -> None:
    with pytest.raises(FaceError, match="no face found"):
        prepare_face(s3fd(save(np.full((64, 96, 3), 90, np.uint8)), weights))


def test_no_such_index(drawn: Pixels, weights: Path, save: Save) -> None:
    with pytest.raises(FaceError, match="shows 1 face, none with index 1"):
        prepare_face(s3fd(save(drawn), weights, index=1))


def test_video(drawn: Pixels, drawn_truth: Landmarks, weights: Path, film: Film) -> None:
    """The face comes in the first second; the detector looks again at its end, and the mesh follows from there."""
    blank = np.full_like(drawn, 90)
    face = prepare_face(s3fd(film([blank] * 20 + [drawn] * 12), weights))
    assert len(face.frames) == 32
    for index in (25, 31):
        assert error(landmarks_of(face, index), drawn_truth) < 0.03


def test_a_video_without_a_face(weights: Path, film: Film) -> None:
    with pytest.raises(FaceError, match=r"no face found in .*film\.mp4"):
        prepare_face(s3fd(film([np.full((64, 64, 3), 90, np.uint8)] * 3), weights))


def test_a_box_needs_no_detector(drawn: Pixels, drawn_truth: Landmarks, save: Save, tmp_path: Path) -> None:
    path = save(drawn)
    options = FaceOptions(path, box=(100, 60, 120, 160), detector="s3fd", detector_checkpoint=tmp_path / "none.pth")
    assert error(landmarks_of(prepare_face(options)), drawn_truth) < 0.02


@pytest.fixture
def couple(portrait: Pixels) -> Pixels:
    """A large face to the right, a small one to the left."""
    canvas = laid(portrait, 900, 560, 380, 20)
    canvas[200:456, 40:296] = shrunk(portrait, 0.5)
    return canvas


def around(points: Landmarks) -> Box:
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def test_boxes_become_faces(couple: Pixels, truth: Landmarks) -> None:
    large = truth + np.array([380, 20, 0], np.float32)
    small = truth / 2 + np.array([40, 200, 0], np.float32)
    x, y, width, height = around(large)
    shifted = (x + 0.1 * width, y - 0.1 * height, width, 1.1 * height)
    odd = [(-90.0, 10.0, 80.0, 80.0), (895.0, 550.0, 200.0, 200.0), (300.0, 480.0, 70.0, 70.0), (5.0, 5.0, 2.0, 1e9)]
    faces = settle_boxes(couple, [around(small), *odd, shifted, around(large)], 2)
    assert len(faces) == 2
    assert error(faces[0].landmarks, large) < 0.02
    assert error(faces[1].landmarks, small) < 0.03
    assert settle_boxes(couple, odd) == []
    assert settle_boxes(couple, []) == []


def test_an_unknown_detector(drawn: Pixels, hero: Path) -> None:
    with pytest.raises(UsageError, match="detector 'yolo' is not known: choose one of mesh, s3fd"):
        find_first(drawn, FaceOptions(hero, detector="yolo"))


def test_no_weights(drawn: Pixels, hero: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TXT2VID_CHECKPOINTS", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(DependencyError, match=r"^[^\n]*S3FD[^\n]*$"):
        find_first(drawn, FaceOptions(hero, detector="s3fd"))


def test_weights_in_their_place(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TXT2VID_CHECKPOINTS", str(tmp_path))
    (tmp_path / "s3fd.pth").symlink_to(weights)
    assert s3fd_boxes(None)(np.zeros((32, 32, 3), np.uint8)) == []


def test_other_weights(drawn: Pixels, hero: Path, tmp_path: Path) -> None:
    path = tmp_path / "wav2lip.pth"
    torch.save({"face_decoder_blocks.0.bias": torch.zeros(1)}, path)
    with pytest.raises(DependencyError, match=r"^detector 's3fd': .* holds Wav2Lip's weights; expected S3FD's"):
        find_first(drawn, s3fd(hero, path))


def test_without_torch() -> None:
    code = """
import sys
sys.modules["torch"] = None
from txt2vid.errors import DependencyError
from txt2vid.faces import prepare
from txt2vid.faces.detector import s3fd_boxes
try:
    s3fd_boxes(None)
except DependencyError as err:
    print(err)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "detector 's3fd' needs torch: pip install 'txt2vid[wav2lip]'\n"
