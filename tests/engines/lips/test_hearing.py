"""The windows of a stream, and when lips follow it."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.engines.lips.hearing import Heard, MelHearing
from wav2lip import mel

FPS = Fraction(25)


def hear(sound: Samples, fps: Fraction = FPS, *, as_published: bool = False) -> list[Heard]:
    """All frames of a sound, given as a pipeline gives it."""
    ear, given, frames = MelHearing(fps, as_published=as_published), 0, []
    for index in range(int(len(sound) * fps / SPEECH_RATE)):
        frame = FrameTime(index, fps)
        until = frame.span(SPEECH_RATE)[1] + ear.lookahead
        piece = sound[given:until]
        frames.append(ear.hear(frame, np.pad(piece, (0, until - given - len(piece)))))
        given = until
    return frames


def voices(sound: Samples) -> NDArray[np.float64]:
    return np.array([each.voice for each in hear(sound)])


def noise(seconds: float, level: float, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    sound: Samples = (rng.standard_normal(int(seconds * SPEECH_RATE)) * level).astype(np.float32)
    return sound


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Some seconds of speech, with half a second of silence before and a second after."""
    path: Path = tmp_path_factory.mktemp("spoken") / "a.wav"
    subprocess.run(["flite", "-voice", "rms", "-t", "Hello, my friend. How are you?", "-o", str(path)], check=True)
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-ar", "16000", "-ac", "1", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    said = np.frombuffer(raw, np.int16).astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(said) > 0.02)
    return np.concatenate([np.zeros(8000, np.float32), said[loud[0] : loud[-1]], np.zeros(16_000, np.float32)])


@pytest.mark.parametrize("fps", [FPS, Fraction(30_000, 1001), Fraction(10), Fraction(60)])
@pytest.mark.parametrize("as_published", [False, True])
def test_windows_are_those_of_the_whole_recording(spoken: Samples, fps: Fraction, as_published: bool) -> None:
    spectrum = mel.spectrogram(spoken)
    frames = hear(spoken, fps, as_published=as_published)
    for index, frame in enumerate(frames):
        start = mel.first_frame(index, fps, as_published=as_published)
        if start >= 2 and start + mel.WINDOW < len(spectrum) - 2:
            np.testing.assert_array_equal(frame.window, mel.window(spectrum, start), err_msg=str(index))


def test_as_published_is_a_frame_of_25_later() -> None:
    assert MelHearing(FPS).lookahead == 2120  # 132 ms
    assert MelHearing(FPS, as_published=True).lookahead == 2760


def test_silence_moves_no_lips() -> None:
    assert not voices(np.zeros(3 * SPEECH_RATE, np.float32)).any()


@pytest.mark.parametrize("level", [0.0005, 0.003, 0.03, 0.3])
def test_steady_noise_is_soon_no_voice(level: float) -> None:
    assert not voices(noise(10, level))[int(4.5 * FPS) :].any()


@pytest.mark.parametrize("gain", [1.0, 0.1, 3.0])
def test_speech_opens_lips_and_its_end_shuts_them(spoken: Samples, gain: float) -> None:
    heard = voices(np.clip(spoken * gain, -1, 1))
    begin, end = int(0.5 * FPS), int((len(spoken) / SPEECH_RATE - 1) * FPS)
    assert not heard[: begin - 3].any()
    assert heard[begin + 2 : end - 2].mean() > 0.8
    assert not heard[end + 5 :].any()  # 150 ms, and the frame's grid
    assert np.abs(np.diff(heard)).max() <= 0.51  # softly


def test_speech_over_noise(spoken: Samples) -> None:
    lead = noise(4, 0.003, 1)
    heard = voices(np.concatenate([lead, spoken + noise(len(spoken) / SPEECH_RATE, 0.003, 2)[: len(spoken)]]))
    begin, end = int(4.5 * FPS), int((4 + len(spoken) / SPEECH_RATE - 1) * FPS)
    assert heard[begin + 2 : end - 2].mean() > 0.7
    assert heard[end + 6 :].mean() < 0.2


def test_what_was_cut_off_does_not_count(spoken: Samples) -> None:
    ear = MelHearing(FPS)
    frame = FrameTime(0, FPS)
    loud = spoken[8000 : 8000 + frame.span(SPEECH_RATE)[1] + ear.lookahead]
    assert ear.hear(frame, loud, 0.0).voice == 0


def test_what_is_no_number_is_silence() -> None:
    broken = np.full(2 * SPEECH_RATE, np.nan, np.float32)
    broken[::7] = np.inf
    frames = hear(broken)
    assert all(np.isfinite(each.window).all() for each in frames)


def test_an_hour_of_noise_leaves_nothing_behind() -> None:
    ear, piece = MelHearing(FPS), noise(0.04, 0.2)
    for index in range(3600 * 25 // 10):  # a tenth: what is kept is bounded after some seconds
        ear.hear(FrameTime(index, FPS), piece if index else noise(0.04 + 0.1325, 0.2))
    assert len(ear._rows) < 40
    assert len(ear._voice._speaks) <= 160
