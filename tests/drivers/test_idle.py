"""The idle driver over minutes, at several frame rates, in silence and beside speech."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.motion import BLENDSHAPES, INDEX, Motion
from txt2vid.drivers.idle import IdleDriver

BLINK = INDEX["eyeBlinkLeft"]


def live(driver: IdleDriver, seconds: float, fps: Fraction | int = 25, sound: Samples | None = None) -> list[Motion]:
    """The motions of so many seconds, beside `sound` or silence."""
    rate = Fraction(fps)
    speech = np.zeros(int((seconds + 2) * SPEECH_RATE), np.float32)
    if sound is not None:
        speech[: len(sound)] = sound[: len(speech)]
    motions, given = [], 0
    for index in range(int(seconds * rate)):
        frame = FrameTime(index, rate)
        end = frame.span(SPEECH_RATE)[1] + driver.lookahead
        motions.append(driver.drive(frame, speech[given:end]))
        given = end
    return motions


def table(motions: Sequence[Motion]) -> NDArray[np.float32]:
    """(frames, 60): coefficients, then rotation, translation and gaze."""
    return np.array([np.concatenate((m.blendshapes, m.rotation, m.translation, m.gaze)) for m in motions])


def blinks(lids: NDArray[np.float32], fps: float) -> NDArray[np.float64]:
    """When, in seconds, the lids fall."""
    return np.flatnonzero((lids[1:] >= 0.5) & (lids[:-1] < 0.5)) / fps


@pytest.fixture(scope="module")
def minutes() -> NDArray[np.float32]:
    return table(live(IdleDriver(seed=7), 600))


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    folder = tmp_path_factory.mktemp("speech")
    text = "Well, this is REALLY something! I never thought, in all my life, that we would see it. Shall we go?"
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", folder / "spoken.wav"], check=True)
    with wave.open(str(folder / "spoken.wav")) as file:
        assert file.getframerate() == SPEECH_RATE
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


@pytest.mark.parametrize("seed", range(20))
def test_first_frame_is_the_picture(seed: int) -> None:
    assert np.abs(table(live(IdleDriver(seed), 0.1))).max() < 0.01


def test_same_seed_same_life_other_seed_another() -> None:
    one, same, other = (table(live(IdleDriver(seed), 20)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert np.abs(one[100:, 52:55] - other[100:, 52:55]).max() > 0.005


@pytest.mark.parametrize("fps", [Fraction(50), Fraction(60), Fraction(30000, 1001)])
def test_every_frame_rate_shows_the_same_motion(speech: Samples, fps: Fraction) -> None:
    fine, coarse = table(live(IdleDriver(3), 20, 400 // 2, speech)), table(live(IdleDriver(3), 20, fps, speech))
    when = np.round(np.arange(len(coarse)) / float(fps) * 200).astype(int)
    keep = when < len(fine)
    difference = np.abs(fine[when[keep]] - coarse[keep])
    assert difference[:, 52:58].max() < 0.002
    assert np.quantile(difference[:, BLINK], 0.99) < 0.1
    assert difference[:, BLINK].mean() < 0.005


@pytest.mark.parametrize("seed", [0, 7, 123456789])
def test_people_blink_so_often(seed: int) -> None:
    lids = table(live(IdleDriver(seed), 600))[:, BLINK]
    gaps = np.diff(blinks(lids, 25))
    assert 2.8 < gaps.mean() < 5
    assert gaps.std() > 1
    assert gaps.max() < 15
    assert 3 < np.count_nonzero(gaps < 0.5) < 40  # double blinks
    assert 0.2 < lids.max() <= 1
    assert np.mean(lids > 0.5) < 0.06


def test_a_blink_shuts_fast_and_opens_slower() -> None:
    rows = table(live(IdleDriver(5), 60, 200))
    lids = rows[:, BLINK]
    first = int(np.argmax(lids > 0.5))
    peak = first + int(np.argmax(lids[first : first + 60]))
    shutting = peak - int(np.flatnonzero(lids[:peak] < 0.05)[-1])
    opening = int(np.argmax(lids[peak:] < 0.05))
    assert 0.04 <= shutting / 200 <= 0.11
    assert 0.1 <= opening / 200 <= 0.25
    assert lids[peak] > 0.9
    assert np.abs(lids - rows[:, INDEX["eyeBlinkRight"]]).max() > 0.01


def test_head_stays_within_bounds_and_does_not_drift(minutes: NDArray[np.float32]) -> None:
    pitch, yaw, roll = np.degrees(minutes[:, 52:55]).T
    assert np.abs(yaw).max() < 3
    assert np.abs(pitch).max() < 2
    assert np.abs(roll).max() < 1.2
    assert 0.4 < yaw.std() < 2
    assert np.abs(minutes[:, 55:58]).max() < 0.015
    halves = np.split(np.stack((pitch, yaw, roll)), 2, axis=1)
    assert np.abs(halves[0].mean(axis=1) - halves[1].mean(axis=1)).max() < 0.5


def test_head_is_smooth(minutes: NDArray[np.float32]) -> None:
    speed = np.abs(np.diff(np.degrees(minutes[:, 52:55]), axis=0)).max() * 25
    jerk = np.abs(np.diff(np.degrees(minutes[:, 52:55]), n=2, axis=0)).max()
    assert speed < 6  # degrees a second
    assert jerk < 0.06  # degrees a frame, from frame to frame


def test_head_is_never_periodic(minutes: NDArray[np.float32]) -> None:
    for column in (53, 54):
        move = minutes[100:, column] - minutes[100:, column].mean()
        spectrum = np.abs(np.fft.rfft(move, 2 * len(move))) ** 2
        again = np.fft.irfft(spectrum)[: len(move) // 2]
        assert again[200:].max() < 0.5 * again[0]  # after 8 seconds nothing comes back


def test_breath_is_about_fifteen_a_minute(minutes: NDArray[np.float32]) -> None:
    height = minutes[100:, 56]
    spectrum = np.abs(np.fft.rfft(height - height.mean())) ** 2
    frequency = np.fft.rfftfreq(len(height), 1 / 25)
    band = (frequency > 0.15) & (frequency < 0.6)
    assert 0.2 < frequency[band][spectrum[band].argmax()] < 0.3


def test_eyes_jump_and_come_back_to_the_viewer(minutes: NDArray[np.float32]) -> None:
    looking = minutes[:, 58:60] + minutes[:, [53, 52]] / np.radians(35)  # in the world, not in the head
    at_viewer = np.hypot(*looking.T) < 0.01
    assert 0.4 < at_viewer.mean() < 0.85
    jumps = np.flatnonzero(np.diff(at_viewer.astype(int)) == 1)
    assert len(jumps) > 40
    assert np.abs(minutes[:, 58:60]).max() < 0.45


def test_the_mouth_is_left_to_speech(minutes: NDArray[np.float32], speech: Samples) -> None:
    mouth = [INDEX[name] for name in BLENDSHAPES if name.startswith(("mouth", "jaw", "tongue", "cheek"))]
    assert not minutes[:, mouth].any()
    assert not table(live(IdleDriver(1), 8, 25, speech))[:, mouth].any()


def test_speech_brings_nods_and_brows_smoothly(speech: Samples) -> None:
    still, spoken = (table(live(IdleDriver(4), 10, 60, sound)) for sound in (None, speech))
    brow = spoken[:, INDEX["browInnerUp"]] - still[:, INDEX["browInnerUp"]]
    nod = np.degrees(spoken[:, 52] - still[:, 52])
    assert brow.max() > 0.05
    assert 0.3 < nod.max() < 2.5
    assert np.abs(np.diff(nod)).max() < 0.4
    end = int(len(speech) / SPEECH_RATE * 60) + 45
    assert not brow[end:].any()


def test_noise_brings_no_nods() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal(12 * SPEECH_RATE).astype(np.float32)
    assert np.array_equal(table(live(IdleDriver(4), 10)), table(live(IdleDriver(4), 10, 25, noise)))


def test_amount_zero_is_a_statue(speech: Samples) -> None:
    assert not table(live(IdleDriver(1, amount=0), 20, 25, speech)).any()


def test_more_amount_moves_more() -> None:
    calm, lively = (table(live(IdleDriver(1, amount=amount), 30))[:, 53].std() for amount in (0.5, 2.0))
    assert lively > 3 * calm


def test_people_blink_where_a_phrase_ends() -> None:
    """There are far more blinks than elsewhere in the half second after it, and the same at every frame rate."""
    time = np.arange(2 * SPEECH_RATE) / SPEECH_RATE
    voice = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 25))
    phrase = 0.1 * voice * np.sin(np.pi * 4 * time) ** 2
    sound = np.tile(np.concatenate((phrase, np.zeros(SPEECH_RATE))), 20).astype(np.float32)
    shut = {fps: table(live(IdleDriver(4), 60, fps, sound))[:, BLINK] for fps in (25, 50)}
    assert np.abs(shut[25] - shut[50][::2]).max() < 1e-6
    started = np.flatnonzero((shut[50][1:] > 0.3) & (shut[50][:-1] <= 0.3)) / 50 % 3
    assert np.mean((started > 2.05) & (started < 2.55)) > 0.4  # a sixth would be chance
