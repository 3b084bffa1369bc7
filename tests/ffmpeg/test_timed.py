from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from txt2vid.errors import VideoError
from txt2vid.ffmpeg.timed import TimedReader

Make = Callable[..., Path]
RAMP = "nullsrc=size=64x48:rate=25:duration=4,geq=lum='16+2*N':cb=128:cr=128,format=yuv420p"


def test_frames_keep_their_times(make: Make) -> None:
    """Each frame's brightness tells its number."""
    uneven = RAMP + ",select='lt(n,30)+not(mod(n,7))'"
    arguments = ("-f", "lavfi", "-i", uneven, "-c:v", "ffv1", "-color_range", "tv", "-vsync", "vfr")
    with TimedReader(make("a.mkv", *arguments)) as reader:
        frames = list(reader)
    numbers = [round(float(frame.pixels.mean()) * 219 / 255 / 2) for frame in frames]
    assert len(set(numbers)) == len(numbers) == 40
    assert [float(frame.time) for frame in frames] == pytest.approx([number / 25 for number in numbers], abs=0.001)


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30", "60"])
def test_even_frames(make: Make, rate: str) -> None:
    path = make("a.mp4", "-f", "lavfi", "-i", f"testsrc=size=64x48:rate={rate}:duration=1")
    with TimedReader(path) as reader:
        times = [float(frame.time) for frame in reader]
    assert reader.fps == Fraction(rate)
    assert times == pytest.approx([i / float(Fraction(rate)) for i in range(len(times))], abs=0.001)
    assert len(times) == pytest.approx(float(Fraction(rate)), abs=1)


def test_pictures_that_start_late(make: Make) -> None:
    red = make("red.mkv", "-f", "lavfi", "-i", "color=red:size=64x48:duration=0.4")
    tone = make("tone.wav", "-f", "lavfi", "-i", "sine=duration=1")
    both = ("-i", str(tone), "-itsoffset", "0.413", "-i", str(red), "-map", "0", "-map", "1", "-c", "copy")
    path = make("a.mkv", *both)
    with TimedReader(path) as reader:
        assert float(next(reader).time) == pytest.approx(0.413, abs=0.0011)  # a tick of Matroska


def test_large_pictures_are_made_smaller(make: Make) -> None:
    path = make("a.mp4", "-f", "lavfi", "-i", "testsrc=size=640x360:duration=0.1")
    with TimedReader(path, longest=320) as reader:
        assert next(reader).pixels.shape == (180, 320, 3)
    assert list(reader) == []  # closed


def test_no_pictures(make: Make, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no moving pictures"):
        TimedReader(make("a.wav", "-f", "lavfi", "-i", "sine=duration=0.1"))
    path = make("a.mkv", "-f", "lavfi", "-i", "testsrc=size=64x48:duration=0.4", "-c:v", "ffv1")
    data = bytearray(path.read_bytes())
    data[600:] = b"\0" * (len(data) - 600)
    (tmp_path / "b.mkv").write_bytes(data)
    with (
        pytest.raises(VideoError, match=r"can be decoded|cannot be decoded"),
        TimedReader(tmp_path / "b.mkv") as reader,
    ):
        next(reader)
