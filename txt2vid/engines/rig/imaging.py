"""What the rig asks of OpenCV, each in one typed call; the only file of the rig that imports it.

Everything works on 8-bit pictures in integer arithmetic: a frame has 4 ms.
"""

from __future__ import annotations

from typing import Any, TypeVar

import cv2 as _cv2
import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.faces.geometry import Array

_cv: Any = _cv2  # its stubs know neither which type comes back nor that a second map may be left out


Value = TypeVar("Value", np.uint8, np.float32)

Box = tuple[int, int, int, int]
"""A rectangle: x, y, width, height."""

Planes = NDArray[np.complex64]
"""Pairs of numbers as x + iy."""

MAGNIFIED_UP_TO = 1 << 21  # pixels of a texture; larger pictures have detail to spare, and memory not


def sample(picture: Pixels, where: Array, result: Pixels | None = None) -> Pixels:
    """The picture at places (h, w, 2), x and y in its pixels, bilinear; beyond its edge the edge goes on.

    result: is filled with it, where given.
    """
    found: Pixels = _cv.remap(picture, where, None, _cv.INTER_LINEAR, result, borderMode=_cv.BORDER_REPLICATE)
    return found


def sample_field(field: Array, where: Array) -> Array:
    """A float32 field (rows, columns, up to 4) at places (h, w, 2) in its own nodes, bilinear."""
    result: Array = _cv.remap(field, where, None, _cv.INTER_LINEAR, borderMode=_cv.BORDER_REPLICATE)
    return result


def sample_planes(planes: Planes, where: Planes) -> Planes:
    """Planes (layers, rows, columns[, 2]) at places x + iy (layers, rows, columns) in their own nodes, bilinear.

    Places are known to 1/32 of a node.
    """
    found = np.empty_like(planes)
    values, places, results = _pairs(planes), _pairs(where), _pairs(found)
    for layer in range(len(planes)):
        _cv.remap(values[layer], places[layer], None, _cv.INTER_LINEAR, results[layer], _cv.BORDER_REPLICATE)
    return found


def _pairs(planes: Planes) -> Array:
    return planes.view(np.float32).reshape(*planes.shape[:3], -1)


def nearest(plane: Pixels, where: Planes) -> Pixels:
    """A plane (rows, columns) at places x + iy (rows, columns), each as the nearest pixel; the edge goes on."""
    places = where.view(np.float32).reshape(*where.shape, 2)
    result: Pixels = _cv.remap(plane, places, None, _cv.INTER_NEAREST, borderMode=_cv.BORDER_REPLICATE)
    return result


def largest(planes: Planes) -> float:
    """The largest of all real and imaginary parts, without their signs."""
    return float(_cv.norm(planes.reshape(-1).view(np.float32), _cv.NORM_INF))


def length(planes: Planes) -> float:
    """The root of the sum of all squares."""
    return float(_cv.norm(planes.reshape(-1).view(np.float32), _cv.NORM_L2))


def enlarge_places(plane: Planes, step: int) -> Array:
    """Places (rows, columns) over step times the nodes, as float32 pairs, without the nodes at the edge; bilinear."""
    rows, columns = plane.shape
    wide = _cv.resize(
        plane.view(np.float32).reshape(rows, columns, 2), (columns * step, rows * step), interpolation=_cv.INTER_LINEAR
    )
    inside: Array = wide[step:-step, step:-step]
    return inside


def enlarge(field: Array, width: int, height: int) -> Array:
    """A float32 field over more nodes, bilinear; cell middles stay where they are."""
    result: Array = _cv.resize(field, (width, height), interpolation=_cv.INTER_LINEAR)
    return result


def halve(field: Array) -> Array:
    """A float32 field over half the nodes, smoothed (Burt and Adelson 1983)."""
    result: Array = _cv.pyrDown(field)
    return result


def move(layer: Pixels, matrix: Array, size: tuple[int, int], *, edges: bool = False) -> Pixels:
    """A layer moved by an affine map (2, 3) onto a picture of `size` (width, height).

    What comes in from outside is transparent, or the edge where asked.
    """
    border = _cv.BORDER_REPLICATE if edges else _cv.BORDER_CONSTANT
    result: Pixels = _cv.warpAffine(layer, matrix, size, flags=_cv.INTER_LINEAR, borderMode=border)
    return result


def repeat(plane: Pixels, channels: int = 3) -> Pixels:
    """One plane (h, w) as so many equal channels."""
    result: Pixels = _cv.merge([plane] * channels)
    return result


def shade(picture: Pixels, light: Pixels) -> Pixels:
    """Picture times light / 255, rounded; equal shapes."""
    result: Pixels = _cv.multiply(picture, light, scale=1 / 255)
    return result


def scaled(plane: Pixels, by: float) -> Pixels:
    """Values times a number, rounded, held at 255."""
    result: Pixels = _cv.convertScaleAbs(plane, None, by)
    return result


def add(one: Pixels, other: Pixels) -> Pixels:
    """The sum, held at 255."""
    result: Pixels = _cv.add(one, other)
    return result


