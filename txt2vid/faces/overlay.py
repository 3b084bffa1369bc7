"""Faces drawn over their picture: mesh, contours and features in colours, and a number that tells who is who."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.faces.face import Landmarks
from txt2vid.faces.landmarks import IRIS_LEFT, IRIS_RIGHT, TEMPLES
from txt2vid.faces.many import TrackedFace
from txt2vid.faces.topology import CONTOURS, tesselation

Colour = tuple[int, int, int]
"""BGR."""

# By id, over and over: Okabe and Ito's palette (2008), which colour-blind people tell apart as well.
PEOPLE: tuple[Colour, ...] = (
    (233, 180, 86), (0, 159, 230), (115, 158, 0), (66, 228, 240), (178, 114, 0), (0, 94, 213), (167, 121, 204),
)  # fmt: skip
FEATURES: dict[str, Colour] = {
    "oval": (235, 235, 235),
    "brow_right": (60, 170, 255),
    "brow_left": (60, 170, 255),
    "eye_right": (120, 230, 90),
    "eye_left": (255, 190, 70),
    "iris_right": (50, 240, 250),
    "iris_left": (50, 240, 250),
    "nose": (220, 150, 220),
    "lips": (110, 100, 255),
}
_MESH_ALPHA = 0.45  # of the tesselation's lines: skin shows through, contours stand out …
_MESH_WIDTH = 240.0  # … from so many pixels of face width on; below, where they lie close, it is less
_FINE = 4  # bits of a pixel's fraction that lines are placed by
_THIN = 260.0  # pixels of face width for one more pixel of line width
_CROWDED = 70  # pixels of face width below which the tesselation would hide the face
_FONT = cv2.FONT_HERSHEY_DUPLEX


def draw_faces(picture: Pixels, faces: Iterable[TrackedFace]) -> Pixels:
    """The picture with all faces drawn over it; a copy."""
    drawn = picture.copy()
    for face in faces:
        _draw_face(drawn, face)
    return drawn


def _draw_face(canvas: Pixels, face: TrackedFace) -> None:
    points = face.landmarks
    width = float(np.linalg.norm(points[TEMPLES[0], :2] - points[TEMPLES[1], :2]))
    thick = max(1, round(width / _THIN))
    colour = PEOPLE[face.id % len(PEOPLE)]
    window = _window(canvas, points, 2 * thick + 2)
    if window is not None and width >= _CROWDED:
        part, corner = window
        over = part.copy()
        edges = _fixed(points[:, :2] - corner)[tesselation()]
        cv2.polylines(over, list(edges), False, colour, max(1, thick // 2), cv2.LINE_AA, _FINE)
        alpha = _MESH_ALPHA * min(1.0, width / _MESH_WIDTH)
        cv2.addWeighted(over, alpha, part, 1 - alpha, 0, dst=part)
    placed = _fixed(points[:, :2])
    for name, rows in CONTOURS.items():
        if not name.startswith("iris"):
            lines = [placed[list(row)] for row in rows]
            cv2.polylines(canvas, lines, False, FEATURES[name], thick, cv2.LINE_AA, _FINE)
    for name, row in (("iris_right", IRIS_RIGHT), ("iris_left", IRIS_LEFT)):
        _draw_iris(canvas, points[list(row), :2], FEATURES[name], thick)
    _draw_label(canvas, points, face, colour, width)


def _window(canvas: Pixels, points: Landmarks, margin: int) -> tuple[Pixels, NDArray[np.float32]] | None:
    """The part of the canvas that holds the face, a view of it, and its corner; None where the face is outside."""
    height, width = canvas.shape[:2]
    low = np.clip(np.floor(points[:, :2].min(axis=0)) - margin, 0, (width, height)).astype(int)
    high = np.clip(np.ceil(points[:, :2].max(axis=0)) + margin, 0, (width, height)).astype(int)
    if (high <= low).any():
        return None
    return canvas[low[1] : high[1], low[0] : high[0]], low.astype(np.float32)


def _fixed(points: NDArray[np.float32]) -> NDArray[np.int32]:
    """Fixed-point coordinates for cv2, whose whole numbers are the pixels' middles."""
    placed: NDArray[np.int32] = np.round((points - 0.5) * (1 << _FINE)).astype(np.int32)
    return placed


def _draw_iris(canvas: Pixels, iris: NDArray[np.float32], colour: Colour, thick: int) -> None:
    middle = _fixed(iris[0])
    radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
    cv2.circle(
        canvas, (int(middle[0]), int(middle[1])), round(radius * (1 << _FINE)), colour, thick, cv2.LINE_AA, _FINE
    )
    dot = round(max(1.0, 0.12 * radius) * (1 << _FINE))
    cv2.circle(canvas, (int(middle[0]), int(middle[1])), dot, colour, -1, cv2.LINE_AA, _FINE)


def _draw_label(canvas: Pixels, points: Landmarks, face: TrackedFace, colour: Colour, width: float) -> None:
    """The face's number and the mesh's confidence on a tag over its forehead, within the picture."""
    scale = min(3.0, max(0.4, width / 320))
    thick = max(1, round(1.4 * scale))
    text = f"{face.id}  {100 * face.confidence:.0f}%"
    (wide, high), below = cv2.getTextSize(text, _FONT, scale, thick)
    pad = max(3, round(0.45 * high))
    box_wide, box_high = wide + 2 * pad, high + below + pad
    top = float(points[:, 1].min()) - box_high - 2 * pad
    left = float(points[:, 0].mean()) - box_wide / 2
    x = int(np.clip(left, 0, max(0, canvas.shape[1] - box_wide)))
    y = int(np.clip(top, 0, max(0, canvas.shape[0] - box_high)))
    cv2.rectangle(canvas, (x, y), (x + box_wide, y + box_high), colour, -1, cv2.LINE_AA)
    ink = (20, 20, 20) if sum(colour) > 330 else (255, 255, 255)
    cv2.putText(canvas, text, (x + pad, y + high + pad // 2 + 1), _FONT, scale, ink, thick, cv2.LINE_AA)
