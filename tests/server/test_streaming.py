"""Viewers over real HTTP: players, and sockets that do what players should not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from tests.server.stream_site import PATIENCE, Site, drain, played, wait_for
from txt2vid.server import streaming
from txt2vid.server.streaming import MEDIA_TYPES, Publishing

Open = Callable[..., Site]


@pytest.fixture
def site() -> Iterator[Open]:
    with contextlib.ExitStack() as stack:

        def build(most: int = 100) -> Site:
            made = Site(most)
            stack.callback(made.close)
            return made

        yield build


@pytest.mark.parametrize("container", MEDIA_TYPES)
def test_a_player_plays(site: Open, container: str) -> None:
    here = site()
    here.encode()
    assert played(here.frames(container, 20)) == (20, "")
    assert played(here.frames(container, 5)) == (5, "")  # comes late
    wait_for(lambda: here.broadcaster.viewers == 0)


def test_a_viewer_waits_for_the_encoder_and_stays_when_it_changes(site: Open) -> None:
    here = site()
    player = here.frames("ts", 30)
    wait_for(lambda: here.broadcaster.viewers == 1)
    here.encode()
    wait_for(lambda: here.broadcaster.bytes_out > 50_000)
    here.encode()
    assert played(player)[0] == 30


@pytest.mark.parametrize("container", MEDIA_TYPES)
def test_head_says_what_get_would_and_watches_nothing(site: Open, container: str) -> None:
    here = site(0)
    status, headers, answer = here.ask("HEAD", f"/stream.{container}")
    assert (status, answer.read()) == (200, b"")
    assert headers["content-type"] == MEDIA_TYPES[container]
    assert headers["cache-control"] == "no-store"
    assert headers["connection"] == "close"
    assert "content-length" not in headers


def test_ranges_are_not_looked_at(site: Open) -> None:
    here = site()
    status, headers, answer = here.ask("GET", "/stream.mp4", Range="bytes=100-")
    assert status == 200
    assert "content-length" not in headers
    here.encode()
    assert answer.read(8)[4:] == b"ftyp"
    answer.close()


def test_too_many_viewers_are_told_to_come_later(site: Open) -> None:
    here = site(1)
    first = here.connect()
    wait_for(lambda: here.broadcaster.viewers == 1)
    status, headers, answer = here.ask("GET", "/stream.ts")
    assert status == 503
    assert int(headers["retry-after"]) > 0
    assert answer.read().decode().count("\n") == 1
    first.close()
    wait_for(lambda: here.broadcaster.viewers == 0)


def test_a_dead_viewer_is_noticed_where_nothing_is_sent(site: Open) -> None:
    here = site()
    for path in ("/stream.ts", "/stream.mp4"):
        end = here.connect(path)
        wait_for(lambda: here.broadcaster.viewers == 1)
        end.close()
        wait_for(lambda: here.broadcaster.viewers == 0)


def test_a_viewer_that_reads_nothing_is_cut_and_disturbs_nobody(site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(streaming, "SEND_BUFFER", 4096)
    here = site()
    stuck = here.connect(receive=4096)
    wait_for(lambda: here.broadcaster.viewers == 1)
    here.encode()
    assert played(here.frames("ts", 40)) == (40, "")
    wait_for(lambda: here.broadcaster.viewers == 0)
    stuck.settimeout(PATIENCE)
    with contextlib.suppress(ConnectionResetError):
        drain(stuck)  # what the system still had; a TimeoutError where the connection is open yet
    stuck.close()


def test_the_end_of_a_session_ends_its_streams(site: Open) -> None:
    here = site()
    here.encode()
    _, _, answer = here.ask("GET", "/stream.ts")
    assert len(answer.read(1000)) == 1000
    here.call(here.broadcaster.close)
    rest = answer.read()  # to its end: an http.client.IncompleteRead where it was cut
    assert rest
    answer.close()


def test_fifty_viewers(site: Open) -> None:
    here = site()
    here.encode()
    ends = [here.connect() for _ in range(50)]
    player = here.frames("ts", 25)
    sizes = dict.fromkeys(ends, 0)

    def read() -> bool:
        for end in ends:
            end.settimeout(0.001)
            with contextlib.suppress(TimeoutError):
                sizes[end] += len(end.recv(1 << 20))
        return min(sizes.values()) > 20_000

    wait_for(read)
    assert here.broadcaster.dropped == 0
    for end in ends:
        end.close()
    assert played(player) == (25, "")
    wait_for(lambda: here.broadcaster.viewers == 0)


def test_two_hundred_visits_leave_nothing(site: Open) -> None:
    here = site()
    here.encode()
    here.connect().close()
    wait_for(lambda: here.broadcaster.viewers == 0)
    process: Any = psutil.Process()

    def used() -> tuple[int, int]:
        return process.num_fds(), here.tasks()

    wait_for(lambda: here.tasks() <= 4)
    before = used()
    for number in range(200):
        end = here.connect(("/stream.ts", "/stream.mp4")[number % 2])
        if number % 3:
            end.recv(100)
        end.close()
    wait_for(lambda: here.broadcaster.viewers == 0 and used() <= before)


def test_publishing_is_a_viewer_until_it_is_cancelled(site: Open) -> None:
    here = site()
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(PATIENCE)
    publishing = Publishing(here.broadcaster, [f"udp://127.0.0.1:{receiver.getsockname()[1]}"])
    task = here.call(lambda: asyncio.ensure_future(publishing.run()))
    wait_for(lambda: here.broadcaster.viewers == 1)
    here.encode()
    assert receiver.recv(2000)[::188].strip(b"G") == b""  # sync bytes of MPEG-TS
    here.call(task.cancel)
    wait_for(lambda: task.done() and here.broadcaster.viewers == 0)
    receiver.close()
