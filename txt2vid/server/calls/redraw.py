"""A picture that somebody brought, drawn anew in a process of its own: `python -m …server.calls.redraw FOLDER NAME`.

Decoders are the part of a server that strangers' bytes reach first. What they break, or make it allocate, ends this
process alone: it may have MEMORY, and its parent gives it some seconds.
"""

from __future__ import annotations

import contextlib
import io
import resource
import sys
from pathlib import Path

from PIL import Image

from txt2vid.errors import PictureError
from txt2vid.faces.pictures import load_picture
from txt2vid.server import limits

FORMATS = ("JPEG", "PNG", "WEBP")  # by their content: what a browser calls them does not matter
UNFIT, UNSTORED = 3, 4  # exit codes: the picture's fault, the disk's
MEMORY = 2 << 30  # bytes of addresses: the largest picture that is taken needs 360 MB beside what Python takes
_QUICK = 1  # zlib's level: the file is read once or twice


def redraw(data: bytes, folder: Path, name: str) -> Path:
    """The picture upright, in sRGB and small enough, as a PNG of ours. Raises PictureError, OSError."""
    came, kept = folder / f"{name}.came", folder / f"{name}.png"
    try:
        came.write_bytes(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            large = max(image.size) > limits.UPLOAD_SIZE
        picture = load_picture(came, limits.UPLOAD_SIZE if large else None)
    finally:
        came.unlink(missing_ok=True)
    drawn = Image.fromarray(picture.pixels[:, :, ::-1])
    if picture.alpha is not None:
        drawn.putalpha(Image.fromarray(picture.alpha))
    try:
        drawn.save(kept, "PNG", compress_level=_QUICK)
    except OSError:  # the disk is full
        kept.unlink(missing_ok=True)
        raise
    return kept


def main(folder: str, name: str) -> int:
    """The picture comes on stdin. An exit code; nothing is told, since the picture's author may be anybody."""
    with contextlib.suppress(ValueError, OSError):  # where the system lets nobody set it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        redraw(sys.stdin.buffer.read(), Path(folder), name)
    except PictureError:
        return UNFIT
    except OSError:
        return UNSTORED
    except Exception:  # noqa: BLE001 - decoders stumble in many ways over what was made to break them
        return UNFIT
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
