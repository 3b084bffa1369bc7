"""provisional"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from txt2vid.faces.canonical import canonical


@cache
def topology() -> dict[str, Any]:
    spec = importlib.util.find_spec("mediapipe")
    path = Path(spec.submodule_search_locations[0]) / "python/solutions/face_mesh_connections.py"
    scope: dict[str, Any] = {}
    exec(path.read_text(), scope)
    edges = scope["FACEMESH_TESSELATION"]
    und = sorted({tuple(sorted(e)) for e in edges})
    near = {}
    for a, b in und:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    tri = sorted({tuple(sorted((a, b, c))) for a, b in und for c in near[a] & near[b]})
    cols = {
        "LIPS": (240, 90, 110),
        "LEFT_EYE": (80, 200, 255),
        "RIGHT_EYE": (90, 230, 130),
        "LEFT_EYEBROW": (80, 200, 255),
        "RIGHT_EYEBROW": (90, 230, 130),
        "LEFT_IRIS": (255, 255, 255),
        "RIGHT_IRIS": (255, 255, 255),
        "FACE_OVAL": (240, 240, 240),
    }
    return {
        "edges": [i for e in und for i in e],
        "triangles": [i for t in tri for i in t],
        "features": [
            {"name": k, "colour": list(c), "edges": [i for e in sorted(scope["FACEMESH_" + k]) for i in e]}
            for k, c in cols.items()
        ],
        "rest": canonical().round(5).ravel().tolist(),
    }
