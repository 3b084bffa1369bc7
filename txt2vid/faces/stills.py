"""A still picture becomes a face: which one, found or placed by hand."""

from __future__ import annotations

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.core.options import FaceOptions
from txt2vid.errors import FaceError
from txt2vid.faces.face import Face, Frames, Landmarks
from txt2vid.faces.found import Found, fitted
from txt2vid.faces.matte import person_matte
from txt2vid.faces.pictures import Picture, load_picture
from txt2vid.faces.points import read_landmarks
from txt2vid.faces.search import Box, find_faces, search_box


class Still(Frames):
    """One picture and its landmarks."""

    def __init__(self, pixels: Pixels, landmarks: Landmarks) -> None:
        self._pixels = pixels
        self._landmarks = landmarks
        for array in (pixels, landmarks):
            array.flags.writeable = False

    def __len__(self) -> int:
        return 1

    def pixels(self, index: int) -> Pixels:  # noqa: ARG002  # there is but one
        """The picture, whatever the index."""
        return self._pixels

    def landmarks(self, index: int) -> Landmarks:  # noqa: ARG002
        """Its landmarks, whatever the index."""
        return self._landmarks


def prepare_still(options: FaceOptions) -> Face:
    """The face in a picture. Raises PictureError on the file, FaceError where the face is not there."""
    picture = load_picture(options.path, options.size)
    landmarks = _landmarks(picture, options)
    matte = picture.alpha if picture.alpha is not None else person_matte(picture.pixels, landmarks)
    return Face(options.path.name, Still(picture.pixels, landmarks), None, matte)


def _landmarks(picture: Picture, options: FaceOptions) -> Landmarks:
    sx, sy = picture.scale
    if options.landmarks is not None:
        points = read_landmarks(options.landmarks) * np.array((sx, sy, (sx + sy) / 2), np.float32)
        return _inside(points.astype(np.float32), picture.pixels, options)
    if options.box is not None:
        x, y, width, height = options.box
        return _in_box(picture.pixels, (x * sx, y * sy, width * sx, height * sy), options)
    faces, _ = find_faces(picture.pixels, (options.index or 0) + 1)
    return choose(faces, options).landmarks


def choose(faces: list[Found], options: FaceOptions) -> Found:
    """The face asked for, of those found, largest first. Raises FaceError."""
    if not faces:
        raise no_face(options)
    index = options.index or 0
    if not 0 <= index < len(faces):
        there = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        raise FaceError(
            f"{options.path} shows {there}, none with index {index}: give --face-index 0"
            + (f" to {len(faces) - 1}, 0 is the largest" if len(faces) > 1 else "")
        )
    return faces[index]


def no_face(options: FaceOptions) -> FaceError:
    """The error that says what a person can do about it."""
    return FaceError(
        f"no face found in {options.path}: give --face-box X,Y,W,H or --landmarks FILE, "
        "or use a larger, more frontal picture"
    )


def _in_box(picture: Pixels, box: Box, options: FaceOptions) -> Landmarks:
    """The face in the box; where no network sees one, the average face laid into it."""
    height, width = picture.shape[:2]
    x, y, w, h = box
    if w < 8 or h < 8 or x + w <= 0 or y + h <= 0 or x >= width or y >= height:
        raise FaceError(
            f"face box {','.join(map(str, options.box or ()))} does not lie in {options.path}: "
            "give X,Y,W,H in pixels of the picture, X and Y of the upper left corner"
        )
    found = search_box(picture, box)
    return found.landmarks if found is not None else fitted(box)


def _inside(points: Landmarks, picture: Pixels, options: FaceOptions) -> Landmarks:
    height, width = picture.shape[:2]
    x, y = points[:, :2].mean(axis=0)
    if not (0 <= x <= width and 0 <= y <= height):
        raise FaceError(
            f"the landmarks in {options.landmarks} lie outside {options.path}: "
            "give them in pixels of this picture, x to the right, y down"
        )
    return points
