from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from txt2vid.textwire.arithmetic import MAX_TOTAL, Packer, Unpacker


@st.composite
def choices(draw: st.DrawFn) -> tuple[int, int, int]:
    total = draw(st.sampled_from((2, 3, 256, 1_000_003, MAX_TOTAL)) | st.integers(1, MAX_TOTAL))
    start = draw(st.integers(0, total - 1))
    return start, draw(st.integers(1, total - start)), total


@given(st.lists(choices(), max_size=60))
def test_choices_come_back(made: list[tuple[int, int, int]]) -> None:
    packer = Packer()
    for start, size, total in made:
        packer.put(start, size, total)
    data = packer.bytes()
    unpacker = Unpacker(data)
    for start, size, total in made:
        assert start <= unpacker.peek(total) < start + size
        unpacker.take(start, size)
        assert not unpacker.exhausted
    assert unpacker.is_whole()
    assert 0x80 <= data[0] < 0xFF
    assert not Unpacker(data + b"\0").is_whole()


def test_no_byte_is_wasted() -> None:
    for count in range(200):
        packer = Packer()
        for _ in range(count):
            packer.put(1, 1, 2)
        assert len(packer.bytes()) <= (count + 1.02 + 8) // 8


def test_what_lies_outside_is_seen() -> None:
    for data in (b"", b"\x01", b"\x7f\xff", b"\xff"):
        assert Unpacker(data).exhausted
