"""A flash and a beep at the same moment, through the encoder and back: they are still at the same moment."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from txt2vid.core.clock import first_sample
from txt2vid.ffmpeg import AudioReader, Encoder, VideoReader

FLASHES = (20, 47, 73)  # frames
SECONDS = 4


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.avi", "a.ts"])
@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_flash_and_beep(tmp_path: Path, name: str, fps: Fraction) -> None:
    path, rate = tmp_path / name, 48000
    frames = int(SECONDS * fps)
    sound = np.zeros(first_sample(frames, fps, rate), np.float32)
    beep = np.sin(np.arange(960) * (2 * np.pi * 1000 / rate)).astype(np.float32) * np.float32(0.8)
    for flash in FLASHES:
        start = first_sample(flash, fps, rate)
        sound[start : start + len(beep)] = beep
    with Encoder(path, 64, 48, fps, rate) as encoder:
        for i in range(frames):
            encoder.write_frame(np.full((48, 64, 3), 235 if i in FLASHES else 20, np.uint8))
            encoder.write_audio(sound[first_sample(i, fps, rate) : first_sample(i + 1, fps, rate)])

    with VideoReader(path) as pictures, AudioReader(path) as listener:
        seen = [float(frame.time) for frame in pictures if frame.pixels.mean() > 128]
        heard = np.concatenate([chunk.samples[:, 0] for chunk in listener])
    assert len(seen) == len(FLASHES)
    for when in seen:
        # where the beep fits best, within a tenth of a second around the flash
        around = heard[round((when - 0.1) * rate) : round((when + 0.1) * rate) + len(beep)]
        offset = int(np.correlate(around, beep, "valid").argmax()) / rate - 0.1
        assert abs(offset) <= 1 / fps / 2
        if name in ("a.mp4", "a.mov", "a.mkv", "a.avi"):
            assert abs(offset) <= 2.5 / rate  # no delay, or an edit list that tells it to the sample
