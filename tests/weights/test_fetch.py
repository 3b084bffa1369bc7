"""Fetching from real servers on this machine that are right, broken, hostile, or silent."""

from __future__ import annotations

import errno
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.weights.mirrors import (
    DATA,
    MIDDLE,
    PATIENCE,
    Mirror,
    Play,
    Request,
    body,
    corrupt,
    endless,
    get,
    names,
    redirects,
    refuses,
    small,
)
from txt2vid.errors import OutputError, ServerError, UsageError
from txt2vid.weights.fetch import fetch


def test_a_file_is_fetched(mirror: Mirror, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    path = fetch(small(), folder, mirrors=[mirror.url()], progress=lambda done, total: told.append((done, total)))
    assert path == folder / "small.pth"
    assert path.read_bytes() == DATA
    assert names(folder) == ["small.pth"]
    assert told[0] == (0, len(DATA))
    assert told[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_what_is_there_and_right_is_not_asked_for(mirror: Mirror, folder: Path) -> None:
    folder.mkdir()
    (folder / "small.pth.part").write_bytes(b"left over")
    (folder / "small.pth").write_bytes(DATA)
    assert get(folder, mirror).read_bytes() == DATA
    assert mirror.requests == []
    assert names(folder) == ["small.pth"]


def test_what_is_there_and_wrong_is_replaced(mirror: Mirror, folder: Path) -> None:
    folder.mkdir()
    (folder / "small.pth").write_bytes(DATA[::-1])
    assert get(folder, mirror).read_bytes() == DATA


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503, 204])
def test_a_mirror_that_refuses_is_passed_over(mirror: Mirror, second: Mirror, folder: Path, status: int) -> None:
    mirror.plays = [refuses(status)]
    assert get(folder, mirror, second).read_bytes() == DATA
    assert len(mirror.requests) == len(second.requests) == 1


@pytest.mark.parametrize("play", [corrupt, endless(bytes(1000)), lambda request: body(request, DATA[1:])])
def test_a_mirror_with_other_bytes_is_passed_over(mirror: Mirror, second: Mirror, folder: Path, play: Play) -> None:
    mirror.plays = [play]
    assert get(folder, mirror, second).read_bytes() == DATA
    assert len(mirror.requests) == 1
    assert second.ranges == [None]
    assert names(folder) == ["small.pth"]


def test_what_is_wrong_leaves_nothing(mirror: Mirror, folder: Path) -> None:
    mirror.plays = [corrupt]
    with pytest.raises(ServerError, match=r"127\.0\.0\.1 \(its bytes are not the published ones: other sha256\)"):
        get(folder, mirror)
    assert names(folder) == []


def test_more_than_the_file_is_cut_off(mirror: Mirror, folder: Path) -> None:
    mirror.plays = [endless(DATA)]
    assert get(folder, mirror).read_bytes() == DATA


def test_more_that_is_announced_is_not_taken(mirror: Mirror, folder: Path) -> None:
    mirror.plays = [lambda request: body(request, DATA + b"x")]
    with pytest.raises(ServerError, match=r"\(has 300001 bytes instead of 300000\)"):
        get(folder, mirror)
    assert names(folder) == []


def test_redirects_in_a_circle(mirror: Mirror, second: Mirror, folder: Path) -> None:
    mirror.plays = [redirects("/small.pth")]
    assert get(folder, mirror, second).read_bytes() == DATA
    assert len(mirror.requests) < 20


def test_a_redirect_to_another_host_without_https(mirror: Mirror, second: Mirror, folder: Path) -> None:
    mirror.plays = [redirects(second.url())]
    with pytest.raises(ServerError, match=r"\(a redirect to 127\.0\.0\.1 without https\)"):
        get(folder, mirror)
    assert second.requests == []


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", ""])
def test_a_redirect_to_what_is_not_the_web(mirror: Mirror, folder: Path, location: str) -> None:
    mirror.plays = [redirects(location)]
    with pytest.raises(ServerError, match=r"\(a redirect to no(where| address of the web)\)"):
        get(folder, mirror)


