"""Motion as Live Link Face writes it: a CSV of timecodes, ARKit's 52 coefficients, and the head's and eyes' angles.

Such files go into Unreal's and Blender's importers, and come from an iPhone. A row is a frame: `Timecode` as
HH:MM:SS:FF.fff (frames of 60 a second and thousandths of one), `BlendShapeCount`, the coefficients in the order of
`BLENDSHAPES` with a capital, then nine angles in radians. Angles turn as ARKit's axes do, right-handed about x to the
picture's right, y up and z to the viewer: positive pitch nods down, positive yaw turns to the picture's right, positive
roll tilts anticlockwise as the viewer sees it.
"""

from __future__ import annotations

import csv
import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion
from txt2vid.errors import MediaError

COEFFICIENTS: tuple[str, ...] = tuple(name[0].upper() + name[1:] for name in BLENDSHAPES)
ANGLES: tuple[str, ...] = (
    "HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll",
    "RightEyeYaw", "RightEyePitch", "RightEyeRoll",
)  # fmt: skip
COLUMNS: tuple[str, ...] = ("Timecode", "BlendShapeCount", *COEFFICIENTS, *ANGLES)
CLOCK = 60  # frames a second of the timecodes that are written: what the app counts in
MAX_ROWS = CLOCK * 3600 * 2  # two hours; 110 MB of numbers
EYE_TURN = math.radians(35)  # of an eye at a gaze of 1
_TURN = math.pi  # radians; whoever turns further writes degrees
_DAY = 24 * 3600
_TIMECODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d+)?)")
_SEEN_RATES = (24, 25, 30, 60, 120)  # frames a second of timecodes that are read; the least that holds all frames
_LOOKS = {  # eyeLook coefficient -> (angle's column, sign): how far an eye turns that way
    f"eyeLook{way}{side}": (f"{side}Eye{angle}", sign)
    for side, out in (("Left", 1), ("Right", -1))
    for way, angle, sign in (("Out", "Yaw", out), ("In", "Yaw", -out), ("Down", "Pitch", 1), ("Up", "Pitch", -1))
}


@dataclass(frozen=True, slots=True)
class Take:
    """A recording of motion.

    times: float64 (n,), seconds from the first frame, rising. blendshapes: float32 (n, 52), in [0, 1]. angles: float32
    (n, 9), radians, as ANGLES. missing: columns that the file does not have; they are 0. clipped: how many coefficients
    were outside [0, 1].
    """

    times: NDArray[np.float64]
    blendshapes: NDArray[np.float32]
    angles: NDArray[np.float32]
    missing: tuple[str, ...] = ()
    clipped: int = 0

    @property
    def duration(self) -> float:
        """Seconds, the last frame included: it is shown as long as frames are on average."""
        count = len(self.times)
        return float(self.times[-1]) * count / (count - 1) if count > 1 else 1 / CLOCK

    def at(self, time: float) -> Motion:
        """The motion at a time in seconds, evenly between the frames around it; held at both ends."""
        after = bisect_right(self.times, time)
        before = max(0, after - 1)
        after = min(after, len(self.times) - 1)
        span = float(self.times[after] - self.times[before])
        share = np.float32((time - self.times[before]) / span) if span > 0 else np.float32(0)
        blendshapes = (1 - share) * self.blendshapes[before] + share * self.blendshapes[after]
        angles = (1 - share) * self.angles[before] + share * self.angles[after]
        return _motion(blendshapes, angles)


def _motion(blendshapes: NDArray[np.float32], angles: NDArray[np.float32]) -> Motion:
    yaw, pitch, roll = angles[:3]
    gaze = np.array([angles[3] + angles[6], angles[4] + angles[7]], np.float32) / np.float32(2 * EYE_TURN)
    if gaze.any():  # else the coefficients say where the eyes look
        blendshapes = blendshapes.copy()
        blendshapes[[INDEX[name] for name in _LOOKS]] = 0
    return Motion(blendshapes, np.array([pitch, yaw, -roll], np.float32), gaze=np.clip(gaze, -1, 1))


class TakeWriter:
    """Writes a take into an open text file (newline=""), row by row."""

    def __init__(self, file: TextIO) -> None:
        self._rows = csv.writer(file, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def write(self, time: Fraction, motion: Motion) -> None:
        """A frame at `time` seconds. What the head moves without turning has no place in such a file."""
        pitch, yaw, roll = (float(angle) for angle in motion.rotation)
        across, down = (float(value) * EYE_TURN for value in motion.gaze)
        angles = dict(zip(ANGLES, (yaw, pitch, -roll, across, down, 0.0, across, down, 0.0), strict=True))
        values = [*map(float, motion.blendshapes)]
        for name, (angle, sign) in _LOOKS.items():
            values[INDEX[name]] = min(1.0, max(values[INDEX[name]], sign * angles[angle] / EYE_TURN))
        cells = [f"{value:.8f}" for value in (*values, *angles.values())]
        self._rows.writerow([timecode(time), len(cells), *cells])


def timecode(time: Fraction) -> str:
    """HH:MM:SS:FF.fff of a time in seconds, to the nearest thousandth of a frame; the hours begin again after a day."""
    thousandths = round(time * CLOCK * 1000)
    frames, rest = divmod(thousandths, 1000)
    seconds, frame = divmod(frames, CLOCK)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}:{second:02}:{frame:02}.{rest:03}"


