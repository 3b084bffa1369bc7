"""A driving video becomes a face: read once, followed, spooled, bridged and smoothed."""

from __future__ import annotations

from array import array
from fractions import Fraction

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.core.options import FaceOptions
from txt2vid.errors import FaceError, UsageError, VideoError
from txt2vid.faces.detector import MESH, find_first
from txt2vid.faces.face import LANDMARKS, Edges, Face, Landmarks, against_outline
from txt2vid.faces.following import Follower
from txt2vid.faces.found import Found
from txt2vid.faces.pictures import fitted_size
from txt2vid.faces.search import Box, find_nearby, search_box
from txt2vid.faces.smoothing import bridge, smooth
from txt2vid.faces.spool import Spool
from txt2vid.faces.stills import placed_box
from txt2vid.ffmpeg import VideoReader, probe

_PATIENCE = 3  # seconds after the first face in which as many have to show up as --face-index asks for


def prepare_video(options: FaceOptions, fps: Fraction | None = None, max_frames: int | None = None) -> Face:
    """The face in a video, at `fps` (None: its own), of at most `max_frames`.

    Raises VideoError on the file, FaceError where no frame shows such a face, OutputError where the disk is full.
    """
    if options.landmarks is not None:
        raise UsageError("--landmarks places the face of a still picture: use --face-box X,Y,W,H with a video")
    info = probe(options.path, VideoError)
    if info.video is None:
        raise VideoError(f"{options.path} holds no picture: give a picture or a video with a face")
    original = (info.video.width, info.video.height)
    size = fitted_size(original, options.size)
    spool = Spool()
    with VideoReader(options.path, size, fps, info=info) as reader:
        start = _Start(options, original, (size[0] / original[0], size[1] / original[1]), reader.fps)
        found = _track(reader, start, spool, max_frames)
        rate = reader.fps
    if not found:
        raise start.failure()
    bridge(spool, found)
    smooth(spool)
    return Face(options.path.name, spool, rate, None, start.detected)


def _track(reader: VideoReader, start: _Start, spool: Spool, max_frames: int | None) -> array[int]:
    """Reads and spools all frames and returns the indexes of those whose landmarks are known."""
    found = array("Q")
    follower: Follower | None = None
    for index, frame in enumerate(reader):
        if max_frames is not None and index >= max_frames:
            break
        points: Landmarks | None
        if follower is None:
            follower, points = start.look(index, frame.pixels)
        else:
            points = follower.follow(frame.pixels)
        spool.append(frame.pixels)
        if points is not None:
            spool.put_track(index, points[None])
            found.append(index)
        else:
            spool.put_track(index, np.zeros((1, LANDMARKS, 3), np.float32))
    return found


class _Start:
    """Looks for the face to follow, in every frame by what is cheap, now and then by everything there is."""

    def __init__(
        self, options: FaceOptions, original: tuple[int, int], scale: tuple[float, float], fps: Fraction
    ) -> None:
        self._options = options
        self._fps = fps
        self._most = 0
        self._since: int | None = None
        self.detected: Edges | None = None
        self._box: Box | None = None
        if options.box is not None:
            self._box = placed_box(options, original, scale)

    def look(self, index: int, picture: Pixels) -> tuple[Follower | None, Landmarks | None]:
        """The follower of the face asked for, and its landmarks, where this frame shows it."""
        faces = self._faces(index, picture)
        self._most = max(self._most, len(faces))
        wanted = self._options.index or 0
        if faces and self._since is None:
            self._since = index
        if len(faces) <= wanted:
            if self._since is not None and index - self._since > _PATIENCE * self._fps:
                raise self.failure()
            return None, None
        chosen = faces[wanted]
        if chosen.box is not None:
            self.detected = against_outline(chosen.box, chosen.landmarks)
        return Follower(chosen, [face for face in faces if face is not chosen]), chosen.landmarks

    def _faces(self, index: int, picture: Pixels) -> list[Found]:
        if self._box is not None:
            found = search_box(picture, self._box, thorough=self._is_milestone(index))
            return [found] * ((self._options.index or 0) + 1) if found is not None else []
        if self._is_milestone(index):
            return find_first(picture, self._options, (self._options.index or 0) + 1)
        return find_nearby(picture) if self._options.detector == MESH else []

    def _is_milestone(self, index: int) -> bool:
        """The first frame, and those after 1, 2, 4, 8 … seconds: the ladder takes as long as a second of video.

        With another detector, which nothing cheap stands in for between: every second.
        """
        seconds, rest = divmod(index, max(1, round(self._fps)))
        return rest == 0 and (seconds.bit_count() < 2 or self._options.detector != MESH)

    def failure(self) -> FaceError:
        """Why there is nothing to follow."""
        path = self._options.path
        if not self._most and self._options.box is not None:
            box = ",".join(map(str, self._options.box))
            return FaceError(f"no face found in the box {box} of {path}: place it where the video first shows the face")
        if not self._most:
            return FaceError(f"no face found in {path}: give --face-box X,Y,W,H, or a larger, more frontal face")
        there = "1 face" if self._most == 1 else f"{self._most} faces"
        return FaceError(
            f"{path} shows {there} at its start, none with index {self._options.index}: "
            "give --face-index 0 for the largest"
        )
