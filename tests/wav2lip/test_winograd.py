"""Winograd's way gives the lean network's pictures."""

from __future__ import annotations

import pytest
import torch

from tests.wav2lip.networks import lively
from wav2lip.lean import Features, Lean
from wav2lip.network import Wav2Lip

winograd = pytest.importorskip("wav2lip.winograd")


@pytest.fixture(scope="module")
def network() -> Wav2Lip:
    return lively(7)


def given(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    mels = torch.rand(count, 1, 80, 16, generator=generator) * 8 - 4
    return mels, torch.rand(count, 6, 96, 96, generator=generator)


@pytest.mark.parametrize("top", [0, 48])
@pytest.mark.parametrize("threads", [1, 2])
def test_pictures_are_the_published_ones(network: Wav2Lip, top: int, threads: int) -> None:
    mels, faces = given(3)
    lean = Lean(network, top=top)
    quick = winograd.WinogradLean(lean, threads)
    known = Features.together(lean.encode(faces))
    with torch.inference_mode():
        wanted = network(mels, faces)[:, :, top:]
    got = quick.decode(mels, known)
    assert got.shape == wanted.shape
    assert wanted.std() > 0.02
    torch.testing.assert_close(got, wanted, atol=2e-4, rtol=0)
    torch.testing.assert_close(quick.decode(mels, known), got, atol=0, rtol=0)  # nothing is left of the frames before


def test_one_face_that_says_many_windows(network: Wav2Lip) -> None:
    mels, faces = given(4)
    lean = Lean(network)
    (known,) = lean.encode(faces[:1])
    got = winograd.WinogradLean(lean, 1).decode(mels, known)
    torch.testing.assert_close(got, lean.decode(mels, known), atol=2e-4, rtol=0)


def test_other_numbers_and_devices_are_refused(network: Wav2Lip) -> None:
    with pytest.raises(ValueError, match="float32 on a CPU"):
        winograd.WinogradLean(Lean(network, dtype=torch.bfloat16), 1)
