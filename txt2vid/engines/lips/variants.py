"""Ways to run the network, for benchmarks: as it was published, and as it is run here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from txt2vid.core.options import EngineOptions
from txt2vid.engines.lips.device import cpu_flags, placement
from txt2vid.engines.lips.graphs import Graphs
from txt2vid.engines.lips.mouths import Mouths, load, six_channels, winograd
from wav2lip.lean import Features, Lean
from wav2lip.network import MELS, SIDE, WINDOW, Wav2Lip

PLAIN = "as published"
SEED = 5


@dataclass(frozen=True, slots=True)
class Variant:
    """One way. run: the mouths (n, 3, rows, SIDE) in [0, 1] of inputs, on its device, and waits for them.

    name: PLAIN is the published module in float32, the face encoded for each frame anew.
    """

    name: str
    run: Callable[[Inputs], Tensor]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Mel windows (n, 1, MELS, WINDOW) and the one face (6, SIDE, SIDE) that says them, on the CPU."""

    mels: Tensor
    face: Tensor


def inputs(batch: int, crop: NDArray[np.uint8] | None = None) -> Inputs:
    """Speech-like windows, and a face; the same ones each time."""
    rng = np.random.default_rng(SEED)
    if crop is None:
        crop = rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    mels = np.clip(rng.normal(-1, 1.5, (batch, 1, MELS, WINDOW)), -4, 4).astype(np.float32)
    return Inputs(torch.from_numpy(mels), torch.from_numpy(six_channels(crop)))


def weights(options: EngineOptions, *, random: bool) -> Wav2Lip:
    """The published weights, or seeded random ones, which are as quick, with outputs of a like range."""
    if not random:
        return load(options)
    torch.manual_seed(SEED)
    network = Wav2Lip().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.get_buffer("running_var"), 0.5, 1.5)
            torch.nn.init.normal_(module.get_buffer("running_mean"), 0, 0.1)
    return network


def variants(network: Wav2Lip, options: EngineOptions) -> Iterator[Variant]:
    """All ways that this machine has, PLAIN first, on the options' device. Importing nothing more."""
    place = placement(options)
    torch.set_num_threads(place.threads)
    published = network.to(place.device)
    yield Variant(PLAIN, lambda given: _published(published, given, place.device, torch.float32))
    for dtype in _dtypes(place.device):
        kind = str(dtype).removeprefix("torch.")
        moved = _moved(network, place.device, dtype)
        yield Variant(
            f"{kind}, channels-last",
            lambda given, moved=moved, dtype=dtype: _published(moved, given, place.device, dtype),  # type: ignore[misc]
        )
    for dtype in _dtypes(place.device):
        kind = str(dtype).removeprefix("torch.")
        lean = Lean(network, place.device, dtype)
        yield Variant(f"{kind}, lean", _cached(lean, lean.decode))
        if place.device.type == "cuda":
            yield Variant(f"{kind}, lean, CUDA graph", _cached(lean, _graphed(Graphs(lean))))
        elif dtype is torch.float32 and (quick := winograd(lean, place.threads)) is not None:
            yield Variant(f"{kind}, lean, Winograd", _cached(lean, quick))


def _dtypes(device: torch.device) -> list[torch.dtype]:
    """Those that are worth a look: bfloat16 is emulated, and no use, on a CPU without it."""
    if device.type == "cuda":
        return [torch.float32, torch.bfloat16, torch.float16]
    has_bfloat16 = {"avx512_bf16", "amx_bf16"} & cpu_flags()
    return [torch.float32, torch.bfloat16] if has_bfloat16 else [torch.float32]


def _moved(network: Wav2Lip, device: torch.device, dtype: torch.dtype) -> Wav2Lip:
    """A copy, channels-last."""
    other: Any = Wav2Lip().eval()
    other.load_state_dict(network.state_dict())
    moved: Wav2Lip = other.to(device=device, dtype=dtype, memory_format=torch.channels_last)
    return moved


@torch.inference_mode()
def _published(network: Wav2Lip, given: Inputs, device: torch.device, dtype: torch.dtype) -> Tensor:
    layout = torch.channels_last if dtype is not torch.float32 or _is_last(network) else torch.contiguous_format
    faces = given.face[None].expand(len(given.mels), -1, -1, -1)
    made: Tensor = network(given.mels.to(device, dtype), faces.to(device, dtype).contiguous(memory_format=layout))
    return _waited(made[:, :, SIDE // 2 :].float())


def _is_last(network: Wav2Lip) -> bool:
    weight: Any = next(network.parameters())
    return bool(weight.is_contiguous(memory_format=torch.channels_last))


def _cached(lean: Lean, decode: Callable[[Tensor, Features], Tensor]) -> Callable[[Inputs], Tensor]:
    """The face is encoded at its first frame, and then known."""
    known: dict[int, Features] = {}

    def run(given: Inputs) -> Tensor:
        key = id(given.face)
        if key not in known:
            known.clear()
            known[key] = lean.encode(given.face[None])[0]
        return _waited(decode(given.mels, known[key]).clone())

    return run


def _graphed(graphs: Graphs) -> Callable[[Tensor, Features], Tensor]:
    return lambda mels, known: graphs.decode(mels, [known] * len(mels))


def _waited(made: Tensor) -> Tensor:
    """On the CPU: a GPU is waited for."""
    return made.cpu()


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def peak_memory() -> float | None:
    """MiB that tensors took on the GPU at most; None without one."""
    return torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None


def psnr(wanted: Tensor, got: Tensor) -> float:
    """DB against the full range, of the mouth's crop; infinite where they are equal."""
    error = float(((wanted - got) ** 2).mean())
    return float("inf") if error == 0 else float(10 * np.log10(1 / error))


__all__ = ["PLAIN", "Inputs", "Mouths", "Variant", "inputs", "peak_memory", "psnr", "timed", "variants", "weights"]
