from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from tests.score.conftest import Cut  # noqa: E402
from txt2vid.errors import EngineError, FaceError  # noqa: E402
from txt2vid.score.expert import load  # noqa: E402
from wav2lip.syncnet import SyncNet  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeded random weights in the published layout."""
    torch.manual_seed(6)
    path = tmp_path_factory.mktemp("syncnet") / "syncnet_v2.model"
    torch.save(SyncNet().state_dict(), path)
    return path


@pytest.mark.slow
def test_verdict(weights: Path, speaking: Path, cut: Cut) -> None:
    path = cut("short.mp4", "-i", speaking, "-t", 1, "-vf", "fps=30", "-c:v", "libx264", "-c:a", "aac")
    seen: list[tuple[int, int | None]] = []
    found = load(weights).judge(path, lambda done, total: seen.append((done, total)))
    assert found.windows == pytest.approx(20, abs=2)
    assert found.lse_d > 0
    assert found.lse_c >= 0
    assert abs(found.offset_ms) <= 600
    assert seen[-1][0] == pytest.approx(25, abs=1)


def test_no_face(weights: Path, cut: Cut) -> None:
    inputs = ("-f", "lavfi", "-i", "testsrc=size=128x96:duration=0.4", "-f", "lavfi", "-i", "sine=duration=0.4")
    with pytest.raises(FaceError, match="leave --syncnet out"):
        load(weights).judge(cut("none.mp4", *inputs))


def test_other_weights(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="holds Wav2Lip's weights; expected SyncNet's"):
        load(checkpoint)
    with pytest.raises(EngineError, match="is no file"):
        load(tmp_path / "none.model")
