"""The lean network on ncnn, for CPUs without bfloat16: the same result in two thirds of the time.

oneDNN's float32 convolutions run at such a CPU's peak, so only fewer multiplications help: Winograd's (Lavin and Gray
2016), which ncnn has for convolutions of kernel 3 and stride 1, and which need a quarter to a half of them. Everything
stays float32. ncnn has no batches: frames run one after the other, each on all threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ncnn as _ncnn
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wav2lip.lean import Conv, Features, Lean, Stage

_ncnn_any: Any = _ncnn  # it ships stubs for some of its calls only
_MAGIC = "7767517"  # how a description of a network begins
_FLAG = b"\0\0\0\0"  # before weights: they are float32
_RELU, _SIGMOID = 1, 4  # activations, by ncnn's numbers
_REST = -233  # "as many as there are"
_EXACT = ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage")


class WinogradLean:
    """`Lean.decode` of a lean network (float32, on the CPU), on so many threads."""

    def __init__(self, lean: Lean, threads: int) -> None:
        if lean.dtype is not torch.float32 or lean.device.type != "cpu":
            raise ValueError(f"Winograd's way is for float32 on a CPU, not for {lean.dtype} on {lean.device}")
        self._skipped = lean.top - lean.first
        text, self._weights, self._result = _described(lean)  # ncnn reads weights where they are: they must stay
        self._net = _ncnn_any.Net()
        self._net.opt.num_threads = threads
        for option in _EXACT:
            setattr(self._net.opt, option, False)
        self._net.opt.use_winograd23_convolution = False  # slower than plain for the few that it would be chosen for
        self._net.load_param_mem(text)
        self._net.load_model_mem(self._weights)

    def decode(self, mels: Tensor, known: Features) -> Tensor:
        """As `Lean.decode`."""
        planes = [np.ascontiguousarray(plane.numpy()) for plane in known.planes]
        pictures = []
        for index, mel in enumerate(mels.numpy()):
            own = [plane[index if len(plane) > 1 else 0] for plane in planes]
            pictures.append(self._drawn(np.ascontiguousarray(mel), own)[:, self._skipped :])
        return torch.from_numpy(np.stack(pictures))

    def _drawn(self, mel: NDArray[np.float32], planes: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """One picture. ncnn reads the arrays where they are, so they must live until it has drawn."""
        run = self._net.create_extractor()
        run.input("mel", _ncnn_any.Mat(mel))
        for index, plane in enumerate(planes):
            run.input(f"known{index}", _ncnn_any.Mat(plane))
        failed, made = run.extract(self._result)
        if failed:
            raise RuntimeError(f"ncnn failed with {failed}: can't allocate memory")  # it has no other reason here
        return np.array(made)


class _Description:
    """A network in ncnn's text, and its weights, layer by layer."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._blobs = 0
        self._weights: list[bytes] = []

    def input(self, name: str) -> str:
        return self._add("Input", [], [name], "")

    def conv(self, conv: Conv, x: str) -> str:
        """With its ReLU, and what it adds to."""
        before = ""
        if conv.residual:
            x, before = self._twice(x)
        relu = "" if conv.residual else f"9={_RELU}"
        y = self.plain(x, conv.weight, conv.bias, conv.stride, conv.padding, relu)
        return self.sum(y, before) if conv.residual else y

    def plain(self, x: str, weight: Tensor, bias: Tensor | None, stride: tuple[int, int], padding: tuple[int, int],
              activation: str = "") -> str:  # fmt: skip
        """A convolution: weight (out, in, k, k)."""
        made, _, rows, columns = weight.shape
        self._hold(weight, bias)
        options = f"0={made} 1={columns} 11={rows} 3={stride[1]} 13={stride[0]} 4={padding[1]} 14={padding[0]}"
        return self._new(
            "Convolution", [x], f"{options} 5={int(bias is not None)} 6={weight.numel()} {activation}".rstrip()
        )

    def up(self, stage: Stage, x: str) -> str:
        """The stage's transposed convolution of what comes from below."""
        if stage.skipped:
            x = self._new("Crop", [x], f"0=0 1={stage.skipped} 2=0 3={_REST} 4={_REST} 5={_REST}")
        weight = stage.sound.transpose(0, 1)
        self._hold(weight, None)
        options = f"0={len(weight)} 1=3 3={stage.stride[0]} 4={stage.padding[0]} 18={stage.output_padding[0]}"
        return self._new("Deconvolution", [x], f"{options} 5=0 6={weight.numel()}")

    def sum(self, one: str, other: str) -> str:
        """The sum of two, rectified."""
        return self._new("ReLU", [self._new("BinaryOp", [one, other], "0=0")], "")

    def text(self) -> str:
        return "\n".join([_MAGIC, f"{len(self._lines)} {self._blobs}", *self._lines, ""])

    def weights(self) -> bytes:
        return b"".join(self._weights)

    def _twice(self, x: str) -> tuple[str, str]:
        names = f"{x}a", f"{x}b"
        self._add("Split", [x], list(names), "")
        return names

    def _new(self, kind: str, given: list[str], options: str) -> str:
        return self._add(kind, given, [f"blob{self._blobs}"], options)

    def _add(self, kind: str, given: list[str], made: list[str], options: str) -> str:
        self._blobs += len(made)
        name = f"layer{len(self._lines)}"
        self._lines.append(" ".join([kind, name, str(len(given)), str(len(made)), *given, *made, options]).rstrip())
        return made[0]

    def _hold(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weights += [_FLAG, weight.contiguous().numpy().tobytes()]
        if bias is not None:
            self._weights.append(bias.numpy().tobytes())


@torch.inference_mode()
def _described(lean: Lean) -> tuple[str, bytes, str]:
    """The decoder with the audio encoder: ncnn's text, its weights, and the name of the picture."""
    net = _Description()
    x = net.input("mel")
    known = [net.input(f"known{index}") for index in range(len(lean.stages) + 1)]
    for conv in lean.audio:
        x = net.conv(conv, x)
    for stage, plane in zip(lean.stages, known, strict=False):
        x = net.sum(net.up(stage, x), plane)
        for residual in stage.residuals:
            x = net.conv(residual, x)
    picture = lean.picture
    x = net.sum(net.plain(x, picture.sound, None, (1, 1), (1, 1)), known[-1])
    x = net.plain(x, picture.last, picture.last_bias, (1, 1), (0, 0), f"9={_SIGMOID}")
    return net.text(), net.weights(), x
