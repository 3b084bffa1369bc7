"""SyncNet against code written a second time from the published facts, with seeded random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from scipy.fft import dct  # noqa: E402

from wav2lip.checkpoint import CheckpointError, load_syncnet  # noqa: E402
from wav2lip.syncnet import FRAMES, RATE, SHIFTS, SIDE, STEPS, Judge, SyncNet, mfcc  # noqa: E402

Array = NDArray[np.float64]

LAYOUT = {  # the published file's convolutions: name, shape
    "netcnnaud.0": (64, 1, 3, 3),
    "netcnnaud.4": (192, 64, 3, 3),
    "netcnnaud.8": (384, 192, 3, 3),
    "netcnnaud.11": (256, 384, 3, 3),
    "netcnnaud.14": (256, 256, 3, 3),
    "netcnnaud.18": (512, 256, 5, 4),
    "netfcaud.0": (512, 512),
    "netfcaud.3": (1024, 512),
    "netcnnlip.0": (96, 3, 5, 7, 7),
    "netcnnlip.4": (256, 96, 1, 5, 5),
    "netcnnlip.8": (256, 256, 1, 3, 3),
    "netcnnlip.11": (256, 256, 1, 3, 3),
    "netcnnlip.14": (256, 256, 1, 3, 3),
    "netcnnlip.18": (512, 256, 1, 6, 6),
    "netfclip.0": (512, 512),
    "netfclip.3": (1024, 512),
}


@pytest.fixture(scope="module")
def network() -> SyncNet:
    torch.manual_seed(5)
    return SyncNet().eval().requires_grad_(False)


def sound(seconds: float) -> NDArray[np.float32]:
    rng = np.random.default_rng(2)
    return rng.normal(0, 0.1, round(seconds * RATE)).clip(-1, 1).astype(np.float32)


def slow_mfcc(samples: NDArray[np.float32]) -> Array:
    """Frame by frame, triangle by triangle, scipy's cosine transform."""
    x = samples.astype(np.float64) * 32768
    x = np.append(x[0], x[1:] - 0.97 * x[:-1])
    count = 1 + max(0, int(np.ceil((len(x) - 400) / 160)))
    x = np.append(x, np.zeros(max(0, (count - 1) * 160 + 400 - len(x))))
    mels = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 28)
    edges = np.floor(513 * 700 * (10 ** (mels / 2595) - 1) / 16000).astype(int)
    rows = []
    for k in range(count):
        power = np.abs(np.fft.fft(x[160 * k : 160 * k + 400], 512)[:257]) ** 2 / 512
        bands = []
        for low, middle, high in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
            rising = sum(power[i] * (i - low) / (middle - low) for i in range(low, middle))
            bands.append(rising + sum(power[i] * (high - i) / (high - middle) for i in range(middle, high)))
        row = dct(np.log(bands), type=2, norm="ortho")[:13] * (1 + 11 * np.sin(np.pi * np.arange(13) / 22))
        row[0] = np.log(power.sum())
        rows.append(row)
    return np.array(rows)


def test_layout(network: SyncNet) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert {name: shapes[f"{name}.weight"] for name in LAYOUT} == LAYOUT
    convolved = {name for name, shape in shapes.items() if name.endswith(".weight") and len(shape) > 1}
    assert convolved == {f"{name}.weight" for name in LAYOUT}
    assert sum(parameter.numel() for parameter in network.parameters()) == 13_631_616
    assert network.see(torch.rand(1, 3, FRAMES, SIDE, SIDE)).shape == (1, 1024)
    assert network.hear(torch.rand(3, 1, 13, STEPS)).shape == (3, 1024)


@pytest.mark.parametrize("seconds", [0.01, 0.025, 0.0251, 0.035, 0.3])
def test_mfcc(seconds: float) -> None:
    samples = sound(seconds)
    expected = slow_mfcc(samples)
    assert mfcc([samples]) == pytest.approx(expected, abs=2e-3)
    assert np.array_equal(mfcc(np.split(samples, [3, 7, 90, 150])), mfcc([samples]))


def test_silence_is_finite() -> None:
    assert np.isfinite(mfcc([np.zeros(1000, np.float32)])).all()
    assert mfcc([]).shape == (1, 13)


def test_verdict(network: SyncNet) -> None:
    """Against distances that are taken window by window; one crop is missing."""
    rng = np.random.default_rng(3)
    crops = [rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for _ in range(12)]
    heard = mfcc([sound(0.6)])
    judge = Judge(network, heard, batch=3)
    for i, crop in enumerate(crops):
        judge.add(None if i == 3 else crop)
    verdict = judge.verdict()
    assert verdict is not None
    windows = [i for i in range(12 - FRAMES + 1) if not i <= 3 < i + FRAMES]
    last = (len(heard) - STEPS) // 4
    silent = torch.zeros(1024)
    rows = []
    for i in windows:
        lips = torch.from_numpy(np.stack(crops[i : i + FRAMES])).float().permute(3, 0, 1, 2)[None]
        seen = network.see(lips)[0]
        row = []
        for j in range(i - SHIFTS, i + SHIFTS + 1):
            near = silent
            if 0 <= j <= last:
                near = network.hear(torch.from_numpy(heard[4 * j : 4 * j + STEPS].T.copy())[None, None])[0]
            row.append(float(torch.nn.functional.pairwise_distance(seen, near)))
        rows.append(row)
    means = np.mean(rows, axis=0)
    assert verdict.windows == len(windows) == 4
    assert verdict.distance == pytest.approx(means.min(), rel=1e-4)
    assert verdict.confidence == pytest.approx(np.median(means) - means.min(), abs=1e-4)
    assert verdict.late == SHIFTS - int(means.argmin())


def test_nothing_to_judge(network: SyncNet) -> None:
    judge = Judge(network, mfcc([sound(1)]))
    assert judge.verdict() is None
    for _ in range(FRAMES - 1):
        judge.add(np.zeros((SIDE, SIDE, 3), np.uint8))
    judge.add(None)
    assert judge.verdict() is None
    with pytest.raises(ValueError, match="224"):
        judge.add(np.zeros((96, 96, 3), np.uint8))


def test_weights(network: SyncNet, tmp_path: Path) -> None:
    path = tmp_path / "syncnet_v2.model"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=False)
    loaded = load_syncnet(path)
    assert all(torch.equal(loaded.state_dict()[name], tensor) for name, tensor in network.state_dict().items())
    torch.save({"netcnnlip.0.weight": torch.zeros(1), "netcnnaud.0.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="does not fit SyncNet"):
        load_syncnet(path)
