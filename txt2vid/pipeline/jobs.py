"""A batch's list of jobs: a CSV file (RFC 4180, with a header) becomes rows, and each row becomes options."""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from txt2vid.core.clock import parse_fps
from txt2vid.core.expressions import parse_mood
from txt2vid.core.options import (
    FaceOptions,
    RenderOptions,
    SpeakerOptions,
    parse_box,
    parse_count,
    parse_engine,
    parse_language,
    parse_size,
    parse_unknown_tags,
)
from txt2vid.errors import MediaError, UsageError

VOICES = ("audio", "text", "text_file", "subtitles")  # a row has exactly one of these
PATHS = ("face", "audio", "text_file", "subtitles", "landmarks", "checkpoint")
COLUMNS = (
    "face", *VOICES, "output", "fps", "size", "engine", "checkpoint", "device", "dtype", "paste", "pads", "alignment",
    "tts", "voice", "language", "fallback_voice", "unknown_tags", "expression", "captions", "face_index", "face_box",
    "landmarks", "detector", "seed", "idle",
)  # fmt: skip
MAX_TEXT = 4 << 20  # bytes: some hundred hours of speech; anything longer is no text, and must not fill the memory

_BOOLEANS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Row:
    """One job of a batch.

    number: the row in the file as spreadsheets count them: the header is row 1.
    folder: what relative paths in the row start from.
    cells: column -> what is written there; empty cells are left out.
    output: the file to write.
    """

    number: int
    folder: Path
    cells: Mapping[str, str]
    output: Path

    def path(self, column: str) -> Path | None:
        """The file that a cell names; None where the cell is empty."""
        return self.folder / self.cells[column] if column in self.cells else None

    def inputs(self) -> list[Path]:
        """All files that the row reads."""
        return [path for column in PATHS if (path := self.path(column))]

    def face_key(self) -> tuple[str, ...]:
        """Equal for rows that share a prepared face."""
        face = os.path.normpath(self.path("face") or "")
        return face, *(
            self.cells.get(column, "") for column in ("face_index", "face_box", "landmarks", "size", "detector")
        )

    def _whether(self, column: str, usual: str) -> bool:
        word = self.cells.get(column, usual)
        if word.lower() not in _BOOLEANS:
            raise UsageError(f"{column} {word!r} is neither yes nor no: write one of these")
        return _BOOLEANS[word.lower()]

    def options(self) -> RenderOptions:
        """What the row asks for. Raises UsageError on a cell that makes no sense, MediaError on an unreadable text."""
        cells = self.cells
        face, text_file = self.path("face"), self.path("text_file")
        if face is None:
            raise UsageError("the row has no face: name a picture or video in its column 'face'")
        voices = [column for column in VOICES if column in cells]
        if not voices:
            raise UsageError(f"the row needs exactly one of {', '.join(VOICES)}: fill one of these cells")
        if len(voices) > 1:
            raise UsageError(f"{' and '.join(voices)} are more than one voice: leave all but one of these cells empty")
        idle, captions = (self._whether(column, usual) for column, usual in (("idle", "yes"), ("captions", "no")))
        index = cells.get("face_index")
        return RenderOptions(
            face=FaceOptions(
                face,
                parse_count(index, "face_index") if index else None,
                parse_box(cells["face_box"]) if "face_box" in cells else None,
                self.path("landmarks"),
                parse_size(cells["size"]) if "size" in cells else None,
                cells.get("detector", "mesh"),
            ),
            output=self.output,
            audio=self.path("audio"),
            text=read_text(text_file) if text_file else cells.get("text"),
            subtitles=self.path("subtitles"),
            engine=parse_engine(cells, self.path("checkpoint")),
            fps=parse_fps(cells["fps"]) if "fps" in cells else None,
            speaker=SpeakerOptions(
                cells.get("tts", "auto"),
                cells.get("voice"),
                parse_language(cells["language"]) if "language" in cells else None,
                cells.get("fallback_voice"),
            ),
            unknown_tags=parse_unknown_tags(cells.get("unknown_tags", "speak")),
            expression=parse_mood(cells["expression"]) if "expression" in cells else None,
            captions=captions,
            idle=idle,
            seed=parse_count(cells.get("seed", "0"), "seed"),
        )


