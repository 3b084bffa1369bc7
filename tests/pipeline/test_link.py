from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator

import pytest

from txt2vid.core.wire import Packet
from txt2vid.pipeline.link import LIMIT, Link
from txt2vid.pipeline.messages import Encoding, Hear, Stop


@pytest.fixture
def ends() -> Iterator[tuple[Link, Link]]:
    one, other = socket.socketpair()
    links = Link(one), Link(other)
    yield links
    for link in links:
        link.close()


def test_messages_arrive_whole_and_in_order(ends: tuple[Link, Link]) -> None:
    here, there = ends
    sent = [Hear("a", Packet(0, i, bytes([i]) * i * 40)) for i in range(200)]
    got: list[object] = []
    for message in sent:
        here.send(message)
        got += [each for each, _ in there.receive()]
    while len(got) < len(sent):
        here.flush()
        got += [each for each, _ in there.receive()]
    assert got == sent
    assert here.waiting == 0


def test_descriptors_go_with_their_message(ends: tuple[Link, Link]) -> None:
    here, there = ends
    pipes = [os.pipe() for _ in range(6)]
    for i in range(0, 6, 2):
        here.send(Stop())
        here.send(Encoding(str(i), 0), (pipes[i][0], pipes[i + 1][0]))  # type: ignore[arg-type]
    got: list[tuple[object, list[int]]] = []
    while len(got) < 6:  # a system may hand them out one by one
        got += there.receive()
    encodings = [(message, fds) for message, fds in got if isinstance(message, Encoding)]
    assert [len(fds) for _, fds in got] == [0, 2, 0, 2, 0, 2]
    for message, fds in encodings:
        for number, fd in enumerate(fds, int(message.session)):
            os.write(pipes[number][1], str(number).encode())
            assert os.read(fd, 10) == str(number).encode()
            os.close(fd)
    for reading, writing in pipes:
        os.close(writing)
        with pytest.raises(OSError, match="Bad file"):  # ours was closed when it was sent
            os.fstat(reading)


def test_a_process_that_may_open_no_more_gets_the_message_alone(ends: tuple[Link, Link]) -> None:
    here, there = ends
    pipe = os.pipe()
    here.send(Encoding("full", 0), pipe)  # type: ignore[arg-type]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        got = there.receive()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert got == [(Encoding("full", 0), [])]  # type: ignore[arg-type]
    here.send(Stop())
    assert there.receive() == [(Stop(), [])]


def test_what_may_be_dropped_is_dropped_where_the_other_end_hangs(ends: tuple[Link, Link]) -> None:
    here, there = ends
    packet = Hear("a", Packet(0, 0, bytes(60_000)))
    sent = 0
    while here.send(packet, droppable=True):
        sent += 1
    assert LIMIT < here.waiting < LIMIT + 70_000
    assert here.send(Stop())
    got: list[object] = []
    while len(got) < sent + 1:
        here.flush()
        got += [message for message, _ in there.receive()]
    assert got[-1] == Stop()


def test_the_end_of_the_other_end_is_told(ends: tuple[Link, Link]) -> None:
    here, there = ends
    here.close()
    with pytest.raises(EOFError):
        there.receive()
    there.send(Stop())  # nobody listens; nothing breaks


def test_descriptors_that_nobody_took_are_closed() -> None:
    one, other = socket.socketpair()
    here, there = Link(one), Link(other)
    reading, writing = os.pipe()
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208
    here.send(Encoding("a", 0), (reading,))  # type: ignore[arg-type]
    here.close()
    there.close()
    if before:
        assert len(os.listdir("/proc/self/fd")) == before - 3  # noqa: PTH208
    os.close(writing)
