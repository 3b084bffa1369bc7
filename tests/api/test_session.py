from __future__ import annotations

import gc
import threading
from fractions import Fraction

import numpy as np
import pytest

import txt2vid
from txt2vid.core.media import LISTENING_RATE
from txt2vid.pipeline.live import AHEAD

NOISE = np.random.default_rng(1).uniform(-0.4, 0.4, 30_000).astype(np.float32)


def heard(frames: list[txt2vid.Frame]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.concatenate([frame.samples for frame in frames])


def test_a_text_is_said_and_the_time_line_goes_on(face: txt2vid.Face) -> None:
    with txt2vid.Session(face, fps=Fraction(30000, 1001)) as session:
        assert list(session) == []  # there is nothing to say
        session.say("Hello, my friend.")
        said = list(session)
        assert 0.8 < len(said) / session.fps < 3
        assert session.is_quiet
        session.say("Again.")
        frames = said + list(session)
    assert [frame.pts for frame in frames] == list(range(len(frames)))
    assert frames[-1].time == (len(frames) - 1) / Fraction(30000, 1001) == session.time - 1 / session.fps
    assert [frame.position for frame in frames[1:]] == np.cumsum([len(frame.samples) for frame in frames])[:-1].tolist()
    assert frames[0].pixels.shape == (128, 128, 3)
    moved = [np.abs(frame.pixels.astype(int) - frames[0].pixels).mean() for frame in said]
    assert np.argmax(moved) < len(said) - 5  # lips are shut when all is said
    assert np.abs(heard(said)).max() > 0.1
    assert np.abs(said[-1].samples).max() < 1e-3


def test_the_same_calls_give_the_same_frames(face: txt2vid.Face) -> None:
    twice = []
    for _ in range(2):
        with txt2vid.Session(face, seed=3) as session:
            session.say("[wink] Yes.")
            twice.append(list(session))
    assert len(twice[0]) == len(twice[1])
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(*twice, strict=True))
    assert np.array_equal(heard(twice[0]), heard(twice[1]))


def test_what_is_fed_is_heard_whole(face: txt2vid.Face) -> None:
    with txt2vid.Session(face) as session:
        for start in range(0, len(NOISE), 7001):  # pieces of any length
            session.feed(NOISE[start : start + 7001], LISTENING_RATE)
        out = heard(list(session))
        assert np.array_equal(out[: len(NOISE)], NOISE)
        session.feed(NOISE, LISTENING_RATE)  # the time line is a lookahead further
        assert np.array_equal(heard(list(session))[AHEAD:][: len(NOISE)], NOISE)
        tone = np.sin(2 * np.pi * 300 * np.arange(8000) / 16_000)
        for piece in np.split((tone * 20_000).astype(np.int16), 16):
            session.feed(np.stack([piece, piece], axis=1), 16_000)
        out = heard(list(session))
        (loud,) = (np.abs(out) > 0.1).nonzero()
        assert loud[-1] - loud[0] == pytest.approx(24_000, abs=100)
        assert np.abs(out).max() == pytest.approx(20_000 / 32_768, rel=0.02)


def test_an_interruption_is_soon_silent(face: txt2vid.Face) -> None:
    with txt2vid.Session(face) as session:
        session.feed(np.tile(NOISE, 5), LISTENING_RATE)
        before = [session.frame() for _ in range(10)]
        session.interrupt()
        after = heard(list(session) or [session.frame() for _ in range(5)])
        assert np.abs(heard(before)).max() > 0.3
        assert np.abs(after[LISTENING_RATE // 10 :]).max() == 0
        session.say("One two three four five six seven eight nine ten.")
        session.frame()
        session.say("Stop.", interrupt=True)
        assert len(list(session)) < 40


def test_expressions(face: txt2vid.Face) -> None:
    with txt2vid.Session(face, expression="anger") as session, txt2vid.Session(face) as plain:
        angry, calm = session.frame(), plain.frame()
        assert np.abs(angry.pixels.astype(int) - calm.pixels).max() > 30
        plain.express("anger", strength=0.9)
        session.express(None)
        with pytest.raises(txt2vid.UsageError, match="did you mean joy"):
            session.express("joyy")
        later = [plain.frame() for _ in range(20)][-1]
        assert np.abs(later.pixels.astype(int) - calm.pixels).max() > 30


def test_a_live_one_never_waits(face: txt2vid.Face) -> None:
    with txt2vid.Session(face, live=True) as session:
        session.say("Hello.")
        assert np.abs(heard(list(session))).max() > 0.1  # silence until the voice is there
        teller = threading.Thread(target=session.say, args=("Hello again.",))
        teller.start()
        while session.is_quiet:
            session.frame()
        teller.join()
        assert len(list(session)) > 10


@pytest.mark.parametrize(
    ("samples", "rate", "error", "says"),
    [
        (np.array([0, np.nan]), 16_000, txt2vid.AudioError, "NaN"),
        (np.array([0, -np.inf], np.float32), 16_000, txt2vid.AudioError, "infinity"),
        (np.array([0.0, 900.0]), 16_000, txt2vid.AudioError, "reach 900"),
        (np.zeros(9), 7, txt2vid.UsageError, "rate 7"),
        (np.zeros((3, 3, 3)), 16_000, txt2vid.UsageError, "shape"),
        (np.array(["a"]), 16_000, txt2vid.UsageError, "type"),
        (np.zeros(601 * 16_000, np.int16), 16_000, txt2vid.UsageError, "more than fit"),
    ],
)
def test_what_is_no_sound_is_refused(
    face: txt2vid.Face, samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]], rate: int,
    error: type[txt2vid.Txt2VidError], says: str,
) -> None:  # fmt: skip
    with txt2vid.Session(face) as session:
        with pytest.raises(error, match=says):
            session.feed(samples, rate)
        session.feed(np.zeros(0), 16_000)
        assert session.is_quiet


def test_what_cannot_be_spoken_is_said_at_once_and_the_session_goes_on(face: txt2vid.Face) -> None:
    with txt2vid.Session(face) as session:
        for text, arguments, error in (
            ("Hello.", {"voice": "nobody"}, txt2vid.UsageError),
            ("Hello.", {"tts": "parrot"}, txt2vid.UsageError),
            ("Hello.", {"language": "?"}, txt2vid.UsageError),
            ("…", {}, txt2vid.SpeechError),
            ("", {}, txt2vid.SpeechError),
        ):
            with pytest.raises(error):
                session.say(text, **arguments)  # type: ignore[arg-type]
        assert session.is_quiet
        session.say("Yes.")
        assert len(list(session)) > 5
    with pytest.raises(txt2vid.UsageError, match="choose 1 to 240"):
        txt2vid.Session(face, fps=0.001)
    with pytest.raises(txt2vid.UsageError, match="speak, refuse, drop"):
        txt2vid.Session(face, unknown_tags="sing")


def test_closing_twice_or_never(face: txt2vid.Face) -> None:
    session = txt2vid.Session(face)
    session.say("Hello.")
    frames = iter(session)
    next(frames)
    session.close()
    session.close()
    assert list(frames) == []
    for call in (session.frame, session.interrupt, lambda: session.say("a"), lambda: list(session)):
        with pytest.raises(txt2vid.UsageError, match="the session is closed"):
            call()
    before = threading.active_count()
    forgotten = txt2vid.Session(face, live=True)
    forgotten.say("Hello.")
    del forgotten
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("txt2vid-voice"):
            thread.join(10)
    assert threading.active_count() <= before
