"""CUDA graphs: a batch is one launch instead of some hundred, which take longer than a small batch's arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wav2lip.lean import Features, Lean
from wav2lip.network import MELS, WINDOW

WARM = 3  # runs before a graph is recorded: cuDNN chooses its algorithms in the first


@dataclass(frozen=True, slots=True)
class _Recorded:
    graph: torch.cuda.CUDAGraph
    mels: Tensor
    known: Features
    made: Tensor


class Graphs:
    """`Lean.decode`, recorded once for each batch size. The result is valid until the next call of the same size."""

    def __init__(self, lean: Lean) -> None:
        self._lean = lean
        self._recorded: dict[int, _Recorded] = {}

    def forget(self) -> None:
        """Drops all graphs and their memory."""
        self._recorded.clear()

    def decode(self, mels: Tensor, known: Features) -> Tensor:
        """As `Lean.decode`; mels may be anywhere."""
        recorded = self._recorded.get(len(mels)) or self._record(mels, known)
        recorded.mels.copy_(mels, non_blocking=True)
        for held, plane in zip(recorded.known.planes, known.planes, strict=True):
            held.copy_(plane)  # one face's plane is broadcast
        recorded.graph.replay()
        return recorded.made

    @torch.inference_mode()
    def _record(self, mels: Tensor, known: Features) -> _Recorded:
        held_mels = torch.zeros((len(mels), 1, MELS, WINDOW), device=self._lean.device)
        held = Features(
            tuple(
                plane.expand(len(mels), -1, -1, -1).clone(memory_format=torch.channels_last) for plane in known.planes
            )
        )
        stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM):
                self._lean.decode(held_mels, held)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            made = self._lean.decode(held_mels, held)
        return self._recorded.setdefault(len(mels), _Recorded(graph, held_mels, held, made))
