"""A part of a picture that is drawn anew for each frame, and moves with the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging

_EDGE = 2  # pixels of a patch that only serve to magnify those inside it as the whole picture was


@dataclass(frozen=True, slots=True)
class Patch:
    """Pixels (height, width, 3) whose corner lies at column x and row y of the picture; at its edges it equals that."""

    pixels: Pixels
    x: int
    y: int


class Patched:
    """A head's texture into which patches are laid before it is sampled. Several faces on one texture take turns.

    Where the texture is not wholly the person's (alpha below 255) it stays as it is.
    """

    def __init__(self, texture: Pixels, origin: tuple[int, int], detail: int) -> None:
        self._texture, self._origin, self._detail = texture, origin, detail
        self._place: tuple[int, int, int, int] | None = None
        self._before = self._solid = texture[:0]

    def with_patch(self, patch: Patch | None) -> Pixels:
        """The texture with the patch in it, or without any; valid until the next call."""
        if patch is None:
            if self._place is not None:
                self._at(self._place)[:] = self._before
                self._place = None
            return self._texture
        place = self._cut(patch)
        if place != self._place:
            self.with_patch(None)
            self._place, self._before = place, self._at(place).copy()
            self._solid = (
                np.asarray(self._before[..., 3] == 255, np.uint8) if self._before.shape[2] == 4 else patch.pixels[:0]
            )
        left, top, right, bottom = place
        x, y = patch.x - self._origin[0], patch.y - self._origin[1]
        large = imaging.magnify(patch.pixels, self._detail)
        k = self._detail
        part = large[(top - y) * k : (bottom - y) * k, (left - x) * k : (right - x) * k]
        if self._before.shape[2] == 3:
            self._at(place)[:] = part
        else:
            imaging.lay(self._at(place), imaging.opaque(part), self._solid)
        return self._texture

    def _cut(self, patch: Patch) -> tuple[int, int, int, int]:
        """The patch without its edge, cut at the texture's, in pixels from the texture's corner."""
        height, width = (size // self._detail for size in self._texture.shape[:2])
        x, y = patch.x - self._origin[0], patch.y - self._origin[1]
        rows, columns = patch.pixels.shape[:2]
        left, top = max(x + _EDGE, 0), max(y + _EDGE, 0)
        return left, top, max(left, min(x + columns - _EDGE, width)), max(top, min(y + rows - _EDGE, height))

    def _at(self, place: tuple[int, int, int, int]) -> Pixels:
        left, top, right, bottom = (edge * self._detail for edge in place)
        return self._texture[top:bottom, left:right]
