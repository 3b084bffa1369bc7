"""Captions from a server: what is said, in time with the streams, for whoever reads along."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.server.page_site import Site
from txt2vid.core.captions import Caption, Word
from txt2vid.core.wire import AudioFormat, Interrupt, Packet, Spoken, Text
from txt2vid.server import captions as module
from txt2vid.server.captions import KEPT, QUEUED, Captions

Server = Any  # of conftest.py, which tests cannot import
PATIENCE = 30.0
RATE = 16_000
Json = dict[str, Any]


def sentence(text: str, start: float, each: float = 0.3) -> Caption:
    words = [Word(f"{word} ", start + each * at) for at, word in enumerate(text.split())]
    return Caption(tuple(words), start + each * len(words))


def events(data: bytes) -> list[tuple[str, Json]]:
    """The events in what came, comments left out."""
    found = []
    for block in data.decode().split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def said(event: tuple[str, Json]) -> str:
    return "".join(text for _, text in event[1].get("words", [])).strip()


class Reading:
    """Reads a server's captions in a thread."""

    def __init__(self, server: Server, path: str) -> None:
        self.data, self.ended, self.status = b"", False, 0
        self._server, self._path = server, path
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._stop = False
        self._thread.start()
        wait_for(lambda: self.data != b"" or self.ended)

    def _read(self) -> None:
        with self._server.open(self._path) as answer:
            self.status = answer.status
            while not self._stop and (more := answer.read1(65_536)):
                self.data += more
        self.ended = True

    @property
    def events(self) -> list[tuple[str, Json]]:
        return events(self.data)

    def until(self, holds: Callable[[list[tuple[str, Json]]], Any]) -> list[tuple[str, Json]]:
        wait_for(lambda: holds(self.events))
        return self.events


def wait_for(holds: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def read(captions: Captions, now: float | None = None) -> list[tuple[str, Json]]:
    """What a reader who comes now gets at once."""

    async def come() -> bytes:
        reader = captions.subscribe(now)
        try:
            return await anext(reader)
        finally:
            reader.close()

    return events(asyncio.run(come()))


def test_one_who_comes_late_gets_what_is_being_said() -> None:
    captions = Captions(1.0)
    captions.tell(sentence("long ago", 1))
    captions.tell(sentence("and then this", 100))
    captions.tell(sentence("and now that", 101))
    told = read(captions)
    assert [said(event) for event in told] == ["and then this", "and now that"]
    assert told[1][1]["start"] == 102  # on the clock of the streams
    assert told[1][1]["words"][1] == [102.3, "now "]
    assert captions.readers == 0
    assert [said(event) for event in read(captions, 102)] == ["and then this", "and now that"]
    assert read(captions, 110) == []


def test_a_cut_ends_what_is_said_and_drops_what_was_to_come() -> None:
    captions = Captions()
    captions.tell(sentence("this is broken off", 10))
    captions.tell(sentence("and this is never heard", 12))
    captions.cut(10.5)
    ((name, body),) = read(captions)
    assert (name, body["stop"], [word for _, word in body["words"]]) == ("caption", 10.5, ["this ", "is "])


def test_a_sentence_that_is_begun_anew_is_not_told_twice() -> None:
    captions = Captions()
    captions.tell(sentence("a voice that breaks off", 10))
    captions.tell(sentence("another voice begins anew", 10.5))
    assert [body["stop"] for _, body in read(captions)] == [10.5, 11.7]


def test_what_is_kept_is_bounded() -> None:
    captions = Captions()
    for at in range(1000):
        captions.tell(sentence("word " * 40, at / 100, each=1))
    assert len(read(captions)) <= KEPT


def test_a_long_sentence_comes_in_parts_that_two_lines_hold() -> None:
    captions = Captions()
    captions.tell(sentence("these are quite a few words " * 8, 0))
    parts = read(captions)
    assert len(parts) == 3
    assert all(len(said(part)) <= 84 for part in parts)
    assert all(one[1]["stop"] == other[1]["start"] for one, other in pairwise(parts))


def test_one_who_reads_nothing_is_let_go() -> None:
    async def sleepy() -> bool:
        captions = Captions()
        reader = captions.subscribe()
        for at in range(QUEUED):
            captions.tell(sentence("word", at))
        with pytest.raises(StopAsyncIteration):
            await anext(reader)
        return captions.readers == 0

    assert asyncio.run(sleepy())


def test_silence_is_told_from_a_dead_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)

    async def beats() -> list[bytes]:
        reader = Captions().subscribe()
        return [await anext(reader) for _ in range(3)]

    assert asyncio.run(beats()) == [b"retry: 1000\n\n", b":\n\n", b":\n\n"]


def test_a_flood_ends_one_connection_and_another_may_come(the_site: Site) -> None:
    for _ in range(2):
        connection = http.client.HTTPConnection(urlsplit(the_site.url).netloc, timeout=PATIENCE)
        connection.request("GET", "/s/flood/captions")
        answer = connection.getresponse()
        assert answer.read1(100).startswith(b"retry: ")
        the_site.tell("flood", *(sentence("water", at) for at in range(500)))
        assert len(answer.read()) < 100_000  # to the end
        connection.close()


