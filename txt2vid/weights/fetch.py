"""Fetches a published file: from one mirror after the other, continued where it broke off, checked, then named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from txt2vid.errors import OutputError, ServerError
from txt2vid.weights import mirror
from txt2vid.weights.known import Known, amount
from txt2vid.weights.mirror import AnewError, Ask, MirrorError
from txt2vid.weights.part import Part
from txt2vid.weights.verify import Progress, verify

TIMEOUT = 30.0  # seconds without a byte
TRIES = 3
"""Requests to one mirror: connections break off, and what is there may not be continued from this one."""

READ_BYTES = 1 << 16


def fetch(
    known: Known,
    folder: Path,
    *,
    mirrors: Sequence[str] | None = None,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
) -> Path:
    """Fetches a file into a folder, which is made where needed; returns where it is. The right file is left as it is.

    mirrors: URLs in place of the table's, by https or http. timeout: seconds without a byte. progress: is told so many
    bytes of so many. What breaks off, by Ctrl-C too, stays as NAME.part, and the next call goes on from there. Raises
    UsageError where a mirror's URL is none, OutputError where the folder cannot be written or another process fetches
    the same file, ServerError where no mirror gave it.
    """
    urls = _checked(known, mirrors)
    with Part(folder / known.file) as part:
        if _there(part.target, known):
            part.clear()
            return part.target
        _prepare(part, known)
        download, failures = _Download(known, part, timeout, progress), []
        for url in urls:
            failure = download.attempt(url)
            if failure is None:
                part.finish()
                return part.target
            failures.append(f"{mirror.shown(url)} ({failure})")
    raise ServerError(
        f"{known.file} was not fetched: {', '.join(failures)}. Try again later, add --mirror URL, or put a file of "
        f"{known.size} bytes there by hand: {part.target}"
    )


class _Download:
    """One file on its way into its part."""

    def __init__(self, known: Known, part: Part, timeout: float, progress: Progress | None) -> None:
        self._known, self._part = known, part
        self._timeout, self._progress = timeout, progress
        self._pure = False  # all that is in the part came from the mirror that is asked now, in this call

    def attempt(self, url: str) -> str | None:
        """Fills the part with the right bytes, or says why this mirror does not give them."""
        try:
            self._run(url)
        except MirrorError as err:
            return str(err)
        return None

    def _run(self, url: str) -> None:
        self._pure = False
        failure = MirrorError("nothing came")
        for _ in range(TRIES):
            begun = self._part.done
            try:
                self._receive(url)
                self._check()
                return
            except AnewError as err:
                failure = err
                self._part.clear()
            except MirrorError as err:
                if self._part.done <= begun:  # nothing was gained
                    raise
                failure = err
        raise failure

    def _receive(self, url: str) -> None:
        """Fetches what is missing, and never more."""
        part, size, place = self._part, self._known.size, mirror.address(url)
        if part.done == size:
            return
        with mirror.opened(Ask(url, part.done, part.validator(place), self._timeout)) as response:
            if mirror.first_byte(response.status, response.headers, part.done, size) == 0:
                part.clear()
                self._pure = True
            part.note(place, mirror.validator(response.headers))
            self._tell()
            while part.done < size:
                data = mirror.read(response, min(READ_BYTES, size - part.done), self._timeout)
                if not data:
                    raise MirrorError(f"broke off after {amount(part.done)} of {amount(size)}")
                part.write(data)
                self._tell()

    def _check(self) -> None:
        """The bytes are the published ones, or they go. A mirror is not blamed for what others gave."""
        if self._part.digest() == self._known.sha256:
            return
        self._part.clear()
        raise (MirrorError if self._pure else AnewError)("its bytes are not the published ones: other sha256")

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._part.done, self._known.size)


def _checked(known: Known, mirrors: Sequence[str] | None) -> Sequence[str]:
    """The URLs to ask. Raises UsageError where one is none; those of the table are https."""
    urls = known.mirrors if mirrors is None else mirrors
    for url in urls:
        mirror.check(url, https_only=mirrors is None)
    return urls


def _there(target: Path, known: Known) -> bool:
    """Whether it need not be fetched."""
    return verify(target, (known,), expected=known).state == "ok"


def _prepare(part: Part, known: Known) -> None:
    """Looks, before anything is asked for, at what would go wrong at the end."""
    if part.target.is_dir():
        raise OutputError(f"{part.target} is a folder: remove it, or choose another place with -o FOLDER")
    if part.done > known.size:
        part.clear()
    disk = os.statvfs(part.target.parent)
    free, needed = disk.f_bavail * disk.f_frsize, known.size - part.done
    if disk.f_blocks and needed > free:  # some network file systems tell no number of blocks, and have room
        raise OutputError(
            f"{part.target} cannot be written: it needs {amount(needed)}, and {amount(free)} are free. Make room, or "
            "choose another folder with -o FOLDER"
        )
