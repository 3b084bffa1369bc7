"""What looks for faces first: `FaceOptions.detector`. Whatever finds them, their landmarks are the mesh's.

"mesh" is the ladder of `search`. "s3fd" is the detector that Wav2Lip was trained with; it is slow (a second or more a
picture on a CPU), and sees some faces that the ladder misses: from the side, half covered, in a crowd.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from txt2vid.core.media import Pixels
from txt2vid.core.options import FACE_DETECTORS, FaceOptions
from txt2vid.errors import DependencyError, UsageError
from txt2vid.faces.following import place_of
from txt2vid.faces.found import Found
from txt2vid.faces.search import Box, find_faces, search_box
from txt2vid.weights.place import resolve

if TYPE_CHECKING:
    from wav2lip import s3fd

MESH, S3FD = FACE_DETECTORS

_MOST = 16  # boxes that are looked at, largest first: a crowd's others are too small to speak
_SAME = 0.35  # extents within which two boxes hold one face
_LEAST_SIDE = 8  # pixels of a box; the mesh sees nothing in less

Boxes = Callable[[Pixels], list[Box]]
"""Faces in a picture as x, y, width, height in its pixels, in any order."""


def find_first(picture: Pixels, options: FaceOptions, count: int = 1) -> list[Found]:
    """The faces in a picture by the detector that was asked for, largest first. It tries hard until there are `count`.

    Raises UsageError where there is no such detector, DependencyError where it lacks its weights or a package.
    """
    if options.detector == MESH:
        return find_faces(picture, count)[0]
    if options.detector == S3FD:
        return settle_boxes(picture, s3fd_boxes(options.detector_checkpoint)(picture), count)
    raise UsageError(f"detector {options.detector!r} is not known: choose one of {', '.join(FACE_DETECTORS)}")


def settle_boxes(picture: Pixels, boxes: list[Box], count: int = 1) -> list[Found]:
    """The faces that the mesh sees in boxes, largest first; it tries hard until there are `count`."""
    height, width = picture.shape[:2]
    inside = [_clipped(box, width, height) for box in boxes]
    large = sorted((box for box in inside if min(box[2:]) >= _LEAST_SIDE), key=lambda box: -box[2] * box[3])
    faces: list[Found] = []
    for box in large[:_MOST]:
        found = search_box(picture, box, thorough=len(faces) < count)
        if found is not None and not any(_is_same(found, face) for face in faces):
            faces.append(replace(found, box=box))
    return sorted(faces, key=lambda face: -face.extent)


def s3fd_boxes(checkpoint: Path | None) -> Boxes:
    """S3FD with a file's weights; None takes them from where weights lie.

    Raises UsageError where the file does not exist, DependencyError where torch or the weights are missing, or the file
    holds others.
    """
    try:
        from wav2lip.checkpoint import CheckpointError
        from wav2lip.s3fd import detect
    except ImportError as err:
        raise DependencyError(f"detector 's3fd' needs {err.name or 'torch'}: pip install 'txt2vid[wav2lip]'") from err
    try:
        network = _s3fd(resolve(checkpoint, "s3fd"))
    except CheckpointError as err:
        raise DependencyError(f"detector 's3fd': {err}") from err

    def boxes(picture: Pixels) -> list[Box]:
        rows = [[float(number) for number in row] for row in detect(network, picture)]
        return [(left, top, right - left, bottom - top) for left, top, right, bottom, _ in rows]

    return boxes


@lru_cache(maxsize=1)
def _s3fd(path: Path) -> s3fd.S3FD:
    """Kept for the next picture: 90 MB."""
    from wav2lip.checkpoint import load_s3fd

    return load_s3fd(path)


def _clipped(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies in the picture; of no size where none does."""
    x, y = max(0.0, box[0]), max(0.0, box[1])
    return x, y, min(box[0] + box[2], width) - x, min(box[1] + box[3], height) - y


def _is_same(found: Found, other: Found) -> bool:
    return place_of(found.landmarks).distance(place_of(other.landmarks)) < _SAME
