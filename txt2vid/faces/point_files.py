"""Landmarks over time as files: JSONL, CSV or NPZ, written frame by frame; memory does not grow with the video."""

from __future__ import annotations

import json
import tempfile
import zipfile
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from txt2vid.errors import UsageError
from txt2vid.faces.face import LANDMARKS
from txt2vid.faces.many import TrackedFace

if TYPE_CHECKING:
    from typing_extensions import Self

_DIGITS = 3  # after the point, of pixels: a thousandth is far below what the mesh sees
_TRIPLE = f"[%.{_DIGITS}f,%.{_DIGITS}f,%.{_DIGITS}f]"
_TRIPLES = ",".join([_TRIPLE] * LANDMARKS)
_CELLS = ",".join([f"%.{_DIGITS}f"] * (3 * LANDMARKS))
_BLOCK = 1 << 20  # bytes that are copied at a time


class PointsWriter(ABC):
    """Writes the faces of each frame into one file. Use it in a `with` block."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(whole=kind is None)

    @abstractmethod
    def write(self, index: int, time: Fraction, faces: Sequence[TrackedFace]) -> None:
        """The faces of frame `index`, which is shown at `time` seconds."""

    @abstractmethod
    def close(self, *, whole: bool = True) -> None:
        """No more frames come. whole: the file is to be finished."""


class JsonLines(PointsWriter):
    """A line a frame: {"frame", "time", "faces": [{"id", "confidence", "points": [[x, y, z] × 478]}]}."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        del size
        self._file = path.open("w", encoding="ascii")

    def write(self, index: int, time: Fraction, faces: Sequence[TrackedFace]) -> None:
        """See `PointsWriter.write`: a frame without faces is a line with an empty list."""
        told = ",".join(
            f'{{"id":{face.id},"confidence":{face.confidence:.4f},"points":[{_TRIPLES % _numbers(face)}]}}'
            for face in faces
        )
        self._file.write(f'{{"frame":{index},"time":{json.dumps(float(time))},"faces":[{told}]}}\n')

    def close(self, *, whole: bool = True) -> None:
        """See `PointsWriter.close`."""
        del whole
        self._file.close()


class Csv(PointsWriter):
    """A row a face and frame: frame, time, id, confidence, then x0, y0, z0, … x477, y477, z477."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        del size
        self._file = path.open("w", encoding="ascii")
        names = ",".join(f"{axis}{i}" for i in range(LANDMARKS) for axis in "xyz")
        self._file.write(f"frame,time,id,confidence,{names}\n")

    def write(self, index: int, time: Fraction, faces: Sequence[TrackedFace]) -> None:
        """See `PointsWriter.write`."""
        for face in faces:
            head = f"{index},{float(time)!r},{face.id},{face.confidence:.4f},"
            self._file.write(f"{head}{_CELLS % _numbers(face)}\n")

    def close(self, *, whole: bool = True) -> None:
        """See `PointsWriter.close`."""
        del whole
        self._file.close()


class Npz(PointsWriter):
    """NumPy arrays, a row a face and frame: frame, time, id, confidence (n,), points (n, 478, 3); size: width, height.

    Points wait in a nameless temporary file: an archive's member must tell its shape before it begins.
    """

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._path, self._size = path, size
        path.touch()  # where that fails, it fails before the work
        self._columns: Mapping[str, array[Any]] = {
            "frame": array("q"), "time": array("d"), "id": array("q"), "confidence": array("f"),
        }  # fmt: skip
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`

    def write(self, index: int, time: Fraction, faces: Sequence[TrackedFace]) -> None:
        """See `PointsWriter.write`."""
        for face in faces:
            row = (index, float(time), face.id, face.confidence)
            for column, value in zip(self._columns.values(), row, strict=True):
                column.append(value)
            self._spool.write(np.ascontiguousarray(face.landmarks, "<f4").tobytes())

    def close(self, *, whole: bool = True) -> None:
        """See `PointsWriter.close`."""
        with self._spool:
            if whole:
                self._assemble()

    def _assemble(self) -> None:
        rows = len(self._columns["frame"])
        with zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            columns: dict[str, NDArray[Any]] = {name: np.array(each) for name, each in self._columns.items()}
            for name, values in {**columns, "size": np.array(self._size)}.items():
                with archive.open(f"{name}.npy", "w") as member:
                    npy.write_array(member, values, allow_pickle=False)  # type: ignore[no-untyped-call]
            with archive.open("points.npy", "w", force_zip64=True) as member:
                shape = {"descr": "<f4", "fortran_order": False, "shape": (rows, LANDMARKS, 3)}
                npy.write_array_header_1_0(member, shape)  # type: ignore[no-untyped-call]
                self._copy_to(member)

    def _copy_to(self, member: IO[bytes]) -> None:
        self._spool.seek(0)
        while block := self._spool.read(_BLOCK):
            member.write(block)


def _numbers(face: TrackedFace) -> tuple[float, ...]:
    return tuple(face.landmarks.ravel().tolist())


POINT_FILES: Mapping[str, Callable[[Path, tuple[int, int]], PointsWriter]] = {
    ".jsonl": JsonLines,
    ".csv": Csv,
    ".npz": Npz,
}
"""Extension -> what writes such a file, from its path and the frames' (width, height)."""


def points_writer(path: Path) -> Callable[[Path, tuple[int, int]], PointsWriter]:
    """What writes a file of that name. Raises UsageError at an unknown extension."""
    kind = POINT_FILES.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path} has no known extension for points: choose one of {' '.join(POINT_FILES)}")
    return kind
