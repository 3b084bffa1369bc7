"""Pictures that callers bring: looked at before they are decoded, drawn anew, and kept until their room ends.

What is kept is ours: a PNG made of the pixels alone. Nothing of the file that came is kept, its place and its camera
(EXIF) least of all.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import os
import shutil
import sys
import tempfile
import warnings
from collections import OrderedDict
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from txt2vid.core.options import MIN_SIZE
from txt2vid.faces.thumbnails import thumbnail
from txt2vid.server import limits
from txt2vid.server.calls.redraw import FORMATS, UNSTORED

_STILL = ("JPEG", "MPO")  # MPO: telephones append pictures to a JPEG, of which the first is the photograph
_DAMAGED = "the picture is damaged: save it or download it again"
_FOLDER = "txt2vid-call-"  # and the server's process; then what is random


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


class Pictures:
    """Callers' pictures in a folder that is ours alone, and small pictures of all faces. Use it from one event loop.

    One at a time, whoever brought it: a large picture takes a core and 360 MB for a second, in a process of its own
    (`redraw.py`). Small pictures, of files that are known to be good, are drawn in one thread.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "pictures")
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # of mode 0700; made for the first picture
        self._small: OrderedDict[Path, bytes] = OrderedDict()  # MAX_THUMBNAILS at most
        self._kept = 0  # MAX_KEPT at most
        self._waiting = 0  # DRAWING at most
        self._turn = asyncio.Lock()

    async def keep(self, data: bytes, name: str) -> Path:
        """A picture that somebody brought, as a file of ours; `drop` it in the end. Raises Unfit, Busy."""
        if self._kept >= limits.MAX_KEPT:
            raise Busy("too many pictures are kept here: try again later")

        self._kept += 1
        try:
            async with self._next():
                await asyncio.get_running_loop().run_in_executor(self._thread, _checked, data)
                return await self._redrawn(data, name)
        except BaseException:
            self._kept -= 1
            raise

    async def small(self, path: Path) -> bytes:
        """A small JPEG of a face's file. Raises MediaError where it cannot be read, Busy."""
        if path not in self._small:
            async with self._next():
                work = functools.partial(thumbnail, path, limits.THUMBNAIL)
                drawn = await asyncio.get_running_loop().run_in_executor(self._thread, work)
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

    async def _redrawn(self, data: bytes, name: str) -> Path:
        """By a process of its own. Raises Unfit, Busy."""
        try:
            folder = self._place()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "txt2vid.server.calls.redraw", str(folder), name,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as err:
            raise Busy("the picture cannot be stored here now: try again later") from err
        try:
            await asyncio.wait_for(process.communicate(data), limits.DRAWING_SECONDS)
        except asyncio.TimeoutError as err:
            raise Unfit(_DAMAGED) from err
        finally:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                process.kill()
            await process.wait()
            if process.returncode:  # what a killed one left
                for half in folder.glob(f"{name}.*"):
                    half.unlink(missing_ok=True)
        if process.returncode == UNSTORED:
            raise Busy("the picture cannot be stored here now: try again later")
        if process.returncode:
            raise Unfit(_DAMAGED)
        return folder / f"{name}.png"

    def _place(self) -> Path:
        """The folder, which names our process: what servers that were killed have left is deleted first."""
        if self._folder is None:
            _tidy(Path(tempfile.gettempdir()))
            self._folder = tempfile.TemporaryDirectory(prefix=f"{_FOLDER}{os.getpid()}-")
        return Path(self._folder.name)

    @contextlib.asynccontextmanager
    async def _next(self) -> AsyncIterator[None]:
        """Our turn, among DRAWING that wait. Raises Busy."""
        if self._waiting >= limits.DRAWING:
            raise Busy("too many pictures wait to be drawn: try again in a moment")
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1


def _checked(data: bytes) -> None:
    """`check`, where whatever else a file's head makes a decoder raise is its fault, too."""
    try:
        check(data)
    except Unfit:
        raise
    except Exception as err:  # decoders stumble in many ways over what was made to break them
        raise Unfit(_DAMAGED) from err


def _tidy(folder: Path) -> None:
    """Deletes what killed servers of ours have left in the folder for temporary files."""
    for left in folder.glob(f"{_FOLDER}*-*"):
        process = left.name.removeprefix(_FOLDER).partition("-")[0]
        if process.isdigit() and not _runs(int(process)) and left.stat().st_uid == os.getuid():
            shutil.rmtree(left, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def _too_large(most: int = limits.MAX_UPLOAD_PIXELS) -> Unfit:
    return Unfit(f"the picture is too large: {most // 1_000_000} megapixels are the most in a file of its kind")