def read_jobs(path: Path, folder: Path, defaults: Mapping[str, str] | None = None) -> list[Row]:
    """The rows of a jobs file, in order.

    folder: where outputs go. defaults: cells for where a row's own are empty.
    Raises UsageError where the file as a whole makes no sense: unreadable, not UTF-8, no header, unknown or missing
    columns, no rows, two rows with one output, an output outside `folder` or on top of an input. What is wrong with
    one row alone shows when its options are asked for.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(file, path, folder, defaults or {}))
    except UnicodeDecodeError as err:
        raise UsageError(f"{path} is not UTF-8 text: save it as CSV in UTF-8") from err
    except csv.Error as err:
        raise UsageError(f"{path} is not CSV ({err}): save it as CSV in UTF-8") from err
    except OSError as err:
        raise UsageError(f"{path} cannot be read ({err.strerror}): give --jobs a CSV file") from err
    if not rows:
        raise UsageError(f"{path} has no rows: write a line for each video below the header")
    _check_outputs(rows, path, folder)
    return rows


def read_text(path: Path) -> str:
    """The text in a file. Raises MediaError where it is unreadable, not UTF-8, or longer than MAX_TEXT."""
    try:
        with path.open("rb") as file:
            return decode_text(file.read(MAX_TEXT + 1), str(path))
    except OSError as err:
        raise MediaError(f"text file {path} cannot be read ({err.strerror}): give a text file in UTF-8") from err


def decode_text(data: bytes, name: str) -> str:
    """Text from bytes; `name` is for the error. Raises MediaError where it is not UTF-8, or longer than MAX_TEXT."""
    if len(data) > MAX_TEXT:
        raise MediaError(f"text {name} is longer than {MAX_TEXT >> 20} MiB: split it into several videos")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise MediaError(f"text {name} is not UTF-8: convert it, for instance with iconv -f LATIN1 -t UTF-8") from err


def default_name(face: Path, voice: Path | None, text_name: str = "text") -> str:
    """The output's name where nobody chose one: the face's, and the voice's or `text_name`."""
    return f"{face.stem}-{voice.stem if voice else text_name}.mp4"


def _rows(file: TextIO, path: Path, folder: Path, defaults: Mapping[str, str]) -> Iterator[Row]:
    """Rows of an open file; blank ones count, but are no jobs."""
    header = file.readline()
    delimiter = max(",;\t", key=header.count)  # spreadsheets write what the country's decimal comma leaves them
    reader = csv.reader(itertools.chain([header], file), delimiter=delimiter, strict=True)
    columns = [cell.strip().lower() for cell in next(reader, [])]
    _check_columns(columns, path)
    for number, values in enumerate(reader, start=2):
        if not any(value.strip() for value in values):
            continue
        if len(values) > len(columns):
            raise UsageError(
                f"{path}, row {number}: {len(values)} cells under {len(columns)} columns: put texts in quotes"
            )
        own = {column: value.strip() for column, value in zip(columns, values, strict=False) if value.strip()}
        cells = {**{name: value for name, value in defaults.items() if value}, **own}
        yield Row(number, path.parent, cells, _output(cells, number, path, folder))


def _check_columns(columns: Sequence[str], path: Path) -> None:
    known = ", ".join(COLUMNS)
    unknown = [column for column in columns if column not in COLUMNS]
    if not columns or "face" not in columns:
        raise UsageError(f"{path} has no column 'face' in its first line: begin it with a header of these: {known}")
    if unknown:
        raise UsageError(f"{path} has an unknown column {unknown[0]!r}: choose of {known}")
    if len(set(columns)) < len(columns):
        raise UsageError(f"{path} names a column twice in its header: remove one")
    if not set(columns) & set(VOICES):
        raise UsageError(f"{path} has no voice: add a column 'audio', 'text' or 'text_file'")


def _output(cells: Mapping[str, str], number: int, path: Path, folder: Path) -> Path:
    """Where a row's video goes, inside `folder`: a list from somebody else must not write anywhere else."""
    voice = cells.get("audio") or cells.get("text_file")
    default = default_name(Path(cells.get("face", "face")), Path(voice) if voice else None, f"text-{number}")
    name = Path(os.path.normpath(cells.get("output", default)))
    if name.is_absolute() or ".." in name.parts or name == Path():
        raise UsageError(f"{path}, row {number}: output {str(name)!r} is not inside {folder}: write a name without ..")
    return folder / (name if name.suffix else name.with_name(f"{name.name}.mp4"))


def _check_outputs(rows: Sequence[Row], path: Path, folder: Path) -> None:
    """No two rows write one file, nor does any write what another reads."""
    inputs = {os.path.realpath(item) for row in rows for item in row.inputs()} | {os.path.realpath(path)}
    seen: dict[str, int] = {}
    for row in rows:
        name = str(row.output.relative_to(folder))
        first = seen.setdefault(name.casefold(), row.number)  # some file systems do not tell cases apart
        if first != row.number:
            raise UsageError(f"{path}, rows {first} and {row.number} both write {name}: give one another 'output'")
        if os.path.realpath(row.output) in inputs:
            raise UsageError(f"{path}, row {row.number} would overwrite the input {name}: give it another 'output'")
