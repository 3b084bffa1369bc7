from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from tests.ffmpeg.streams import (
    AHEAD,
    COMMENT,
    DEADLINE,
    FLASHES,
    HEIGHT,
    WIDTH,
    encode,
    offsets,
    packets,
    picture,
    reading,
)
from txt2vid.core.media import LISTENING_RATE
from txt2vid.errors import DependencyError, FFmpegError
from txt2vid.ffmpeg.live import TIMESTAMP_OFFSET, LiveEncoder

Ask = Callable[[Path], dict[str, Any]]
FPS, NTSC = Fraction(25), Fraction(30000, 1001)
SILENCE = np.zeros(1920, np.float32)


def write_all(encoder: LiveEncoder, pictures: NDArray[np.uint8]) -> None:
    """Far more than an encoder takes in without being read."""
    for i in range(1000):
        encoder.write(pictures[i % len(pictures)], SILENCE)


def wait_until_broken(encoder: LiveEncoder) -> None:
    end = time.monotonic() + DEADLINE
    while not encoder.broken:
        assert time.monotonic() < end
        time.sleep(0.005)


def times(path: Path, stream: str) -> list[float]:
    """The timestamps of a stream's packets."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", stream, "-show_entries", "packet=pts_time"]
    done = subprocess.run([*command, f"file:{path}"], check=True, capture_output=True, timeout=60)
    return [float(packet["pts_time"]) for packet in json.loads(done.stdout)["packets"] if packet]


@pytest.mark.parametrize("ahead", [0, AHEAD])
@pytest.mark.parametrize("fps", [FPS, NTSC])
def test_flash_and_beep(tmp_path: Path, fps: Fraction, ahead: int) -> None:
    for name, data in zip(("a.ts", "a.mp4"), encode(100, fps, ahead=ahead), strict=True):
        (tmp_path / name).write_bytes(data)
        found = offsets(tmp_path / name)
        assert len(found) == len(FLASHES)
        assert max(map(abs, found)) < 0.002


@pytest.mark.parametrize("ahead", [0, AHEAD])
@pytest.mark.parametrize(("fps", "start"), [(FPS, Fraction(0)), (NTSC, Fraction(7717, 1000)), (FPS, Fraction(86_400))])
def test_both_streams_go_on_with_the_sessions_time(tmp_path: Path, fps: Fraction, start: Fraction, ahead: int) -> None:
    for name, data in zip(("a.ts", "a.mp4"), encode(30, fps, start, ahead), strict=True):
        (tmp_path / name).write_bytes(data)
        seen = times(tmp_path / name, "v")
        assert len(seen) >= 29
        for i, when in enumerate(seen):
            assert when == pytest.approx(float(TIMESTAMP_OFFSET + start + i / fps), abs=2 / 90_000)
        heard = times(tmp_path / name, "a")
        assert heard[0] == pytest.approx(float(TIMESTAMP_OFFSET + start) - 1024 / LISTENING_RATE, abs=2 / 90_000)
        steps = np.diff(heard)
        assert np.abs(steps - 1024 / LISTENING_RATE).max() < 2 / 90_000


def test_what_is_in_it(tmp_path: Path, ask: Ask) -> None:
    for name, data in zip(("a.ts", "a.mp4"), encode(30), strict=True):
        (tmp_path / name).write_bytes(data)
        video, audio = sorted(ask(tmp_path / name)["streams"], key=lambda each: str(each["codec_type"]), reverse=True)
        assert (video["codec_name"], video["pix_fmt"], video["width"]) == ("h264", "yuv420p", WIDTH)
        assert (video["color_space"], video["color_transfer"], video["color_primaries"]) == (
            "smpte170m", "bt709", "bt709",
        )  # fmt: skip
        assert video["color_range"] == "tv"
        assert video["has_b_frames"] == 0
        assert (audio["codec_name"], audio["sample_rate"], audio["channels"]) == ("aac", "48000", 1)
        assert COMMENT.encode() in data


def test_a_late_viewer_starts_at_any_keyframe(tmp_path: Path) -> None:
    ts, _ = encode(40)
    rows = list(packets(ts))
    keys = [at for at, (pid, begins, key) in enumerate(rows) if pid == 0x100 and begins and key]
    numbers = [sum(pid == 0x100 and begins for pid, begins, _ in rows[:at]) for at in keys]
    assert numbers[:4] == [0, 10, 20, 30]
    for at in keys[1:4]:
        tables = max(i for i in range(at) if rows[i][0] == 0)
        assert {pid for pid, _, _ in rows[tables:at]} <= {0, 0x1000}  # PAT and PMT right before it
        path = tmp_path / "late.ts"
        path.write_bytes(ts[tables * 188 :])
        command = [
            "ffprobe",
            "-v",
            "error",
            "-of",
            "csv=p=0",
            "-select_streams",
            "v",
            "-show_entries",
            "frame=pict_type",
        ]
        done = subprocess.run([*command, str(path)], check=True, capture_output=True, text=True, timeout=60)
        assert done.stdout.startswith("I")
        assert done.stderr == ""


def boxes(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at + 8 <= len(data):
        found.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4], "big")
    return found


def test_fragments_for_media_source() -> None:
    _, mp4 = encode(40)
    kinds = boxes(mp4)
    assert kinds[:2] == [b"ftyp", b"moov"]
    assert set(kinds[2:]) == {b"moof", b"mdat"}
    assert kinds.count(b"moof") >= 39  # at least one for each picture but the last
    assert b"edts" not in mp4[: mp4.index(b"moof")]


def test_no_picture_waits_for_the_next() -> None:
    """With sound ahead, a picture is on its way before anything else is written."""
    encoder = LiveEncoder(WIDTH, HEIGHT, FPS, ahead=AHEAD)
    with reading(encoder) as reader:
        for i in range(30):
            count = 1920 if i else 1920 + AHEAD
            encoder.write(picture(i), np.zeros(count, np.float32))
            reader.wait_for_pictures(i + 1)


def test_a_reader_that_pauses_loses_nothing() -> None:
    """12 frames are written while nobody reads."""
    encoder = LiveEncoder(WIDTH, HEIGHT, FPS)
    with reading(encoder) as reader:
        for i in range(12):
            encoder.write(picture(i), SILENCE)
        encoder.write(picture(12), np.zeros(LISTENING_RATE // 2, np.float32))
        reader.wait_for_pictures(12)


def test_an_ffmpeg_that_takes_nothing_is_told_and_never_waited_for() -> None:
    noise = np.random.default_rng(0).integers(16, 236, (4, 384, 256), np.uint8)
    encoder = LiveEncoder(256, 256, FPS)
    with reading(encoder) as reader:  # which never reads
        os.kill(encoder.pid or 0, signal.SIGSTOP)
        with pytest.raises(FFmpegError, match="hangs: 25 frames wait"):
            write_all(encoder, noise)
        assert encoder.waiting == 25
        assert encoder.writers()
        os.kill(encoder.pid or 0, signal.SIGCONT)
        end = time.monotonic() + DEADLINE
        while encoder.waiting:
            assert time.monotonic() < end
            reader.pump()
        encoder.write(noise[0], SILENCE)  # on it goes


def test_a_killed_ffmpeg_is_noticed() -> None:
    encoder = LiveEncoder(WIDTH, HEIGHT, FPS)
    with reading(encoder):
        encoder.write(picture(0), SILENCE)
        assert encoder.poll() is None
        os.kill(encoder.pid or 0, signal.SIGKILL)
        wait_until_broken(encoder)
        with pytest.raises(FFmpegError, match=r"killed by SIGKILL.*Start another"):
            write_all(encoder, np.stack([picture(0)]))
        assert encoder.broken
        encoder.flush()
        assert encoder.writers() == []
        assert encoder.poll() == -signal.SIGKILL
    assert encoder.poll() == -signal.SIGKILL


def test_its_words_are_in_the_error() -> None:
    encoder = LiveEncoder(WIDTH, HEIGHT, FPS, preset="nonsense")
    with reading(encoder):
        encoder.write(picture(0), SILENCE)
        wait_until_broken(encoder)
        with pytest.raises(FFmpegError, match=r"exit status 1.*preset"):
            write_all(encoder, np.stack([picture(0)]))
        assert "preset" in encoder.stderr


def test_nothing_is_left() -> None:
    process = psutil.Process()
    before = process.num_fds()
    for _ in range(3):
        encoder = LiveEncoder(WIDTH, HEIGHT, FPS)
        ends = encoder.open()
        encoder.write(picture(0), SILENCE)
        encoder.close()
        encoder.close()
        for fd in ends:
            os.close(fd)
        assert encoder.pid is None
        with pytest.raises(ValueError, match="not open"):
            encoder.write(picture(0), SILENCE)
    assert process.num_fds() == before
    assert process.children() == []


def test_an_encoder_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = psutil.Process().num_fds()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyError, match="apt install ffmpeg"):
        LiveEncoder(WIDTH, HEIGHT, FPS).open()
    (tmp_path / "ffmpeg").write_text("no program")
    (tmp_path / "ffmpeg").chmod(0o755)
    with pytest.raises(FFmpegError, match="cannot be started"):
        LiveEncoder(WIDTH, HEIGHT, FPS).open()
    assert psutil.Process().num_fds() == before


def test_wrong_calls() -> None:
    for size in ((63, 48), (64, 47), (0, 48)):
        with pytest.raises(ValueError, match="even"):
            LiveEncoder(*size, FPS)
    for wrong in ({"start": Fraction(-1)}, {"ahead": -1}, {"ahead": 48_000}):
        with pytest.raises(ValueError, match="start must be"):
            LiveEncoder(64, 48, FPS, **wrong)
    encoder = LiveEncoder(WIDTH, HEIGHT, FPS)
    with reading(encoder):
        with pytest.raises(ValueError, match="a picture must be"):
            encoder.write(picture(0)[:-2], SILENCE)
        with pytest.raises(ValueError, match="sound must be"):
            encoder.write(picture(0), SILENCE[:, None])
        with pytest.raises(ValueError, match="opened before"):
            encoder.open()
