from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from txt2vid.errors import VideoError
from txt2vid.ffmpeg.camera import CameraReader, camera_of, refusal

linux = pytest.mark.skipif(sys.platform != "linux", reason="v4l2 is Linux's")


@pytest.mark.parametrize("name", ["clip.mp4", "me.png", "./camera", "films/video0", "camera.mp4"])
def test_files_are_no_cameras(name: str) -> None:
    assert camera_of(name) is None


@linux
def test_no_such_camera() -> None:
    with pytest.raises(VideoError, match="there is no camera /dev/video987: this machine has"):
        camera_of("/dev/video987")
    with pytest.raises(VideoError, match="there is no camera /dev/video987: this machine has"):
        camera_of("camera:987")
    with pytest.raises(VideoError, match="there is no camera /dev/video987: this machine has"):
        camera_of("987")


@linux
def test_a_device_that_is_no_camera() -> None:
    assert camera_of("/dev/null") == "/dev/null"
    with CameraReader("/dev/null") as reader, pytest.raises(VideoError, match="/dev/null is no camera: "):
        next(reader)


def test_refusals() -> None:
    assert "may not be used: sudo usermod" in refusal("/dev/video0", "/dev/video0: Permission denied")
    assert "in use by another program" in refusal("/dev/video0", "ioctl(VIDIOC_STREAMON): Device or resource busy")
    assert "there is no camera" in refusal("/dev/video0", "Cannot open video device: No such device")
    assert "gives no picture (Immediate exit requested)" in refusal("0", "Immediate exit requested")


@linux
def test_pictures_of_a_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test picture of ffmpeg stands in for the device: all from ffmpeg's output on is as with a camera."""
    real = shutil.which("ffmpeg")
    script = tmp_path / "ffmpeg"
    script.write_text(
        f'#!/bin/sh\nfor a; do shift; case "$a" in v4l2) a=lavfi ;; /dev/video7) a=testsrc=s=321x241:r=15 ;; '
        f"-framerate|-video_size|30|640x480) continue ;; esac; "
        f'set -- "$@" "$a"; done\nexec {real} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with CameraReader("/dev/video7") as reader:
        assert "640x480" in reader._command()
        frames = [next(reader) for _ in range(4)]
    assert [frame.pixels.shape for frame in frames] == [(240, 320, 3)] * 4
    assert [round(frame.time * 15) for frame in frames] == [0, 1, 2, 3]
