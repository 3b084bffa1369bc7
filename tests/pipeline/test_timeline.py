from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from txt2vid.core.clock import FrameTime, first_sample, frame_count
from txt2vid.core.media import SPEECH_RATE, AudioChunk, Samples
from txt2vid.core.motion import Motion
from txt2vid.drivers.base import Driver
from txt2vid.drivers.speech import SpeechDriver
from txt2vid.pipeline.timeline import moments
from txt2vid.pipeline.voice import Voice


class Tone(Voice):
    """A stereo tone of so many samples, in uneven chunks; tells how far it has been read."""

    channels = 2

    def __init__(self, samples: int, rate: int, driver: Driver) -> None:
        self.rate = rate
        self.driver = driver
        time = np.arange(samples) / rate
        self.sound = np.stack([np.sin(2 * np.pi * f * time) / 2 for f in (220, 330)], axis=1).astype(np.float32)
        self.read = 0

    def chunks(self) -> Iterator[AudioChunk]:
        sizes = np.random.default_rng(1).integers(1, self.rate // 5, 10_000)
        while self.read < len(self.sound):
            part = self.sound[self.read : self.read + int(sizes[self.read % len(sizes)])]
            self.read += len(part)
            yield AudioChunk(part, self.rate, self.read - len(part))


class Recorder(Driver):
    """Keeps what it is given."""

    lookahead = 1600

    def __init__(self) -> None:
        self.calls: list[tuple[FrameTime, Samples]] = []

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:
        self.calls.append((frame, speech))
        return Motion()


class Near(Recorder):
    lookahead = 0


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(24_000, 1001), Fraction(60), Fraction(25, 2)])
def test_sound_comes_out_whole_and_in_step(rate: int, fps: Fraction) -> None:
    voice = Tone(rate * 2 + 777, rate, Recorder())
    made = list(moments(voice, [voice.driver], fps))
    assert len(made) == frame_count(len(voice.sound), fps, rate)
    np.testing.assert_array_equal(np.concatenate([moment.sound for moment in made]), voice.sound)
    for moment in made[:-1]:
        first, last = moment.frame.span(rate)
        assert len(moment.sound) == last - first


def test_each_driver_hears_everything_once_up_to_its_own_lookahead() -> None:
    far, near = Recorder(), Near()
    voice = Tone(48_000 * 3 + 5, 48_000, far)
    fps = Fraction(30_000, 1001)
    count = len(list(moments(voice, [far, near], fps)))
    for driver in (far, near):
        heard = 0
        for index, (frame, speech) in enumerate(driver.calls):
            assert frame == FrameTime(index, fps)
            heard += len(speech)
            assert heard == first_sample(index + 1, fps, SPEECH_RATE) + driver.lookahead
        assert len(driver.calls) == count
    whole = np.concatenate([speech for _, speech in far.calls])
    np.testing.assert_array_equal(whole[: first_sample(count, fps, SPEECH_RATE)],
                                  np.concatenate([speech for _, speech in near.calls]))  # fmt: skip
    level = np.abs(np.fft.rfft(whole[1600:33_600]))
    assert abs(int(level.argmax()) - 440) <= 2 or abs(int(level.argmax()) - 660) <= 2  # 2 s: half-hertz bins
    assert not whole[-800:].any()  # after the end comes silence


def test_no_more_is_read_than_the_frame_needs() -> None:
    driver = Recorder()
    voice = Tone(48_000 * 60, 48_000, driver)
    stream = moments(voice, [driver], Fraction(25))
    next(stream)
    assert voice.read < 48_000  # the frame, its lookahead, the resampler's delay, and one chunk


def test_a_sound_of_one_sample_makes_one_frame() -> None:
    driver = SpeechDriver()
    (moment,) = moments(Tone(1, 48_000, driver), [driver], Fraction(25))
    assert len(moment.sound) == 1
