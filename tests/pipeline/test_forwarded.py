"""A session's frames as packets: sound and pictures on one time line, whatever comes and goes."""

from __future__ import annotations

import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from tests.pipeline.test_live import PCM, bursts, packets
from txt2vid.core.media import LISTENING_RATE, Pixels
from txt2vid.core.meshwire import DELTA, KEY, records_of
from txt2vid.core.packets import MESH, PICTURE_CLOCK
from txt2vid.ffmpeg.opus import OpusDecoder
from txt2vid.pipeline.forwarded import KEY_FRAMES, Forwarded
from txt2vid.pipeline.live import EARLY, Session
from txt2vid.pipeline.messages import Packets, Rigged
from txt2vid.pipeline.rigged import Rigging


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


def test_motion_alone_needs_no_picture(executor: ThreadPoolExecutor) -> None:
    session = Session(Fraction(25), executor)
    into = Forwarded("one", Fraction(25), Fraction(0))
    into.want((MESH,), 0)
    assert into.wanted
    assert into.moves
    assert not into.draws
    assert into.write(session.step(), None, None).pictures == ()  # its face is not there yet
    got = [into.write(session.step(), None, 7) for _ in range(KEY_FRAMES + 2)]
    keys = [at for at, frame in enumerate(got) if frame.pictures[0].key]
    assert keys == [0, KEY_FRAMES]
    kinds = [kind for frame in got for kind, _ in records_of(frame.pictures[0].data)]
    assert kinds == [KEY if at in keys else DELTA for at in range(len(got))]
    into.key(MESH)
    assert into.write(session.step(), None, 7).pictures[0].key
    assert into.write(session.step(), None, 8).pictures[0].key  # another face
    assert {b - a for a, b in pairwise(sound.time for frame in got for sound in frame.sound)} == {960}


def test_motion_and_pictures_go_side_by_side(executor: ThreadPoolExecutor) -> None:
    session = Session(Fraction(25), executor)
    into = Forwarded("one", Fraction(25), Fraction(0))
    into.want((MESH,), 0)
    before = [into.write(session.step(), None, 7) for _ in range(5)][-1]
    into.want(("h264", MESH), 500_000)
    both = into.write(session.step(), picture(), 7)
    assert [each.codec for each in both.pictures] == ["h264", MESH]
    assert both.sound[0].time <= before.sound[-1].time + 960  # none is missing; some comes again, and better


def test_a_face_is_told_once_when_it_is_there() -> None:
    rigging, coming = Rigging("one"), Future[bytes | None]()
    rigging.show(lambda: coming)
    assert rigging.look() is None
    coming.set_result(b"face")
    told = [rigging.look() for _ in range(3)]
    assert told == [Rigged("one", zlib.crc32(b"face"), b"face"), None, None]
    assert rigging.number == zlib.crc32(b"face")


def test_a_face_without_a_bundle_is_told_so() -> None:
    rigging, broken = Rigging("one"), Future[bytes | None]()
    broken.set_exception(ValueError("a mistake"))
    for make in (None, lambda: broken):
        rigging.show(make)
        assert rigging.look() == Rigged("one", 0, None)
        assert rigging.number is None
