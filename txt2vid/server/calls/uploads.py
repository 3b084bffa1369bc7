"""Pictures that callers bring: looked at before they are decoded, drawn anew, and kept until their room ends.

What is kept is ours: a PNG made of the pixels alone. Nothing of the file that came is kept, its place and its camera
(EXIF) least of all.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import warnings
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from PIL import Image

from txt2vid.core.options import MIN_SIZE
from txt2vid.errors import PictureError
from txt2vid.faces.pictures import load_picture
from txt2vid.faces.thumbnails import thumbnail
from txt2vid.server import limits

FORMATS = ("JPEG", "PNG", "WEBP")  # by their content: what a browser calls them does not matter
_STILL = ("JPEG", "MPO")  # MPO: telephones append pictures to a JPEG, of which the first is the photograph
_DAMAGED = "the picture is damaged: save it or download it again"
_QUICK = 1  # zlib's level: the file is read once or twice
T = TypeVar("T")


class Unfit(Exception):  # noqa: N818 - what it says; the answer tells it
    """A picture that is not taken. The message is a sentence for the one who brought it."""


class Busy(Exception):  # noqa: N818 - likewise
    """Too much waits to be drawn."""


def check(data: bytes) -> None:
    """Looks at a file's head, and decodes nothing. Raises Unfit where it is no picture that we take."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we ask for less than that
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                most = limits.MAX_WEBP_PIXELS if image.format == "WEBP" else limits.MAX_UPLOAD_PIXELS
                moving = image.format not in _STILL and getattr(image, "n_frames", 1) > 1
    except Image.DecompressionBombError as err:
        raise _too_large() from err
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as err:
        raise Unfit("this is no picture that is known here: send a JPEG, PNG or WebP file") from err
    if width * height > most:
        raise _too_large(most)
    if min(width, height) < MIN_SIZE:
        raise Unfit(f"the picture is too small for a face: {MIN_SIZE} pixels a side are the least")
    if moving:
        raise Unfit("the picture moves: send one that does not")


def redraw(data: bytes, folder: Path, name: str) -> Path:
    """The picture upright, in sRGB and small enough, as a PNG of ours; what came is gone. Raises Unfit."""
    came, kept = folder / f"{name}.came", folder / f"{name}.png"
    try:
        came.write_bytes(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            large = max(image.size) > limits.UPLOAD_SIZE
        picture = load_picture(came, limits.UPLOAD_SIZE if large else None)
    except PictureError as err:
        raise Unfit(_DAMAGED) from err
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


class Pictures:
    """Callers' pictures in a folder that is ours alone, and small pictures of all faces. Use it from one event loop.

    Everything is read and drawn in one thread, one at a time: a large picture takes a core and 360 MB for a second.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "pictures")
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # of mode 0700; made for the first picture
        self._small: OrderedDict[Path, bytes] = OrderedDict()  # MAX_THUMBNAILS at most
        self._kept = 0  # MAX_KEPT at most
        self._waiting = 0  # DRAWING at most

    async def keep(self, data: bytes, name: str) -> Path:
        """A picture that somebody brought, as a file of ours; `drop` it in the end. Raises Unfit, Busy."""
        if self._kept >= limits.MAX_KEPT:
            raise Busy("too many pictures are kept here: try again later")

        def work() -> Path:
            try:
                check(data)
                return redraw(data, self._place(), name)
            except Unfit:
                raise
            except OSError as err:
                raise Busy("the picture cannot be stored here now: try again later") from err
            except Exception as err:  # decoders stumble in many ways over what was made to break them
                raise Unfit(_DAMAGED) from err

        self._kept += 1
        try:
            return await self._apart(work)
        except BaseException:
            self._kept -= 1
            raise

    async def small(self, path: Path) -> bytes:
        """A small JPEG of a face's file. Raises MediaError where it cannot be read, Busy."""
        if path not in self._small:
            drawn = await self._apart(lambda: thumbnail(path, limits.THUMBNAIL))
            self._small[path] = drawn
            while len(self._small) > limits.MAX_THUMBNAILS:
                self._small.popitem(last=False)
            return drawn
        self._small.move_to_end(path)
        return self._small[path]

    def drop(self, path: Path) -> None:
        """A picture of `keep` that is not wanted any more."""
        self._kept -= 1
        self._small.pop(path, None)
        path.unlink(missing_ok=True)

    async def close(self) -> None:
        """Deletes all that was brought. Twice is safe."""
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)
        if self._folder is not None:
            self._folder.cleanup()

    def _place(self) -> Path:
        """The folder; the one thread alone makes it."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="txt2vid-call-")
        return Path(self._folder.name)

    async def _apart(self, work: Callable[[], T]) -> T:
        if self._waiting >= limits.DRAWING:
            raise Busy("too many pictures wait to be drawn: try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1


def _too_large(most: int = limits.MAX_UPLOAD_PIXELS) -> Unfit:
    return Unfit(f"the picture is too large: {most // 1_000_000} megapixels are the most in a file of its kind")
