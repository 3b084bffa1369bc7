"""A driving video is read and its face followed in a process of its own, some seconds ahead of what is drawn."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.motion import BLENDSHAPES, Motion
from txt2vid.drivers.video import VideoDriver
from txt2vid.engines.i420 import from_i420
from txt2vid.errors import EngineError, FaceError, Txt2VidError
from txt2vid.faces.face import Landmarks
from txt2vid.faces.following import Finder
from txt2vid.ffmpeg import program
from txt2vid.ffmpeg.decode import VideoReader, even_size
from txt2vid.ffmpeg.probe import MediaInfo
from txt2vid.interrupts import Terminated
from txt2vid.pipeline.worker import obey_parent, see_off

if TYPE_CHECKING:
    from typing_extensions import Self

LONGEST = 960  # pixels of the longer side that are looked at: of a face the mesh sees 192
AHEAD = 300  # frames that are looked at before the first is told of, 6 kB each: what shows how the person rests
BLOCK = 10  # frames that are told of at once
WAITING = 30  # blocks that wait to be drawn, 2.5 kB each; then the process waits
GRACE = 5.0  # seconds that the process may take to end

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Told:
    """What the person does in a frame. presence: how much there is to see, 0 to 1. seen: whether there was a face."""

    motion: Motion
    presence: float
    seen: bool


class Watcher:
    """The face of a driving video, frame by frame at a constant rate; use it in a `with` block.

    info: of the file, as `probe` tells. fps: of the frames. index: which of several faces. neutral: see `VideoDriver`.
    At most WAITING blocks are ahead of who takes them.
    """

    def __init__(self, path: Path, info: MediaInfo, fps: Fraction, index: int = 0,
                 neutral: Landmarks | None = None) -> None:  # fmt: skip
        # "spawn": threads of the parent (numpy's pools, an encoder's feeds) do not survive a fork in one piece
        context = get_context("spawn")
        self._connection, self._other = context.Pipe()
        arguments = (self._other, program.listings(), path, info, fps, index, neutral)
        self._process = context.Process(target=_work, args=arguments, name="txt2vid drive watcher", daemon=True)
        self._known: deque[Told] = deque()
        self._over = False

    def __enter__(self) -> Self:
        self._process.start()
        self._other.close()  # so that the end of the process is the end of the connection
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        if self._process.pid is None:
            return
        self._process.terminate()  # it has been listened to as long as anybody wanted to
        see_off(self._process, GRACE)

    def over(self) -> bool:
        """Whether there are no more frames; waits for one.

        Raises what reading the video raises, FaceError at its end where no frame showed such a face, and EngineError
        where the process died.
        """
        while not self._known and not self._over:
            self._receive()
        return not self._known

    def take(self) -> Told | None:
        """The next frame; None past the end."""
        return None if self.over() else self._known.popleft()

    def _receive(self) -> None:
        try:
            block = self._connection.recv()
        except (EOFError, OSError) as err:
            self._process.join(GRACE)
            code = self._process.exitcode
            raise EngineError(
                f"the process that follows the face died (exit code {code}): try again, it may have lacked memory"
            ) from err
        if isinstance(block, Txt2VidError):
            raise block
        self._over = block is None
        if block is not None:
            self._known.extend(_told(row) for row in block)
            with suppress(OSError):  # it has told all, and is gone
                self._connection.send_bytes(b"more")


def _work(
    connection: Connection, told: program.Listings, path: Path, info: MediaInfo, fps: Fraction, index: int,
    neutral: Landmarks | None,
) -> None:  # fmt: skip
    """What the process runs: blocks of rows out, then None, or the error that ended it."""
    obey_parent()
    program.believe(told)
    with suppress(Terminated, EOFError, OSError):  # asked to end; or nobody is there to tell
        try:
            _tell(connection, rows(path, info, fps, index, neutral))
            connection.send(None)
        except Txt2VidError as err:
            connection.send(err)
        except Exception as err:  # noqa: BLE001 - whatever it is, the parent says so in one line
            connection.send(EngineError(f"following the face failed ({' '.join(repr(err).split())}): report it"))


def _tell(connection: Connection, told: Iterator[Rows]) -> None:
    waiting = 0
    while block := list(itertools.islice(told, BLOCK)):
        while waiting >= WAITING or connection.poll():
            connection.recv_bytes()
            waiting -= 1
        connection.send(np.stack(block))
        waiting += 1


def rows(path: Path, info: MediaInfo, fps: Fraction, index: int, neutral: Landmarks | None = None) -> Iterator[Rows]:
    """What the person does, frame by frame, for `_told`; what is AHEAD of a frame tells how the person rests."""
    driver, followed = VideoDriver(learns=True, neutral=neutral), _followed(path, info, fps, index)
    ahead = deque(itertools.islice(followed, AHEAD))
    driver.learn(ahead)
    for count in itertools.count():
        following = list(itertools.islice(followed, 1))
        driver.learn(following)
        ahead.extend(following)
        if not ahead:
            return
        points = ahead.popleft()
        motion = driver.drive(points, float(count / fps))
        last = np.array((driver.presence, points is not None), np.float32)
        yield np.concatenate([motion.blendshapes, motion.rotation, motion.translation, motion.gaze, last])


def _told(row: Rows) -> Told:
    *motion, last = np.split(row, np.cumsum((len(BLENDSHAPES), 3, 3, 2)))
    return Told(Motion(*motion), float(last[0]), bool(last[1]))


def _followed(path: Path, info: MediaInfo, fps: Fraction, index: int) -> Iterator[Landmarks | None]:
    """The landmarks of each frame; None where it shows no face. Raises FaceError at the end where none did."""
    finder, any_yet = Finder(index), False
    with VideoReader(path, _looked_at(info), fps, planar=True, info=info) as reader:
        for count, frame in enumerate(reader):
            points = finder.look(from_i420(frame.pixels), float(count / fps))
            any_yet = any_yet or points is not None
            yield points
    if not any_yet:
        raise _nobody(path, finder.most, index)


def _looked_at(info: MediaInfo) -> tuple[int, int] | None:
    return even_size(info.video.width, info.video.height, LONGEST) if info.video is not None else None


def _nobody(path: Path, most: int, index: int) -> FaceError:
    if not most:
        return FaceError(f"no face found in {path}: give a driving video with a larger, better lit face")
    there = "1 face" if most == 1 else f"{most} faces"
    return FaceError(f"{path} shows {there}, none with index {index}: give --person 0 for the largest")
