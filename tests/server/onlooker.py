"""Somebody who watches a stream and measures the face in its newest frame."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable

import numpy as np

from txt2vid.faces.following import Finder
from txt2vid.faces.head import Head, head_of

PAUSE = 0.03  # seconds between looks


def nothing() -> None:
    """Waits for the next look."""
    time.sleep(PAUSE)


class Onlooker:
    """Reads a stream of square frames as they come. count: how many came."""

    def __init__(self, url: str, size: int) -> None:
        self._size, self.count = size, 0
        command = ["ffmpeg", "-v", "error", "-fflags", "nobuffer", "-i", url, "-f", "rawvideo", "-pix_fmt", "bgr24"]
        self._process = subprocess.Popen([*command, "-"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self._newest = b""
        self._finder = Finder()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        whole = 3 * self._size * self._size
        while len(frame := self._process.stdout.read(whole)) == whole:
            self._newest = frame
            self.count += 1

    def head(self) -> Head | None:
        """Of the newest frame; None where there is none, or no face in it."""
        if not self._newest:
            return None
        pixels = np.frombuffer(self._newest, np.uint8).reshape(self._size, self._size, 3)
        points = self._finder.look(pixels, 0.0)
        return None if points is None else head_of(points)

    def until(
        self, wanted: Callable[[Head], bool], meanwhile: Callable[[], None] = nothing, seconds: float = 30.0
    ) -> Head:
        """The first head that is as wanted. meanwhile: done before each look."""
        end, head = time.monotonic() + seconds, None
        while time.monotonic() < end:
            meanwhile()
            head = self.head() or head
            if head is not None and wanted(head):
                return head
        raise AssertionError(f"after {seconds:g} s of {self.count} frames: {head}")

    def later(self, frames: int, seconds: float = 30.0) -> Head:
        """The head once so many more frames have come."""
        end, until = time.monotonic() + seconds, self.count + frames
        while self.count < until:
            assert time.monotonic() < end, "no pictures came"
            nothing()
        head = self.head()
        assert head is not None
        return head

    def close(self) -> None:
        """Watches no more."""
        self._process.kill()
        self._process.wait()
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
