"""Bad days: a studio that dies, a server that is told to end, no room; and files that the server plays itself."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from txt2vid.core import wire
from txt2vid.core.wire import Hello, Text

Serving = Callable[..., Any]
SMALL = ("--size", "128", "--workers", "1")


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return value


def test_a_studio_dies_and_everyone_stays(serving: Serving, hero: Path) -> None:
    with (
        serving("--face", hero, *SMALL) as server,
        server.talk() as talk,
        server.open("/stream.ts") as stream,
    ):
        seen = stream.read(100_000)
        (studio,) = server.studios()
        studio.kill()
        seen += stream.read(100_000)
        times = picture_times(seen)
        assert len(times) > 20
        assert (np.diff(times) > 0).all()  # the session's time goes on
        assert server.metric("txt2vid_studio_restarts_total") == 1
        assert [each.pid for each in server.studios()] != [studio.pid]
        talk.say(Text("Still here.", id=5))
        assert talk.until(wire.Spoken).id == 5


def picture_times(stream: bytes) -> list[float]:
    """Seconds, of each picture in MPEG-TS."""
    command = ["ffprobe", "-v", "quiet", "-f", "mpegts", "-select_streams", "v", "-show_entries", "packet=pts_time"]
    done = subprocess.run([*command, "-of", "csv=p=0", "-"], input=stream, capture_output=True, check=True, timeout=60)
    return [float(row.split(b",")[0]) for row in done.stdout.split() if row.strip(b",")]


def test_everyone_is_told_of_the_end(serving: Serving, hero: Path) -> None:
    with (
        serving("--face", hero, *SMALL) as server,
        server.talk() as talk,
        server.connected() as silent,
        server.open("/stream.ts") as stream,
    ):
        assert stream.read(20_000)
        children = server.studios()
        server.process.send_signal(signal.SIGTERM)
        assert talk.refusal() == ("stopping", 4051)
        assert silent.refusal() == ("stopping", 4051)
        while stream.read(65_536):
            pass
        assert server.process.wait(30) == 0
        assert not any(child.is_running() for child in children)


def test_no_room(serving: Serving, hero: Path) -> None:
    with (
        serving("--face", hero, *SMALL, "--max-sessions", "2", "--max-viewers", "1") as server,
        server.talk(session="a"),
        server.talk(session="b"),
        server.connected() as third,
    ):
        third.say(Hello(session="c"))
        assert third.refusal() == ("full", 4030)
        assert server.ask("/stream.ts").status == 503
        with server.open("/s/a/stream.ts") as stream:
            assert stream.read(10_000)
            answer = server.ask("/s/b/stream.mp4")
            assert (answer.status, answer.json["code"]) == (503, "full")
            assert answer.headers["Retry-After"]


def test_a_text_waits_for_the_first_viewer(serving: Serving, hero: Path, tmp_path: Path) -> None:
    text = tmp_path / "two.txt"
    text.write_text("One.\n\nTwo.\n")
    with serving("--face", hero, *SMALL, "--text-file", text) as server:
        until(lambda: server.metric("txt2vid_senders") == 1)
        assert "playlist ended" not in server.log
        with server.open("/stream.ts") as stream:
            until(lambda: stream.read(4_000) and "playlist ended" in server.log)
        until(lambda: server.metric("txt2vid_senders") == 0)
        with server.talk() as talk:
            assert talk.ready.session == "hero"


def test_a_sound_is_played_in_real_time(serving: Serving, hero: Path, speech: Path) -> None:
    with serving("--face", hero, *SMALL, "--audio", speech) as server, server.open("/stream.ts") as stream:
        until(lambda: stream.read(4_000) and "playlist ended" in server.log)
        assert server.metric("txt2vid_heard_seconds_total") > 0.5
