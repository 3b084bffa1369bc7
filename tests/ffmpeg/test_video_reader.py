from __future__ import annotations

import resource
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest

from txt2vid.core.media import VideoFrame
from txt2vid.errors import FFmpegError, VideoError
from txt2vid.ffmpeg import VideoReader

Make = Callable[..., Path]
EXACT = ("-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv444p")


def bars(size: str = "64x48", rate: str = "25", seconds: float = 1) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc=size={size}:rate={rate}:duration={seconds}")


def plain(colour: str, size: str = "64x48", seconds: float = 0.4) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"color={colour}:size={size}:duration={seconds},format=gbrp")


def read(path: Path, size: tuple[int, int] | None = None, fps: Fraction | None = None) -> list[VideoFrame]:
    with VideoReader(path, size, fps) as reader:
        frames = list(reader)
    assert [frame.pts for frame in frames] == list(range(len(frames)))
    assert {frame.time_base for frame in frames} == {1 / reader.fps}
    assert {frame.pixels.shape for frame in frames} == {(reader.height, reader.width, 3)}
    return frames


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.mkv", "a.webm", "a.avi", "a.mov", "a.ts", "a.gif", "a.mpg", "a.flv", "a.apng"]
)
def test_formats(make: Make, name: str) -> None:
    options = ("-plays", "0") if name.endswith("apng") else ()
    frames = read(make(name, *bars(), *options))
    assert len(frames) == pytest.approx(25, abs=1)
    assert frames[0].pixels.flags.writeable


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "30", "60", "12.5"])
def test_rates(make: Make, rate: str) -> None:
    path = make("a.mp4", *bars(rate=rate, seconds=2))
    with VideoReader(path) as reader:
        assert reader.fps == Fraction(rate)
        assert sum(1 for _ in reader) == pytest.approx(2 * Fraction(rate), abs=1)


@pytest.mark.parametrize("fps", [Fraction(10), Fraction(30000, 1001), Fraction(50)])
def test_another_rate_shows_the_same_moments(make: Make, fps: Fraction) -> None:
    """Each frame's brightness tells its time in the file."""
    ramp = "nullsrc=size=64x48:rate=25:duration=4,geq=lum='16+2*N':cb=128:cr=128,format=yuv420p"
    path = make("a.mkv", "-f", "lavfi", "-i", ramp, "-c:v", "ffv1", "-color_range", "tv")
    for frame in read(path, fps=fps):
        shown = (float(frame.pixels.mean()) * 219 / 255 / 2 + 0.5) / 25  # seconds, the middle of the file's frame
        assert shown == pytest.approx(float(frame.time + 1 / fps / 2), abs=0.02 + float(1 / fps / 2))


def test_uneven_frames_are_shown_at_their_times(make: Make) -> None:
    ramp = "nullsrc=size=64x48:rate=25:duration=4,geq=lum='16+2*N':cb=128:cr=128,select='lt(n,30)+not(mod(n,10))'"
    path = make("a.mkv", "-f", "lavfi", "-i", ramp, "-c:v", "ffv1", "-color_range", "tv", "-vsync", "vfr")
    frames = read(path, fps=Fraction(25))
    levels = [round(float(frame.pixels.mean()) * 219 / 255 / 2) for frame in frames]
    expected = [n if n < 30 else n // 10 * 10 for n in range(len(levels))]
    assert len(levels) >= 91
    assert np.abs(np.subtract(levels, expected)).max() <= 1


def test_pictures_that_start_late_hold_the_first(make: Make) -> None:
    late = ("-itsoffset", "0.4", *plain("red"))
    tone = ("-f", "lavfi", "-i", "sine=duration=1")
    frames = read(make("a.mkv", *tone, *late, "-map", "0", "-map", "1", *EXACT))
    assert len(frames) == 20
    assert read(make("a.ts", *tone, *late, "-map", "0", "-map", "1"))[19:]


# The matrix a, b, u, c, d, v, x, y, w of a track header (ISO 14496-12, 8.3.2), as phones write it.
TURNS = {
    "upright": ((1, 0, 0, 0, 1, 0, 0, 0, 0x4000), (0, 0)),
    "a quarter clockwise": ((0, 1, 0, -1, 0, 0, 48, 0, 0x4000), (0, -1)),
    "half": ((-1, 0, 0, 0, -1, 0, 64, 48, 0x4000), (-1, -1)),
    "a quarter back": ((0, -1, 0, 1, 0, 0, 0, 64, 0x4000), (-1, 0)),
}


@pytest.mark.parametrize("turn", TURNS)
def test_rotation(make: Make, turn: str) -> None:
    """A white square in the stored picture's top left corner is where a phone's player shows it."""
    matrix, corner = TURNS[turn]
    square = "color=black:size=64x48:duration=0.2,format=gbrp,drawbox=0:0:8:8:white:fill"
    path = make("a.mp4", "-f", "lavfi", "-i", square, "-pix_fmt", "yuv420p")
    data = bytearray(path.read_bytes())
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, *(value << 16 for value in matrix))
    path.write_bytes(data)
    frame = read(path)[0].pixels
    assert frame.shape[:2] == ((64, 48) if "quarter" in turn else (48, 64))
    corners = {(y, x): int(frame[y, x].mean()) for y in (0, -1) for x in (0, -1)}
    assert max(corners, key=lambda place: corners[place]) == corner


