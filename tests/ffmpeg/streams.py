"""A live stream made by a real encoder: something moves, and now and then a flash and a beep come together."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from txt2vid.core.clock import first_sample
from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.ffmpeg.live import LiveEncoder

WIDTH, HEIGHT = 128, 96
FLASHES = (20, 47, 73)  # frames
BEEP: Samples = (np.sin(np.arange(960) * (2 * np.pi * 1000 / LISTENING_RATE)) * 0.8).astype(np.float32)
AHEAD = 4800  # samples: 0.1 s
DEADLINE = 60.0  # seconds
COMMENT = "Synthetic: made by a test"


def picture(i: int) -> NDArray[np.uint8]:
    """I420: grey stripes that move, or all white at a flash."""
    planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    planes[:HEIGHT] = 235 if i in FLASHES else 40 + (np.arange(WIDTH) + 2 * i) // 8 % 2 * 30
    return planes


def sound(frames: int, fps: Fraction) -> Samples:
    """The beeps."""
    samples = np.zeros(first_sample(frames, fps, LISTENING_RATE), np.float32)
    for flash in FLASHES:
        begin = first_sample(flash, fps, LISTENING_RATE)
        samples[begin : begin + len(BEEP)] = BEEP[: max(0, len(samples) - begin)]
    return samples


class Reader:
    """Both outputs of an encoder, read as they come."""

    def __init__(self, encoder: LiveEncoder) -> None:
        self.encoder = encoder
        self.ts, self.mp4 = bytearray(), bytearray()
        self._ends = dict(zip(encoder.open(), (self.ts, self.mp4), strict=True))

    def pump(self, seconds: float = 0.02) -> None:
        """Reads what is there, or comes within so many seconds; lets the encoder write."""
        with selectors.DefaultSelector() as selector:
            for fd in self._ends:
                selector.register(fd, selectors.EVENT_READ)
            for fd in self.encoder.writers():
                selector.register(fd, selectors.EVENT_WRITE)
            for key, _ in selector.select(seconds):
                if key.fd in self._ends:
                    self._ends[key.fd] += os.read(key.fd, 1 << 16)
        self.encoder.flush()

    def wait_for_pictures(self, count: int) -> None:
        """Reads until the MPEG-TS has so many pictures."""
        end = time.monotonic() + DEADLINE
        while pictures(self.ts) < count:
            assert time.monotonic() < end, f"{pictures(self.ts)} of {count} pictures: {self.encoder.stderr}"
            self.pump()

    def close(self) -> None:
        for fd in self._ends:
            os.close(fd)
        self._ends.clear()


@contextmanager
def reading(encoder: LiveEncoder) -> Iterator[Reader]:
    """Starts the encoder; ends it."""
    reader = Reader(encoder)
    try:
        yield reader
    finally:
        encoder.close()
        reader.close()


def encode(
    frames: int, fps: Fraction = Fraction(25), start: Fraction = Fraction(0), ahead: int = 0
) -> tuple[bytes, bytes]:
    """So many frames as MPEG-TS and as MP4 (which may lack the last)."""
    samples, written = sound(frames, fps), 0
    with reading(LiveEncoder(WIDTH, HEIGHT, fps, start=start, ahead=ahead, comment=COMMENT)) as reader:
        for i in range(frames):
            until = first_sample(i + 1, fps, LISTENING_RATE) + ahead
            reader.encoder.write(picture(i), padded(samples, written, until))
            written = until
            while reader.encoder.waiting > 5:
                reader.pump()
        reader.encoder.write(picture(frames), np.zeros(LISTENING_RATE // 2, np.float32))  # push the rest out
        reader.wait_for_pictures(frames)
        return bytes(reader.ts), bytes(reader.mp4)


def padded(samples: Samples, begin: int, end: int) -> Samples:
    """samples[begin:end], with silence after their end."""
    part = samples[begin:end]
    return np.concatenate([part, np.zeros(end - begin - len(part), np.float32)])


def packets(ts: bytes | bytearray) -> Iterator[tuple[int, bool, bool]]:
    """Of each MPEG-TS packet: its PID, whether a unit starts in it, whether it is a place to start at (a keyframe)."""
    for at in range(0, len(ts) - 187, 188):
        assert ts[at] == 0x47
        adaptation = ts[at + 3] & 0x20 and ts[at + 4]
        yield (ts[at + 1] & 31) << 8 | ts[at + 2], bool(ts[at + 1] & 0x40), bool(adaptation and ts[at + 5] & 0x40)


def pictures(ts: bytes | bytearray) -> int:
    """How many have begun."""
    return sum(pid == 0x100 and begins for pid, begins, _ in packets(ts))


def decoded(path: Path) -> tuple[list[float], Samples, float]:
    """When each flash is seen; the sound; when it begins: on the file's own clock, in seconds."""
    bright: list[float] = []
    parts: list[Samples] = []
    begin, count = None, 0
    with av.open(str(path)) as file:
        for frame in file.decode():
            if isinstance(frame, av.VideoFrame):
                if frame.to_ndarray()[:HEIGHT].mean() > 180:
                    counted = count / (file.streams.video[0].average_rate or 1)  # AVI counts, and knows no other time
                    bright.append(float(counted if file.format.name == "avi" else frame.time or 0))
                count += 1
            elif isinstance(frame, av.AudioFrame):
                begin = float(frame.time or 0) if begin is None else begin
                samples = frame.to_ndarray().astype(np.float32)
                parts.append(samples.ravel() / (32768 if frame.format.name.startswith("s16") else 1))
    return bright, np.concatenate(parts), begin or 0.0


def offsets(path: Path) -> list[float]:
    """Of each flash in a file whose beep cannot be cut off: seconds by which the beep comes later."""
    bright, heard, start = decoded(path)
    found = []
    for when in bright:
        begin = round((when - start - 0.1) * LISTENING_RATE)
        if begin < 0 or begin + LISTENING_RATE // 5 + len(BEEP) > len(heard):
            continue  # whoever joins a stream may miss the half of it
        around = heard[begin : begin + LISTENING_RATE // 5 + len(BEEP)]
        best = begin + int(np.correlate(around, BEEP, "valid").argmax())
        found.append(best / LISTENING_RATE + start - when)
    return found