def test_what_is_no_http(mirror: Mirror, folder: Path) -> None:
    def garbage(request: Request) -> None:
        request.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")

    mirror.plays = [garbage]
    with pytest.raises(ServerError, match=r"\(no proper answer \(BadStatusLine\)\)"):
        get(folder, mirror)


def test_all_mirrors_fail_in_one_line_without_secrets(mirror: Mirror, second: Mirror, folder: Path) -> None:
    mirror.plays, second.plays = [refuses(403)], [corrupt]
    urls = [mirror.url("/secret?token=secret"), second.url("/x?token=secret"), "https://localhost:1/x?token=secret"]
    with pytest.raises(ServerError) as caught:
        fetch(small(), folder, mirrors=urls, timeout=PATIENCE)
    said = str(caught.value)
    assert "127.0.0.1 (HTTP 403 Forbidden), 127.0.0.1 (its bytes" in said
    assert "localhost (Connection refused)" in said
    assert "add --mirror URL" in said
    assert f"300000 bytes there by hand: {folder / 'small.pth'}" in said
    assert "secret" not in said
    assert "\n" not in said


def test_the_table_is_asked_by_https_alone(mirror: Mirror, folder: Path) -> None:
    with pytest.raises(UsageError, match="https"):
        fetch(small(mirrors=(mirror.url(),)), folder)
    assert mirror.requests == []
    assert not folder.exists()


def test_a_second_process_at_the_same_file_stands_back(mirror: Mirror, folder: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def waits(request: Request) -> None:
        request.head(200, Content_Length=len(DATA))
        request.wfile.write(DATA[:MIDDLE])
        begun.set()
        go_on.wait(PATIENCE)
        request.wfile.write(DATA[MIDDLE:])

    mirror.plays = [waits]
    first = threading.Thread(target=get, args=(folder, mirror))
    first.start()
    try:
        assert begun.wait(PATIENCE)
        with pytest.raises(OutputError, match=r"small\.pth is being fetched by another txt2vid: wait") as caught:
            get(folder, mirror)
        assert "\n" not in str(caught.value)
    finally:
        go_on.set()
        first.join()
    assert (folder / "small.pth").read_bytes() == DATA
    assert names(folder) == ["small.pth"]
    assert len(mirror.requests) == 1


def test_many_at_once_end_with_one_right_file(mirror: Mirror, folder: Path) -> None:
    """Whoever comes while it is fetched stands back; whoever comes later finds it."""
    outcomes: list[object] = []

    def work() -> None:
        try:
            outcomes.append(get(folder, mirror))
        except OutputError as err:
            outcomes.append(str(err))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8
    assert folder / "small.pth" in outcomes
    assert all(outcome == folder / "small.pth" or "another txt2vid" in str(outcome) for outcome in outcomes)
    assert (folder / "small.pth").read_bytes() == DATA
    assert names(folder) == ["small.pth"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
def test_a_full_disk_is_one_line(mirror: Mirror, folder: Path) -> None:
    folder.mkdir()
    (folder / "small.pth.part").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"small\.pth cannot be written: the disk is full\. Make room") as caught:
        get(folder, mirror)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert "\n" not in str(caught.value)


def test_a_disk_without_room_is_told_before_anything_is_fetched(mirror: Mirror, folder: Path) -> None:
    with pytest.raises(OutputError, match=r"it needs \d+ MB, and \d+ MB are free"):
        fetch(replace(small(), size=1 << 60), folder, mirrors=[mirror.url()])
    assert mirror.requests == []
    assert names(folder) == []


def test_folders_that_cannot_be_written(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot be written \(Not a directory\): choose another folder with -o"):
        get(tmp_path / "file" / "in it", mirror)
    (tmp_path / "small.pth").mkdir()
    with pytest.raises(OutputError, match=r"small\.pth is a folder"):
        get(tmp_path, mirror)
    assert mirror.requests == []
    assert not (tmp_path / "small.pth.part").exists()
