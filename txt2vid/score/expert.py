"""SyncNet as a judge, with weights that the user has: LSE-D and LSE-C, the numbers of papers on lip sync.

Faces are cropped as published: upright squares of 2.8 half sides of S3FD's box, a little lower than its middle,
steadied by a median over 13 frames. The box is taken from the face mesh's outline, which is what S3FD's boxes hold.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from txt2vid.core.clock import frame_count
from txt2vid.core.media import SPEECH_RATE, Pixels, Samples
from txt2vid.errors import DependencyError, EngineError, FaceError, VideoError
from txt2vid.faces.crop import View
from txt2vid.faces.face import Edges, outline
from txt2vid.faces.following import Finder
from txt2vid.ffmpeg.decode import AudioReader, VideoReader, even_size
from txt2vid.ffmpeg.probe import probe
from txt2vid.pipeline.voice import Listener
from txt2vid.score.curves import LONGEST, Progress
from txt2vid.score.result import Expert

if TYPE_CHECKING:
    from wav2lip.syncnet import SyncNet

STEADIED = 13  # frames over whose boxes a median is taken
CROP = 2.8  # sides of the crop, in half sides of the box's longer side
LOWER = 0.4  # half sides that the crop's middle is below the box's: chins count more than hair


class Judge:
    """SyncNet with somebody's weights."""

    def __init__(self, network: SyncNet, weights: Path) -> None:
        self._network, self._weights = network, weights

    def judge(self, path: Path, progress: Progress | None = None) -> Expert:
        """Reads the video once more, at 25 frames a second. Raises as `score.measure`, FaceError on too few frames."""
        from wav2lip import syncnet

        judge = syncnet.Judge(self._network, syncnet.mfcc(_speech(path)))
        total = _frames(path)
        for number, crop in enumerate(_crops(path, syncnet.FPS, syncnet.SIDE)):
            judge.add(crop)
            if progress is not None:
                progress(number + 1, None if total is None else max(total, number + 1))
        found = judge.verdict()
        if found is None:
            raise FaceError(f"{path} shows no face for {syncnet.FRAMES} frames on end: leave --syncnet out")
        late = 1000 * found.late / syncnet.FPS
        return Expert(str(self._weights), round(found.distance, 3), round(found.confidence, 3), late, found.windows)


def load(path: Path) -> Judge:
    """The judge. Raises EngineError on a file that is something else, DependencyError without torch."""
    try:
        from wav2lip.checkpoint import CheckpointError, load_syncnet
    except ImportError as err:
        raise DependencyError(f"--syncnet needs {err.name or 'torch'}: pip install 'txt2vid[wav2lip]'") from err
    try:
        return Judge(load_syncnet(path), path)
    except CheckpointError as err:
        raise EngineError(str(err)) from err


def _speech(path: Path) -> Iterator[Samples]:
    """The sound at SPEECH_RATE, a little at a time."""
    with AudioReader(path) as reader:
        listener = Listener(reader.rate, SPEECH_RATE)
        for chunk in reader:
            yield listener.hear(chunk)
        yield listener.end()


def _frames(path: Path) -> int | None:
    duration = probe(path, VideoError).duration
    return None if not duration else frame_count(int(duration * SPEECH_RATE), Fraction(25), SPEECH_RATE)


def _crops(path: Path, fps: int, side: int) -> Iterator[Pixels | None]:
    """The face in each frame, (side, side, 3); None where there is none. STEADIED frames are in memory."""
    info = probe(path, VideoError).video
    if info is None:
        raise VideoError(f"{path} holds no moving pictures: give a video")
    finder, reach = Finder(), STEADIED // 2
    near: deque[tuple[Pixels, Edges | None]] = deque()
    with VideoReader(path, even_size(info.width, info.height, LONGEST), Fraction(fps)) as reader:
        for index, frame in enumerate(reader):
            points = finder.look(frame.pixels, float(frame.time))
            near.append((frame.pixels, None if points is None else outline(points)))
            if len(near) > STEADIED:
                near.popleft()
            if index >= reach:
                yield _crop(near, len(near) - 1 - reach, side)
    for at in range(max(0, len(near) - reach), len(near)):
        yield _crop(near, at, side)


def _crop(near: deque[tuple[Pixels, Edges | None]], at: int, side: int) -> Pixels | None:
    """The crop of one of the frames, where it shows a face."""
    pixels, edges = near[at]
    if edges is None:
        return None
    boxes = np.array([box for _, box in near if box is not None])
    left, top, right, bottom = np.median(boxes, axis=0)
    half = max(right - left, bottom - top) / 2
    return View((left + right) / 2, (top + bottom) / 2 + LOWER * half, CROP * half).draw(pixels, side)