def test_wide_pixels_are_made_square(make: Make) -> None:
    assert read(make("a.mp4", *bars(), "-vf", "setsar=3/2"))[0].pixels.shape == (48, 96, 3)


def test_odd_sizes_become_even(make: Make) -> None:
    assert read(make("a.mkv", *bars("65x49"), "-c:v", "ffv1"))[0].pixels.shape == (48, 64, 3)


def test_huge_pictures_are_fitted(make: Make) -> None:
    path = make("a.mkv", *bars("8000x100", seconds=0.08), "-c:v", "ffv1")
    assert read(path)[0].pixels.shape == (52, 4096, 3)


def test_asked_size(make: Make) -> None:
    path = make("a.mp4", *bars())
    assert read(path, size=(128, 30))[0].pixels.shape == (30, 128, 3)
    with pytest.raises(ValueError, match="even"):
        VideoReader(path, size=(127, 30))


@pytest.mark.parametrize("options", [
    ("-c:v", "libx264", "-pix_fmt", "yuv420p10le"),
    ("-c:v", "libx264", "-pix_fmt", "yuv444p"),
    ("-c:v", "ffv1", "-pix_fmt", "gbrp16le"),
    ("-c:v", "ffv1", "-pix_fmt", "gray"),
    ("-c:v", "mjpeg", "-pix_fmt", "yuvj422p"),
    ("-c:v", "rawvideo", "-pix_fmt", "rgba"),
])  # fmt: skip
def test_pixel_formats(make: Make, options: tuple[str, ...]) -> None:
    colour = "0x808080" if "gray" in options else "0x4080C0"
    frame = read(make("a.mkv", *plain(colour), *options))[0].pixels
    expected = (128, 128, 128) if "gray" in options else (0xC0, 0x80, 0x40)
    assert np.abs(frame.astype(int) - expected).max() <= 4


@pytest.mark.parametrize(("size", "matrix", "tagged"), [
    ("640x480", "bt601", False), ("1280x720", "bt709", False),
    ("640x480", "bt709", True), ("1280x720", "smpte170m", True),
])  # fmt: skip
def test_the_matrix_is_the_files_or_the_usual_one(make: Make, size: str, matrix: str, tagged: bool) -> None:
    colours = ("-vf", f"scale=out_color_matrix={matrix},format=yuv444p")
    tags = ("-colorspace", matrix) if tagged else ("-bsf:v", "h264_metadata=matrix_coefficients=2")
    frame = read(make("a.mp4", *plain("0xE02040", size), *colours, "-c:v", "libx264", "-qp", "0", *tags))[0].pixels
    assert np.abs(frame.astype(int) - (0x40, 0x20, 0xE0)).max() <= 3


def test_hdr_is_toned_down(make: Make) -> None:
    """White paper at 203 cd/m2 (ITU-R BT.2408) is 58 % of PQ's scale: as it is stored, it looks grey."""
    luma = round(64 + 0.58 * 876)
    grey = f"nullsrc=size=64x48:rate=25:duration=0.2,format=yuv420p10le,geq=lum={luma}:cb=512:cr=512"
    tags = ("-colorspace", "bt2020nc", "-color_trc", "smpte2084", "-color_primaries", "bt2020", "-color_range", "tv")
    frame = read(make("a.mkv", "-f", "lavfi", "-i", grey, "-c:v", "libx265", "-x265-params", "log-level=none", *tags))[
        0
    ]
    assert float(frame.pixels.mean()) > 0.58 * 255 + 30
    assert int(frame.pixels.max(axis=2).max() - frame.pixels.min(axis=2).min()) <= 4


def test_damage_in_the_middle_costs_only_what_is_damaged(make: Make) -> None:
    path = make("a.ts", *bars(seconds=4), "-g", "10")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    path.write_bytes(data)
    assert len(read(path)) == pytest.approx(100, abs=15)


def test_nothing_that_can_be_decoded(make: Make) -> None:
    path = make("a.avi", *bars(), "-c:v", "mjpeg")
    data = bytearray(path.read_bytes())
    start = data.index(b"movi") + 12
    data[start : data.rindex(b"idx1")] = b"\x55" * (data.rindex(b"idx1") - start)
    path.write_bytes(data)
    with pytest.raises(VideoError), VideoReader(path) as reader:
        next(reader)


def test_sound_alone(make: Make) -> None:
    with pytest.raises(VideoError, match="no moving pictures"):
        VideoReader(make("a.wav", "-f", "lavfi", "-i", "sine=duration=1"))


def test_closing_early_and_being_killed(make: Make) -> None:
    path = make("a.mp4", *bars("640x480", seconds=10))
    with VideoReader(path) as reader:
        next(reader)
    assert list(reader) == []
    with VideoReader(path) as reader:
        next(reader)
        psutil.Process().children()[0].kill()
        with pytest.raises(FFmpegError, match="killed by SIGKILL"):
            list(reader)


def test_memory_does_not_grow(make: Make) -> None:
    path = make("a.mp4", *bars("320x240", seconds=60))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with VideoReader(path) as reader:
        assert sum(1 for _ in reader) == 1500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # KiB; the frames are 338 MiB
