"""The training of the speech driver, from nothing to weights that the driver takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from txt2vid.drivers.network import EACH, SPAN, TUCKED, load

ROOT = Path(__file__).parent.parent
QUICK = ("--blocks", "1", "--epochs", "1")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_little_training_learns_something(tmp_path: Path) -> None:
    weights = tmp_path / "speech.npz"
    command = [sys.executable, str(ROOT / "scripts" / "train_speech_driver.py"), *QUICK, "-o", str(weights)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    load(weights)
    log = weights.with_suffix(".log").read_text()
    (gap,) = (float(line.partition("gap ")[2].partition(",")[0]) for line in log.splitlines() if "kept back" in line)
    assert gap > 0.4
    assert "p, b and m" in log


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_f_and_v_are_learned_anew_and_all_else_is_kept(tmp_path: Path) -> None:
    shipped, weights = ROOT / "checkpoints" / "speech.npz", tmp_path / "speech.npz"
    command = [sys.executable, str(ROOT / "scripts" / "train_speech_driver.py"), "--keep", str(shipped)]
    command += ["--blocks", "1", "--epochs", "0.1", "-o", str(weights)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    heard = np.random.default_rng(1).random((20, SPAN, EACH)).astype(np.float32)
    before, after = load(shipped).tell(heard), load(weights).tell(heard)
    np.testing.assert_allclose(after[:, :TUCKED], before[:, :TUCKED], atol=1e-5)
    assert np.abs(after[:, TUCKED] - before[:, TUCKED]).max() > 0.01
    assert "v with a lip at the teeth" in weights.with_suffix(".log").read_text()


def test_the_weights_that_ship_are_small_and_logged() -> None:
    path = ROOT / "checkpoints" / "speech.npz"
    assert path.stat().st_size < 5_000_000
    assert np.isfinite(load(path).tell(np.zeros((1, 39, 40), np.float32))).all()
    assert "done in" in path.with_suffix(".log").read_text()
