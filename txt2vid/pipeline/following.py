"""provisional"""
from __future__ import annotations
from collections.abc import Sequence
import cv2
import numpy as np
from txt2vid.core.media import Pixels
from txt2vid.core.meshwire import Seen, Settings
from txt2vid.faces.crop import view_of
from txt2vid.faces.found import look
from txt2vid.faces.search import find_nearby


class Faces:
    def __init__(self) -> None:
        self._points = None

    def see(self, picture: Pixels, settings: Settings) -> Sequence[Seen]:
        score = 0.0
        if self._points is not None:
            self._points, score = look(picture, view_of(self._points))
            if score < settings.tracking:
                self._points = None
        if self._points is None:
            found = find_nearby(picture)
            if not found:
                return ()
            self._points, score = found[0].landmarks, found[0].score
        h, w = picture.shape[:2]
        return (Seen(1, score, self._points / np.float32([w, h, w])),)


def draw(picture: Pixels, faces: Sequence[Seen]) -> None:
    h, w = picture.shape[:2]
    for face in faces:
        for x, y, _ in face.points:
            cv2.circle(picture, (int(x * w), int(y * h)), 1, (0, 255, 0), -1)
