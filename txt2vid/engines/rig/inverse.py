"""The inverse of a field of displacements: which place does a node's skin come from?

Places and displacements are complex numbers, x + iy, in nodes: a handful of numpy's calls on small arrays is all the
time there is, and complex arithmetic needs a third of them.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from txt2vid.engines.rig import imaging

Plane = NDArray[np.complex64]
"""Places or displacements (layers, rows, columns), x + iy."""

_GENTLE = 0.25  # slope up to which plain iteration gets near fast
_THROW = 4.0  # nodes that Newton's method finds its way over in one go
_LEAP = 4.0  # nodes: the longest step of Newton's method
_STEPS = 4  # of either method: gentle iteration shrinks the error by the slope each, Newton's squares it
_STAGE_STEPS = 2  # of Newton's method, where the next stage goes on
_NEAR = 0.01  # nodes: root of the mean square of what is missed that is as good as nothing (0.02 to 0.07 pixels)
_WORST = 0.15  # nodes: the most that any node may miss then; imaging.sample knows places to 1/32 of a node only


@functools.lru_cache(maxsize=64)
def nodes(rows: int, columns: int) -> Plane:
    """Each node's own place (rows, columns); read-only."""
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    plane = np.asarray(x + 1j * y, np.complex64)
    plane.setflags(write=False)
    return plane


def inverted(field: Plane) -> Plane:
    """The b with b(y) + field(b(y)) = y for every node y, of each layer."""
    across, down = _slopes(field)
    if max(imaging.largest(across), imaging.largest(down)) < _GENTLE:
        return _by_iteration(field)
    return _by_newton(field, across, down)


def _slopes(field: Plane) -> tuple[Plane, Plane]:
    """How the field changes along x, and along y, per node; half of it at the edge, where it goes on level."""
    across, down = np.empty_like(field), np.empty_like(field)
    np.subtract(field[..., 2:], field[..., :-2], out=across[..., 1:-1])
    np.subtract(field[..., 1], field[..., 0], out=across[..., 0])
    np.subtract(field[..., -1], field[..., -2], out=across[..., -1])
    np.subtract(field[:, 2:], field[:, :-2], out=down[:, 1:-1])
    np.subtract(field[:, 1], field[:, 0], out=down[:, 0])
    np.subtract(field[:, -1], field[:, -2], out=down[:, -1])
    across *= np.float32(0.5)
    down *= np.float32(0.5)
    return across, down


def _is_near(missed: Plane) -> bool:
    return imaging.length(missed) < _NEAR * missed.size**0.5 and imaging.largest(missed) < _WORST


def _by_iteration(field: Plane) -> Plane:
    """b(y) = y - field(b(y)), again and again."""
    own = nodes(*field.shape[1:])
    seen: Plane = own - field
    for _ in range(_STEPS):
        found = own - imaging.sample_planes(field, seen)
        near = _is_near(found - seen)
        seen = found
        if near:
            break
    return seen


def _by_newton(field: Plane, across: Plane, down: Plane) -> Plane:
    """A far throw is inverted in stages: each starts from what the one before found."""
    own = nodes(*field.shape[1:])
    stages = 1 + int(imaging.largest(field) / _THROW)
    seen: Plane = own - field * np.float32(0.5 / stages)
    down = down * np.complex64(1j)
    turning, shearing = across - down, across + down
    for stage in range(1, stages + 1):
        part = np.float32(stage / stages)
        share = field if stage == stages else field * part
        inverse = _inverse_slopes(turning * (part / 2), shearing * (part / 2))
        for _ in range(_STEPS if stage == stages else _STAGE_STEPS):
            missed = own - seen
            missed -= imaging.sample_planes(share, seen)
            if _is_near(missed):
                break
            slopes = imaging.sample_planes(inverse, seen)
            step = slopes[..., 0] * missed
            np.conjugate(missed, out=missed)
            missed *= slopes[..., 1]
            step += missed
            if imaging.largest(step) > _LEAP:
                parts = step.view(np.float32)
                np.clip(parts, -_LEAP, _LEAP, out=parts)
            seen += step
    return seen


def _inverse_slopes(turning: Plane, shearing: Plane) -> Plane:
    """(..., 2): p, q with which p * r + q * conj(r) solves (1 + turning) * s + shearing * conj(s) = r."""
    turning += 1
    squares = np.square(turning.view(np.float32))
    squares -= np.square(shearing.view(np.float32))
    determinant = squares[..., ::2] + squares[..., 1::2]
    np.maximum(determinant, 0.15, out=determinant)
    scale = np.reciprocal(determinant, out=determinant).astype(np.complex64)
    np.conjugate(turning, out=turning)
    inverse = np.empty((*scale.shape, 2), np.complex64)
    np.multiply(turning, scale, out=inverse[..., 0])
    np.negative(scale, out=scale)
    np.multiply(shearing, scale, out=inverse[..., 1])
    return inverse
