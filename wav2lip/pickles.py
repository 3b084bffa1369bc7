"""Tensors in the pickles that `torch.load` and `torch.jit.load` cannot read well, read without running anything.

- Files of `torch.save` before torch 1.6, as the published weights are: pickles and then all tensors' bytes, in one row.
  `torch.load` reads all of it, an optimizer twice as large as the weights included; here the file is mapped.
- TorchScript archives. `torch.jit.load` compiles an archive's code, may run parts of it, and warns of files by
  strangers. The layout is documented (pytorch: torch/csrc/jit/docs/serialization.md): a zip file whose `data.pkl` is a
  pickle of the module's attributes, and whose `data/KEY` are the tensors' bytes.

`Reader` makes tensors, containers and `Inert` objects, and imports no name that a pickle asks for (the way of Python's
own documentation, "Restricting Globals"): what would call anything else is an error.
"""

from __future__ import annotations

import io
import mmap
import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

_MAGIC = 0x1950A86A20F9469CFC6C  # the first of a file's pickles
_STORAGES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_INERT = ("__torch__", "torch.jit._pickle")  # an archive's own classes, and makers of typed lists

Storage = Callable[[torch.dtype, str, int], Tensor]
"""The flat tensor of a type, a key and a count of numbers, of which others are views."""


class Inert:
    """Stands for an object of a class that only an archive's code knows: its attributes, without methods."""

    def __init__(self, *_arguments: object) -> None:
        self.attributes: dict[str, object] = {}

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.attributes = state


class Reader(pickle.Unpickler):
    """The next pickle in a file. Raises UnpicklingError where it asks for more than tensors, and what pickle raises."""

    def __init__(self, file: BinaryIO, storage: Storage) -> None:
        super().__init__(file, encoding="utf-8")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """What a name in the pickle stands for."""
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return self._tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return self._parameter
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module.startswith(_INERT):
            return type("Module", (Inert,), {})  # each its own, so that a pickle cannot change it for the next
        raise pickle.UnpicklingError(f"{module}.{name} has no place among weights")

    def persistent_load(self, pid: Any) -> Tensor:
        """The storage that ("storage", type, key, device, count, part) stands for; part is of old files, or None."""
        _, dtype, key, _, count, *part = pid
        storage = self._storage(dtype, key, count)
        if part and part[0] is not None:
            _, first, count = part[0]
            storage = storage.narrow(0, first, count)
        return storage

    def _tensor(self, storage: Tensor, offset: int, size: Any, stride: Any, *_: object) -> Tensor:
        return storage.as_strided(size, stride, offset)

    def _parameter(self, tensor: Tensor, *_: object) -> Tensor:
        return tensor


def read_row(path: Path) -> Any:
    """The object that `torch.save` wrote before torch 1.6; its tensors are views of the mapped file."""
    with path.open("rb") as file:
        if Reader(file, _none).load() != _MAGIC:
            raise pickle.UnpicklingError("not written by torch")
        Reader(file, _none).load()  # the layout's version: there has been one
        if not Reader(file, _none).load()["little_endian"]:
            raise pickle.UnpicklingError("numbers of another byte order")
        start = file.tell()
        types: dict[str, torch.dtype] = {}
        Reader(file, lambda dtype, key, count: _noted(types, dtype, key, count)).load()
        keys = Reader(file, _none).load()
        storages = _mapped(file, [(key, types[key]) for key in keys])
        file.seek(start)
        return Reader(file, lambda _dtype, key, _count: storages[key]).load()


def _none(_dtype: torch.dtype, key: str, _count: int) -> Tensor:
    raise pickle.UnpicklingError(f"storage {key} where none belongs")


def _noted(types: dict[str, torch.dtype], dtype: torch.dtype, key: str, count: int) -> Tensor:
    types[key] = dtype
    return torch.empty(count, dtype=dtype, device="meta")


def _mapped(file: BinaryIO, rows: list[tuple[str, torch.dtype]]) -> dict[str, Tensor]:
    """The storages that begin where the file stands: for each its count in eight bytes, and its numbers."""
    memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # writable, for torch; nothing is ever written
    position = file.tell()
    storages = {}
    for key, dtype in rows:
        count = int.from_bytes(memory[position : position + 8], "little")
        position += 8
        storages[key] = _flat(memory, dtype, count, position)
        position += count * dtype.itemsize
    return storages


def _flat(memory: bytearray | mmap.mmap, dtype: torch.dtype, count: int, offset: int = 0) -> Tensor:
    if not 0 <= count <= (len(memory) - offset) // dtype.itemsize:
        raise EOFError(f"{count} numbers from byte {offset} on, of {len(memory)}")
    return torch.frombuffer(memory, dtype=dtype, count=count, offset=offset) if count else torch.empty(0, dtype=dtype)


def is_torchscript(archive: zipfile.ZipFile) -> bool:
    """Whether a zip file is such an archive, rather than one of `torch.save`."""
    return any(name.endswith("/constants.pkl") for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """All tensors of an archive's module, by the names that they had in its state dict.

    Raises what zipfile and pickle raise where the archive is damaged; the sums of all bytes that are read are checked.
    """
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].partition("/")[0]
        order = f"{root}/byteorder"
        if order in archive.namelist() and archive.read(order) != sys.byteorder.encode():
            raise pickle.UnpicklingError("numbers of another byte order")
        storages: dict[str, Tensor] = {}

        def storage(dtype: torch.dtype, key: str, count: int) -> Tensor:
            if key not in storages:
                storages[key] = _flat(bytearray(archive.read(f"{root}/data/{key}")), dtype, count)
            return storages[key]

        module = Reader(io.BytesIO(archive.read(f"{root}/data.pkl")), storage).load()
        return dict(_tensors(module))


def _tensors(module: object, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    if not isinstance(module, Inert):
        return
    for name, value in module.attributes.items():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value
        else:
            yield from _tensors(value, f"{prefix}{name}.")
