"""The network on its device: what it learnt of faces, and mouths for many frames at once."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from txt2vid.core.media import Pixels
from txt2vid.core.options import EngineOptions
from txt2vid.engines.base import Network
from txt2vid.engines.lips.device import placement
from txt2vid.engines.lips.graphs import Graphs
from txt2vid.errors import EngineError
from txt2vid.weights import place as places
from wav2lip.checkpoint import CheckpointError, load_wav2lip
from wav2lip.lean import Features, Lean
from wav2lip.network import MELS, SIDE, WINDOW, Wav2Lip

MOST_CPU = 16  # a larger batch is no quicker there, and its first frame waits for its last
KEPT_BYTES = {"cpu": 512 << 20, "cuda": 4 << 30}
"""Of features of faces' frames; past that the ones used longest ago are forgotten, and learnt anew when they come."""
CPU_MEMORY = "can't allocate memory"  # how torch says that there is none; it has no exception for that on a CPU
WARM, MEASURED = 2, 5  # runs before speed is measured, and of the measurement

Key = tuple[str, int]
_log = logging.getLogger(__name__)


class Mouths(Network):
    """Wav2Lip's network. Answers are (SIDE - top, SIDE, 3) BGR: the lower half, or with paste "hard" all of it.

    network: for tests and benchmarks; None loads the options' checkpoint, or the weights that lie where weights do.
    Raises DependencyError, EngineError or UsageError where there are no weights, no torch or no such device.
    """

    def __init__(self, options: EngineOptions, network: Wav2Lip | None = None) -> None:
        place = placement(options)
        self.device = place.words
        self.most = self.buckets[-1] if place.device.type == "cuda" else MOST_CPU
        if place.device.type == "cpu":
            torch.set_num_threads(place.threads)
        if network is None:
            network = load(options)
        self._graphs: Graphs | None = None
        self._lean = Lean(network, place.device, place.dtype, 0 if options.paste == "hard" else SIDE // 2)
        self._decode: Callable[[Tensor, Features], Tensor] = self._lean.decode
        if place.device.type == "cuda":
            self._graphs = Graphs(self._lean)
        elif place.is_plain and (quick := winograd(self._lean, place.threads)) is not None:
            self._decode = quick
            self.device = f"{place.words}, Winograd"
        self._known: OrderedDict[Key, Features] = OrderedDict()
        self._held = 0
        self._limit = KEPT_BYTES[place.device.type]

    def knows(self, key: Key) -> bool:
        """Whether its features are held."""
        return key in self._known

    def answer(self, questions: Sequence[tuple[Key, Pixels | None, NDArray[np.float32]]]) -> list[Pixels]:
        """The mouths, in order."""
        if not questions:
            return []
        while (made := self._tried(questions)) is None:
            pass  # with less, and outside of what the failure still held: its tensors are the memory that lacks
        return made

    def _tried(self, questions: Sequence[tuple[Key, Pixels | None, NDArray[np.float32]]]) -> list[Pixels] | None:
        """None where memory did not suffice: there is more now, and batches are smaller."""
        try:
            self._learn([(key, crop) for key, crop, _ in questions if crop is not None and key not in self._known])
            return self._decoded(questions)
        except RuntimeError as err:
            if not isinstance(err, torch.OutOfMemoryError) and CPU_MEMORY not in str(err):
                # CUDA's: the device is lost, or an earlier kernel failed
                raise EngineError(f"the network failed on {self.device}: {_line(err)}") from err
            if self.most == 1:
                raise EngineError(
                    f"{self.device} has no memory left for a single frame: end what else uses it"
                ) from err
        self._shrink(questions)
        return None

    def speed(self) -> float:
        """Frames a second at batch 1. On a GPU all batch sizes are recorded before: none comes as a surprise live."""
        if self._graphs is not None:
            for batch in reversed(self.buckets):
                self.rate(min(batch, self.most), 1)
        return self.rate(1)

    def rate(self, batch: int, runs: int = MEASURED) -> float:
        """Frames a second at a batch size, of one face: the median of some runs."""
        key = ("", -1)
        rng = np.random.default_rng(0)
        crop = rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
        window = np.full((1, MELS, WINDOW), -1, np.float32)
        times = []
        for run in range(WARM + runs):
            began = time.perf_counter()
            self.answer([(key, crop, window)] * batch)
            if run >= WARM:
                times.append(time.perf_counter() - began)
        self._forget(key)
        return batch / float(np.median(times))

    def _learn(self, fresh: Sequence[tuple[Key, Pixels]]) -> None:
        for key, crop in dict(fresh).items():
            (features,) = self._lean.encode(torch.from_numpy(six_channels(crop))[None])
            self._known[key] = features
            self._held += _bytes(features)

    def _decoded(self, questions: Sequence[tuple[Key, Pixels | None, NDArray[np.float32]]]) -> list[Pixels]:
        made: list[Pixels] = []
        for start in range(0, len(questions), self.most):
            part = questions[start : start + self.most]
            faces = [self._recall(key) for key, _, _ in part]
            mels = torch.from_numpy(np.stack([heard for _, _, heard in part]))
            pictures = self._pictures(mels, faces)
            pixels = (pictures * 255).round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
            made.extend(pixels)
        self._forget_oldest()
        return made

    def _pictures(self, mels: Tensor, faces: Sequence[Features]) -> Tensor:
        """As `Lean.decode`. A GPU runs batches of the sizes that were recorded: the last question fills one up."""
        if self._graphs is None:
            return self._decode(mels, Features.together(faces))
        missing = next(size for size in self.buckets if size >= len(mels)) - len(mels)
        if not missing:
            return self._graphs.decode(mels, faces)
        padded = torch.cat([mels, mels[-1:].expand(missing, -1, -1, -1)])
        return self._graphs.decode(padded, [*faces, *[faces[-1]] * missing])[: len(mels)]

    def _recall(self, key: Key) -> Features:
        try:
            self._known.move_to_end(key)
        except KeyError as err:
            raise EngineError(f"frame {key[1]} of face {key[0]!r} was not learnt before it was asked for") from err
        return self._known[key]

    def _shrink(self, questions: Sequence[tuple[Key, Pixels | None, NDArray[np.float32]]]) -> None:
        """Goes on with half the batch, for good; features that can be learnt again are forgotten."""
        needed = {key for key, _, _ in questions}
        for key in [key for key in self._known if key not in needed]:
            self._forget(key)
        if self._graphs is not None:
            self._graphs.forget()
            torch.cuda.empty_cache()
        self.most = max(1, min(self.most, len(questions)) // 2)
        _log.warning("%s is out of memory: batches are of %d from now on", self.device, self.most)

    def _forget_oldest(self) -> None:
        while self._held > self._limit and len(self._known) > 1:
            self._forget(next(iter(self._known)))

    def _forget(self, key: Key) -> None:
        features = self._known.pop(key, None)
        if features is not None:
            self._held -= _bytes(features)


def load(options: EngineOptions) -> Wav2Lip:
    """The network with its weights. Raises EngineError where they are none, DependencyError where there are none."""
    path = places.resolve(options.checkpoint, "wav2lip")
    try:
        return load_wav2lip(path)
    except CheckpointError as err:
        raise EngineError(str(err)) from err


def winograd(lean: Lean, threads: int) -> Callable[[Tensor, Features], Tensor] | None:
    """`Lean.decode` by ncnn; None where that is not installed."""
    try:
        from wav2lip.winograd import WinogradLean
    except ImportError:  # ncnn, or a library that it links to
        return None
    return WinogradLean(lean, threads).decode


def six_channels(crop: Pixels) -> NDArray[np.float32]:
    """(6, SIDE, SIDE) in [0, 1]: the crop with its lower half black, and whole."""
    whole = crop.astype(np.float32).transpose(2, 0, 1) / 255
    masked = whole.copy()
    masked[:, SIDE // 2 :] = 0
    return np.concatenate([masked, whole])


def _bytes(features: Features) -> int:
    return sum(plane.numel() * plane.element_size() for plane in features.planes)


def _line(err: BaseException) -> str:
    return str(err).strip().splitlines()[0] if str(err).strip() else type(err).__name__
