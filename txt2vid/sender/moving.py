"""A camera, or a file in its place, becomes motion here: only numbers go to the server, never a picture."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.core.motionwire import Seen, encode_motion
from txt2vid.errors import Txt2VidError
from txt2vid.sender.sources import MotionSource

if TYPE_CHECKING:
    from txt2vid.faces.face import Landmarks

WAITING = 4  # motions that wait for the loop; the oldest are dropped
LONGEST = 640  # pixels of a file's longer side that are looked at
LATE = 0.08  # seconds that a file's picture may be late; later ones are passed over


class WatchedSource(MotionSource):
    """Base: pictures are read in one thread, a face is followed in another, in the newest picture alone.

    pose: strength of the head's movement. neutral: see `VideoDriver`.
    """

    def __init__(self, pose: float = 1.0, neutral: Landmarks | None = None) -> None:
        self._pose, self._neutral = pose, neutral
        self._stopped = threading.Event()
        self._fresh = threading.Condition()
        self._newest: tuple[float, Pixels] | None = None
        self._over = False
        self._error: Txt2VidError | None = None
        self.seen = 0

    def stop(self) -> None:
        """Ends with the next picture."""
        self._stopped.set()

    def close(self) -> None:
        """Ends reading."""
        self._stopped.set()

    @abstractmethod
    def pictures(self) -> Iterator[tuple[float, Pixels]]:
        """Each picture when it is due, and its time in seconds. Raises Txt2VidError where it cannot be read."""

    async def motions(self) -> AsyncIterator[bytes]:
        """One message for each picture that was looked at."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()

        def told(message: bytes | None) -> None:
            while queue.qsize() >= WAITING:
                queue.get_nowait()
            queue.put_nowait(message)

        def tell(message: bytes | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(told, message)

        threading.Thread(target=self._read, name="camera", daemon=True).start()
        threading.Thread(target=self._follow, args=(tell,), name="watcher", daemon=True).start()
        while (message := await queue.get()) is not None:
            yield message
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            for each in self.pictures():
                with self._fresh:
                    self._newest = each
                    self._fresh.notify()
                if self._stopped.is_set():
                    break
        except Txt2VidError as err:
            self._error = err
        with self._fresh:
            self._over = True
            self._fresh.notify()

    def _take(self) -> tuple[float, Pixels] | None:
        with self._fresh:
            self._fresh.wait_for(lambda: self._newest is not None or self._over)
            taken, self._newest = self._newest, None
            return taken

    def _follow(self, tell: Any) -> None:
        from txt2vid.drivers.video import VideoDriver  # what finds faces: only for those who have a camera
        from txt2vid.faces.following import Finder

        try:
            finder, driver = Finder(), VideoDriver(neutral=self._neutral)
            while (each := self._take()) is not None:
                at, pixels = each
                points = finder.look(pixels, at)
                self.seen += points is not None
                motion = driver.drive(points, at)
                motion = replace(
                    motion,
                    rotation=motion.rotation * np.float32(self._pose),
                    translation=motion.translation * np.float32(self._pose),
                )
                tell(encode_motion(Seen(round(1000 * at), motion, driver.presence)))
        except Txt2VidError as err:
            self._error = self._error or err
        self._stopped.set()
        tell(None)


class CameraSource(WatchedSource):
    """A camera. Raises VideoError where there is none of that name."""

    def __init__(self, device: str, pose: float = 1.0, neutral: Landmarks | None = None) -> None:
        from txt2vid.errors import VideoError
        from txt2vid.ffmpeg.camera import CameraReader, camera_of

        super().__init__(pose, neutral)
        name = camera_of(device)
        if name is None:
            raise VideoError(f"there is no camera {device}: name one, as /dev/video0, or its number")
        self._reader = CameraReader(name)

    def pictures(self) -> Iterator[tuple[float, Pixels]]:
        """As the camera gives them."""
        began = time.monotonic()
        with self._reader as reader:
            for frame in reader:
                yield time.monotonic() - began, frame.pixels


class VideoSource(WatchedSource):
    """A video in real time, in a camera's place. info: of the file. Raises VideoError where it cannot be read."""

    def __init__(self, path: Path, pose: float = 1.0, neutral: Landmarks | None = None) -> None:
        from txt2vid.errors import VideoError
        from txt2vid.ffmpeg.decode import VideoReader, even_size
        from txt2vid.ffmpeg.probe import probe

        super().__init__(pose, neutral)
        self.info = probe(path, VideoError)
        stream = self.info.video
        if stream is None:
            raise VideoError(f"{path} holds no moving pictures: give a video of a face")
        size = even_size(stream.width, stream.height, LONGEST)
        self._reader = VideoReader(path, size, exact=False, info=self.info)

    def pictures(self) -> Iterator[tuple[float, Pixels]]:
        """Each when it is due."""
        began: float | None = None
        with self._reader as reader:
            for index, frame in enumerate(reader):
                at = float(index / reader.fps)
                began = time.monotonic() if began is None else began
                late = time.monotonic() - began - at
                if late < 0 and self._stopped.wait(-late):
                    return
                if late < LATE:
                    yield at, frame.pixels
