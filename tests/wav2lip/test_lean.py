"""The lean network draws what the published one does, row for row."""

from __future__ import annotations

import pytest
import torch

from tests.wav2lip.networks import lively
from wav2lip.lean import Features, Lean, first_rows
from wav2lip.network import Wav2Lip

SIDES = (3, 6, 12, 24, 48, 96)


@pytest.fixture(scope="module")
def network() -> Wav2Lip:
    return lively(3)


def given(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mels = torch.rand(count, 1, 80, 16, generator=generator) * 8 - 4
    return mels, torch.rand(count, 6, 96, 96, generator=generator)


@pytest.mark.parametrize("top", [0, 1, 17, 47, 48, 50, 95])
def test_every_row_from_top_on_is_the_published_one(network: Wav2Lip, top: int) -> None:
    mels, faces = given(2)
    with torch.inference_mode():
        wanted = network(mels, faces)[:, :, top:]
    lean = Lean(network, top=top)
    got = lean.decode(mels, Features.together(lean.encode(faces)))
    assert got.shape == (2, 3, 96 - top, 96)
    assert wanted.std() > 0.02
    torch.testing.assert_close(got, wanted, atol=2e-5, rtol=0)


def test_one_face_that_says_many_windows(network: Wav2Lip) -> None:
    mels, faces = given(5)
    lean = Lean(network)
    (known,) = lean.encode(faces[:1])
    got = lean.decode(mels, known)
    with torch.inference_mode():
        wanted = network(mels, faces[:1].expand(5, -1, -1, -1))[:, :, 48:]
    torch.testing.assert_close(got, wanted, atol=2e-5, rtol=0)
    same = lean.decode(mels, Features.together([known] * 5))
    torch.testing.assert_close(same, got, atol=0, rtol=0)


def test_mixed_faces_stay_apart(network: Wav2Lip) -> None:
    mels, faces = given(3)
    lean = Lean(network)
    known = lean.encode(faces)
    mixed = lean.decode(mels, Features.together([known[2], known[0], known[1]]))
    for i, face in enumerate((2, 0, 1)):
        alone = lean.decode(mels[i : i + 1], known[face])
        torch.testing.assert_close(mixed[i : i + 1], alone, atol=2e-5, rtol=0)


def test_bfloat16_keeps_45_db(network: Wav2Lip) -> None:
    mels, faces = given(2)
    exact, quick = Lean(network), Lean(network, dtype=torch.bfloat16)
    wanted = exact.decode(mels, Features.together(exact.encode(faces)))
    got = quick.decode(mels, Features.together(quick.encode(faces)))
    assert got.dtype == torch.float32
    psnr = -10 * torch.log10(((got - wanted) ** 2).mean())
    assert psnr > 45


def test_only_what_is_seen_is_computed() -> None:
    assert first_rows(0, SIDES) == dict.fromkeys(SIDES, 0)
    first = first_rows(48, SIDES)
    assert first[96] == 44  # 48, less the picture's row, less two residual rows, and even
    assert first[48] == 20
    assert all(first[side] <= first[2 * side] // 2 - 2 or first[side] == 0 for side in (3, 6, 12, 24, 48))


def test_foreign_blocks_are_refused() -> None:
    broken = lively(3)
    broken.audio_encoder[3] = torch.nn.Identity()
    with pytest.raises(TypeError, match="Identity is no Block"):
        Lean(broken)
