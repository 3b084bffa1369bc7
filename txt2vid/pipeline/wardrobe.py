"""The faces of a studio: prepared in a thread beside the frames, kept while there is room, made again when needed."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from txt2vid.core.options import FaceOptions
from txt2vid.engines.base import Engine
from txt2vid.errors import Txt2VidError
from txt2vid.faces.face import Face
from txt2vid.faces.prepare import prepare_face
from txt2vid.pipeline.messages import Prepared

MAX_FACES = 16  # prepared faces that are kept though no session shows them: about 100 MB each at 512x512

_log = logging.getLogger(__name__)


Bundle = Future[bytes | None]


@dataclass(slots=True)
class PreparedFace:
    """A face, and what the engine made of it. bundle: what others draw it from, once somebody has wanted that."""

    face: Face
    prepared: Any
    bundle: Bundle | None = None


class Wardrobe:
    """All faces that a studio knows. engine: gives what draws them. wake: called in any thread: look at `taken`."""

    def __init__(self, engine: Callable[[], Engine], wake: Callable[[], None]) -> None:
        self._engine, self._wake = engine, wake
        self._known: dict[str, FaceOptions] = {}  # the server has as many at most: its own, and callers' uploads
        self._ready: OrderedDict[str, PreparedFace] = OrderedDict()
        self._preparing: dict[str, Future[PreparedFace]] = {}
        self._preparer = ThreadPoolExecutor(1, "preparer")

    def prepare(self, name: str, options: FaceOptions) -> None:
        """Makes a face ready; one of that name is replaced."""
        self._known[name] = options
        future = self._preparer.submit(self._prepared, options)
        self._preparing[name] = future
        future.add_done_callback(lambda _: self._wake())

    def find(self, name: str) -> PreparedFace | None:
        """A face to show. None where it is not ready: one that was dropped for want of room is prepared again."""
        if name in self._ready:
            self._ready.move_to_end(name)
            return self._ready[name]
        if name in self._known and name not in self._preparing:
            self.prepare(name, self._known[name])
        return None

    def bundled(self, face: PreparedFace) -> Bundle:
        """What others draw the face from, made once, in the thread in which faces are made."""
        if face.bundle is None:
            face.bundle = self._preparer.submit(self._engine().bundle, face.prepared)
        return face.bundle

    def is_coming(self, name: str) -> bool:
        """Whether a face that is not ready will be, or its error is to come."""
        return name in self._preparing

    def forget(self, name: str) -> None:
        """Nobody will ask for it again; who shows it goes on."""
        self._known.pop(name, None)
        self._ready.pop(name, None)
        future = self._preparing.pop(name, None)
        if future is not None:
            future.cancel()  # whoever waits for it is told: `wake` is called now, or when it is done

    def taken(self) -> Iterator[Prepared]:
        """What is to be told of those that have become ready since."""
        for name, future in list(self._preparing.items()):
            if not future.done():
                continue
            del self._preparing[name]
            try:
                self._ready[name] = future.result()
            except Txt2VidError as err:
                self._known.pop(name, None)
                yield Prepared(name, error=str(err), exit_code=err.exit_code)
            except Exception as err:  # noqa: BLE001 - a face that breaks the engine must not end other sessions
                self._known.pop(name, None)
                _log.exception("face %s", name)
                yield Prepared(name, error=f"face {name} cannot be prepared: {type(err).__name__}: {err}")
            else:
                yield Prepared(name, *self._ready[name].face.size)

    def tidy(self, shown: set[str]) -> None:
        """Drops faces that nobody shows, the ones used longest ago first."""
        idle = [name for name in self._ready if name not in shown]
        for name in idle[: max(0, len(idle) - MAX_FACES)]:
            del self._ready[name]

    def close(self) -> None:
        """Nothing is prepared any more."""
        self._preparer.shutdown(wait=False, cancel_futures=True)

    def _prepared(self, options: FaceOptions) -> PreparedFace:
        engine = self._engine()
        face = prepare_face(options)
        return PreparedFace(face, engine.prepare(face))