def parse_take(lines: Iterable[str], name: str) -> Take:
    """A take from the lines of such a file; name: of the file, for messages.

    Columns are found by their names, in any order and case; unknown ones are passed over, missing ones are 0. Angles
    beyond half a turn are taken as degrees. Raises MediaError where it is no such file, or a row is damaged.
    """
    rows = csv.reader(lines, strict=True)
    try:
        places, missing = _places(next(rows, []), name)
        codes: list[str] = []
        values: list[list[float]] = []
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(codes) >= MAX_ROWS:
                raise MediaError(f"{name} has more than {MAX_ROWS} rows: cut it into shorter takes")
            code, numbers = _parsed(row, places, f"{name}, line {rows.line_num}")
            codes.append(code)
            values.append(numbers)
    except (csv.Error, UnicodeDecodeError) as err:
        raise MediaError(f"{name} is not a CSV file ({err}): give one that Live Link Face wrote") from err
    if not codes:
        raise MediaError(f"{name} has no frames, only column names: record it again")
    table = np.array(values, np.float32)
    times = _times(codes, name)
    last = np.append(np.diff(times) > 0, True)  # of rows with one time, the last counts
    blendshapes, angles = table[last, : len(COEFFICIENTS)], table[last, len(COEFFICIENTS) :]
    if np.abs(angles).max(initial=0) > _TURN:
        angles = np.radians(angles)
    clipped = int(((blendshapes < 0) | (blendshapes > 1)).sum())
    return Take(times[last], blendshapes.clip(0, 1), angles.clip(-_TURN, _TURN), missing, clipped)


def _places(header: Sequence[str], name: str) -> tuple[list[int | None], tuple[str, ...]]:
    """Which cell of a row holds the timecode, each coefficient and each angle; and the names of what is not there."""
    cells = [cell.strip().lstrip("\ufeff").lower() for cell in header]
    wanted = ("Timecode", *COEFFICIENTS, *ANGLES)
    twice = next((each for each in wanted if cells.count(each.lower()) > 1), None)
    if twice is not None:
        raise MediaError(f"{name} has two columns {twice}: leave one out")
    places = [cells.index(each.lower()) if each.lower() in cells else None for each in wanted]
    missing = tuple(each for each, place in zip(wanted, places, strict=True) if place is None)
    if "Timecode" in missing or all(each in missing for each in COEFFICIENTS):
        raise MediaError(
            f"{name} is no recording of Live Link Face (no column {missing[0]}): its first line must name Timecode, "
            "BlendShapeCount, EyeBlinkLeft …"
        )
    return places, missing


def _parsed(row: Sequence[str], places: Sequence[int | None], where: str) -> tuple[str, list[float]]:
    numbers: list[float] = []
    for name, place in zip((*COEFFICIENTS, *ANGLES), places[1:], strict=True):
        cell = "0" if place is None else row[place].strip() if place < len(row) else ""
        try:
            number = float(cell)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            what = f"{cell[:20]!r} is no number" if cell else "the row ends too early"
            raise MediaError(f"{where}: {name}: {what}. Export the take again, or take the line out")
        numbers.append(number)
    first = places[0] or 0
    return row[first].strip() if first < len(row) else "", numbers


def _times(codes: Sequence[str], name: str) -> NDArray[np.float64]:
    """Seconds from the first timecode on. A take may go past midnight."""
    found = [_TIMECODE.fullmatch(code) for code in codes]
    wrong = next((i for i, each in enumerate(found) if each is None), None)
    if wrong is not None:
        raise MediaError(f"{name}: {codes[wrong][:20]!r} is no timecode: write HH:MM:SS:FF.fff")
    parts = np.array([each.groups() for each in found if each is not None], np.float64)
    most = parts[:, 3].max()
    rate = next((each for each in _SEEN_RATES if most < each), None)
    if rate is None or (parts[:, 1:3] > 59).any():
        raise MediaError(
            f"{name}: a timecode counts {most:g} frames a second, or more than 59 minutes: write HH:MM:SS:FF"
        )
    if parts[-1, 2] == parts[0, 2] and len(parts) > 1 and rate < CLOCK:
        rate = CLOCK  # less than a second does not show how far frames are counted
    times = parts[:, :3] @ (3600, 60, 1) + parts[:, 3] / rate
    times[1:] += _DAY * np.cumsum(np.diff(times) < -_DAY / 2)
    if (np.diff(times) < 0).any():
        back = int(np.argmax(np.diff(times) < 0)) + 1
        raise MediaError(
            f"{name}: time goes back at {codes[back]}: sort its lines, or leave out what is of another take"
        )
    seconds: NDArray[np.float64] = times - times[0]
    return seconds
