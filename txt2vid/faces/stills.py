"""A still picture becomes a face: which one, found or placed by hand."""

from __future__ import annotations

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.core.options import FaceOptions
from txt2vid.errors import FaceError
from txt2vid.faces.detector import find_first
from txt2vid.faces.face import Face, Frames, Landmarks, against_outline
from txt2vid.faces.found import Found, fitted
from txt2vid.faces.matte import person_matte
from txt2vid.faces.pictures import Picture, load_picture
from txt2vid.faces.points import read_landmarks
from txt2vid.faces.search import Box, search_box

_LEAST_BOX = 8  # pixels a side, as drawn


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
    landmarks, box = _placed(picture, options)
    matte = picture.alpha if picture.alpha is not None else person_matte(picture.pixels, landmarks)
    detected = None if box is None else against_outline(box, landmarks)
    return Face(options.path.name, Still(picture.pixels, landmarks), None, matte, detected)


def _placed(picture: Picture, options: FaceOptions) -> tuple[Landmarks, Box | None]:
    """The landmarks, and a detector's box where one was asked for."""
    sx, sy = picture.scale
    if options.landmarks is not None:
        points = read_landmarks(options.landmarks) * np.array((sx, sy, (sx + sy) / 2), np.float32)
        return _inside(points.astype(np.float32), picture.pixels, options), None
    if options.box is not None:
        height, width = picture.pixels.shape[:2]
        box = placed_box(options, (round(width / sx), round(height / sy)), picture.scale)
        found = search_box(picture.pixels, box)
        return found.landmarks if found is not None else fitted(box), None  # what no network sees is there all the same
    chosen = choose(find_first(picture.pixels, options, (options.index or 0) + 1), options)
    return chosen.landmarks, chosen.box


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


def placed_box(options: FaceOptions, original: tuple[int, int], scale: tuple[float, float]) -> Box:
    """The box that a person gave, which there is, in pixels of the picture as it is drawn.

    original: the picture's own width and height. scale: x and y factors from there to what is drawn. Raises FaceError
    where the box lies outside the picture, or is too small for a face.
    """
    x, y, width, height = options.box or (0, 0, 0, 0)
    shown = ",".join(map(str, options.box or ()))
    if x >= original[0] or y >= original[1] or x + width <= 0 or y + height <= 0:
        raise FaceError(
            f"face box {shown} lies outside the picture of {original[0]}x{original[1]} in {options.path}: "
            "give X,Y,W,H in its pixels, X and Y of the upper left corner"
        )
    box = (x * scale[0], y * scale[1], width * scale[0], height * scale[1])
    if min(box[2:]) < _LEAST_BOX:
        raise FaceError(f"face box {shown} is too small in {options.path}: draw it around the whole face")
    return box


def _inside(points: Landmarks, picture: Pixels, options: FaceOptions) -> Landmarks:
    height, width = picture.shape[:2]
    x, y = points[:, :2].mean(axis=0)
    if not (0 <= x <= width and 0 <= y <= height):
        raise FaceError(
            f"the landmarks in {options.landmarks} lie outside {options.path}: "
            "give them in pixels of this picture, x to the right, y down"
        )
    return points
