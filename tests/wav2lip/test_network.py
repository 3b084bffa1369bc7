"""The published network: its names, shapes and arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from tests.wav2lip.networks import lively
from wav2lip.network import Wav2Lip

State = Mapping[str, Tensor]
EPS = 1e-5


def test_tensors_and_parameters_are_as_many_as_published() -> None:
    network = Wav2Lip()
    assert len(network.state_dict()) == 352
    assert sum(each.numel() for each in network.parameters()) == 36_298_035


def test_names_are_the_published_ones() -> None:
    shapes = {name: tuple(each.shape) for name, each in Wav2Lip().state_dict().items()}
    assert shapes["face_encoder_blocks.0.0.conv_block.0.weight"] == (16, 6, 7, 7)
    assert shapes["face_encoder_blocks.1.0.conv_block.0.weight"] == (32, 16, 3, 3)
    assert shapes["face_encoder_blocks.2.3.conv_block.1.running_mean"] == (64,)
    assert shapes["audio_encoder.3.conv_block.0.weight"] == (64, 32, 3, 3)
    assert shapes["audio_encoder.12.conv_block.0.weight"] == (512, 512, 1, 1)
    assert shapes["face_decoder_blocks.1.0.conv_block.0.weight"] == (1024, 512, 3, 3)
    assert shapes["face_decoder_blocks.2.1.conv_block.1.running_var"] == (512,)
    assert shapes["face_decoder_blocks.6.0.conv_block.0.weight"] == (160, 64, 3, 3)
    assert shapes["output_block.0.conv_block.0.weight"] == (32, 80, 3, 3)
    assert shapes["output_block.1.weight"] == (3, 32, 1, 1)


def norm(state: State, name: str, x: Tensor) -> Tensor:
    """Batch normalisation, written out."""
    mean, var, weight, bias = (
        state[f"{name}.{what}"][None, :, None, None] for what in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / torch.sqrt(var + EPS) * weight + bias


def conv(state: State, name: str, x: Tensor, stride: int | tuple[int, int] = 1, padding: int = 1, *,
         residual: bool = False) -> Tensor:  # fmt: skip
    made = torch.nn.functional.conv2d(
        x, state[f"{name}.conv_block.0.weight"], state[f"{name}.conv_block.0.bias"], stride, padding
    )
    made = norm(state, f"{name}.conv_block.1", made)
    return torch.clamp(made + x if residual else made, min=0)


def up(state: State, name: str, x: Tensor, stride: int, padding: int, extra: int) -> Tensor:
    """A transposed convolution as what it is: each input pixel adds its kernel to the output around it."""
    weight, bias = state[f"{name}.conv_block.0.weight"], state[f"{name}.conv_block.0.bias"]
    n, _, height, width = x.shape
    out = torch.zeros(n, weight.shape[1], (height - 1) * stride + 3 + extra, (width - 1) * stride + 3 + extra).double()
    for i in range(height):
        for j in range(width):
            out[:, :, i * stride : i * stride + 3, j * stride : j * stride + 3] += torch.einsum(
                "nc,cokl->nokl", x[:, :, i, j], weight
            )
    out = out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding] + bias[None, :, None, None]
    return torch.clamp(norm(state, f"{name}.conv_block.1", out), min=0)


def reference(state: State, mel: Tensor, face: Tensor) -> Tensor:
    """The whole network from the facts, block by block, in float64."""
    features = []
    for i, count in enumerate((0, 2, 3, 2, 2, 1)):
        face = conv(state, f"face_encoder_blocks.{i}.0", face, 2 if i else 1, 1 if i else 3)
        for k in range(1, count + 1):
            face = conv(state, f"face_encoder_blocks.{i}.{k}", face, residual=True)
        features.append(face)
    face = conv(state, "face_encoder_blocks.6.0", face, padding=0)
    features.append(conv(state, "face_encoder_blocks.6.1", face, padding=0))
    index, x = 0, mel
    for stride, count in ((1, 2), ((3, 1), 2), (3, 2), ((3, 2), 1)):
        x = conv(state, f"audio_encoder.{index}", x, stride)
        for k in range(1, count + 1):
            x = conv(state, f"audio_encoder.{index + k}", x, residual=True)
        index += 1 + count
    x = conv(state, f"audio_encoder.{index}", x, padding=0)
    x = conv(state, f"audio_encoder.{index + 1}", x, padding=0)
    assert x.shape[1:] == (512, 1, 1)
    x = torch.cat([conv(state, "face_decoder_blocks.0.0", x, padding=0), features.pop()], 1)
    for i, count in enumerate((1, 2, 2, 2, 2, 2), start=1):
        x = up(state, f"face_decoder_blocks.{i}.0", x, *((1, 0, 0) if i == 1 else (2, 1, 1)))
        for k in range(1, count + 1):
            x = conv(state, f"face_decoder_blocks.{i}.{k}", x, residual=True)
        x = torch.cat([x, features.pop()], 1)
    x = conv(state, "output_block.0", x)
    x = torch.nn.functional.conv2d(x, state["output_block.1.weight"], state["output_block.1.bias"])
    return 1 / (1 + torch.exp(-x))


@torch.no_grad()
def test_outputs_are_those_of_the_reference() -> None:
    network = lively()
    rng = np.random.default_rng(1)
    mel = torch.from_numpy(rng.uniform(-4, 4, (1, 1, 80, 16)))
    face = torch.from_numpy(rng.uniform(0, 1, (1, 6, 96, 96)))
    wanted = reference({name: each.double() for name, each in network.state_dict().items()}, mel, face)
    assert wanted.std() > 0.02  # the weights make a picture, not a plane
    got = network(mel.float(), face.float())
    assert got.shape == (1, 3, 96, 96)
    np.testing.assert_allclose(got.double().numpy(), wanted.numpy(), atol=2e-4)
    exact = network.double()(mel, face)
    np.testing.assert_allclose(exact.numpy(), wanted.numpy(), atol=1e-10)
