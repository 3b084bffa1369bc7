"""Downloads that break off, and go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.weights.mirrors import (
    DATA,
    MIDDLE,
    PATIENCE,
    TAG,
    Mirror,
    Play,
    body,
    breaks_off,
    get,
    good,
    ignores_range,
    names,
    redirects,
    refuses,
    silent,
    small,
    stalls,
    wrong_range,
)
from txt2vid.errors import ServerError
from txt2vid.weights.fetch import TRIES, fetch

SHORT = 0.3  # seconds without a byte, where that is what is tested


def leave_part(folder: Path, data: bytes, **note: object) -> None:
    """What an earlier call would have left."""
    folder.mkdir()
    (folder / "small.pth.part").write_bytes(data)
    if note:
        (folder / "small.pth.part.json").write_text(json.dumps(note))


def test_a_connection_that_breaks_off_is_continued(mirror: Mirror, folder: Path) -> None:
    mirror.plays = [breaks_off(MIDDLE), breaks_off(MIDDLE), good]
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.ranges == [None, f"bytes={MIDDLE}-", f"bytes={2 * MIDDLE}-"]
    assert [headers.get("If-Range") for _, headers in mirror.requests] == [None, TAG, TAG]


def test_by_another_mirror_too(mirror: Mirror, second: Mirror, folder: Path) -> None:
    mirror.plays = [breaks_off(MIDDLE), refuses(500)]
    assert get(folder, mirror, second).read_bytes() == DATA
    assert second.ranges == [f"bytes={MIDDLE}-"]
    assert second.requests[0][1].get("If-Range") is None  # it knows nothing of the first one's versions


def test_it_is_not_continued_forever(mirror: Mirror, folder: Path) -> None:
    mirror.plays = [breaks_off(10)]
    with pytest.raises(ServerError, match=r"\(broke off after 30 bytes of 300000 bytes\)"):
        get(folder, mirror)
    assert len(mirror.requests) == TRIES
    assert (folder / "small.pth.part").read_bytes() == DATA[:30]


def test_nothing_at_all_leaves_nothing(mirror: Mirror, folder: Path) -> None:
    mirror.plays = [breaks_off(0)]
    with pytest.raises(ServerError, match="broke off after 0 bytes"):
        get(folder, mirror)
    assert len(mirror.requests) == 1
    assert names(folder) == []


@pytest.mark.parametrize(("play", "kept"), [(silent, b""), (stalls(0), b""), (stalls(MIDDLE), DATA[:MIDDLE])])
def test_a_mirror_that_stalls(mirror: Mirror, folder: Path, play: Play, kept: bytes) -> None:
    mirror.plays = [play, silent]
    with pytest.raises(ServerError, match=r"127\.0\.0\.1 \(no byte for 0\.3 s\)"):
        get(folder, mirror, timeout=SHORT)
    assert b"".join(path.read_bytes() for path in folder.glob("*.part")) == kept
    mirror.plays = [good]
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.ranges[-1] == (f"bytes={MIDDLE}-" if kept else None)


def test_a_later_call_goes_on(mirror: Mirror, folder: Path) -> None:
    leave_part(folder, DATA[:MIDDLE], mirror=mirror.url(), validator=TAG)
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.ranges == [f"bytes={MIDDLE}-"]
    assert mirror.requests[0][1]["If-Range"] == TAG
    assert names(folder) == ["small.pth"]


def test_the_file_was_replaced_at_the_mirror_meanwhile(mirror: Mirror, folder: Path) -> None:
    leave_part(folder, bytes(MIDDLE), mirror=mirror.url(), validator='"version 0"')
    assert get(folder, mirror).read_bytes() == DATA
    assert len(mirror.requests) == 1


def test_a_date_names_a_version_too(mirror: Mirror, folder: Path) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    mirror.plays = [lambda request: body(request, DATA, MIDDLE, ETag='W/"weak"', Last_Modified=date), ignores_range]
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.requests[1][1]["If-Range"] == date


@pytest.mark.parametrize("play", [ignores_range, *map(wrong_range, ["bytes 0-299999/300000", "bytes 7-9/10", "x"])])
def test_a_mirror_that_cannot_go_on_begins_anew(mirror: Mirror, folder: Path, play: Play) -> None:
    leave_part(folder, DATA[:MIDDLE])
    mirror.plays = [play]
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.ranges[0] == f"bytes={MIDDLE}-"


def test_a_range_that_the_mirror_does_not_have(mirror: Mirror, folder: Path) -> None:
    leave_part(folder, DATA[:MIDDLE])
    mirror.plays = [refuses(416), good]
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.ranges == [f"bytes={MIDDLE}-", None]


@pytest.mark.parametrize("left", [bytes(MIDDLE), bytes(len(DATA)), bytes(len(DATA) + 1), DATA + b"x"])
def test_a_wrong_part_does_not_make_the_mirror_wrong(mirror: Mirror, folder: Path, left: bytes) -> None:
    leave_part(folder, left)
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.ranges[-1] is None
    assert names(folder) == ["small.pth"]


def test_a_whole_part_needs_no_mirror(mirror: Mirror, folder: Path) -> None:
    leave_part(folder, DATA)
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.requests == []


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b"\xff", b'{"mirror": 1}', b"[" * 100_000])
def test_a_damaged_note_is_none(mirror: Mirror, folder: Path, note: bytes) -> None:
    leave_part(folder, DATA[:MIDDLE])
    (folder / "small.pth.part.json").write_bytes(note)
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.requests[0][1].get("If-Range") is None


def test_versions_that_no_header_can_hold_are_forgotten(mirror: Mirror, folder: Path) -> None:
    leave_part(folder, DATA[:MIDDLE], mirror=mirror.url(), validator="a\r\nX-Evil: 1")
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.requests[0][1].get("If-Range") is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_with_the_range(mirror: Mirror, folder: Path, status: int) -> None:
    leave_part(folder, DATA[:MIDDLE], mirror=mirror.url(), validator=TAG)
    mirror.plays = [redirects("/elsewhere?signature=x", status), good]
    assert get(folder, mirror).read_bytes() == DATA
    assert [path for path, _ in mirror.requests] == ["/small.pth", "/elsewhere?signature=x"]
    assert mirror.ranges == [f"bytes={MIDDLE}-"] * 2


def test_the_note_holds_no_secret(mirror: Mirror, folder: Path) -> None:
    mirror.plays = [breaks_off(10)]
    with pytest.raises(ServerError):
        fetch(small(), folder, mirrors=[mirror.url("/small.pth?token=secret")], timeout=PATIENCE)
    assert "secret" not in (folder / "small.pth.part.json").read_text()


def test_an_interrupt_keeps_what_came(mirror: Mirror, folder: Path) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done >= MIDDLE:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(small(), folder, mirrors=[mirror.url()], progress=interrupt)
    came = (folder / "small.pth.part").read_bytes()
    assert len(came) >= MIDDLE
    assert DATA.startswith(came)
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.ranges == [None, f"bytes={len(came)}-"]
