"""One ear for several drivers, and drivers that run for days."""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pytest

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.motion import Motion
from txt2vid.drivers.base import Driver
from txt2vid.drivers.features import HOP, KEPT_HOPS, Ear
from txt2vid.drivers.idle import IdleDriver
from txt2vid.drivers.speech import SpeechDriver

FPS = Fraction(25)


def voice(seconds: float, seed: int = 0) -> Samples:
    """Something like speech: a buzz of changing pitch that comes and goes four times a second."""
    time = np.arange(int(seconds * SPEECH_RATE)) / SPEECH_RATE
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * time)
    buzz = sum(np.sin(2 * np.pi * k * np.cumsum(pitch) / SPEECH_RATE) / k for k in range(1, 30))
    hiss = np.random.default_rng(seed).standard_normal(len(time)) * (np.sin(2 * np.pi * 1.7 * time) > 0.8)
    return np.asarray(0.1 * buzz * np.clip(np.sin(2 * np.pi * 4 * time), 0, 1) + 0.03 * hiss, np.float32)


def flat(motion: Motion) -> Samples:
    return np.concatenate((motion.blendshapes, motion.rotation, motion.translation, motion.gaze))


def run(drivers: list[Driver], sound: Samples, frames: int, fps: Fraction = FPS) -> Samples:
    """(frames, drivers, 60): all drivers, frame by frame; sound goes on in silence."""
    padded = np.concatenate((sound, np.zeros(int((frames / fps + 2) * SPEECH_RATE), np.float32)))
    rows, given = [], [0] * len(drivers)
    for index in range(frames):
        frame = FrameTime(index, fps)
        row = []
        for i, driver in enumerate(drivers):
            until = frame.span(SPEECH_RATE)[1] + driver.lookahead
            row.append(flat(driver.drive(frame, padded[given[i] : until])))
            given[i] = until
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("fps", [Fraction(2), Fraction(25), Fraction(60000, 1001)])
def test_drivers_that_share_an_ear_move_as_those_that_do_not(fps: Fraction) -> None:
    sound, ear = voice(6), Ear()
    frames = int(7 * fps)
    shared = run([SpeechDriver(ear), IdleDriver(3, ear=ear)], sound, frames, fps)
    alone = run([SpeechDriver(), IdleDriver(3)], sound, frames, fps)
    np.testing.assert_array_equal(shared, alone)
    assert shared[:, 0].any()


def test_an_ear_hears_once_and_tells_everyone() -> None:
    ear, sound = Ear(), voice(2)
    whole = ear.hear(0, sound)
    assert len(whole) == (len(sound) - HOP) // HOP
    pieces = [hop for start in range(0, len(sound), 777) for hop in ear.hear(start, sound[start : start + 777])]
    assert pieces == whole
    later = ear.hear(len(sound) - 1000, np.concatenate((sound[-1000:], voice(1))))
    assert len(later) > SPEECH_RATE // HOP
    assert later[0] in whole[-10:]


def test_an_ear_wants_the_samples_in_order() -> None:
    ear = Ear()
    with pytest.raises(ValueError, match="do not follow"):
        ear.hear(160, np.zeros(160, np.float32))
    for start in range(0, (KEPT_HOPS + 200) * HOP, 1600):
        ear.hear(start, np.zeros(1600, np.float32))
    with pytest.raises(ValueError, match="do not follow"):
        ear.hear(0, np.zeros(160, np.float32))


def test_hours_of_talk_and_silence_leave_nothing_behind() -> None:
    """In steps of a second; the last frames are as fine as the first."""
    ear = Ear()
    drivers: list[Driver] = [SpeechDriver(ear), IdleDriver(1, ear=ear)]
    talk, silence, seconds = voice(1), np.zeros(SPEECH_RATE, np.float32), 2400
    sizes = []
    for second in range(seconds):
        sound = talk if second % 20 < 3 else silence
        if second == 0:
            sound = np.concatenate((sound, silence[: drivers[0].lookahead]))
        for driver in drivers:
            driver.drive(FrameTime(second, Fraction(1)), sound)
        if second % 300 == 299:
            sizes.append(len(pickle.dumps(drivers)))
    assert max(sizes) < 1.05 * min(sizes) + 1000
    mouth = []
    for index in range(seconds * int(FPS), seconds * int(FPS) + 100):
        sound = talk[index % 25 * 640 :][:640]
        mouth.append(drivers[0].drive(FrameTime(index, FPS), sound).blendshapes)
    assert np.max(mouth) > 0.1
    assert np.abs(np.diff(mouth, axis=0)).max() < 0.3


def test_after_a_week_the_head_still_moves_smoothly() -> None:
    driver, silence = IdleDriver(1), np.zeros(640, np.float32)
    first = 7 * 24 * 3600 * int(FPS)
    sizes = []
    for index in range(0, first, first // 200):
        driver.drive(FrameTime(index, FPS), silence)
        sizes.append(len(pickle.dumps(driver)))
    assert sizes[-1] < 1.2 * sizes[100]
    poses = np.array([driver.drive(FrameTime(index, FPS), silence).rotation for index in range(first, first + 500)])
    assert np.degrees(np.abs(np.diff(poses, n=2, axis=0)).max()) < 0.06  # degrees a frame, from frame to frame
    assert np.degrees(poses).std() > 0.1
