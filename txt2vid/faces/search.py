"""Finding faces in a still picture: a ladder of attempts, the cheap and likely ones first.

Each rung shows the detectors another rendering of the picture (padded, magnified in tiles, turned, with its contrast
evened out), and every detection is checked and made exact by the mesh (`found.settle`). The first rung with a
convincing face ends the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.faces import tracker
from txt2vid.faces.crop import View, view_of
from txt2vid.faces.found import Found, plausible, settle

_BOX_MARGIN = 1.5  # the mesh's view over the detector's box (MediaPipe's face_landmark graph)
_LOOSE = 0.05  # spread up to which looks agree well enough where a person says that there is a face
_SURE = 0.5  # a detector's score at which it is usually right
_SAME = 0.35  # faces whose middles are nearer than this many extents are one

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One attempt: views of the picture for the detectors, and the least score that is worth a second look."""

    name: str
    views: tuple[View, ...]
    least: float
    tone: Callable[[Pixels], Pixels] | None = None


def find_faces(picture: Pixels, count: int = 1, least: float | None = None) -> tuple[list[Found], str]:
    """The faces in a picture, largest first, and the name of the rung that ended the search.

    least: a detector's score from which it is believed; None leaves that to each rung. The ladder is climbed until
    `count` faces are there, and to its end where they are not; once there is a face, the rungs that believe faint
    detections are left out.
    """
    faces: list[Found] = []
    for rung in _rungs(picture):
        if faces and rung.least < _SURE:
            continue
        toned = rung.tone(picture) if rung.tone else picture
        bar = rung.least if least is None else least
        seen = [face for view in rung.views for face in _faces_in(toned, view, bar)]
        faces = _distinct([*faces, *(_upright(toned, face) for face in _distinct(seen))])
        if len(faces) >= count:
            return _by_size(faces), rung.name
    return _by_size(faces), "end"


def _by_size(faces: list[Found]) -> list[Found]:
    return sorted(faces, key=lambda face: -face.extent)


def find_nearby(picture: Pixels) -> list[Found]:
    """All faces that a look at the whole picture shows, largest first: the ladder's first rung, for videos."""
    rung = next(_rungs(picture))
    faces = _distinct([face for view in rung.views for face in _faces_in(picture, view, rung.least)])
    return _by_size(faces)


def search_box(picture: Pixels, box: Box, *, thorough: bool = True) -> Found | None:
    """The best face whose middle lies in a box (x, y, width, height) that a person drew; None where there is none.

    The mesh is forced on the box whatever the detectors think; if thorough, in several sizes, tilts and tones.
    """
    x, y, width, height = box
    middle = (x + width / 2, y + height / 2)
    best: Found | None = None
    tones = (None, _lit) if thorough else (None,)
    turns = (0, -30, 30, -60, 60, -90, 90, 180) if thorough else (0,)
    for tone, scale, turn in product(tones, (1.5, 1.2, 1.9), turns):
        toned = tone(picture) if tone else picture
        found = settle(toned, View(*middle, scale * max(width, height), np.radians(turn)))
        if found is None or not _inside(found, box):
            continue
        if found.convincing:
            return found
        if found.score > 0.5 and plausible(found.landmarks) and (best is None or found.spread < best.spread):
            best = found
    return best if best is not None and best.spread < _LOOSE else None


def _inside(found: Found, box: Box) -> bool:
    """Whether a face is the one meant by a box: its middle in it, and its size between half and twice the box's."""
    x, y, width, height = box
    u, v = found.landmarks[:, :2].mean(axis=0)
    ratio = found.extent / np.sqrt(width * height)
    return bool(x <= u <= x + width and y <= v <= y + height and 0.5 < ratio < 1.6)


def _rungs(picture: Pixels) -> Iterator[Rung]:
    height, width = picture.shape[:2]
    side = max(height, width)
    whole = View(width / 2, height / 2, side)
    yield Rung("whole", (whole,), 0.5)
    yield Rung("padded", (whole.moved(scale=1.6),), 0.5)
    yield Rung("tiles", tuple(tiles(width, height, 0.5)), 0.6)
    quarters = tuple(whole.moved(scale=1.42, turn=np.radians(a)) for a in (-30, 30, -60, 60, -90, 90, 180, -120, 120))
    yield Rung("turned", quarters, 0.6)
    yield Rung("lit", (whole, whole.moved(scale=1.6)), 0.5, _lit)
    yield Rung("small tiles", tuple(tiles(width, height, 0.3)), 0.6)
    yield Rung("faint", (whole, whole.moved(scale=1.6), whole.moved(scale=2.5)), 0.2)
    yield Rung("faint, lit", (whole, whole.moved(scale=1.6)), 0.2, _lit)


def tiles(width: int, height: int, part: float) -> Iterator[View]:
    """Overlapping squares, `part` of the longer side each."""
    side = part * max(width, height)
    for y in _steps(height, side):
        for x in _steps(width, side):
            yield View(x, y, side)


def _steps(length: int, side: float) -> list[float]:
    if length <= side:
        return [length / 2]
    count = int(np.ceil((length - side) / (0.5 * side))) + 1
    return [float(p) for p in np.linspace(side / 2, length - side / 2, count)]


def _lit(picture: Pixels) -> Pixels:
    """Contrast evened out locally (CLAHE, Zuiderveld 1994) on lightness alone, dark parts lifted."""
    lab = cv2.cvtColor(picture, cv2.COLOR_BGR2LAB)
    light = cv2.createCLAHE(clipLimit=4.0, tileGridSize=(8, 8)).apply(lab[:, :, 0])
    lab[:, :, 0] = (255 * (light / 255.0) ** 0.7).astype(np.uint8)
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), np.uint8)


def _faces_in(picture: Pixels, view: View, least: float) -> Iterator[Found]:
    for full_range in (False, True):
        detector = tracker.detector(full_range)
        drawn = view.draw(picture, detector.side, cv2.BORDER_CONSTANT)
        for detection in detector(drawn):
            if detection.score < least:
                break
            found = settle(picture, detected_view(detection, view, detector.side))
            if found is not None and found.convincing:
                yield found


def detected_view(detection: tracker.Detection, view: View, pixels: int) -> View:
    """The view of the picture that the mesh should look at, from a detection in the drawn view."""
    x, y, width, height = detection.box
    right, left = detection.points[:2]
    middle = np.array([[x + width / 2, y + height / 2, 0]], np.float32)
    at = view.to_picture(middle, pixels)[0]
    turn = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
    side = _BOX_MARGIN * max(width, height) * view.side / pixels
    return View(float(at[0]), float(at[1]), side, view.angle + turn)


def _upright(picture: Pixels, face: Found) -> Found:
    """The face the right way up: an upside-down one looks like a bearded face to the networks, but less steadily so."""
    other = settle(picture, view_of(face.landmarks).moved(turn=np.pi))
    return other if other is not None and other.convincing and other.spread < face.spread else face


def _distinct(faces: list[Found]) -> list[Found]:
    """Each face once: of those that lie on each other, the one whose looks agree best."""
    kept: list[Found] = []
    for face in sorted(faces, key=lambda f: f.spread):
        middle = face.landmarks[:, :2].mean(axis=0)
        if all(np.linalg.norm(middle - k.landmarks[:, :2].mean(axis=0)) > _SAME * k.extent for k in kept):
            kept.append(face)
    return kept
