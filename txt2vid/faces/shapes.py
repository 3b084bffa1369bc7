"""How each of ARKit's coefficients moves the 478 landmarks of a face.

Written for this project from anatomy and from the pictures of Apple's documentation (ARFaceAnchor.BlendShapeLocation):
a displacement per landmark and coefficient along the face's own axes, in units of the mouth's or the face's width, so
that a broad face and a small one move in proportion. Sizes: a mouth at rest is about 50 mm wide, the lower lip drops by
about 31 mm when the jaw is open as far as ARKit's 1, corners of a smile travel by about 9 mm.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from txt2vid.core.motion import BLENDSHAPES, INDEX
from txt2vid.faces import landmarks as lm
from txt2vid.faces.face import LANDMARKS, Landmarks
from txt2vid.faces.geometry import Array, FaceAxes, facing, smoothstep

JAW_DROP = 0.60  # of the mouth's width: how far the lower lip goes at jawOpen 1
_LIP_ROWS = 4


def under_lip(landmarks: Landmarks, axes: FaceAxes) -> Array:
    """(478,) weight of the skin under the lower lip that comes along when the lip alone is raised or lowered."""
    at = axes.local(landmarks, axes.mouth) / (axes.mouth_width / 2)
    lip = {i for rows in (lm.UPPER_LIP, lm.LOWER_LIP) for row in rows for i in row}
    weight = np.where(at[:, 1] > at[17, 1] - 0.35, (1 - smoothstep(0.25, 1.45, np.abs(at[:, 0]))), 0)
    weight[sorted(lip)] = 0
    return np.asarray(weight, np.float32)


class Shapes:
    """Displacements of the landmarks for each coefficient: float32 (52, 478, 3), in pixels of the picture."""

    def __init__(self, landmarks: Landmarks, axes: FaceAxes) -> None:
        self._landmarks = landmarks
        self._axes = axes
        self._mw = axes.mouth_width
        self._at = axes.local(landmarks, axes.mouth)  # pixels along the face's axes, from the mouth's middle
        self._u = self._at[:, 0] / (self._mw / 2)
        self._v = self._at[:, 1] / (self._mw / 2)
        self._side = smoothstep(-0.25, 0.25, self._u)  # 0 on the subject's right, 1 on the left
        # What moves sideways moves less towards the edge of a head that is turned: beyond it there is background.
        self._inside = smoothstep(-0.1, 0.5, facing(landmarks, axes))
        self._lip = self._lip_positions()
        self._local = np.zeros((len(BLENDSHAPES), LANDMARKS, 3), np.float32)
        self._jaw()
        self._lips_shape()
        self._lips_sides()
        self._cheeks()
        self._eyes()
        self._brows()

    @property
    def displacements(self) -> Array:
        """float32 (52, 478, 3) in pixels along the picture's axes."""
        return np.asarray(self._local @ self._axes.axes, np.float32)

    @property
    def corner_pulls(self) -> Array:
        """float32 (2, 478, 3) in pixels: how far jawOpen pulls the left and the right corner along."""
        sides = np.stack([self._side, 1 - self._side])[..., None]
        return np.asarray((sides * self._pull) @ self._axes.axes, np.float32)

    # -- where things are --------------------------------------------------------------------------------------------

    def _lip_positions(self) -> dict[str, tuple[list[int], Array, Array]]:
        """For each lip: landmark indexes, place along the lip (-1 to 1), depth in it (0 at the skin, 1 at the seam)."""
        positions = {}
        for name, rows in (("upper", lm.UPPER_LIP), ("lower", lm.LOWER_LIP)):
            indexes = [i for row in rows for i in row]
            along = np.tile(np.linspace(-1, 1, len(rows[0]), dtype=np.float32), _LIP_ROWS)
            depth = np.repeat(np.linspace(0, 1, _LIP_ROWS, dtype=np.float32), len(rows[0]))
            positions[name] = (indexes, along, depth)
        return positions

    def _bump(self, u: float, v: float, ru: float, rv: float) -> Array:
        """A smooth weight of 1 at (u, v), falling to 0 at `ru`, `rv` (units: half a mouth's width)."""
        d2 = ((self._u - u) / ru) ** 2 + ((self._v - v) / rv) ** 2
        return np.asarray(np.where(d2 < 1, (1 - np.minimum(d2, 1)) ** 2, 0), np.float32)

    def _add(self, name: str, weight: Array | float, x: Array | float = 0, y: Array | float = 0,
             z: Array | float = 0) -> None:  # fmt: skip
        """Adds weight * (x, y, z) mouth widths, for all landmarks."""
        delta = self._local[INDEX[name]]
        for axis, value in enumerate((x, y, z)):
            delta[:, axis] += np.asarray(weight * value, np.float32) * self._mw

    def _add_at(self, name: str, indexes: Iterable[int], x: Array | float = 0, y: Array | float = 0) -> None:
        """Adds (x, y) mouth widths to the given landmarks (each once: corners stand in several rows)."""
        delta = self._local[INDEX[name]]
        shape = (len(list(indexes)),)
        dx, dy = (np.broadcast_to(np.asarray(value, np.float32), shape) for value in (x, y))
        for i, index in enumerate(indexes):
            delta[index, :2] = (dx[i] * self._mw, dy[i] * self._mw)

    # -- the jaw -----------------------------------------------------------------------------------------------------

    def _jaw_weight(self) -> Array:
        """How far each landmark goes with the jaw: all of it at the chin and lower lip, none above the mouth."""
        reach = smoothstep(0.0, 0.75, self._v - 0.12 * np.maximum(np.abs(self._u) - 1, 0))
        indexes, along, depth = self._lip["lower"]
        profile = (1 - depth) * (1 - np.abs(along) ** 3.2) + depth * (1 - np.abs(along) ** 2.4)
        # Skin below the lower lip goes down no less than the lip above it, or a thin lip would fold over it.
        edge = np.array(lm.LOWER_LIP[0])
        order = np.argsort(self._u[edge])
        at, edge = self._u[edge][order], edge[order]
        below = self._v > np.interp(self._u, at, self._v[edge])
        weight = np.where(below, np.maximum(reach, np.interp(self._u, at, profile[order])), reach)
        weight[self._lip["upper"][0]] = 0
        for i, index in enumerate(indexes):
            weight[index] = profile[i]
        return weight

    def _jaw(self) -> None:
        # The jaw turns about an axis through the joints in front of the ears: what lies in front goes down more.
        hinge = self._axes.local(self._landmarks[list(lm.TEMPLES)], self._axes.mouth).mean(axis=0)
        front = hinge[2] - self._at[:, 2]
        lip = max(float(front[[14, 17, lm.CHIN]].mean()), 0.3 * self._mw)
        turn = self._jaw_weight() * np.clip(front / lip, 0.15, 1.15)
        back = (self._at[:, 1] - hinge[1]) / lip
        self._add("jawOpen", turn, y=JAW_DROP, z=JAW_DROP * back)
        rigid = self._local[INDEX["jawOpen"]].copy()
        corner = np.minimum(np.abs(self._u), 1) ** 3 * self._mouth_area()
        self._add("jawOpen", corner, x=-np.sign(self._u) * 0.05, y=0.13)
        self._pull = self._local[INDEX["jawOpen"]] - rigid
        self._add("jawLeft", self._jaw_weight(), x=0.14)
        self._add("jawRight", self._jaw_weight(), x=-0.14)
        self._add("jawForward", self._jaw_weight(), y=0.03, z=-0.12)
        # mouthClose undoes, at the lips alone, what jawOpen did: at equal values the lips meet and the chin stays down.
        opened = self._local[INDEX["jawOpen"]]
        close = self._local[INDEX["mouthClose"]]
        upper, lower = (np.array(self._lip[name][0]).reshape(_LIP_ROWS, -1) for name in ("upper", "lower"))
        gap = opened[lower[-1]] - opened[upper[-1]]
        for row in range(_LIP_ROWS):
            close[upper[row]] = 0.22 * gap
            close[lower[row]] = -0.78 * gap
        under = under_lip(self._landmarks, self._axes)
        close -= 0.78 * gap[len(gap) // 2] * (under * smoothstep(1.0, 0.0, self._chin_share()))[:, None]

    def _chin_share(self) -> Array:
        """0 at the lower lip's lower edge, 1 at the chin's bottom."""
        top, bottom = self._v[17], self._v[lm.CHIN]
        return np.asarray(np.clip((self._v - top) / max(float(bottom - top), 1e-3), 0, 1), np.float32)

    def _mouth_area(self) -> Array:
        """1 on and around the lips, 0 from the middle of the cheeks outwards."""
        distance = np.hypot(self._u / 1.75, self._v / 1.2)
        return 1 - smoothstep(0.62, 1.0, distance)

    # -- the lips ----------------------------------------------------------------------------------------------------

    def _lips_shape(self) -> None:
        """Shapes in which both sides take part alike: rounding, rolling, shrugging, moving sideways."""
        area = self._mouth_area()
        flank = np.clip(np.abs(self._u), 0, 1.3) * np.sign(self._u)
        wide = 1 - smoothstep(0.40, 1.0, np.hypot(self._u / 2.3, self._v / 1.35))  # a beard shows what is stretched
        self._add("mouthPucker", wide, x=-0.155 * flank * self._inside)
        self._add("mouthFunnel", wide, x=-0.105 * flank * self._inside)
        self._add("mouthLeft", area, x=0.16 * self._inside)
        self._add("mouthRight", area, x=-0.16 * self._inside)
        for name, sign in (("upper", -1), ("lower", 1)):
            indexes, along, depth = self._lip[name]
            middle = 1 - np.abs(along) ** 2.2
            self._raise("mouthPucker", indexes, sign * (0.035 - 0.065 * depth) * middle)
            self._raise("mouthFunnel", indexes, sign * (0.085 - 0.025 * depth) * middle)
            roll = "mouthRollUpper" if name == "upper" else "mouthRollLower"
            self._raise(roll, indexes, -sign * (1 - depth) * 0.085 * middle)
            for side in ("Left", "Right"):
                half = middle * self._half(along, side)
                self._raise(f"mouthPress{side}", indexes, -sign * (1 - depth) * 0.035 * half)
        self._add("mouthShrugLower", self._bump(0, 0.9, 1.3, 1.2), y=-0.10)
        self._raise("mouthShrugLower", self._lip["lower"][0], -0.07 * (1 - np.abs(self._lip["lower"][1]) ** 2))
        self._raise("mouthShrugUpper", self._lip["upper"][0], -0.07 * (1 - np.abs(self._lip["upper"][1]) ** 2))
        self._add("cheekPuff", self._bump(1.35, 0.0, 0.8, 0.9) - self._bump(-1.35, 0.0, 0.8, 0.9), x=0.07)

    def _raise(self, name: str, indexes: list[int], amount: Array) -> None:
        """Adds a vertical displacement to landmarks of a lip; a corner stands in it twice and takes it once."""
        delta = self._local[INDEX[name]][:, 1]
        for index, value in dict(zip(indexes, amount, strict=True)).items():
            delta[index] += value * self._mw

    @staticmethod
    def _half(along: Array, side: str) -> Array:
        """The weight of one side of the mouth; both add up to 1."""
        left = smoothstep(-0.6, 0.6, along)
        return left if side == "Left" else 1 - left

    def _lips_sides(self) -> None:
        """Shapes that come in pairs: corners, and either half of a lip."""
        for side, sign in (("Left", 1.0), ("Right", -1.0)):
            corner = self._bump(sign * 1.0, 0.0, 1.25, 1.05)
            self._add(f"mouthSmile{side}", corner, x=sign * 0.13 * self._inside, y=-0.13)
            self._add(f"mouthFrown{side}", corner, x=sign * 0.015, y=0.12)
            self._add(f"mouthStretch{side}", corner, x=sign * 0.14 * self._inside, y=0.03)
            self._add(f"mouthDimple{side}", self._bump(sign * 1.05, 0.0, 0.9, 0.8), x=sign * 0.07, y=-0.015)
            half = self._side if side == "Left" else 1 - self._side
            upper, along, _ = self._lip["upper"]
            self._raise(f"mouthUpperUp{side}", upper, -0.13 * (1 - np.abs(along) ** 2.4) * self._half(along, side))
            self._add(f"mouthUpperUp{side}", self._bump(sign * 0.75, -0.75, 0.7, 0.6) * half, y=-0.05)
            lower, along, _ = self._lip["lower"]
            self._raise(f"mouthLowerDown{side}", lower, 0.13 * (1 - np.abs(along) ** 2.4) * self._half(along, side))

    def _cheeks(self) -> None:
        for side, sign in (("Left", 1.0), ("Right", -1.0)):
            self._add(f"cheekSquint{side}", self._bump(sign * 1.3, -1.5, 1.0, 0.9), y=-0.07)
            self._add(f"mouthSmile{side}", self._bump(sign * 1.35, -0.95, 0.9, 0.9), x=sign * 0.02, y=-0.05)
            self._add(f"noseSneer{side}", self._bump(sign * 0.5, -0.95, 0.75, 0.8), y=-0.09)

    # -- eyes and brows ----------------------------------------------------------------------------------------------

    def _eyes(self) -> None:
        for side, upper, lower in (
            ("Left", lm.UPPER_LID_LEFT, lm.LOWER_LID_LEFT),
            ("Right", lm.UPPER_LID_RIGHT, lm.LOWER_LID_RIGHT),
        ):
            rim_up, rim_low = list(upper[0]), list(lower[0])
            gap = (self._at[rim_low] - self._at[rim_up])[:, 1] / self._mw  # positive: the eye is open by so much
            closing = np.clip(gap, 0, None)
            arch = 1 - np.linspace(-1, 1, len(rim_up), dtype=np.float32) ** 2
            # The lower lid hardly rises; the upper one falls onto it, and a fold's width of skin above follows.
            blink = f"eyeBlink{side}"
            # Lashes and the lid's edge go down unstretched where there is room above them; a low brow stays.
            room = (self._at[list(upper[1])] - self._at[list(upper[2])])[:, 1] / self._mw
            fold = np.clip(0.30 + 0.45 * room / np.maximum(closing, 0.02), 0.30, 0.78)
            for row, share in ((upper[0], 1.0), (upper[1], fold)):
                self._add_at(blink, row, y=(0.94 * closing + 0.032 * arch) * share)
            for row, share in zip(lower[:2], (1.0, 0.5), strict=True):
                self._add_at(blink, row[1:-1], y=((-0.10 * closing - 0.008 * arch) * share)[1:-1])
            for name, up, low in (("eyeWide", -0.30, 0.03), ("eyeSquint", 0.14, -0.26), ("eyeLookDown", 0.42, 0.05),
                                  ("eyeLookUp", -0.16, -0.05)):  # fmt: skip
                for rows, amount in ((upper, up), (lower, low)):
                    for row, share in zip(rows[:2], (1.0, 0.55), strict=True):
                        self._add_at(f"{name}{side}", row[1:-1], y=(amount * closing * share)[1:-1])

    def _brows(self) -> None:
        for side, sign, rows in (("Left", 1.0, lm.BROW_LEFT), ("Right", -1.0, lm.BROW_RIGHT)):
            brow = self._at[[i for row in rows for i in row]] / (self._mw / 2)
            outer, inner, middle = brow[:, :2][[0, 5]].mean(0), brow[:, :2][[4, 9]].mean(0), brow[:, :2].mean(0)
            whole = self._bump(middle[0], middle[1], 1.5, 0.85)
            knit = self._bump(inner[0], inner[1] - 0.1, 1.0, 0.85)  # inner ends come down most, and together
            self._add(f"browDown{side}", whole, x=-sign * 0.03, y=0.075)
            self._add(
                f"browDown{side}", knit * (self._side if side == "Left" else 1 - self._side), x=-sign * 0.04, y=0.095
            )
            self._add(f"browOuterUp{side}", self._bump(outer[0], outer[1] - 0.1, 1.3, 0.9), y=-0.16)
            self._add("browInnerUp", self._bump(inner[0], inner[1] - 0.1, 1.0, 0.9), y=-0.15)