@contextmanager
def recorded(server: Server, session: str, path: Path) -> Iterator[None]:
    """A session's stream, written to a file meanwhile."""
    stop = threading.Event()
    begun = threading.Event()

    def write() -> None:
        with server.open(f"/s/{session}/stream.ts") as stream, path.open("wb") as file:
            while not stop.is_set() and (data := stream.read1(65_536)):
                file.write(data)
                begun.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(PATIENCE)
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def sound_of(path: Path) -> tuple[float, np.ndarray[Any, np.dtype[np.int16]]]:
    """A stream's sound at RATE, and the time stamp of its first sample."""
    show = ["-show_entries", "packet=pts_time", "-read_intervals", "%+#1", "-of", "csv=p=0"]
    probed = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "a:0", *show, path], capture_output=True, check=True, text=True
    )
    decoded = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-vn", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"],
        capture_output=True,
        check=True,
    )
    return float(probed.stdout.split()[0].strip(",")), np.frombuffer(decoded.stdout, "<i2")


def test_captions_are_in_time_with_the_stream(server: Server, tmp_path: Path) -> None:
    """The first sound after silence in the stream is where the first word begins, on the same clock."""
    reading = Reading(server, "/s/hero/captions")
    with recorded(server, "hero", tmp_path / "stream.ts"), server.talk(session="hero") as talk:
        time.sleep(0.5)
        talk.say(Text("Peter came today. [pause 900ms] Tomorrow he goes.", 1))
        told = reading.until(lambda events: len(events) == 2)
        wait_for(lambda: server.state("hero")["time"] + 1 > told[1][1]["stop"] + 0.5)
    assert [said(event) for event in told] == ["Peter came today.", "Tomorrow he goes."]
    first, sound = sound_of(tmp_path / "stream.ts")
    loud = first + np.flatnonzero(np.abs(sound) > 500) / RATE
    for _, body in told:
        after = loud[loud > body["start"] - 0.4]
        assert after[0] == pytest.approx(body["start"], abs=0.08)
        assert loud[loud < body["stop"] + 0.4][-1] == pytest.approx(body["stop"], abs=0.15)


def test_an_interruption_is_told(server: Server) -> None:
    with server.talk(session="cut") as talk:
        reading = Reading(server, "/s/cut/captions")
        talk.say(Text("This sentence is going on for quite a while, as nobody stops it, until somebody does.", 1))
        (spoken, *_) = reading.until(lambda events: events)
        time.sleep(0.5)
        talk.say(Interrupt(1))
        talk.say(Text("Stop.", 2))
        told = reading.until(lambda events: any(said(event) == "Stop." for event in events))
        names = [name for name, _ in told]
        cut = told[names.index("cut")][1]["at"]
        assert spoken[1]["start"] < cut < told[0][1]["stop"] + 3
        assert told[-1][1]["start"] >= cut
        late = Reading(server, "/s/cut/captions")
        assert all(body["stop"] <= cut or body["start"] >= cut for _, body in late.events)
        assert reading.ended is False


def test_sessions_do_not_mix(server: Server) -> None:
    with server.talk(session="left") as left, server.talk(session="right") as right:
        readings = [Reading(server, f"/s/{name}/captions") for name in ("left", "right")]
        left.say(Text("Left is here.", 1))
        right.say(Text("Right is there.", 1))
        told = [reading.until(lambda events: events) for reading in readings]
        time.sleep(1)
    assert [[said(event) for event in each] for each in told] == [["Left is here."], ["Right is there."]]
    assert [[said(event) for event in reading.events] for reading in readings] == [
        ["Left is here."],
        ["Right is there."],
    ]


def test_a_voice_alone_has_none(server: Server) -> None:
    with server.talk(session="voice", audio=AudioFormat("pcm_s16le", 16_000)) as talk:
        reading = Reading(server, "/s/voice/captions")
        noise = np.random.default_rng(1).integers(-9000, 9000, 320, np.int16).tobytes()
        for at in range(50):
            talk.say(Packet(talk.ready.epoch, 320 * at, noise))
            time.sleep(0.02)
        wait_for(lambda: (server.state("voice")["time"] or 0) > 0.5)
        assert reading.events == []


def test_how_they_are_asked_for(server: Server, guarded: Server) -> None:
    head = server.ask("/captions", "HEAD")
    assert (head.status, head.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    assert (head.headers["Cache-Control"], head.body) == ("no-store", b"")
    assert server.ask("/s/nobody/captions").status == 404
    assert server.ask("/captions", "POST").status == 405
    assert server.ask("/captions", Host="evil.example").status == 421
    for path in ("/captions", "/s/hero/captions"):
        assert guarded.ask(path).status == 401
        assert guarded.ask(f"{path}?token=wrong", "HEAD").status == 401


def test_as_many_read_as_may_watch_and_all_end_with_the_server(serving: Callable[..., Any], hero: Path) -> None:
    with serving("--face", hero, "--size", "128", "--workers", "1", "--max-viewers", "2") as running:
        readings = [Reading(running, path) for path in ("/captions", "/s/hero/captions")]
        refused = running.ask("/captions")
        assert (refused.status, refused.json["code"]) == (503, "full")
        assert running.state("hero")["open"] is False  # nothing is drawn for who only reads
    wait_for(lambda: all(reading.ended for reading in readings))


def test_a_studio_that_is_lost_says_nothing_more(serving: Callable[..., Any], hero: Path) -> None:
    with serving("--face", hero, "--size", "128", "--workers", "1") as running, running.talk() as talk:
        reading = Reading(running, "/captions")
        talk.say(Text("This sentence is going on for quite a while, and then whoever says it is no more.", 1))
        reading.until(lambda events: events)
        for studio in running.studios():
            studio.kill()
        told = reading.until(lambda events: events[-1][0] == "cut")
        talk.until(Spoken)
        talk.say(Text("Here again.", 2))
        told = reading.until(lambda events: said(events[-1]) == "Here again.")
        assert told[-1][1]["start"] > told[-2][1]["at"]
