"""The faces that a server has: what --face means, and which of them are ready."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from txt2vid import errors
from txt2vid.core.options import FaceOptions
from txt2vid.core.wire import MAX_NAME, is_name
from txt2vid.errors import FaceError, MediaError, UsageError, error_of
from txt2vid.pipeline.messages import Prepared
from txt2vid.server.limits import MAX_FACES

_PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
KINDS = frozenset(_PICTURES | {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})
"""Suffixes of what counts as a face in a folder."""


def parse_faces(arguments: Sequence[str], size: int | None, detector: str = "mesh") -> dict[str, FaceOptions]:
    """The faces of --face, first the first. Each is NAME=PATH, PATH, or a folder with pictures and videos.
    detector: as in FaceOptions.

    Raises UsageError where there is none, or two have one name; MediaError where a file is not there.
    """
    faces: dict[str, FaceOptions] = {}
    for argument in arguments:
        for name, path in _named(argument):
            if name in faces:
                raise UsageError(
                    f"two faces are called {name!r}, {faces[name].path} and {path}: write --face OTHER={path}"
                )
            faces[name] = FaceOptions(path, size=size, detector=detector)
    if not faces:
        raise UsageError("no face: add --face with a picture or a video, for instance --face sample_data/hero.png")
    if len(faces) > MAX_FACES:
        raise UsageError(f"{len(faces)} faces are too many: give a folder with at most {MAX_FACES}")
    return faces


def safe_name(stem: str) -> str:
    """A file's name as a session's: what is not in A-Z a-z 0-9 . _ - becomes -, at most MAX_NAME characters."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")[:MAX_NAME]
    return name if is_name(name) else "face"


def _named(argument: str) -> Iterator[tuple[str, Path]]:
    path = Path(argument)
    name, equals, rest = argument.partition("=")
    if equals and not _exists(path):  # a file may be called a=b.png
        if not is_name(name):
            raise UsageError(f"{name!r} is no name for a face: use 1 to {MAX_NAME} of A-Z a-z 0-9 . _ -")
        if not rest:
            raise UsageError(f"--face {argument} names no file: write --face {name}=FILE")
        path = Path(rest)
        if _exists(path) and path.is_dir():
            raise UsageError(f"{path} is a folder, whose faces have names of their own: write --face {path}")
        yield name, _there(path)
    elif _exists(path) and path.is_dir():
        found = sorted(each for each in path.iterdir() if each.suffix.lower() in KINDS and each.is_file())
        if not found:
            raise UsageError(f"folder {path} holds no picture and no video: give --face a file, or another folder")
        yield from ((safe_name(each.stem), each) for each in found)
    else:
        yield safe_name(path.stem), _there(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, or a folder on its way that may not be entered
        return False


def _there(path: Path) -> Path:
    if not _exists(path):
        raise MediaError(f"{path} is not there: give --face a picture or a video with a face")
    return path


class Faces:
    """All faces by name, in order. prepare: asks the studios for one; `prepared` takes their answer.

    options: the server's own, which everyone may have. Others are `add`ed for those who know their names.
    """

    def __init__(self, options: Mapping[str, FaceOptions], prepare: Callable[[str, FaceOptions], None]) -> None:
        self.options = options
        self.first = next(iter(options))
        self._prepare = prepare
        self._added: dict[str, FaceOptions] = {}
        self._answers: dict[str, asyncio.Future[Prepared]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.options

    def add(self, name: str, options: FaceOptions) -> None:
        """A face beside the server's own: it is listed nowhere, and shown where a session changes to it."""
        self._added[name] = options

    def remove(self, name: str) -> None:
        """Such a face is no more; who waits for it is told. Twice is safe."""
        self._added.pop(name, None)
        answer = self._answers.pop(name, None)
        if answer is not None and not answer.done():
            answer.set_result(Prepared(name, error=f"face {name} was removed", exit_code=FaceError.exit_code))

    def found(self, name: str) -> FaceOptions | None:
        """What is known of a face by its name, the server's own or added."""
        return self.options.get(name) or self._added.get(name)

    def like_first(self, path: Path) -> FaceOptions:
        """Another file, found and drawn as the first face is; where the face is in it has to be searched for."""
        return replace(self.options[self.first], path=path, index=None, box=None, landmarks=None)

    async def ready(self, name: str) -> Prepared:
        """The face, prepared now if it was not. Raises the error that preparing it ended in."""
        answer = self._answers.get(name)
        if answer is None:
            options = self.found(name)
            if options is None:
                raise FaceError(f"there is no face {name!r} any more")
            answer = self._answers[name] = asyncio.get_running_loop().create_future()
            self._prepare(name, options)
        prepared = await asyncio.shield(answer)
        if prepared.error is not None:
            if self._answers.get(name) is answer:
                del self._answers[name]  # a file may be mended: the next who wants it has it tried again
            raise error_of(prepared.exit_code, prepared.error)
        return prepared

    def prepared(self, event: Prepared) -> None:
        """A studio has answered; what others say later of the same face does not matter."""
        answer = self._answers.get(event.face)
        if answer is not None and not answer.done():
            answer.set_result(event)

    def known(self, name: str) -> Prepared | None:
        """What is known of a face, None where it was not needed yet."""
        answer = self._answers.get(name)
        return answer.result() if answer is not None and answer.done() and not answer.cancelled() else None

    def ask_again(self) -> None:
        """Those that were asked for and not answered, after a studio was lost."""
        for name, answer in self._answers.items():
            options = self.found(name)
            if not answer.done() and options is not None:
                self._prepare(name, options)

    def give_up(self, message: str) -> None:
        """Nobody will answer any more."""
        for name, answer in self._answers.items():
            if not answer.done():
                answer.set_result(Prepared(name, error=message, exit_code=errors.EngineError.exit_code))
