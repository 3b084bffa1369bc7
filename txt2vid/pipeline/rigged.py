"""Which face a session's motion moves, for those who draw it themselves: its bundle, made when somebody wants it."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable

from txt2vid.pipeline.messages import Rigged
from txt2vid.pipeline.wardrobe import Bundle

_log = logging.getLogger(__name__)


class Rigging:
    """One session's. `number` is what motion calls the face; None while nobody may draw it."""

    def __init__(self, session: str) -> None:
        self.number: int | None = None
        self._session = session
        self._make: Callable[[], Bundle] | None = None
        self._coming: Bundle | None = None
        self._told = False

    def show(self, make: Callable[[], Bundle] | None) -> None:
        """Another face. make: begins making its bundle, or gives the one that is there; None: it has none."""
        self._make, self._coming, self._told, self.number = make, None, False, None

    def look(self) -> Rigged | None:
        """What is to be told now that motion is wanted: once a face, when its bundle is there."""
        if self._told:
            return None
        if self._coming is None and self._make is not None:
            self._coming = self._make()
        if self._coming is not None and not self._coming.done():
            return None
        self._told, bundle = True, self._taken()
        self.number = None if bundle is None else zlib.crc32(bundle)
        return Rigged(self._session, self.number or 0, bundle)

    def _taken(self) -> bytes | None:
        if self._coming is None:
            return None
        try:
            return self._coming.result()
        except Exception:  # noqa: BLE001 - a face that cannot be bundled is still drawn here
            _log.exception("session %s: its face has no bundle", self._session)
            return None
