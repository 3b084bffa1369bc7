"""provisional"""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from txt2vid.core.media import Pixels
from txt2vid.faces.many import TrackedFace


def draw(picture: Pixels, faces: Sequence[TrackedFace]) -> None:
    for face in faces:
        for x, y, _ in face.landmarks:
            cv2.circle(picture, (int(x), int(y)), 1, (0, 255, 0), -1)
