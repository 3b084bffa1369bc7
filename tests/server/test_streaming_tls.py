"""Viewers over TLS: what is different there are buffers, goodbyes and cuts."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

import pytest

from tests.server.certificates import Files, issued
from tests.server.stream_site import Site, drain, played, wait_for
from txt2vid.server import streaming


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return issued(tmp_path_factory.mktemp("files"))


@pytest.fixture
def here(files: Files) -> Iterator[Site]:
    made = Site(100, files)
    yield made
    made.close()


@pytest.mark.parametrize("container", ["ts", "mkv"])
def test_a_player_plays(here: Site, container: str) -> None:
    here.encode()
    assert played(here.frames(container, 20)) == (20, "")
    wait_for(lambda: here.broadcaster.viewers == 0)


def test_a_viewer_that_hangs_up_is_noticed(here: Site) -> None:
    end = here.connect()
    wait_for(lambda: here.broadcaster.viewers == 1)
    end.close()  # without TLS's goodbye
    wait_for(lambda: here.broadcaster.viewers == 0 and here.connections() == 0)


def test_a_viewer_that_reads_nothing_is_cut(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(streaming, "SEND_BUFFER", 4096)
    stuck = here.connect(receive=4096)
    wait_for(lambda: here.broadcaster.viewers == 1)
    here.encode()
    assert played(here.frames("ts", 40)) == (40, "")
    wait_for(lambda: here.broadcaster.viewers == 0 and here.connections() == 0)
    with contextlib.suppress(ConnectionResetError, ssl.SSLError):
        drain(stuck)  # a TimeoutError where the connection is open yet
    stuck.close()


def test_what_waits_for_a_viewer_is_as_little_as_without_tls(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asyncio would hold half a megabyte here, which is two seconds of delay."""
    monkeypatch.setattr(streaming, "SEND_BUFFER", 4096)
    stuck = here.connect(receive=4096)
    wait_for(lambda: here.broadcaster.viewers == 1)
    here.encode()
    wait_for(lambda: here.broadcaster.dropped > 0)
    assert 0 < here.call(here.waiting) < 3 * streaming.WRITE_BUFFER
    stuck.close()
    wait_for(lambda: here.broadcaster.viewers == 0)


def test_the_end_of_a_session_ends_its_streams(here: Site) -> None:
    here.encode()
    end = here.connect()
    assert end.recv(1000)
    here.call(here.broadcaster.close)
    drain(end)  # an ssl.SSLEOFError where it was cut
    end.close()
    wait_for(lambda: here.connections() == 0)


@pytest.mark.parametrize("words", [b"", b"GET / HTTP/1.1\r\n"])
def test_who_asks_for_nothing_and_says_no_goodbye_is_gone(
    here: Site, words: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(streaming, "CLOSE_SECONDS", 0.2)
    end = here.reach()
    end.sendall(words)
    with contextlib.suppress(OSError):  # it may be gone already
        assert end.recv(1) == b""
    wait_for(lambda: here.connections() == 0)
    end.close()


def test_a_hundred_visits_leave_nothing(here: Site) -> None:
    here.encode()
    here.connect().close()
    wait_for(lambda: here.broadcaster.viewers == 0)
    before = here.tasks()
    for number in range(100):
        end = here.connect(("/stream.ts", "/stream.mp4")[number % 2])
        if number % 3:
            end.recv(100)
        end.close()
    wait_for(lambda: here.broadcaster.viewers == 0 and here.connections() == 0 and here.tasks() <= before)
