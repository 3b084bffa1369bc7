"""The speech driver's network: its sum against plain loops, and weights that are not what they should be."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from txt2vid.drivers.features import MELS, SILENCE_DB, SILENT, Hop
from txt2vid.drivers.network import EACH, LIMITS, SEEN, SPAN, TOLD, SpeechNetwork, layers, load, seen
from txt2vid.errors import DependencyError


def weights(seed: int = 1) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    return {name: (0.2 * rng.standard_normal(shape)).astype(np.float32) for name, shape in layers().items()}


def hops(count: int) -> list[Hop]:
    rng = np.random.default_rng(2)
    return [SILENT._replace(mels=rng.normal(-15, 12, MELS), speech=float(rng.random())) for _ in range(count)]


def test_its_sum_is_that_of_plain_loops() -> None:
    made, given = weights(), hops(SPAN)
    network = SpeechNetwork(made)
    (told,) = network.tell(network.hear(given)[None])
    wide = {name: array.astype(np.float64) for name, array in made.items()}
    rows = seen(given).astype(np.float64)
    kept = [np.maximum(row @ wide["each.weight"] + wide["each.bias"], 0) for row in rows]
    hidden = wide["hidden.bias"].copy()
    for at, row in enumerate(kept):
        hidden += row @ wide["hidden.weight"][at * EACH : (at + 1) * EACH]
    last = np.maximum(np.maximum(hidden, 0) @ wide["last.weight"] + wide["last.bias"], 0)
    expected = LIMITS / (1 + np.exp(-(last @ wide["told.weight"] + wide["told.bias"])))
    assert told.shape == (len(TOLD),)
    np.testing.assert_allclose(told, expected, atol=1e-5)


def test_what_is_seen_is_bounded() -> None:
    loud = SILENT._replace(mels=np.full(MELS, 500.0), speech=1.0)
    rows = seen([SILENT, loud])
    assert rows.shape == (2, SEEN)
    assert SILENT.mels[0] == SILENCE_DB
    assert rows.min() >= -2
    assert rows.max() <= 2
    assert seen([]).shape == (0, SEEN)


@pytest.mark.parametrize("kind", ["missing", "empty", "cut", "text", "pickle", "shape", "name"])
def test_weights_that_are_not_there_are_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "speech.npz"
    whole = io.BytesIO()
    np.savez(whole, **weights())
    if kind == "shape":
        np.savez(path, **{**weights(), "told.bias": np.zeros(3, np.float32)})
    elif kind == "name":
        np.savez(path, **weights(), more=np.zeros(3, np.float32))
    elif kind == "pickle":
        np.savez(path, **{**weights(), "told.bias": np.array([{}], dtype=object)})
    elif kind != "missing":
        path.write_bytes({"empty": b"", "cut": whole.getvalue()[:100_000], "text": b"weights"}[kind])
    with pytest.raises(DependencyError, match="train_speech_driver") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_weights_of_a_zip_with_a_damaged_member(tmp_path: Path) -> None:
    path = tmp_path / "speech.npz"
    np.savez(path, **weights())
    with zipfile.ZipFile(path) as file:
        at = file.getinfo("hidden.weight.npy").header_offset + 4000
    data = bytearray(path.read_bytes())
    data[at] ^= 255
    path.write_bytes(data)
    with pytest.raises(DependencyError, match="train_speech_driver"):
        load(path)
