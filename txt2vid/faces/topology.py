"""How the 478 landmarks hang together: edges, triangles, and the lines that people know a face by.

The tesselation is MediaPipe's (Apache 2.0), read from the installed package when it is first asked for: its triangles
leave eyes and mouth open; `FILLING` shuts them.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from txt2vid.errors import DependencyError
from txt2vid.faces.canonical import canonical
from txt2vid.faces.landmarks import (
    BROW_LEFT,
    BROW_RIGHT,
    IRIS_LEFT,
    IRIS_RIGHT,
    LOWER_LID_LEFT,
    LOWER_LID_RIGHT,
    LOWER_LIP,
    OVAL,
    UPPER_LID_LEFT,
    UPPER_LID_RIGHT,
    UPPER_LIP,
    Row,
)

Edges = NDArray[np.intp]
"""(n, 2): pairs of landmarks."""
Triangles = NDArray[np.intp]
"""(n, 3): landmarks, clockwise as the viewer sees a frontal face (y down): the normal is towards the viewer."""

NOSE: Final[tuple[Row, ...]] = ((168, 6, 197, 195, 5, 4, 1), (48, 64, 98, 97, 2, 326, 327, 294, 278))
"""The bridge from between the eyes to the tip, and the nostrils' rim from the subject's right to their left."""


def _ring(upper: Row, lower: Row) -> Row:
    return (*upper, *lower[-2:0:-1], upper[0])


CONTOURS: Final[dict[str, tuple[Row, ...]]] = {
    "oval": ((*OVAL, OVAL[0]),),
    "brow_right": BROW_RIGHT,
    "brow_left": BROW_LEFT,
    "eye_right": (_ring(UPPER_LID_RIGHT[0], LOWER_LID_RIGHT[0]),),
    "eye_left": (_ring(UPPER_LID_LEFT[0], LOWER_LID_LEFT[0]),),
    "iris_right": ((*IRIS_RIGHT[1:], IRIS_RIGHT[1]),),
    "iris_left": ((*IRIS_LEFT[1:], IRIS_LEFT[1]),),
    "nose": NOSE,
    "lips": (_ring(UPPER_LIP[0], LOWER_LIP[0]), _ring(UPPER_LIP[-1], LOWER_LIP[-1])),
}
"""Name of a feature -> lines through its landmarks; closed ones end where they begin. Sides are the subject's."""


@cache
def tesselation() -> Edges:
    """MediaPipe's 1322 edges, each once, the lower landmark first, in order."""
    edges = {(min(pair), max(pair)) for pair in _connections()}
    table: Edges = np.array(sorted(edges), np.intp)
    table.setflags(write=False)
    return table


@cache
def triangles() -> Triangles:
    """The 852 triangles of the tesselation: eyes and mouth are holes."""
    edges = {(int(a), int(b)) for a, b in tesselation()}
    beside: dict[int, set[int]] = {}
    for a, b in edges:
        beside.setdefault(a, set()).add(b)
        beside.setdefault(b, set()).add(a)
    rings = sorted({(*sorted((a, b, c)),) for a, b in edges for c in beside[a] & beside[b]})
    shared: dict[tuple[int, ...], int] = {}
    for ring in rings:
        for edge in combinations(ring, 2):
            shared[edge] = shared.get(edge, 0) + 1
    # A ring of edges around other triangles is none itself: a third one lies at each of its edges.
    return _facing([ring for ring in rings if any(shared[edge] < 3 for edge in combinations(ring, 2))])


@cache
def filling() -> Triangles:
    """46 triangles that shut the holes: between the lids of both eyes, and between the lips."""
    pairs = (
        (UPPER_LID_RIGHT[0], LOWER_LID_RIGHT[0]),
        (UPPER_LID_LEFT[0], LOWER_LID_LEFT[0]),
        (UPPER_LIP[-1], LOWER_LIP[-1]),
    )
    found: list[tuple[int, ...]] = []
    for upper, lower in pairs:
        for i in range(len(upper) - 1):
            quad = (upper[i], upper[i + 1], lower[i + 1], lower[i])
            found += [ring for ring in (quad[:3], (quad[0], *quad[2:])) if len(set(ring)) == 3]
    return _facing(found)


@cache
def surface() -> Triangles:
    """All 898: the triangles, then the filling, turned alike, so that normals agree across every edge."""
    rings = [(int(a), int(b), int(c)) for a, b, c in (*triangles(), *filling())]
    at_edge: dict[tuple[int, int], list[int]] = {}
    for i, ring in enumerate(rings):
        for a, b in _sides(ring):
            at_edge.setdefault((min(a, b), max(a, b)), []).append(i)
    first = next(i for i, ring in enumerate(rings) if NOSE[0][-1] in ring)  # the nose's tip: seen from the front
    turned, waiting = {first: rings[first]}, [first]
    while waiting:  # from neighbour to neighbour: of two that share an edge, each runs along it the other way
        here = turned[waiting.pop()]
        for a, b in _sides(here):
            for i in at_edge[min(a, b), max(a, b)]:
                if i not in turned:
                    turned[i] = rings[i] if (b, a) in _sides(rings[i]) else rings[i][::-1]
                    waiting.append(i)
    return _fixed([turned[i] for i in range(len(rings))])


def _sides(ring: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    a, b, c = ring
    return (a, b), (b, c), (c, a)


def _facing(rings: list[tuple[int, ...]]) -> Triangles:
    """Each turned so that it is clockwise, on the average face."""
    table = np.array(rings, np.intp)
    a, b, c = (canonical()[table[:, i], :2] for i in range(3))
    turned = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] < 0
    table[turned] = table[turned][:, ::-1]
    return _fixed(table)


def _fixed(rings: list[tuple[int, ...]] | Triangles) -> Triangles:
    table: Triangles = np.array(rings, np.intp)
    table.setflags(write=False)
    return table


def _connections() -> frozenset[tuple[int, int]]:
    """The table in MediaPipe's package; the file alone is run, which is constants, not the package around it."""
    spec = importlib.util.find_spec("mediapipe")
    root = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
    path = root / "python" / "solutions" / "face_mesh_connections.py" if root else None
    if path is None or not path.is_file():
        raise DependencyError("drawing a face's mesh needs mediapipe 0.10.21: pip install 'txt2vid[serve]'")
    file = importlib.util.spec_from_file_location("txt2vid_face_mesh_connections", path)
    if file is None or file.loader is None:
        raise DependencyError(f"{path} cannot be loaded: pip install mediapipe==0.10.21")
    module = importlib.util.module_from_spec(file)
    file.loader.exec_module(module)
    connections: frozenset[tuple[int, int]] = module.FACEMESH_TESSELATION
    return connections
