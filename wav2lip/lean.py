"""The network for many frames of few faces: the same result as `wav2lip.network`, for a third of the work.

What depends on the face alone is computed once a face (`Lean.encode`): the face encoder, and the part of each decoder
convolution that sees only its features. Convolutions are linear, so that part is added to what the sound brings in.
Batch normalisation is folded into the convolutions. Of the decoder only those rows are computed that can be seen: from
`top` on, and above them what they depend on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor

from wav2lip.network import SIDE, Block, Wav2Lip

REACH = 1
"""Rows above a row that a convolution of kernel 3 sees."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the decoder needs of one face: for each of its stages (n, channels, rows, columns), biases included."""

    planes: tuple[Tensor, ...]

    @staticmethod
    def together(faces: Sequence[Features]) -> Features:
        """A batch of several faces; one that is the same throughout is not copied, but broadcast."""
        if all(face is faces[0] for face in faces):
            return faces[0]
        return Features(tuple(torch.cat(planes) for planes in zip(*(face.planes for face in faces), strict=True)))


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution with its normalisation folded in: weight (out, in, k, k), bias (out,).

    fused: whether cuDNN does it all in one kernel; a residual one in four would read and write memory thrice as often.
    """

    weight: Tensor
    bias: Tensor
    stride: tuple[int, int]
    padding: tuple[int, int]
    residual: bool
    fused: bool = False

    def __call__(self, x: Tensor) -> Tensor:
        """(n, in, h, w) to (n, out, h', w'), rectified."""
        if self.fused and self.residual:
            return add_relu(x, self.weight, x, self.bias, self.stride, self.padding)
        if self.fused:
            return torch.cudnn_convolution_relu(x, self.weight, self.bias, self.stride, self.padding, (1, 1), 1)
        made = F.conv2d(x, self.weight, self.bias, self.stride, self.padding)
        if self.residual:
            made += x
        return made.relu_()


def add_relu(x: Tensor, weight: Tensor, added: Tensor, bias: Tensor | None, stride: tuple[int, int],
             padding: tuple[int, int]) -> Tensor:  # fmt: skip
    """A convolution, what is added to it and its bias, rectified: one kernel of cuDNN's."""
    return torch.cudnn_convolution_add_relu(x, weight, added, 1.0, bias, stride, padding, (1, 1), 1)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the decoder: twice the side, then residual convolutions.

    sound, face: the transposed convolution's weights (in, out, 3, 3) for the channels that come from below, and for
    those of the face's feature. first: the row from which its result is computed; skipped: rows of its input above.
    """

    sound: Tensor
    face: Tensor
    bias: Tensor
    stride: tuple[int, int]
    padding: tuple[int, int]
    output_padding: tuple[int, int]
    first: int
    skipped: int
    residuals: tuple[Conv, ...]

    def __call__(self, x: Tensor, known: Tensor) -> Tensor:
        """(n, in, h, w) and what is `known` of the face, to (n, out, 2h, 2w) from row `first` on."""
        made = self._upward(x[:, :, self.skipped :], self.sound)
        made += known
        made.relu_()
        for residual in self.residuals:
            made = residual(made)
        return made

    def known(self, feature: Tensor) -> Tensor:
        """What the face's feature adds before the ReLU; biases included."""
        return (self._upward(feature, self.face) + self.bias[:, None, None])[:, :, self.first :]

    def _upward(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.conv_transpose2d(x, weight, None, self.stride, self.padding, self.output_padding)


@dataclass(frozen=True, slots=True)
class Picture:
    """The last two convolutions: of kernel 3 by its channels as in Stage, with their bias, and of kernel 1.

    fused: as of Conv.
    """

    sound: Tensor
    face: Tensor
    bias: Tensor
    last: Tensor
    last_bias: Tensor
    fused: bool = False

    def __call__(self, x: Tensor, known: Tensor) -> Tensor:
        """(n, in, h, w) and what is `known` of the face, to (n, 3, h, w), not yet between 0 and 1."""
        if self.fused and len(known) == len(x):
            mixed = add_relu(x, self.sound, known, None, (1, 1), (1, 1))
        else:
            mixed = F.conv2d(x, self.sound, None, padding=1)
            mixed += known
            mixed.relu_()
        return F.conv2d(mixed, self.last, self.last_bias)


def first_rows(top: int, sides: Sequence[int]) -> dict[int, int]:
    """For each side of the decoder, largest first in what is returned, the row from which it must be computed so that
    the picture is right from row `top` on.

    A stage's two residual convolutions and the picture's own each see REACH rows further up. Doubling puts row i to
    rows 2i and up, so that a stage begins at an even row.
    """
    first, needed = {}, top - REACH
    for side in sorted(sides, reverse=True):
        needed = max(0, needed - 2 * REACH) // 2
        first[side] = 2 * needed
    return first


class Lean:
    """A network made ready to run: move it with `device` and `dtype`.

    top: the first row of the picture that is wanted; `first` is the first that is computed. Everything runs under
    `torch.inference_mode`.
    """

    def __init__(self, network: Wav2Lip, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32,
                 top: int = SIDE // 2) -> None:  # fmt: skip
        self.device, self.dtype, self.top = torch.device(device), dtype, top
        parts: Any = network  # torch's containers do not tell what they hold
        with torch.inference_mode():
            self._face = [[self._conv(block) for block in blocks] for blocks in parts.face_encoder_blocks]
            self.audio = [self._conv(block) for block in (*parts.audio_encoder, *parts.face_decoder_blocks[0])]
            self.stages = self._decoder(parts)
            self.picture = self._output(parts)
        self.first = self.stages[-1].first

    @torch.inference_mode()
    def encode(self, faces: Tensor) -> list[Features]:
        """The features of each face: (n, 6, SIDE, SIDE) in [0, 1] as `Wav2Lip.forward` takes them."""
        x, features = self._placed(faces), []
        for block in self._face:
            for conv in block:
                x = conv(x)
            features.append(x)
        planes = [stage.known(features.pop()) for stage in self.stages]
        picture = F.conv2d(features.pop(), self.picture.face, self.picture.bias, padding=1)
        planes.append(picture[:, :, self.first :])
        return [
            Features(tuple(plane[i : i + 1].contiguous(memory_format=torch.channels_last) for plane in planes))
            for i in range(len(faces))
        ]

    @torch.inference_mode()
    def decode(self, mels: Tensor, known: Features) -> Tensor:
        """The pictures that say the mel windows (n, 1, MELS, WINDOW): (n, 3, SIDE - top, SIDE) in [0, 1], BGR, float32.

        known: of n faces, or of one that says them all.
        """
        x = self._placed(mels)
        for conv in self.audio:
            x = conv(x)
        for stage, plane in zip(self.stages, known.planes, strict=False):
            x = stage(x, plane)
        x = self.picture(x, known.planes[-1])
        return x[:, :, self.top - self.first :].sigmoid().float()

    def _placed(self, x: Tensor) -> Tensor:
        return x.to(self.device, self.dtype, memory_format=torch.channels_last)

    def _weight(self, x: Tensor) -> Tensor:
        return x.to(self.device, self.dtype, memory_format=torch.channels_last)

    def _bias(self, x: Tensor) -> Tensor:
        return x.to(self.device, self.dtype)

    def _conv(self, block: Any) -> Conv:
        if not isinstance(block, Block):
            raise TypeError(f"{type(block).__name__} is no Block")
        parts: Any = block.conv_block
        conv, norm = parts
        weight, bias = folded(conv, norm, 0)
        made = Conv(self._weight(weight), self._bias(bias), conv.stride, conv.padding, block.residual)
        return replace(made, fused=_fuses(made))

    def _decoder(self, network: Any) -> list[Stage]:
        blocks = list(network.face_decoder_blocks)[1:]
        sides = [3 * 2**i for i in range(len(blocks))]
        first = first_rows(self.top, sides)
        stages, channels, below = [], 512, 0
        for side, (up, *residuals) in zip(sides, blocks, strict=True):
            stages.append(self._stage(up, residuals, channels, first[side], below))
            channels, below = up.conv_block[0].out_channels, first[side]
        return stages

    def _stage(self, up: Any, residuals: Sequence[Block], channels: int, first: int, below: int) -> Stage:
        """channels: of its input, how many come from below; the rest are the face's."""
        conv, norm = up.conv_block
        weight, bias = folded(conv, norm, 1)
        return Stage(
            self._weight(weight[:channels]),
            self._weight(weight[channels:]),
            self._bias(bias),
            conv.stride,
            conv.padding,
            conv.output_padding,
            first,
            first // 2 - below,
            tuple(self._conv(residual) for residual in residuals),
        )

    def _output(self, network: Any) -> Picture:
        mixed, last, _ = network.output_block
        conv, norm = mixed.conv_block
        weight, bias = folded(conv, norm, 0)
        channels = self.stages[-1].sound.shape[1]
        sound = self._weight(weight[:, :channels])
        like = Conv(sound, self._bias(bias), (1, 1), (1, 1), residual=False)
        return Picture(
            sound,
            self._weight(weight[:, channels:]),
            self._bias(bias),
            self._weight(last.weight),
            self._bias(last.bias),
            fused=_fuses(like),
        )


def _fuses(conv: Conv) -> bool:
    """Whether cuDNN has the kernel here: tried, since it depends on the GPU, the version and the channels.

    Half precision only: float32 is there to be compared with.
    """
    weight, cudnn = conv.weight, cast("Any", torch.backends.cudnn)
    if weight.device.type != "cuda" or weight.dtype is torch.float32 or not cudnn.is_available():
        return False
    x = torch.zeros((2, weight.shape[1], 8, 8), device=weight.device, dtype=weight.dtype)
    try:
        replace(conv, fused=True)(x.contiguous(memory_format=torch.channels_last))
    except RuntimeError:
        return False
    return True


def folded(conv: Any, norm: Any, axis: int) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that does what it and the normalisation after it do (Jacob et al. 2018, 3.2).

    axis: of the weight, that counts output channels: 0, or 1 where it is transposed.
    """
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    return conv.weight * scale.view(shape), (conv.bias - norm.running_mean) * scale + norm.bias
