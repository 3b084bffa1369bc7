"""A session's frames as packets: sound and pictures on one time line, whatever comes and goes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest

from tests.pipeline.test_live import PCM, bursts, packets
from txt2vid.core.media import LISTENING_RATE, Pixels
from txt2vid.core.packets import PICTURE_CLOCK
from txt2vid.ffmpeg.opus import OpusDecoder
from txt2vid.pipeline.forwarded import Forwarded
from txt2vid.pipeline.live import EARLY, Session
from txt2vid.pipeline.messages import Packets


def picture(width: int = 64, height: int = 64) -> Pixels:
    return np.full((height * 3 // 2, width), 90, np.uint8)


def forwarded(session: Session, into: Forwarded, frames: int, shown: Pixels) -> list[Packets]:
    return [into.write(session.step(), shown) for _ in range(frames)]


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_pictures_and_sound_keep_one_time(executor: ThreadPoolExecutor, fps: Fraction) -> None:
    session, begin = Session(fps, executor), Fraction(5, 2)
    into = Forwarded("one", fps, begin)
    into.want(("h264", "vp8"), 500_000)
    got = forwarded(session, into, 40, picture())
    for index, frame in enumerate(got):
        at = begin + index / fps
        assert frame.time == round(at * LISTENING_RATE)
        assert [each.codec for each in frame.pictures] == ["h264", "vp8"]
        assert {each.time for each in frame.pictures} == {round(at * PICTURE_CLOCK)}
        assert {each.key for each in frame.pictures} == {index == 0}
    times = [sound.time for frame in got for sound in frame.sound]
    assert times[0] == got[0].time
    assert set(np.diff(times)) == {960}
    end = round((begin + 40 / fps) * LISTENING_RATE) + EARLY
    assert end - 3 * 960 < times[-1] + 960 <= end


def test_the_sound_is_what_was_said(executor: ThreadPoolExecutor) -> None:
    session = Session(Fraction(25), executor)
    session.source(PCM, fresh=True)
    into = Forwarded("one", Fraction(25), Fraction(0))
    into.want(("h264",), 500_000)
    said, got = bursts(2.0), []
    waiting = packets(said)
    for at in range(0, len(waiting), 2):
        for packet in waiting[at : at + 2]:
            session.hear(packet)
        got.append(into.write(session.step(), picture()))
    decoder = OpusDecoder()
    heard = np.concatenate([decoder.decode(sound.data) for frame in got for sound in frame.sound])
    loud = np.abs(heard).reshape(-1, 960).max(axis=1) > 0.2
    assert 0.4 * len(loud) < loud.sum() < 0.6 * len(loud)
    assert np.count_nonzero(np.diff(loud.astype(int))) <= 5


def test_who_comes_later_begins_with_the_frame_of_then(executor: ThreadPoolExecutor) -> None:
    session = Session(Fraction(25), executor)
    into = Forwarded("one", Fraction(25), Fraction(0))
    for _ in range(10):
        session.step()
    into.want(("h264",), 500_000)
    (frame,) = forwarded(session, into, 1, picture())
    assert frame.sound[0].time == frame.time == 10 * 1920
    assert frame.pictures[0].key


def test_keys_other_rates_other_sizes_and_the_end(executor: ThreadPoolExecutor) -> None:
    session = Session(Fraction(25), executor)
    into = Forwarded("one", Fraction(25), Fraction(0))
    into.want(("h264",), 500_000)

    def keys(frames: int, shown: Pixels) -> list[bool]:
        return [frame.pictures[0].key for frame in forwarded(session, into, frames, shown)]

    assert keys(3, picture()) == [True, False, False]
    into.key("h264")
    assert keys(2, picture()) == [True, False]
    into.want(("h264",), 250_000)
    assert keys(2, picture()) == [True, False]
    assert keys(2, picture(96, 64)) == [True, False]
    into.want((), 0)
    assert not into.wanted
