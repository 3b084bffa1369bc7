"""CUDA graphs: a batch is one launch instead of some hundred, which take longer than a small batch's arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wav2lip.lean import Features, Lean
from wav2lip.network import MELS, WINDOW

WARM = 3  # runs before a graph is recorded: cuDNN chooses its algorithms in the first


@dataclass(frozen=True, slots=True)
class _Recorded:
    """mels, known: where the graph reads. made: where it writes."""

    graph: torch.cuda.CUDAGraph
    mels: Tensor
    known: Features
    made: Tensor


class Graphs:
    """`Lean.decode`, recorded once for each batch size. The result is valid until the next call.

    All sizes use one memory, since they never run at once.
    """

    def __init__(self, lean: Lean) -> None:
        self._lean = lean
        self._recorded: dict[int, _Recorded] = {}
        self._memory: Any = torch.cuda.graph_pool_handle()

    def forget(self) -> None:
        """Drops all graphs and their memory."""
        self._recorded.clear()
        self._memory = torch.cuda.graph_pool_handle()

    @torch.inference_mode()
    def decode(self, mels: Tensor, faces: Sequence[Features]) -> Tensor:
        """The pictures that say the mel windows (n, 1, MELS, WINDOW), wherever those are; one of the n faces each."""
        recorded = self._recorded.get(len(mels)) or self._record(len(mels), faces[0])
        recorded.mels.copy_(mels, non_blocking=True)
        alike = all(face is faces[0] for face in faces)
        for held, planes in zip(recorded.known.planes, zip(*(face.planes for face in faces), strict=True), strict=True):
            if alike:
                held.copy_(planes[0])  # broadcast
            else:
                torch.cat(planes, out=held)
        recorded.graph.replay()
        return recorded.made

    def _record(self, batch: int, face: Features) -> _Recorded:
        mels = torch.zeros((batch, 1, MELS, WINDOW), device=self._lean.device)
        known = Features(
            tuple(plane.expand(batch, -1, -1, -1).clone(memory_format=torch.channels_last) for plane in face.planes)
        )
        stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM):
                self._lean.decode(mels, known)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._memory):
            made = self._lean.decode(mels, known)
        return self._recorded.setdefault(batch, _Recorded(graph, mels, known, made))
