"""Which frame, which samples: exact integer arithmetic between a frame rate and a sample rate.

Frame i covers samples [ceil(i*rate/fps), ceil((i+1)*rate/fps)): a sample belongs to the frame that is on the screen
when it sounds. The spans tile the time line: no sample is left out, none is counted twice, at any fps.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from txt2vid.errors import UsageError

MIN_FPS = Fraction(1)
MAX_FPS = Fraction(240)
LONGEST_RATE = 40  # characters
NTSC = Fraction(1000, 1001)  # 23.976, 29.97, 59.94 are 24, 30, 60 slowed by this (SMPTE ST 2051)


def parse_fps(text: str) -> Fraction:
    """A frame rate as people write it: "25", "30000/1001", "29.97" (taken as 30000/1001), "12.5".

    Raises UsageError where it is no number in [1, 240].
    """
    try:
        if len(text) > LONGEST_RATE or "e" in text.lower():  # "1e999999999" would be worked out to the last digit
            raise ValueError(text)
        fps = Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as err:
        raise UsageError(f"frame rate {text!r} is no number: write 25, 29.97 or 30000/1001") from err
    return settle_fps(fps)


def settle_fps(fps: Fraction) -> Fraction:
    """The standard rate within 0.01 of `fps` where there is one, else `fps` with a denominator of at most 1001."""
    if not MIN_FPS <= fps <= MAX_FPS:
        raise UsageError(f"frame rate {float(fps):g} is out of range: choose 1 to 240")
    whole = Fraction(round(fps))
    for standard in (whole, round(fps / NTSC) * NTSC):
        if abs(fps - standard) < Fraction(1, 100):
            return standard
    return fps.limit_denominator(1001)


@dataclass(frozen=True, slots=True)
class FrameTime:
    """Frame `index` of a video at `fps`."""

    index: int
    fps: Fraction

    @property
    def time(self) -> Fraction:
        """Seconds from the start to the frame's start."""
        return self.index / self.fps

    @property
    def duration(self) -> Fraction:
        """Seconds that the frame is shown."""
        return 1 / self.fps

    def span(self, rate: int) -> tuple[int, int]:
        """The samples [start, stop) that sound while the frame is shown."""
        return first_sample(self.index, self.fps, rate), first_sample(self.index + 1, self.fps, rate)


def first_sample(index: int, fps: Fraction, rate: int) -> int:
    """The first sample that sounds at or after the start of frame `index`."""
    return -(-index * rate * fps.denominator // fps.numerator)


def frame_count(samples: int, fps: Fraction, rate: int) -> int:
    """How many frames so many samples belong to; the last frame may outlast them. Inverse of `first_sample`."""
    return (samples - 1) * fps.numerator // (rate * fps.denominator) + 1
