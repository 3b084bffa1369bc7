"""Small pictures of faces' files, to choose from."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from txt2vid.core.media import Pixels
from txt2vid.errors import VideoError
from txt2vid.faces.pictures import fitted_size, is_picture, load_picture
from txt2vid.ffmpeg import VideoReader, probe

_QUALITY = 85


def thumbnail(path: Path, size: int) -> bytes:
    """A JPEG whose longer side has `size` pixels: of a picture, or of a video's first frame. It holds no metadata.

    Raises PictureError, VideoError or MediaError where the file cannot be read.
    """
    pixels = load_picture(path, size).pixels if is_picture(path) else _first_frame(path, size)
    file = io.BytesIO()
    Image.fromarray(pixels[:, :, ::-1]).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def _first_frame(path: Path, size: int) -> Pixels:
    video = probe(path, VideoError).video
    if video is None:
        raise VideoError(f"{path} holds no picture: give a picture or a video with a face")
    with VideoReader(path, fitted_size((video.width, video.height), size)) as reader:
        return next(reader).pixels
