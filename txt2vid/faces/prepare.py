"""From a file to a face: the one entrance of this package."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from txt2vid.core.options import FaceOptions
from txt2vid.errors import MediaError
from txt2vid.faces.face import Face
from txt2vid.faces.pictures import is_picture, load_picture
from txt2vid.faces.stills import prepare_still
from txt2vid.faces.videos import prepare_video
from txt2vid.ffmpeg import probe

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})


def prepare_face(options: FaceOptions, fps: Fraction | None = None, max_frames: int | None = None) -> Face:
    """The face of a picture or a video, ready for any engine.

    fps: of a video: frames are repeated or dropped to this rate; None keeps the video's own. A picture has none.
    max_frames: of a video: stop reading after so many.
    Raises PictureError, VideoError or MediaError where the file cannot be read, FaceError where there is no such face.
    """
    if is_picture(options.path):
        return prepare_still(options)
    if _has_pictures_name(options.path):
        load_picture(options.path)  # raises: what it is not, in a picture's words
    return prepare_video(options, fps, max_frames)


def _has_pictures_name(path: Path) -> bool:
    """Whether the user takes an unreadable file for a picture: errors then speak of pictures."""
    return path.suffix.lower() in _PICTURES and not _is_media(path)


def _is_media(path: Path) -> bool:
    try:
        return probe(path).video is not None
    except MediaError:
        return False
