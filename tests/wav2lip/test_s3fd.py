"""S3FD against code written a second time from the published facts: numpy, float64, loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from wav2lip.s3fd import LONGEST, S3FD, detect  # noqa: E402

Array = NDArray[np.float64]
Levels = list[tuple[Array, Array]]

HEADS = ("conv3_3_norm", "conv4_3_norm", "conv5_3_norm", "fc7", "conv6_2", "conv7_2")


@pytest.fixture(scope="module")
def network() -> S3FD:
    """Weights that keep signals alive through all layers, and let some anchors of each level see a face."""
    torch.manual_seed(11)
    made = S3FD().eval().requires_grad_(False)
    for name, module in made.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            fan = module.weight[0].numel()
            torch.nn.init.normal_(module.weight, std=(1 if "mbox" in name else 2**0.5) / fan**0.5)
            torch.nn.init.normal_(module.bias, std=0.1)
            if name.endswith("mbox_conf"):
                module.weight *= 0.3 if name.startswith("conv") and "norm" in name else 0.02
                module.bias[-1] -= 2
        elif name.endswith("_norm"):
            module.weight += torch.randn_like(module.weight)
    return made


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (70, 101, 3), np.uint8)


def weights_of(network: S3FD) -> dict[str, Array]:
    return {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}


def conv(w: dict[str, Array], name: str, x: Array, stride: int = 1, padding: int = 1) -> Array:
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    windows: Array = sliding_window_view(x, (1, *weight.shape[2:]))[:, ::stride, ::stride, 0]
    made: Array = np.tensordot(weight, windows, axes=([1, 2, 3], [0, 3, 4])) + bias[:, None, None]
    return made


def reference(w: dict[str, Array], x: Array) -> Levels:
    """(3, h, w) to what the six levels say."""
    seen = {}
    for group, count in enumerate((2, 2, 3, 3, 3), 1):
        for i in range(1, count + 1):
            x = np.maximum(conv(w, f"conv{group}_{i}", x), 0)
        if group >= 3:
            norm = f"conv{group}_3_norm"
            seen[norm] = x / np.sqrt((x**2).sum(axis=0)) * w[f"{norm}.weight"][:, None, None]
        h, v = x.shape[1] // 2, x.shape[2] // 2
        x = x[:, : 2 * h, : 2 * v].reshape(-1, h, 2, v, 2).max(axis=(2, 4))
    for name, stride, padding in (
        ("fc6", 1, 3), ("fc7", 1, 0), ("conv6_1", 1, 0), ("conv6_2", 2, 1), ("conv7_1", 1, 0), ("conv7_2", 2, 1),
    ):  # fmt: skip
        x = seen[name] = np.maximum(conv(w, name, x, stride, padding), 0)
    levels = []
    for name in HEADS:
        conf, loc = conv(w, f"{name}_mbox_conf", seen[name]), conv(w, f"{name}_mbox_loc", seen[name])
        levels.append((np.stack([conf[:-1].max(axis=0), conf[-1]]), loc))
    return levels


def boxes_of(levels: Levels, least: float) -> list[list[float]]:
    """Every anchor in turn, then the best of those that overlap."""
    found = []
    for level, (conf, loc) in enumerate(levels):
        stride = 4 * 2**level
        for row in range(conf.shape[1]):
            for column in range(conf.shape[2]):
                score = 1 / (1 + np.exp(conf[0, row, column] - conf[1, row, column]))
                if score > max(least, 0.05):
                    dx, dy, dw, dh = loc[:, row, column]
                    side = 4 * stride
                    x = column * stride + stride / 2 + dx * 0.1 * side
                    y = row * stride + stride / 2 + dy * 0.1 * side
                    w, h = side * np.exp(0.2 * dw), side * np.exp(0.2 * dh)
                    found.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2, score])
    kept: list[list[float]] = []
    for box in sorted(found, key=lambda box: -box[4]):
        if all(overlap(box, other) <= 0.3 for other in kept):
            kept.append(box)
    return kept


def overlap(a: list[float], b: list[float]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def test_published_tensors() -> None:
    state = S3FD().state_dict()
    assert len(state) == 65
    assert sum(tensor.numel() for tensor in state.values()) == 22_459_110
    assert {name: tuple(state[name].shape) for name in ("fc6.weight", "conv5_3_norm.weight")} == {
        "fc6.weight": (1024, 512, 3, 3),
        "conv5_3_norm.weight": (512,),
    }
    assert [state[f"{name}_mbox_conf.bias"].shape[0] for name in HEADS] == [4, 2, 2, 2, 2, 2]
    assert all(state[f"{name}_mbox_loc.bias"].shape[0] == 4 for name in HEADS)
    assert [float(state[f"conv{i}_3_norm.weight"].mean()) for i in (3, 4, 5)] == [10, 8, 5]


def test_forward(network: S3FD) -> None:
    x = np.random.default_rng(2).normal(0, 60, (2, 3, 70, 101))
    made = network(torch.from_numpy(x.astype(np.float32)))
    for number in range(2):
        for (conf, loc), (conf64, loc64) in zip(made, reference(weights_of(network), x[number]), strict=True):
            assert conf[number].shape == conf64.shape
            np.testing.assert_allclose(conf[number], conf64, rtol=1e-3, atol=1e-3 * np.abs(conf64).max())
            np.testing.assert_allclose(loc[number], loc64, rtol=1e-3, atol=1e-3 * np.abs(loc64).max())


def test_detect(network: S3FD, picture: NDArray[np.uint8]) -> None:
    x = picture[:, :, ::-1].astype(np.float64).transpose(2, 0, 1) - np.array([104, 117, 123])[:, None, None]
    levels = reference(weights_of(network), x)
    scores = sorted(box[4] for box in boxes_of(levels, 0.3))
    gap = int(np.argmax(np.diff(scores)))
    least = (scores[gap] + scores[gap + 1]) / 2  # where rounding decides nothing
    expected = boxes_of(levels, least)
    found = detect(network, picture, least)
    assert len(expected) > 3
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, 4], [box[4] for box in expected], atol=1e-4)
    np.testing.assert_allclose(found[:, :4], [box[:4] for box in expected], rtol=1e-3, atol=0.1)


class Told(S3FD):
    """Says what it is told instead of looking."""

    def __init__(self, levels: Levels) -> None:
        super().__init__()
        self.levels = levels
        self.shown: Tensor | None = None

    def forward(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        self.shown = x
        return [
            (torch.from_numpy(conf[None]).float(), torch.from_numpy(loc[None]).float()) for conf, loc in self.levels
        ]


def silent(shape: tuple[int, int] = (6, 8)) -> Levels:
    """Six levels that see nothing."""
    return [(np.stack([np.full(shape, 9.0), np.full(shape, -9.0)]), np.zeros((4, *shape))) for _ in HEADS]


def black(height: int, width: int) -> NDArray[np.uint8]:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize("level", range(6))
def test_an_anchor(level: int) -> None:
    levels = silent()
    levels[level][0][:, 2, 5] = (0, 1)
    (box,) = detect(Told(levels), black(600, 600))
    stride = 4 << level
    x, y, half = 5.5 * stride, 2.5 * stride, 2 * stride
    np.testing.assert_allclose(box, [x - half, y - half, x + half, y + half, 1 / (1 + np.exp(-1))], rtol=1e-6)


def test_variances() -> None:
    levels = silent()
    levels[2][0][:, 1, 1] = (-3, 3)
    levels[2][1][:, 1, 1] = (2, -1, 5 * np.log(2), -5 * np.log(4))
    (box,) = detect(Told(levels), black(96, 96))
    np.testing.assert_allclose(box[:4], [36.8 - 64, 17.6 - 8, 36.8 + 64, 17.6 + 8], rtol=1e-5)


def test_large_pictures_are_shrunk() -> None:
    levels = silent()
    levels[1][0][:, 3, 4] = (0, 5)
    network = Told(levels)
    width = 3 * LONGEST
    (box,) = detect(network, black(width // 2, width))
    assert network.shown is not None
    assert network.shown.shape == (1, 3, LONGEST // 2, LONGEST)
    np.testing.assert_allclose(box[:4], np.array([36 - 16, 28 - 16, 36 + 16, 28 + 16]) * 3, rtol=1e-6)


def test_shrinking_makes_no_patterns() -> None:
    stripes = black(LONGEST * 4, 64)
    stripes[::4] = 200
    network = Told(silent())
    detect(network, stripes)
    assert network.shown is not None
    inner = network.shown[0, 0, 10 : LONGEST - 10, :8]
    assert float(inner.std()) < 5
    assert float(inner.mean()) == pytest.approx(50 - 104, abs=2)


def test_overlapping_boxes_are_one_face() -> None:
    levels = silent()
    levels[0][0][1, 2, 2:7] = (10, 11, 12, 11.5, 10.5)  # 4 pixels apart, 16 wide
    found = detect(Told(levels), black(64, 64))
    scores = 9 - np.array([12, 10, 10.5])
    np.testing.assert_allclose(found[:, 4], np.sort(1 / (1 + np.exp(scores)))[::-1][: len(found)], rtol=1e-5)
    assert found[:, 0].tolist() == [10]


def test_scores() -> None:
    levels = silent()
    for column, logit in enumerate((-4.0, -2.5, 0.5, 3.0)):
        levels[3][0][:, 1, 2 * column] = (0, logit)
        levels[3][1][2:, 1, 2 * column] = -5 * np.log(4)  # small enough to lie apart
    told, where = Told(levels), black(400, 400)
    assert len(detect(told, where)) == 2
    assert len(detect(told, where, 0.9)) == 1
    assert len(detect(told, where, 0.0)) == 3  # a score below 0.05 is never a face
    assert detect(told, where, 0.99).shape == (0, 5)
    assert (np.diff(detect(told, where, 0.0)[:, 4]) < 0).all()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e6])
def test_boxes_beyond_numbers(number: Any) -> None:
    levels = silent()
    levels[0][0][1] = 20
    levels[0][1][:] = number
    assert np.isfinite(detect(Told(levels), black(64, 64))).all()


@pytest.mark.parametrize("size", [(5, 9), (1, 700), (33, 31)])
def test_tiny_pictures(network: S3FD, size: tuple[int, int]) -> None:
    assert detect(network, black(*size)).shape[1] == 5
