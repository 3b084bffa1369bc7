"""Weights from files: which layout a file has, whose weights it holds, and networks made of them.

Layouts: what `torch.save` writes (a zip file since torch 1.6, pickles in a row before: the published files), of a state
dict or of `{state_dict, optimizer, global_step, global_epoch}`; TorchScript archives; safetensors. None of them is read
in a way that could run code that a file brings, and of none the optimizer, twice as large as the weights.
"""

from __future__ import annotations

import pickle  # for its error
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from struct import error as StructError  # noqa: N812
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from wav2lip.network import Wav2Lip
from wav2lip.pickles import is_torchscript, read_row, read_torchscript
from wav2lip.s3fd import S3FD
from wav2lip.syncnet import SyncNet

State = dict[str, Tensor]

_EXPECTED = "expected weights in a .pth, .pt or .safetensors file"
_FOREIGN = (  # how files begin that people mistake for weights
    (b"version https://git-lfs", "a Git LFS pointer, not the file that it stands for"),
    (b"<", "a web page, perhaps a server's error message"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x08", "perhaps an ONNX model"),  # protobuf's first field as a number: the version
)
_DAMAGE = (  # what the readers raise, according to where a file is damaged
    RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError,
    MemoryError, OSError, NotImplementedError, pickle.UnpicklingError, zipfile.BadZipFile, StructError, SafetensorError,
)  # fmt: skip
_TITLES = {"wav2lip": "Wav2Lip", "s3fd": "S3FD", "syncnet": "SyncNet", "expert": "Wav2Lip's own lip-sync expert"}
_FILES = {
    "wav2lip": "a file like wav2lip.pth or wav2lip_gan.pth",
    "s3fd": "a file like s3fd.pth",
    "syncnet": "a file like syncnet_v2.model",
}
_NAMED = 3  # tensors in a message
_COUNTERS = "num_batches_tracked"  # of batch normalisation: torch before 0.4.1 had none; eval mode reads none

Network = TypeVar("Network", bound=nn.Module)


class CheckpointError(ValueError):
    """A file does not hold the weights that were expected. One line: what it is, and what was expected."""


def load_wav2lip(path: Path) -> Wav2Lip:
    """The published network with a file's weights, for inference: in eval mode, without gradients.

    Raises CheckpointError unless the file holds every tensor of it and no other.
    """
    return _load(path, Wav2Lip, "wav2lip")


def load_s3fd(path: Path) -> S3FD:
    """The face detector with a file's weights, likewise."""
    return _load(path, S3FD, "s3fd")


def load_syncnet(path: Path) -> SyncNet:
    """The judge of lip sync with a file's weights, likewise."""
    return _load(path, SyncNet, "syncnet")


def kind_of(state: Mapping[str, Tensor]) -> str:
    """Whose weights these are, by their names: "wav2lip", "s3fd", "syncnet", "expert" (Wav2Lip's own) or "unknown"."""
    parts = {name.partition(".")[0] for name in state}
    if "face_decoder_blocks" in parts:
        return "wav2lip"
    if {"conv3_3_norm", "fc6"} <= parts:
        return "s3fd"
    if {"netcnnlip", "netcnnaud"} <= parts:
        return "syncnet"
    if {"face_encoder", "audio_encoder"} <= parts:
        return "expert"
    return "unknown"


def read_state(path: Path) -> State:
    """A file's weights by name, without the prefix "module.": finite numbers in float32, counters as they are.

    The tensors have memory of their own: a file that is overwritten while it is mapped would end the process.
    Raises CheckpointError on anything else.
    """
    found = _tensors(path, _reader(path))
    return {name.removeprefix("module."): _plain(path, name, tensor) for name, tensor in found.items()}


def _reader(path: Path) -> Callable[[Path], Any]:
    """What reads a file, by its content: names are often wrong."""
    try:
        if not path.is_file():
            raise CheckpointError(f"{path} is no file that is there: {_EXPECTED}")
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as err:
        raise CheckpointError(f"{path} cannot be read ({err.strerror}): {_EXPECTED}") from err
    if start.startswith(b"PK"):
        return _zip_reader(path)
    if start.startswith(b"\x80"):
        return read_row
    if start[8:9] == b"{":  # after its header's length
        return load_file
    if not start:
        raise CheckpointError(f"{path} is empty: {_EXPECTED}")
    foreign = (kind for beginning, kind in _FOREIGN if start.lstrip().startswith(beginning))
    printable = start.isascii() and "".join(start.decode().split()).isprintable()
    kind = next(foreign, "a text" if printable else "a file of another kind")
    raise CheckpointError(f"{path} is no checkpoint but {kind}: {_EXPECTED}")


def _zip_reader(path: Path) -> Callable[[Path], Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            torchscript = is_torchscript(archive)
            weights = any(name.endswith("/data.pkl") for name in archive.namelist())
            packed = any(
                "/data/" in at.filename and at.compress_type != zipfile.ZIP_STORED for at in archive.infolist()
            )
    except _DAMAGE as err:
        raise _damaged(path) from err
    if not weights or packed:
        raise CheckpointError(f"{path} is a zip file, but none that torch wrote: unpack it, {_EXPECTED}")
    return read_torchscript if torchscript else _read_zip


def _read_zip(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def _tensors(path: Path, reader: Callable[[Path], Any]) -> State:
    try:
        with warnings.catch_warnings():  # torch's, of what it may not understand; then it does, or fails
            warnings.simplefilter("ignore", UserWarning)
            held = reader(path)
        size = path.stat().st_size
    except pickle.UnpicklingError as err:
        raise CheckpointError(
            f"{path} holds Python objects that could run code, or is damaged; it was not read: {_EXPECTED}"
        ) from err
    except _DAMAGE as err:
        raise _damaged(path) from err
    if isinstance(held, dict) and isinstance(held.get("state_dict"), dict):
        held = held["state_dict"]
    found = held.items() if isinstance(held, dict) else ()
    tensors = {name: value.detach() for name, value in found if isinstance(name, str) and isinstance(value, Tensor)}
    if not tensors:
        raise CheckpointError(f"{path} holds no tensors by name: {_EXPECTED}")
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > size:
        raise _damaged(path)  # tensors that repeat their storage could fill all memory
    return tensors


def _plain(path: Path, name: str, tensor: Tensor) -> Tensor:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.device.type != "cpu":
        raise CheckpointError(f"{path} holds {name} as {tensor.dtype}, {tensor.layout}: expected plain numbers")
    # By numpy, of one thread: on a busy machine torch's threads wait for each other, ten times as long as this takes.
    numbers = np.array((tensor.to(torch.float32) if tensor.is_floating_point() else tensor).numpy(), order="C")
    if not np.isfinite(numbers).all():
        raise CheckpointError(f"{path} holds numbers in {name} that are not finite (NaN): get it again, {_EXPECTED}")
    return torch.from_numpy(numbers)


def _damaged(path: Path) -> CheckpointError:
    return CheckpointError(f"{path} is damaged or incomplete: get it again, {_EXPECTED}")


def _load(path: Path, make: Callable[[], Network], kind: str) -> Network:
    state = read_state(path)
    held = kind_of(state)
    if held != kind:
        whose = f"{_TITLES[held]}'s weights" if held in _TITLES else f"another network's weights ({_some(state)})"
        raise CheckpointError(f"{path} holds {whose}; expected {_TITLES[kind]}'s: {_FILES[kind]}")
    with torch.device("meta"):  # shapes without numbers: those in the file become the network's own
        network = make()
    shapes = network.state_dict()
    counters = {name: torch.zeros(at.shape, dtype=at.dtype) for name, at in shapes.items() if name.endswith(_COUNTERS)}
    state = {**counters, **state}
    wrong = _misfits(state, shapes)
    if wrong:
        raise CheckpointError(f"{path} does not fit {_TITLES[kind]}: {'; '.join(wrong)}; expected {_FILES[kind]}")
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def _misfits(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    """What is wrong with a state, in words; nothing where it fits."""
    wrong = []
    missing = [name for name in expected if name not in state]
    if missing:
        wrong.append(f"it lacks {_some(missing)}")
    surplus = [name for name in state if name not in expected]
    if surplus:
        wrong.append(f"nothing is called {_some(surplus)}")
    both = [(name, state[name], tensor) for name, tensor in expected.items() if name in state]
    misshaped = [
        f"{name} is {_shape(has)}, not {_shape(wants)}" for name, has, wants in both if has.shape != wants.shape
    ]
    if misshaped:
        wrong.append(_some(misshaped))
    mistyped = [name for name, has, wants in both if has.dtype != wants.dtype]
    if mistyped:
        wrong.append(f"other kinds of numbers are in {_some(mistyped)}")
    return wrong


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def _some(names: Mapping[str, Tensor] | list[str]) -> str:
    shown = ", ".join(list(names)[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
