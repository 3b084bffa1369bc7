"""A driving video is read and its face followed in a thread of its own, some seconds ahead of what is drawn."""

from __future__ import annotations

import queue
import threading
from collections import deque
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from txt2vid.errors import FaceError, Txt2VidError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.following import Finder
from txt2vid.ffmpeg.decode import VideoReader, even_size
from txt2vid.ffmpeg.probe import VideoStream

if TYPE_CHECKING:
    from typing_extensions import Self

LONGEST = 960  # pixels of the longer side that are looked at: of a face the mesh sees 192
AHEAD = 300  # frames whose landmarks wait, 6 kB each: what is known before of how the person rests
POLL_SECONDS = 0.2  # between looks at whether anybody still wants them


class Watcher:
    """The face of a driving video, frame by frame at a constant rate; use it in a `with` block.

    index: which of several faces. At most AHEAD frames are read ahead; then the thread waits. `total` is a guess.
    """

    def __init__(self, path: Path, stream: VideoStream, fps: Fraction | None, index: int = 0,
                 duration: Fraction | None = None) -> None:  # fmt: skip
        self.path = path
        self._reader = VideoReader(path, even_size(stream.width, stream.height, LONGEST), fps, exact=False)
        self.fps = self._reader.fps
        self.total = round(duration * self.fps) if duration is not None else None
        self._finder = Finder(index)
        self._index = index
        self._frames: queue.Queue[Landmarks | BaseException | _End | None] = queue.Queue(AHEAD)
        self._known: deque[Landmarks | None] = deque()
        self._over = False
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()

    def ahead(self, least: int) -> list[Landmarks | None]:
        """The frames that have been seen and were not told of yet, without taking them; waits for `least` in all.

        Raises what reading the video raises, and FaceError at its end where no frame showed such a face.
        """
        fresh = []
        while not self._over:
            try:
                item = self._frames.get(block=len(self._known) < least)
            except queue.Empty:
                break
            if isinstance(item, BaseException):
                raise item
            if isinstance(item, _End):
                self._over = True
                break
            self._known.append(item)
            fresh.append(item)
            if len(self._known) >= AHEAD:
                break
        return fresh

    @property
    def ready(self) -> bool:
        """Whether there is a frame to take."""
        return bool(self._known)

    def take(self) -> Landmarks | None:
        """The next frame's landmarks, of those that `ahead` told of; None where it shows no face, or past the end."""
        return self._known.popleft() if self._known else None

    def _watch(self) -> None:
        try:
            with self._reader as reader:
                seen = False
                for index, frame in enumerate(reader):
                    points = self._finder.look(frame.pixels, float(index / self.fps))
                    seen = seen or points is not None
                    if not self._put(points):
                        return
            self._put(_End() if seen else self._nobody())
        except (Txt2VidError, ValueError, OSError, RuntimeError) as err:  # told where frames are taken
            self._put(err)

    def _put(self, item: Landmarks | BaseException | _End | None) -> bool:
        """Whether it was still wanted."""
        while not self._left.is_set():
            try:
                self._frames.put(item, timeout=POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def _nobody(self) -> FaceError:
        most = self._finder.most
        if not most:
            return FaceError(f"no face found in {self.path}: give a driving video with a larger, better lit face")
        there = "1 face" if most == 1 else f"{most} faces"
        return FaceError(f"{self.path} shows {there}, none with index {self._index}: give --person 0 for the largest")


class _End:
    """There are no more frames."""