def invert(plane: Pixels) -> Pixels:
    """255 minus the values."""
    result: Pixels = _cv.bitwise_not(plane)
    return result


def mix(front: Pixels, behind: Pixels, alpha: Pixels) -> Pixels:
    """Front through alpha over behind; all of one shape (h, w, 3)."""
    return add(shade(front, alpha), shade(behind, invert(alpha)))


def over(top: Pixels, under: Pixels) -> Pixels:
    """A premultiplied BGRA picture over a BGR or BGRA one of the same size (Porter and Duff 1984)."""
    channels = under.shape[2]
    through = repeat(invert(plane(top, 3)), channels)
    return add(top if channels == 4 else colours(top), shade(under, through))


def opening(cover: Pixels) -> Box:
    """The smallest rectangle that holds all that is not covered wholly: x, y, width, height; without any, 0 wide."""
    box: Box = _cv.boundingRect(invert(cover))
    return box


def plane(picture: Pixels, channel: int) -> Pixels:
    """One channel as a plane of its own."""
    result: Pixels = _cv.extractChannel(picture, channel)
    return result


def colours(picture: Pixels) -> Pixels:
    """BGRA without its A."""
    result: Pixels = _cv.cvtColor(picture, _cv.COLOR_BGRA2BGR)
    return result


def opaque(picture: Pixels) -> Pixels:
    """BGR as BGRA that hides what is behind it."""
    result: Pixels = _cv.cvtColor(picture, _cv.COLOR_BGR2BGRA)
    return result


def lay(under: Pixels, picture: Pixels, mask: Pixels) -> None:
    """Puts a picture where the mask (h, w) is not 0; in place."""
    _cv.copyTo(picture, mask, under)


def grey(picture: Pixels) -> Array:
    """Luma of a BGR picture (ITU-R BT.601), float32 in 0..255."""
    return np.asarray(_cv.cvtColor(picture, _cv.COLOR_BGR2GRAY), np.float32)


def soften(plane: Array, sigma: float) -> Array:
    """A float32 plane blurred by a Gaussian of so many pixels."""
    result: Array = _cv.GaussianBlur(plane, (0, 0), sigma)
    return result


def overcast(cover: Pixels, box: Box, reach: int) -> Pixels:
    """How much covers (0 to 255) a box of a plane: averaged over `reach` pixels, more of them above than below."""
    left, top, width, height = box
    x, y = max(left - reach, 0), max(top - reach, 0)
    near = cover[y : top + height + reach, x : left + width + reach]
    mean: Pixels = _cv.blur(near, (reach, reach), anchor=(reach // 2, reach - 1 - reach // 4))
    return mean[top - y : top - y + height, left - x : left - x + width]


def looked_up(plane: Pixels, curve: NDArray[Value]) -> NDArray[Value]:
    """A plane (h, w) as three channels, each by its own curve (1, 256, 3), of the curve's type."""
    result: NDArray[Value] = _cv.LUT(repeat(plane), curve)
    return result


def grow(mask: Pixels, pixels: int) -> Pixels:
    """The largest value within so many pixels."""
    result: Pixels = _cv.dilate(mask, np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8))
    return result


def heal(picture: Pixels, missing: Pixels, reach: int) -> Pixels:
    """What is missing (non-zero) filled in from around (Telea 2004)."""
    result: Pixels = _cv.inpaint(np.ascontiguousarray(picture), missing, reach, _cv.INPAINT_TELEA)
    return result


def pad(picture: Pixels, top: int, bottom: int, left: int, right: int) -> Pixels:
    """The picture with its edges going on for so many pixels."""
    result: Pixels = _cv.copyMakeBorder(picture, top, bottom, left, right, _cv.BORDER_REPLICATE)
    return result


def detail_of(patch: Pixels) -> int:
    """How much a texture is magnified before it is sampled: sampled as it is, each warp would soften it."""
    return 2 if patch.shape[0] * patch.shape[1] <= MAGNIFIED_UP_TO else 1


def magnify(picture: Pixels, times: int) -> Pixels:
    """The picture with so many pixels for each one, bicubic (Keys 1981)."""
    if times == 1:
        return picture
    size = (picture.shape[1] * times, picture.shape[0] * times)
    result: Pixels = _cv.resize(picture, size, interpolation=_cv.INTER_CUBIC)
    return result


def polygon(mask: Pixels, points: Array) -> None:
    """Fills a polygon (n, 2) of a mask with 255."""
    _cv.fillPoly(mask, [np.rint(points).astype(np.int32)], 255)


def hull(points: Array) -> Array:
    """The convex hull of points (n, 2), as a polygon."""
    return np.asarray(_cv.convexHull(points.astype(np.float32))[:, 0], np.float32)


def erase_disc(mask: Pixels, middle: Array, radius: float) -> None:
    """Clears a disc of a mask."""
    _cv.circle(mask, np.rint(middle).astype(int).tolist(), round(radius), 0, -1)


def rotation(vector: Array) -> Array:
    """The matrix (3, 3) of a rotation vector in radians (Rodrigues 1840)."""
    return np.asarray(_cv.Rodrigues(vector.astype(np.float64))[0], np.float32)
