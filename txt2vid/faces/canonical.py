"""The average face: where the 478 landmarks lie on an upright, frontal, symmetric one, and which mirrors which.

Our own measurement: the mesh's answer on the project's own `sample_data/hero.png`, mouth closed, made symmetric.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from txt2vid.faces.face import Landmarks


@cache
def _table() -> NDArray[np.float64]:
    text = files("txt2vid.faces").joinpath("canonical.txt").read_text(encoding="ascii")
    return np.loadtxt(text.splitlines(), delimiter=",", skiprows=1)


@cache
def canonical() -> Landmarks:
    """(478, 3), in sides of a view that shows the face as the mesh wants it; (0, 0) is the view's middle."""
    return _table()[:, :3].astype(np.float32)


@cache
def mirror() -> NDArray[np.intp]:
    """(478,): the index of each landmark's counterpart on the face's other side."""
    return _table()[:, 3].astype(np.intp)
