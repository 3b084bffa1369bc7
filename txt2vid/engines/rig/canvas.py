"""What a head is drawn on: a rectangle of the picture."""

from __future__ import annotations

from dataclasses import dataclass

from txt2vid.core.media import Pixels


@dataclass(frozen=True, slots=True)
class Canvas:
    """The head and nothing else, in a rectangle of the picture that holds it.

    colours: (height, width, 3), BGR, premultiplied. alpha: (height, width); empty where the head has no matte, and
    covers the rectangle. x, y: the rectangle's corner in the picture, may be negative.
    """

    colours: Pixels
    alpha: Pixels
    x: int
    y: int
