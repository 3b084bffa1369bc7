"""Which pixels belong to the person: a soft outline of a still picture, true to its edges."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.faces import tracker
from txt2vid.faces.crop import View
from txt2vid.faces.face import Landmarks
from txt2vid.faces.landmarks import OVAL

_WORK = 1280  # pixels of the longer side at which edges are refined; larger pictures get this matte enlarged
_REACH = 4.2  # side of the close look, in face sizes: head, hair and shoulders
_STEEP = 3  # by how much the network's blurred edge is narrowed before the picture's own edge takes over
_PLAIN = 12  # levels of 255 within which a background is of one colour
_PLAIN_EDGE = 0.8  # of the picture's edge that has to show it
_COVERED = 0.75  # of the face oval: less, and the network has not seen the person
_LEAST_OUTSIDE = 0.02  # of the picture that is background: with less there is nothing to tell apart

Matte = NDArray[np.uint8]
Mask = NDArray[np.float32]


def person_matte(picture: Pixels, points: Landmarks) -> Matte | None:
    """uint8 (height, width), 255 where the person is; None where none can be told from the ground.

    Selfie segmentation on a close look (and on the whole picture for what lies farther away), then a guided filter
    (He et al. 2010) with the picture as guide, which moves the soft edge onto hair and shoulders. Drawings that the
    network does not take for a person are outlined where they lie on a ground of one colour.
    """
    height, width = picture.shape[:2]
    factor = min(1.0, _WORK / max(height, width))
    small = picture
    if factor < 1:
        small = np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    scaled = points * np.float32(factor)
    oval = face_oval(small.shape[:2], scaled)
    rough = _segmented(small, scaled)
    if _makes_sense(rough, oval):
        fine = _refined(small, rough, scaled)
    else:
        fine = _before_plain_ground(small)
        if not _makes_sense(fine, oval):
            return None
    fine = np.maximum(fine, np.asarray(cv2.GaussianBlur(oval, (0, 0), 1.0), np.float32) * (oval > 0))
    if factor < 1:
        fine = np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.clip(fine * 255 + 0.5, 0, 255).astype(np.uint8)


def face_oval(shape: tuple[int, ...], points: Landmarks) -> Mask:
    """(height, width), 1 inside the face's outline."""
    mask = np.zeros(shape, np.float32)
    cv2.fillPoly(mask, [np.round(points[list(OVAL), :2]).astype(np.int32)], (1.0,))
    return mask


def _extent(points: Landmarks) -> float:
    return float(np.ptp(points[:, :2], axis=0).max())


def _segmented(picture: Pixels, points: Landmarks) -> Mask:
    """The network's answer for the whole picture, overlaid by that for a close look."""
    height, width = picture.shape[:2]
    extent = _extent(points)
    whole = _look(picture, View(width / 2, height / 2, max(height, width)))
    side = _REACH * extent
    if side > 0.85 * max(height, width):
        return whole
    x, y = (float(v) for v in points[:, :2].mean(axis=0))
    view = View(x, y + 0.25 * extent, side)
    close = _look(picture, view)
    weight = _fading(picture.shape[:2], view)
    blended: Mask = whole * (1 - weight) + close * weight
    return blended


def _look(picture: Pixels, view: View) -> Mask:
    """The segmentation of one view, laid back into the picture."""
    side = tracker.SEGMENTATION_SIDE
    mask = tracker.segmenter()(view.draw(picture, side))
    matrix = view.matrix(side)
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    size = (picture.shape[1], picture.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(mask, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(laid, np.float32)


def _fading(shape: tuple[int, ...], view: View) -> Mask:
    """1 in the middle of the view, 0 at its edge and outside, except where the picture ends first."""
    height, width = shape
    margin = 0.15 * view.side
    xs = np.arange(width) + 0.5
    ys = np.arange(height) + 0.5
    inside_x = np.clip((view.side / 2 - np.abs(xs - view.x)) / margin, 0, 1)
    inside_y = np.clip((view.side / 2 - np.abs(ys - view.y)) / margin, 0, 1)
    weight: Mask = np.minimum(inside_x[None], inside_y[:, None]).astype(np.float32)
    return weight


def _makes_sense(mask: Mask, oval: Mask) -> bool:
    area = float(oval.sum())
    if area < 1:
        return False
    covered = float((mask * oval).sum()) / area
    return covered > _COVERED and float((mask < 0.5).mean()) > _LEAST_OUTSIDE


def _before_plain_ground(picture: Pixels) -> Mask:
    """What stands out from a background of one colour that touches the picture's edge: for drawings; else all zeros."""
    height, width = picture.shape[:2]
    edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]).astype(np.float32)
    ground = np.median(edge, axis=0)
    plain = np.abs(edge - ground).max(axis=1) < _PLAIN
    if plain.mean() < _PLAIN_EDGE:
        return np.zeros((height, width), np.float32)
    alike = (np.abs(picture.astype(np.float32) - ground).max(axis=2) < _PLAIN).astype(np.uint8)
    _, labels = cv2.connectedComponents(alike, connectivity=4)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    outside = np.isin(labels, np.unique(rim[rim > 0]))
    return cv2.GaussianBlur((~outside).astype(np.float32), (0, 0), 0.7).astype(np.float32)


def _refined(picture: Pixels, mask: Mask, points: Landmarks) -> Mask:
    radius = max(2, round(0.04 * _extent(points)))
    guide = picture.astype(np.float32) / 255
    steep = np.clip(_STEEP * (mask - 0.5) + 0.5, 0, 1).astype(np.float32)
    soft = cv2.ximgproc.guidedFilter(guide, steep, radius, 1e-4)
    clear: Mask = np.clip((soft - 0.1) / 0.8, 0, 1).astype(np.float32)  # the filter leaves a haze: both ends are cut
    return clear
