"""What a live session tells of the words that are said in it: when they are heard, and that a cut ends them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from tests.pipeline.instant import Instant
from tests.pipeline.test_live import FPS, PCM, bursts, heard, run
from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.options import SpeakerOptions
from txt2vid.pipeline.live import AHEAD, EARLY, Session, Step
from txt2vid.pipeline.messages import Say

TEXT = "Good morning. This is a sentence of seven words."


@pytest.fixture
def session() -> Iterator[Session]:
    with Instant(1) as pool:
        yield Session(FPS, pool)


def spoken(session: Session, text: str, steps: int, tts: str = "flite") -> list[Step]:
    session.say(Say("here", text, 1, speaker=SpeakerOptions(tts)))
    return [session.step() for _ in range(steps)]


@pytest.mark.parametrize("tts", ["flite", "espeak"])
def test_each_sentence_is_told_before_it_is_heard(session: Session, tts: str) -> None:
    steps = spoken(session, TEXT, 150, tts)
    captions = [(step, caption) for step in steps for caption in step.captions]
    assert [caption.text for _, caption in captions] == ["Good morning.", "This is a sentence of seven words."]
    loud = (np.flatnonzero(np.abs(heard(steps)) > 0.02) + EARLY) / LISTENING_RATE  # seconds of the time line
    for step, caption in captions:
        assert caption.start > step.frame.time
        assert loud[loud > caption.start - 0.1][0] == pytest.approx(caption.start, abs=0.05)
        starts = [word.start for word in caption.words]
        assert starts == sorted(starts)
        assert caption.stop > starts[-1]
    assert captions[0][1].stop <= captions[1][1].start


def test_a_cut_tells_from_when_on_nothing_is_said(session: Session) -> None:
    steps = spoken(session, "This goes on and on and on and is not heard to its end.", 30)
    assert [len(step.captions) for step in steps if step.captions] == [1]
    session.cut(1)
    session.say(Say("here", "No.", 2))
    after = [session.step() for _ in range(60)]
    assert [step.cut for step in after[1:]] == [None] * 59
    assert after[0].cut == pytest.approx(30 / 25 + EARLY / LISTENING_RATE)
    assert after[0].cut is not None
    (caption,) = [caption for step in after for caption in step.captions]
    assert caption.text == "No."
    assert caption.start >= after[0].cut


def test_tags_are_not_read_out(session: Session) -> None:
    steps = spoken(session, "[happy] Hello [nod] there!", 60)
    assert [caption.text for step in steps for caption in step.captions] == ["Hello there!"]


def test_a_voice_alone_has_no_captions(session: Session) -> None:
    session.source(PCM, fresh=True)
    steps = run(session, bursts(2))
    steps += [session.step() for _ in range(5)]
    assert heard(steps).any()
    assert not any(step.captions for step in steps)
    assert all(step.cut is None for step in steps)


def test_captions_follow_the_time_line_at_any_rate() -> None:
    with Instant(1) as pool:
        session = Session(Fraction(30000, 1001), pool)
        for _ in range(100):
            session.step()
        (caption,) = [caption for step in spoken(session, "Yes.", 40) for caption in step.captions]
    begun = float(100 * Fraction(1001, 30000))
    assert begun < caption.start < begun + AHEAD / LISTENING_RATE + 0.3


def test_chinese_has_no_spaces_and_yet_words(session: Session) -> None:
    session.say(Say("here", "今天，商店关门了。", 1, speaker=SpeakerOptions("espeak", language="cmn")))
    (caption,) = [caption for step in [session.step() for _ in range(100)] for caption in step.captions]
    assert [word.text for word in caption.words] == ["今", "天,", "商", "店", "关", "门", "了。"]
    starts = [word.start for word in caption.words]
    assert all(b > a for a, b in zip(starts, [*starts[1:], caption.stop], strict=True))
