"""A viewer, in a process of its own: decodes a stream as soon as it comes, and says when it saw and heard what.

`python -m txt2vid.bench.viewer` reads requests from stdin, a JSON object a line, each in place of the one before:
{"url": …, "patience": seconds to try to connect, "first": true to end with the first picture, "ca": a file with the
certificate of an https URL}. It ends when stdin does.
What it says, each with "at" of time.monotonic(), which is one clock for all processes of a machine:
{"event": "ready"}
{"event": "first", "seconds": from the connection's start to a decoded picture, "width": …, "height": …, "fps": …}
{"event": "sound", "time": seconds of the stream, "rising": whether a tone begins there, or ends}
{"event": "square", "time": …, "white": whether the corner turned white, or black}
{"event": "count", "pictures": …, "decoding": seconds of CPU a picture and its sound took}, once a second
{"event": "ended", "why": …}
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import av
import numpy as np
from av.codec.context import Flags

from txt2vid.bench.tone import HOLD, SETTLE, WINDOW, ToneFinder
from txt2vid.core.media import LISTENING_RATE

REQUESTS = 8  # that wait; then whoever sends them does
RETRY_SECONDS = 0.02  # between attempts to connect
STALL_SECONDS = 15.0  # without a byte, after which a stream counts as gone
CORNER = slice(4, 28)  # of the square of 32 pixels: what lies at its edge is smeared by the codec
GREY = 125.5  # half way between black and white of limited range
DEAF_SAMPLES = LISTENING_RATE // 10  # at a connection's start: a tone that sounds already has no beginning there
HELD_FRAMES = (WINDOW + SETTLE + HOLD) // 100  # decoded pieces of sound that are remembered: more than edges lag
OPTIONS = {"fpsprobesize": "0"}  # no second of frames to guess the rate from; "nobuffer" would drop the first keyframe

Say = Callable[..., None]


class Watch:
    """One connection to a stream. say: tells an event. replaced: whether somebody wants something else by now."""

    def __init__(self, request: dict[str, Any], say: Say, replaced: Callable[[], bool]) -> None:
        self._url, self._first_only = str(request["url"]), bool(request.get("first"))
        self._patience = float(request.get("patience", 30.0))
        trust = {"tls_verify": "1", "ca_file": str(request["ca"])} if "ca" in request else {}
        self._options = {**OPTIONS, **trust}
        self._say, self._replaced = say, replaced
        self._tones = ToneFinder()
        self._heard: deque[tuple[int, float, float]] = deque(maxlen=HELD_FRAMES)  # position, stream's time, arrival
        self._samples = 0
        self._white: bool | None = None
        self._pictures = 0
        self._counted = time.monotonic()
        self._cpu = time.thread_time()

    def run(self) -> None:
        """Until it ends, or somebody wants something else."""
        try:
            began, container = self._connect()
            with container:
                self._watch(container, began)
            self._say("ended", why="done")
        except (av.FFmpegError, OSError, ValueError) as err:
            self._say("ended", why=f"{type(err).__name__}: {err}")

    def _connect(self) -> tuple[float, Any]:
        deadline = time.monotonic() + self._patience
        while True:
            began = time.monotonic()
            try:
                return began, av.open(self._url, options=self._options, timeout=(self._patience, STALL_SECONDS))
            except (ConnectionError, av.error.HTTPError):
                if time.monotonic() > deadline or self._replaced():
                    raise
                time.sleep(RETRY_SECONDS)

    def _watch(self, container: Any, began: float) -> None:
        for stream in container.streams:
            stream.codec_context.thread_count = 1
            stream.codec_context.flags |= Flags.low_delay
        for packet in container.demux():
            for frame in packet.decode():
                at = time.monotonic()
                if isinstance(frame, av.AudioFrame):
                    self._hear(frame, at)
                elif isinstance(frame, av.VideoFrame):
                    if not self._pictures:
                        shape = {"width": frame.width, "height": frame.height}
                        self._say("first", at=at, seconds=at - began, **shape)
                    self._see(frame, at)
            if self._replaced() or (self._first_only and self._pictures):
                return

    def _see(self, frame: av.VideoFrame, at: float) -> None:
        self._pictures += 1
        plane = frame.planes[0]
        luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        white = bool(luma[CORNER, CORNER].mean() > GREY)
        if white != self._white:
            if self._white is not None:
                self._say("square", at=at, time=float(frame.time or 0.0), white=white)
            self._white = white
        if at - self._counted >= 1:
            cpu = time.thread_time()
            self._say("count", at=at, pictures=self._pictures, decoding=cpu - self._cpu)
            self._counted, self._cpu = at, cpu

    def _hear(self, frame: av.AudioFrame, at: float) -> None:
        if frame.sample_rate != LISTENING_RATE:
            raise ValueError(f"the stream's sound has {frame.sample_rate} Hz, not {LISTENING_RATE}")
        samples = frame.to_ndarray()[0]
        self._heard.append((self._samples, float(frame.time or 0.0), at))
        self._samples += len(samples)
        for edge in self._tones.push(samples):
            if edge.position < DEAF_SAMPLES:
                continue
            start, seconds, arrival = next(
                (piece for piece in reversed(self._heard) if piece[0] <= edge.position), self._heard[0]
            )
            moment = seconds + (edge.position - start) / LISTENING_RATE
            self._say("sound", at=arrival, time=moment, rising=edge.rising)


def _say(event: str, **values: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, "at": time.monotonic(), **values}) + "\n")
    sys.stdout.flush()


def _listen(requests: queue.Queue[dict[str, Any]]) -> None:
    """Requests, as they come. Whoever asked is gone when stdin ends: so are we then, whatever we wait for."""
    with suppress(ValueError):
        for line in sys.stdin:
            requests.put(json.loads(line))
    os._exit(0)


def main() -> None:
    """The process."""
    requests: queue.Queue[dict[str, Any]] = queue.Queue(REQUESTS)
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    _say("ready")
    while True:
        Watch(requests.get(), _say, lambda: not requests.empty()).run()


if __name__ == "__main__":
    main()
