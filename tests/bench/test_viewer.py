"""The viewer's process at a real HTTP server that streams what ffmpeg made."""

from __future__ import annotations

import http.server
import subprocess
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from txt2vid.bench.first import viewer
from txt2vid.bench.latency import evaluate, seen
from txt2vid.bench.program import Event
from txt2vid.bench.tone import Track, bursts
from txt2vid.core.clock import FrameTime
from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.wire import Stats
from txt2vid.errors import Txt2VidError

FPS = Fraction(25)
SECONDS = 12
SPANS = bursts(SECONDS, FPS)
LATE = 2  # frames by which the pictures are late


@pytest.fixture(scope="module", params=["mpegts", "mp4"])
def stream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Marks, the squares LATE frames behind the sound."""
    folder = tmp_path_factory.mktemp("stream")
    track, frames = Track(SPANS), []
    for index in range(int(SECONDS * FPS)):
        sound = track.between(*FrameTime(max(0, index - LATE), FPS).span(LISTENING_RATE))
        frames.append(bytes([235 if np.sqrt(np.mean(sound**2)) > 0.1 else 16]) * 4096 + b"\x80" * 2048)
    (folder / "frames").write_bytes(b"".join(frames))
    (folder / "sound").write_bytes(track.between(0, SECONDS * LISTENING_RATE).tobytes())
    video = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "64x64", "-r", "25", "-i", str(folder / "frames")]
    audio = ["-f", "f32le", "-ar", "48000", "-ac", "1", "-i", str(folder / "sound")]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-c:a", "aac"]
    form = ["-f", request.param] + (["-movflags", "frag_keyframe+empty_moov"] if request.param == "mp4" else [])
    made = folder / "stream"
    subprocess.run(["ffmpeg", "-v", "error", *video, *audio, *codecs, *form, str(made)], check=True, timeout=60)
    return made


@pytest.fixture
def url(stream: Path) -> Iterator[str]:
    """The stream over HTTP; the server ends with the test."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(stream.read_bytes())

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/stream"
        finally:
            server.shutdown()
            thread.join()


def test_a_known_offset_is_seen_by_the_viewer(url: str) -> None:
    before = time.monotonic()
    with viewer() as watcher:
        watcher.wait_for("ready", 60)
        watcher.tell({"url": url})
        first = watcher.wait_for("first", 60)
        events: list[Event] = []
        while not events or events[-1]["event"] != "ended":
            events.append(watcher.wait_for(None, 60))
    assert (first["width"], first["height"]) == (64, 64)
    assert before < first["at"] < time.monotonic()
    sounds, squares = seen(events, "sound", "rising"), seen(events, "square", "white")
    assert len(sounds) == len(squares) == len(SPANS)
    origin = sounds[0].time - SPANS[0].start / LISTENING_RATE  # MPEG-TS does not begin at 0
    for sound, span in zip(sounds, SPANS, strict=True):
        assert abs(sound.time - origin - span.start / LISTENING_RATE) < 0.001
    # As if it had all been captured live: the file comes faster than real time, so arrivals are set beside the capture.
    captured = [100 + span.start / LISTENING_RATE for span in SPANS]
    moved = [{**each, "at": 100 + each["time"] - origin + 0.3} for each in events if "time" in each]
    stats = [(0.0, Stats(1.0, 20.0, 120.5, 0.0, 1, 25, 0, 0, 0)), (1.0, Stats(9.0, 20.0, 120.5, 0.0, 1, 225, 3, 1, 0))]
    result = evaluate(captured, moved, stats, FPS, "opus")
    assert result.marks == result.sound.count == result.picture.count == len(SPANS)
    assert abs(result.av_offset.best - 1000 * LATE / FPS) < result.av_offset.slack + 3
    assert abs(result.sound.median - 300) < 2
    assert (result.reported.drawn, result.reported.late, result.reported.dropped) == (200, 3, 1)
    parts = {stage.name: stage.milliseconds for stage in result.stages}
    assert parts["jitter buffer"] + parts["lookahead"] == pytest.approx(120.5)
    assert sum(parts.values()) == pytest.approx(result.sound.mean, abs=0.1)


def test_a_stream_without_marks_is_told() -> None:
    sound = [{"event": "sound", "at": 1.0, "time": 1.0, "rising": True}]
    with pytest.raises(Txt2VidError, match="heard none"):
        evaluate([0.0], [], [], FPS, "pcm")
    with pytest.raises(Txt2VidError, match="serve --mark"):
        evaluate([0.0], sound, [], FPS, "pcm")


def test_the_first_picture_is_all_that_is_asked_for_and_a_refusal_is_told(url: str) -> None:
    with viewer() as watcher:
        watcher.wait_for("ready", 60)
        watcher.tell({"url": url, "first": True})
        first = watcher.wait_for("first", 60)
        assert 0 < first["seconds"] < 60
        assert watcher.wait_for("ended", 60)["why"] == "done"
        watcher.tell({"url": "http://127.0.0.1:9/nothing", "patience": 0.2})
        assert "refused" in watcher.wait_for("ended", 60)["why"].lower()
