"""What the page draws a face with: lines, triangles, colours, and the face that it shows before a camera is there."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Any


@cache
def topology() -> dict[str, Any]:
    """For the page, as docs/mesh-page.md has it. Takes a moment the first time: OpenCV and tables are loaded."""
    from txt2vid.faces.canonical import canonical
    from txt2vid.faces.overlay import FEATURES
    from txt2vid.faces.topology import CONTOURS, tesselation, triangles

    features = [
        {"name": name, "colour": [*FEATURES[name][::-1]], "edges": _pairs(rows)} for name, rows in CONTOURS.items()
    ]
    return {
        "edges": tesselation().ravel().tolist(),
        "triangles": triangles().ravel().tolist(),
        "features": features,
        "rest": [round(float(value), 4) for value in canonical().ravel()],
    }


def _pairs(rows: Iterable[tuple[int, ...]]) -> list[int]:
    return [landmark for row in rows for pair in pairwise(row) for landmark in pair]
