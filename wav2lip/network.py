"""The network as published: every tensor has its published name and shape, so that published weights load as they are.

This is the reference that everything faster is measured against (`wav2lip.lean`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SIDE = 96
"""Pixels a side of the face crops that the network takes and gives."""
MELS, WINDOW = 80, 16
"""Mel bands, and mel frames of a window."""


class Block(nn.Module):
    """Convolution, batch normalisation, ReLU; `residual` adds the input before the ReLU."""

    def __init__(self, given: int, made: int, kernel: int = 3, stride: int | tuple[int, int] = 1, padding: int = 1,
                 *, residual: bool = False) -> None:  # fmt: skip
        super().__init__()
        self.conv_block = nn.Sequential(nn.Conv2d(given, made, kernel, stride, padding), nn.BatchNorm2d(made))
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(n, given, h, w) to (n, made, h', w')."""
        out = self.conv_block(x)
        return torch.relu(out + x if self.residual else out)


class Upward(nn.Module):
    """Transposed convolution of kernel 3, batch normalisation, ReLU."""

    def __init__(self, given: int, made: int, stride: int, padding: int, output_padding: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ConvTranspose2d(given, made, 3, stride, padding, output_padding), nn.BatchNorm2d(made)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, given, h, w) to (n, made, h', w')."""
        return torch.relu(self.conv_block(x))


def _residuals(channels: int, count: int) -> list[nn.Module]:
    return [Block(channels, channels, residual=True) for _ in range(count)]


def _up(given: int, made: int, residuals: int) -> nn.Sequential:
    """Twice the side."""
    return nn.Sequential(Upward(given, made, 2, 1, 1), *_residuals(made, residuals))


def _final(channels: int) -> list[nn.Module]:
    """From three by three to one by one."""
    return [Block(channels, 512, padding=0), Block(512, 512, 1, padding=0)]


def _face_encoder() -> nn.ModuleList:
    stages: Sequence[tuple[int, int, int]] = ((16, 32, 2), (32, 64, 3), (64, 128, 2), (128, 256, 2), (256, 512, 1))
    return nn.ModuleList(
        [
            nn.Sequential(Block(6, 16, 7, padding=3)),
            *(nn.Sequential(Block(given, made, stride=2), *_residuals(made, n)) for given, made, n in stages),
            nn.Sequential(*_final(512)),
        ]
    )


def _audio_encoder() -> nn.Sequential:
    return nn.Sequential(
        Block(1, 32), *_residuals(32, 2),
        Block(32, 64, stride=(3, 1)), *_residuals(64, 2),
        Block(64, 128, stride=3), *_residuals(128, 2),
        Block(128, 256, stride=(3, 2)), *_residuals(256, 1),
        *_final(256),
    )  # fmt: skip


def _face_decoder() -> nn.ModuleList:
    return nn.ModuleList(
        [
            nn.Sequential(Block(512, 512, 1, padding=0)),
            nn.Sequential(Upward(1024, 512, 1, 0, 0), *_residuals(512, 1)),
            _up(1024, 512, 2),
            _up(768, 384, 2),
            _up(512, 256, 2),
            _up(320, 128, 2),
            _up(160, 64, 2),
        ]
    )


class Wav2Lip(nn.Module):
    """Mouths for faces: 36,298,035 parameters, 352 tensors in its state."""

    def __init__(self) -> None:
        super().__init__()
        self.face_encoder_blocks = _face_encoder()
        self.audio_encoder = _audio_encoder()
        self.face_decoder_blocks = _face_decoder()
        self.output_block = nn.Sequential(Block(80, 32), nn.Conv2d(32, 3, 1), nn.Sigmoid())

    def forward(self, mel: Tensor, face: Tensor) -> Tensor:
        """mel: (n, 1, MELS, WINDOW) in [-4, 4]. face: (n, 6, SIDE, SIDE) in [0, 1], BGR with its lower half zero, then
        BGR whole. Returns (n, 3, SIDE, SIDE) in [0, 1], BGR: the face that says it.
        """
        features = self.encode_face(face)
        x = self.audio_encoder(mel)
        for block in self.face_decoder_blocks:
            x = torch.cat([block(x), features.pop()], dim=1)
        made: Tensor = self.output_block(x)
        return made

    def encode_face(self, face: Tensor) -> list[Tensor]:
        """What each stage of the face encoder sees, from side 96 to side 1."""
        features = []
        for block in self.face_encoder_blocks:
            face = block(face)
            features.append(face)
        return features
