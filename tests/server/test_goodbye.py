"""What is said first and last on /speak: nothing before `ready`, and a place that is free after any goodbye."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.server.conftest import PATIENCE, SMALL, Server, Talk, serving
from tests.server.test_hub import until
from txt2vid.core.wire import AudioFormat, Hello, Packet, Ready, Text
from txt2vid.textwire import codec

PCM = AudioFormat("pcm_s16le", 16_000)
DRIVING = Path(__file__).parents[2] / "sample_data" / "driving.mp4"


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Iterator[Server]:
    """A server whose log is these tests' own, with two faces that take seconds to find."""
    codec.name()  # takes a while the first time, and hello has 5 s
    videos = ("--face", f"slow={DRIVING}", "--face", f"slower={DRIVING}")
    with serving(tmp_path_factory.mktemp("relay"), "--face", hero, *videos, *SMALL) as running:
        yield running


def hello(talk: Talk) -> None:
    talk.say(Hello(session="hero", audio=PCM))


def sound(talk: Talk) -> None:
    hello(talk)
    talk.until(Ready)
    for number in range(10):
        talk.say(Packet(0, 320 * number, b"\0\x10" * 320))


def texts(talk: Talk) -> None:
    """Each drops the one before: the server answers while we leave."""
    hello(talk)
    talk.until(Ready)
    for number in range(30):
        talk.say(Text("A word or two.", id=number, interrupt=True))


def learned(talk: Talk) -> None:
    """As `texts`, and it takes the server a while to read each."""
    talk.say(Hello(session="hero", text_codec=codec.name()))
    talk.until(Ready)
    for number in range(8):
        talk.say(Text(f"The word number {number}.", id=number, interrupt=True))


def left(relay: Server, port: int) -> bool:
    """Whether the sender of that port is gone: of the one before it, that may be logged at any time."""
    return re.search(rf"sender gone .*sender=127\.0\.0\.1:{port} ", relay.log) is not None


@pytest.mark.parametrize("say", [hello, sound, texts, learned])
def test_after_a_goodbye_the_place_is_free(relay: Server, say: Callable[[Talk], None]) -> None:
    before = relay.log.count("connection lost")
    for code in (1000, 1001) * 5:
        with relay.connected(close_timeout=PATIENCE) as talk:  # one that does not wait for the answer may be cut off
            port = talk.connection.local_address[1]
            say(talk)
            talk.connection.close(code)
        until(partial(left, relay, port))
    assert relay.log.count("connection lost") == before
    with relay.talk(session="hero"):
        pass


def test_nothing_comes_before_ready(relay: Server) -> None:
    """A sender has its seat, and its session reports each second, long before the face that it wants is ready."""
    with relay.open("/s/hero/stream.ts") as stream, relay.connected() as talk:
        assert stream.read(10_000)
        talk.say(Hello(session="hero", face="slow"))
        assert isinstance(talk.hear(), Ready)


def test_one_that_leaves_before_its_face_is_ready_keeps_nobody_waiting(relay: Server) -> None:
    with relay.connected() as talk:
        talk.say(Hello(session="hero", face="slower"))
        until(lambda: relay.state("hero")["live"])
    with relay.talk(session="hero") as talk:
        assert talk.ready is not None
        assert talk.ready.face == "hero"
