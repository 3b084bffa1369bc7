"""From a rough place to exact landmarks: looking again, averaging, and deciding whether it is a face at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.faces import tracker
from txt2vid.faces.canonical import canonical, mirror
from txt2vid.faces.crop import View, rows, view_of
from txt2vid.faces.face import Landmarks

_LOOKS = 4  # the view settles within so many looks, or there is no face
_SETTLED = 0.02  # of the view's side: how far the middle may still move
_JITTER = ((0.0, 0.0, 1.0, 0.0), (0.02, 0.0, 1.06, 0.05), (-0.02, 0.02, 0.94, -0.05), (0.0, -0.02, 1.0, 0.0))

# Down a face: the forehead's top, both brows, both upper lids, the nose's tip, both lips, the chin; and their means.
_GROUPS = np.array((10, 105, 334, 159, 386, 4, 13, 14, 152))
_DOWN = np.zeros((6, len(_GROUPS)), np.float32)
for _row, _columns in enumerate(((0,), (1, 2), (3, 4), (5,), (6, 7), (8,))):
    _DOWN[_row, list(_columns)] = 1 / len(_columns)


@dataclass(frozen=True, slots=True)
class Found:
    """A face in a picture.

    landmarks: in pixels of the picture.
    score: the network's own probability that it is a face, in [0, 1].
    spread: how much the landmarks differ between looks and mirrored looks, in face widths: 0.01 is a clear face.
    box: x, y, width, height where a detector of its own saw the face; None where the mesh did.
    """

    landmarks: Landmarks
    score: float
    spread: float
    box: tuple[float, float, float, float] | None = None

    @property
    def extent(self) -> float:
        """The face's size in pixels: the geometric mean of its width and height."""
        width, height = np.ptp(self.landmarks[:, :2], axis=0)
        return float(np.sqrt(width * height))

    @property
    def convincing(self) -> bool:
        """Whether this is a face beyond doubt; a ladder of attempts ends here."""
        return self.score > 0.5 and self.spread < 0.02 and plausible(self.landmarks)


def look(picture: Pixels, view: View, *, flipped: bool = False) -> tuple[Landmarks, float]:
    """The mesh's answer for one view, in pixels of the picture."""
    side = tracker.MESH_SIDE
    crop = view.draw(picture, side)
    if not flipped:
        points, score = tracker.mesh()(crop)
        return view.to_picture(points, side), score
    points, score = tracker.mesh()(np.ascontiguousarray(crop[:, ::-1]))
    points = points[mirror()]
    points[:, 0] = side - points[:, 0]
    return view.to_picture(points, side), score


def settle(picture: Pixels, view: View, least: float = 0.05) -> Found | None:
    """Looks, centres on what was seen, and looks again until that stays; then averages mirrored and moved looks.

    least: the score below which a look is given up. None where nothing like a face was seen.
    """
    for _ in range(_LOOKS):
        points, score = look(picture, view)
        if score < least or not _sane(points, view):
            return None
        nearer = view_of(points)
        moved = np.hypot(nearer.x - view.x, nearer.y - view.y) / view.side
        settled = moved < _SETTLED and abs(nearer.side / view.side - 1) < 2 * _SETTLED
        view = nearer
        if settled:
            break
    return _averaged(picture, view)


def _averaged(picture: Pixels, view: View) -> Found:
    looks, scores = [], []
    for i, (dx, dy, scale, turn) in enumerate(_JITTER):
        for flipped in (False, True) if i == 0 else (bool(i % 2),):
            points, score = look(picture, view.moved(dx, dy, scale, turn), flipped=flipped)
            looks.append(points)
            scores.append(score)
    stack = np.stack(looks)
    mean = np.median(stack, axis=0) if len(looks) > 2 else stack.mean(axis=0)
    width = max(1e-3, float(np.linalg.norm(mean[234, :2] - mean[454, :2])))
    spread = float(np.linalg.norm(stack[:, :, :2] - mean[:, :2], axis=2).mean()) / width
    return Found(mean.astype(np.float32), float(np.median(scores)), spread)


def _sane(points: Landmarks, view: View) -> bool:
    """Whether the answer stays near the view and has some size."""
    middle = points[:, :2].mean(axis=0)
    extent = np.ptp(points[:, :2], axis=0).max()
    near = np.abs(middle - (view.x, view.y)).max() < view.side
    return bool(near and 0.15 * view.side < extent < 2 * view.side)


def plausible(points: Landmarks, view: View | None = None) -> bool:
    """Whether landmarks are laid out like a face: brows over eyes over nose over mouth over chin, sides in order.

    view: `view_of` the landmarks, where it is known.
    """
    view = view or view_of(points)
    c, s = math.cos(view.angle), math.sin(view.angle)
    across, along = np.array([[c, s], [-s, c]], np.float32) @ rows(points)
    width, height = float(across.max() - across.min()), float(along.max() - along.min())
    down = _DOWN @ along[_GROUPS]
    ordered = bool((down[1:] - down[:-1] > 0.02 * height).all())
    eyes_apart = float(across[263] - across[33])
    mouth_wide = float(across[291] - across[61])
    shaped = 0.35 * height < width < 1.5 * height and eyes_apart > 0.25 * width
    return ordered and shaped and 0.08 * width < mouth_wide < 0.9 * width


def fitted(box: tuple[float, float, float, float]) -> Landmarks:
    """The average face stretched into a box (x, y, width, height): for a face that no network sees."""
    x, y, width, height = box
    average = canonical()
    low, high = average[:, :2].min(axis=0), average[:, :2].max(axis=0)
    points = np.empty_like(average)
    points[:, :2] = (average[:, :2] - low) / (high - low) * (width, height) + (x, y)
    points[:, 2] = average[:, 2] * width / (high[0] - low[0])
    return points
