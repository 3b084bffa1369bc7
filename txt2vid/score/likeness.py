"""How alike two faces move: what drove, and what was made of it, both as the face mesh measures them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.media import Pixels
from txt2vid.drivers.neutral import openings, widths
from txt2vid.drivers.video import rotation_of
from txt2vid.faces.face import Landmarks
from txt2vid.faces.following import Finder
from txt2vid.faces.head import Head, head_of
from txt2vid.faces.landmarks import NOSE_BASE, TEMPLES
from txt2vid.ffmpeg.decode import VideoReader, even_size
from txt2vid.ffmpeg.probe import probe

LONGEST = 960  # pixels that are looked at
MOVES = {"gap": 0.008, "opening": 0.02, "yaw": 1.5}
"""What is measured, and the deviation from which it is a movement; less is mostly the mesh's own noise.

gap: between the inner lips, in face heights. opening: of both eyes, height over width. yaw: degrees.
"""
LEAST = 25  # frames that are compared

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moves:
    """What a face does, frame by frame, (frames,) each by its name in MOVES; NaN where there is none."""

    curves: dict[str, Curve]
    proportions: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.curves["gap"])


def moves_of(path: Path) -> Moves:
    """Measures a video at its own frame rate. proportions: (frames, n) as `proportions_of`, NaN where none."""
    stream = probe(path).video
    if stream is None:
        raise ValueError(f"{path} is no video")
    rows, shapes, finder = [], [], Finder()
    with VideoReader(path, even_size(stream.width, stream.height, LONGEST)) as reader:
        for index, frame in enumerate(reader):
            points = finder.look(frame.pixels, float(index / reader.fps))
            head = head_of(points) if points is not None else None
            rows.append(_row(head))
            shapes.append(proportions_of(head) if head is not None else np.full(len(PROPORTIONS), np.nan))
    table = np.array(rows, np.float64).reshape(len(rows), len(MOVES))
    return Moves(dict(zip(MOVES, table.T, strict=True)), np.array(shapes))


def _row(head: Head | None) -> tuple[float, ...]:
    if head is None:
        return (np.nan,) * len(MOVES)
    return head.gap, float(openings(head.points).mean()), -float(np.degrees(rotation_of(head.turn)[1]))


def likeness(first: Moves, second: Moves) -> dict[str, tuple[float, float]]:
    """Pearson's correlation of each curve, and how far the first's deviates; NaN where too little is known of it."""
    found = {}
    count = min(len(first), len(second))
    for name in MOVES:
        a, b = first.curves[name][:count], second.curves[name][:count]
        both = np.isfinite(a) & np.isfinite(b)
        if both.sum() < LEAST or min(a[both].std(), b[both].std()) < 1e-9:
            found[name] = (float("nan"), float("nan"))
        else:
            found[name] = (float(np.corrcoef(a[both], b[both])[0, 1]), float(a[both].std()))
    return found


PROPORTIONS = ("face width", "eyes apart", "right eye", "left eye", "nose length", "nose width", "mouth width")


def proportions_of(head: Head) -> NDArray[np.float64]:
    """(n,) a face's own measures as PROPORTIONS, against its bones: an open jaw makes no face longer."""
    points = head.points

    def apart(one: int, other: int) -> float:
        return float(np.linalg.norm(points[one] - points[other]))

    lengths = [apart(*TEMPLES), apart(133, 362), apart(33, 133), apart(362, 263), apart(168, NOSE_BASE), apart(98, 327)]
    return np.array([*lengths, float(widths(points))])


def followed(picture: Pixels) -> Landmarks:
    """A picture's landmarks as they are seen in a video of it: by one look a frame.

    A picture is prepared with the mean of several looks, mirrored ones among them. Of a drawn hero the two differ by
    2 % of its proportions, which are no change of the hero's. Raises ValueError where it shows no face.
    """
    finder = Finder()
    looks = [finder.look(picture, time) for time in (0.0, 0.04, 0.08)]  # until the view has settled
    if looks[-1] is None:
        raise ValueError("the picture shows no face")
    return looks[-1]


def at_rest(moves: Moves, landmarks: Landmarks) -> NDArray[np.float64]:
    """(n,) by what share each of a hero's PROPORTIONS, where a video of it is at rest, is more than in its picture.

    At rest: the tenth of its frames whose mouth is most shut, whose eyes are open and whose head is frontal. Who drives
    it may purse their lips or smile in all of those: then the mouth is not as wide as in the picture.
    landmarks: of the picture, as `followed`.
    """
    head = head_of(landmarks)
    if head is None:
        raise ValueError("the hero shows no face")
    gap, opening, yaw = (moves.curves[name] for name in MOVES)
    known = np.isfinite(gap)
    away = gap / 0.02 + np.abs(opening / np.nanpercentile(opening, 60) - 1) / 0.1 + np.abs(yaw - np.nanmedian(yaw)) / 5
    order = np.argsort(np.where(known, away, np.inf))[: max(5, int(known.sum()) // 10)]
    mine = np.median(moves.proportions[order], axis=0)
    return np.asarray(mine / proportions_of(head) - 1)
