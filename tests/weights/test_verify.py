from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.weights.mirrors import DATA, small
from txt2vid.errors import MediaError
from txt2vid.weights.verify import Verdict, digest, glance, verify

OTHER = replace(small(DATA[::-1]), name="other", file="other.pth")
TABLE = (small(), OTHER)


def write(name: str, data: bytes) -> Path:
    path = Path(name)
    path.write_bytes(data)
    return path


def test_the_published_bytes_are_ok_under_any_name() -> None:
    assert verify(write("small.pth", DATA), TABLE) == Verdict("ok", Path("small.pth"), "small")
    assert verify(write("mine.bin", DATA), TABLE) == Verdict("ok", Path("mine.bin"), "small")
    assert verify(write("mine.bin", DATA), TABLE, expected=small()).state == "ok"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "0 bytes instead of 300000"),
        (DATA + b"x", "300001 bytes instead of 300000"),
        (DATA[:-1] + bytes([DATA[-1] ^ 1]), "the sha256 differs from the published one"),
        (DATA[::-1], "these are the bytes of other"),
    ],
)
def test_a_published_name_with_other_bytes_is_damaged(data: bytes, why: str) -> None:
    assert verify(write("small.pth", data), TABLE) == Verdict("damaged", Path("small.pth"), "small", why)
    assert verify(write("mine.bin", data), TABLE, expected=small()).state == "damaged"


@pytest.mark.parametrize("data", [b"", DATA + b"x", bytes(len(DATA))])
def test_other_files_are_unknown(data: bytes) -> None:
    assert verify(write("mine.bin", data), TABLE) == Verdict("unknown", Path("mine.bin"))


def test_what_is_not_there_is_missing() -> None:
    assert verify(Path("small.pth"), TABLE) == Verdict("missing", Path("small.pth"), "small")
    assert verify(Path("mine.bin"), TABLE) == Verdict("missing", Path("mine.bin"))
    assert verify(Path(), TABLE).state == "missing"


def test_progress_is_told_while_it_is_read() -> None:
    told: list[tuple[int, int]] = []
    verify(write("small.pth", DATA), TABLE, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(DATA), len(DATA))
    told.clear()
    verify(write("small.pth", DATA[1:]), TABLE, progress=lambda done, total: told.append((done, total)))
    assert told == []  # its size is enough


def test_large_files_are_read_in_pieces() -> None:
    told: list[int] = []
    data = bytes(2_500_000)
    assert digest(io.BytesIO(data), len(data), lambda done, _: told.append(done)) == small(data).sha256
    assert told == [1 << 20, 2 << 20, 2_500_000]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read() -> None:
    write("small.pth", DATA).chmod(0)
    with pytest.raises(MediaError, match=r"^small\.pth cannot be read \(Permission denied\)"):
        verify(Path("small.pth"), TABLE)


def test_a_name_that_the_system_refuses() -> None:
    with pytest.raises(MediaError, match="cannot be read"):
        verify(Path("x" * 5000), TABLE)


def test_a_glance_looks_at_sizes_alone() -> None:
    assert glance(write("small.pth", bytes(len(DATA))), TABLE) == ""
    assert glance(write("small.pth", b"12"), TABLE) == "2 bytes instead of 300000"
    assert glance(write("mine.pth", b"12"), TABLE) == ""
    assert glance(Path("other.pth"), TABLE) == "cannot be read: No such file or directory"
