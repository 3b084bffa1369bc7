"""Whatever goes wrong while a file is written: one clear error, nothing under the name, nothing left beside it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest

from txt2vid.core.media import Pixels
from txt2vid.errors import DependencyError, FFmpegError, OutputError
from txt2vid.ffmpeg import Encoder, encode

FPS = Fraction(25)
NOISE = np.random.default_rng(0).integers(0, 256, (4, 240, 320, 3), np.uint8)


def fill(path: Path, frames: int = 500) -> None:
    """Noise, which no encoder makes small: about 100 kB a frame."""
    with Encoder(path, 320, 240, FPS, 48000) as encoder:
        fill_in(encoder, (NOISE[i % 4] for i in range(frames)))


def fill_in(encoder: Encoder, frames: Iterable[Pixels]) -> None:
    for frame in frames:
        encoder.write_frame(frame)
        if encoder.rate:
            encoder.write_audio(np.zeros(1920, np.float32))


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("the one before")
    encoder = Encoder(path, 320, 240, FPS, 48000)
    with pytest.raises(ValueError, match="a frame must be"), encoder:
        fill_in(encoder, [NOISE[0], NOISE])
    assert [each.read_text() for each in tmp_path.iterdir()] == ["the one before"]


def test_the_name_appears_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with Encoder(path, 320, 240, FPS, 48000) as encoder:
        encoder.write_frame(NOISE[0])
        assert not path.exists()
    assert list(tmp_path.iterdir()) == [path]


def test_bad_places(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "fifo.mp4")
    for name, words in (("folder.mp4", "is a folder"), ("fifo.mp4", "no regular file"), ("no/a.mp4", "mkdir -p")):
        with pytest.raises(OutputError, match=words):
            Encoder(tmp_path / name, 320, 240, FPS)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(0o555)
    with pytest.raises(OutputError, match="may not be written to"):
        Encoder(tmp_path / "locked" / "a.mp4", 320, 240, FPS)


def test_a_folder_that_takes_no_files() -> None:
    """/proc/self passes every look at its mode, and refuses all the same."""
    with (
        pytest.raises(OutputError, match=r"cannot be written|does not exist|may not be written"),
        Encoder(Path("/proc/self/a.mp4"), 320, 240, FPS),
    ):
        pass


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "real" / "a.mp4")
    fill(tmp_path / "link.mp4", 2)
    assert (tmp_path / "link.mp4").is_symlink()
    assert (tmp_path / "real" / "a.mp4").stat().st_size > 1000


@pytest.mark.parametrize("name", ["-a.mp4", "http:b.mp4", "%03d.mp4", "größe 'x'.mp4", "n" * 250 + ".mp4"])
def test_odd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    fill(Path(name), 2)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_killed_ffmpeg_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with Encoder(path, 320, 240, FPS, 48000) as encoder:
        encoder.write_frame(NOISE[0])
        psutil.Process().children()[0].kill()
        with pytest.raises(FFmpegError, match="killed by SIGKILL"):
            fill_in(encoder, NOISE[[0] * 100])
        encoder.abort()
    assert list(tmp_path.iterdir()) == []


def test_an_ffmpeg_that_hangs_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "STALL_SECONDS", 0.5)
    with Encoder(tmp_path / "a.mp4", 320, 240, FPS) as encoder:
        psutil.Process().children()[0].suspend()
        with pytest.raises(FFmpegError, match="stands still"):
            fill_in(encoder, NOISE[[0] * 100])
        encoder.abort()


def test_sound_far_ahead_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "STALL_SECONDS", 0.5)
    with Encoder(tmp_path / "a.mp4", 320, 240, FPS, 16000) as encoder:
        encoder.write_audio(np.zeros(60 * 16000, np.float32))
        encoder.write_audio(np.zeros(60 * 16000, np.float32))
        with pytest.raises(FFmpegError, match="in step"):
            encoder.write_audio(np.zeros(60 * 16000, np.float32))
        encoder.abort()


def test_no_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyError, match="ffmpeg is not installed: sudo apt"):
        fill(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_file_size_limit(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    try:
        with pytest.raises(OutputError, match="no larger file"):
            fill(tmp_path / "a.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=False, capture_output=True, timeout=10
    )
    if not mounted or mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True, timeout=10)


# With about 1.1 MB the film itself fits, and its rewriting for faststart does not; with 1.9 MB, the last words do not.
@pytest.mark.parametrize("frames", [10, 15, 19, 500])
def test_a_full_disk(small_disk: Path, frames: int) -> None:
    path = small_disk / "a.mp4"
    filler = small_disk / "filler"
    filler.write_bytes(bytes(100_000 if frames > 10 else 1_300_000))
    failure = ""
    try:
        fill(path, frames)
    except OutputError as err:
        failure = str(err)
    left = sorted(each.name for each in small_disk.iterdir())
    if failure or frames == 500:
        assert "disk is full" in failure
        assert left == ["filler"]
    else:
        assert left == ["a.mp4", "filler"]
        check = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
        done = subprocess.run(check, check=True, capture_output=True, timeout=30)
        assert not done.stderr


PROGRAM = """
import sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from txt2vid.ffmpeg import Encoder
with Encoder(Path(sys.argv[1]), 320, 240, Fraction(25), 48000) as encoder:
    for i in range(10 ** 9):
        encoder.write_frame(np.zeros((240, 320, 3), np.uint8))
        encoder.write_audio(np.zeros(1920, np.float32))
        if i == 20:
            print("going", flush=True)
"""


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "a.mp4")]
    python = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    with python:
        assert python.stdout is not None
        assert python.stderr is not None
        assert python.stdout.readline() == b"going\n"
        children = psutil.Process(python.pid).children(recursive=True)
        assert len(children) == 1
        os.killpg(python.pid, signal.SIGINT)  # as a terminal does: to the whole group
        assert python.wait(20) != 0
        assert b"KeyboardInterrupt" in python.stderr.read()
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() for child in children)
    assert list(tmp_path.iterdir()) == []
