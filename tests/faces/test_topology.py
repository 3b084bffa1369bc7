from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np

from txt2vid.faces.canonical import canonical
from txt2vid.faces.face import LANDMARKS
from txt2vid.faces.landmarks import OVAL
from txt2vid.faces.topology import CONTOURS, filling, surface, tesselation, triangles


def test_counts() -> None:
    assert tesselation().shape == (1322, 2)
    assert triangles().shape == (852, 3)
    assert filling().shape == (46, 3)
    assert surface().shape == (898, 3)


def test_the_surface_is_one_sheet_with_the_oval_as_its_rim() -> None:
    edges = Counter(tuple(sorted(edge)) for ring in surface().tolist() for edge in combinations(ring, 2))
    assert set(edges.values()) == {1, 2}
    rim = {edge for edge, count in edges.items() if count == 1}
    assert rim == {tuple(sorted(edge)) for edge in zip(OVAL, OVAL[1:] + OVAL[:1], strict=True)}
    assert {i for edge in edges for i in edge} == set(range(468))
    assert len(set(range(468))) - len(edges) + len(surface()) == 1  # Euler: a disc


def test_all_triangles_are_turned_alike() -> None:
    directed = Counter((ring[i], ring[(i + 1) % 3]) for ring in surface().tolist() for i in range(3))
    assert set(directed.values()) == {1}
    a, b, c = (canonical()[surface()[:, i], :2] for i in range(3))
    clockwise = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] > 0
    assert clockwise.mean() > 0.95  # the average face hides a few below its nostrils and lids


def test_contours_are_landmarks() -> None:
    for rows in CONTOURS.values():
        for row in rows:
            assert 0 <= min(row) <= max(row) < LANDMARKS
    assert np.unique([i for rows in CONTOURS.values() for row in rows for i in row]).size > 100
