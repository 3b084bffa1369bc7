"""Where the network runs, and with which numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from txt2vid.core.machine import cores
from txt2vid.core.options import ENGINE_DEVICES, ENGINE_DTYPES, EngineOptions
from txt2vid.errors import DependencyError, EngineError, UsageError

if TYPE_CHECKING:
    import torch

QUICK_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
"""Of a CPU: with one of these bfloat16 is quicker than float32; without, oneDNN emulates it."""


@dataclass(frozen=True, slots=True)
class Placement:
    """device, dtype: torch's. threads: of a CPU."""

    device: torch.device
    dtype: torch.dtype
    threads: int

    @property
    def is_plain(self) -> bool:
        """Whether it is a CPU with float32."""
        import torch

        return self.device.type == "cpu" and self.dtype is torch.float32

    @property
    def words(self) -> str:
        """For people."""
        import torch

        kind = str(self.dtype).removeprefix("torch.")
        if self.device.type == "cuda":
            return f"{torch.cuda.get_device_name(self.device)}, {kind}"
        return f"CPU, {kind}, {self.threads} {'thread' if self.threads == 1 else 'threads'}"


def placement(options: EngineOptions) -> Placement:
    """What the options ask for. Raises DependencyError without torch, EngineError where there is no such device."""
    try:
        import torch
    except ModuleNotFoundError as err:
        raise DependencyError("engine 'wav2lip' needs torch: pip install 'txt2vid[wav2lip]'") from err
    if options.device not in ENGINE_DEVICES:
        raise UsageError(f"device {options.device!r} is not known: choose one of {', '.join(ENGINE_DEVICES)}")
    if options.dtype not in ENGINE_DTYPES:
        raise UsageError(f"dtype {options.dtype!r} is not known: choose one of {', '.join(ENGINE_DTYPES)}")
    if options.device == "cuda" and not torch.cuda.is_available():
        raise EngineError(
            "there is no CUDA device here: choose --device cpu, or install a GPU's driver and torch for it"
        )
    cuda = options.device == "cuda" or (options.device == "auto" and torch.cuda.is_available())
    device = torch.device("cuda" if cuda else "cpu")
    dtype = getattr(torch, options.dtype) if options.dtype != "auto" else _quickest(cuda=cuda)
    if device.type == "cpu" and dtype is torch.float16:
        raise UsageError("float16 is for GPUs: choose --dtype bfloat16 or float32")
    return Placement(device, dtype, options.threads or cores())


def _quickest(*, cuda: bool) -> torch.dtype:
    import torch

    if cuda:
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if QUICK_FLAGS & cpu_flags() else torch.float32


def cpu_flags() -> frozenset[str]:
    """What the CPU can, by the kernel's names; empty where it does not tell."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - no file of ours
            line = next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return frozenset()
    return frozenset(line.partition(":")[2].split())
