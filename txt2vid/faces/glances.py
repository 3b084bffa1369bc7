"""Where a detector looks for faces that are not followed yet: a little a frame, so that looking costs little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.faces import tracker
from txt2vid.faces.crop import View, lifted
from txt2vid.faces.search import detected_view, tiles

_LARGE = 1280  # pixels of the longer side above which the tiles of a picture show what the whole of it does not
_TURNS = (-90, 90)  # degrees: a phone on its side


@dataclass(frozen=True, slots=True)
class Glance:
    """One look of one detector.

    far: with the full range detector, which sees small faces, and takes three times as long.
    """

    view: View
    far: bool = False

    def faces(self, picture: Pixels, least: float) -> Iterator[tuple[View, float]]:
        """What the mesh should look at, and the detector's score, of all that it scores `least` or more, best first."""
        detector = tracker.detector(self.far)
        drawn = lifted(self.view.draw(picture, detector.side, cv2.BORDER_CONSTANT))
        for detection in detector(drawn):
            if detection.score < least:
                return
            yield detected_view(detection, self.view, detector.side), detection.score


def glances(width: int, height: int, *, alone: bool) -> list[Glance]:
    """The looks at a picture of that size, to be taken one after the other, over and over.

    alone: nobody is followed, so that all ways to find somebody are tried: faces that are cut, small, or lie on their
    side. Otherwise somebody shows that the picture is as it should be, and only small faces are looked for with them.
    """
    whole = View(width / 2, height / 2, max(width, height))
    near, far = Glance(whole), Glance(whole, far=True)
    parts = [Glance(tile, far=True) for tile in tiles(width, height, 0.5)] if max(width, height) > _LARGE else []
    rare = [far, *parts]
    if alone:
        turned = [Glance(whole.moved(scale=1.42, turn=np.radians(turn))) for turn in _TURNS]
        rare = [far, Glance(whole.moved(scale=1.6)), *turned, *parts]
    return [glance for each in rare for glance in (near, each)]
