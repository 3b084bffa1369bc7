"""Voices that stream, and voices that fail, on a live session's time line and in renders."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.cloud.service import Answer, Service, running
from tests.tts.sounds import resembles_wav, tone
from txt2vid.cloud.http import SECONDS_VARIABLE
from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.core.options import SpeakerOptions
from txt2vid.pipeline.live import Session, Step
from txt2vid.pipeline.messages import Say
from txt2vid.pipeline.timeline import moments
from txt2vid.pipeline.voice import TextVoice
from txt2vid.tts import resemble

FPS = Fraction(25)
RATE = 48_000
RESEMBLE = SpeakerOptions("resemble", "25c7823f")
SPOKEN = 2.0  # seconds
PHONEMES = [("ɑ" if i % 2 else "m", 0.3 + i / 5, 0.5 + i / 5) for i in range(10)]
DATA = resembles_wav(tone(SPOKEN, RATE), RATE, PHONEMES)
PARTS = tuple(DATA[at : at + 24_000] for at in range(0, len(DATA), 24_000))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with running() as it:
        monkeypatch.setenv(resemble.STREAM_VARIABLE, it.url)
        monkeypatch.setenv(resemble.KEY, "k")
        monkeypatch.setenv(SECONDS_VARIABLE, "3")
        yield it


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def played(session: Session, seconds: float = 30.0) -> list[Step]:
    """Frames in real time, until a text has ended."""
    steps: list[Step] = []
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        steps.append(session.step())
        if steps[-1].said or steps[-1].unspoken:
            break
        time.sleep(max(0.0, begun + len(steps) / 25 - time.monotonic()))
    return steps


def loud(steps: list[Step]) -> Samples:
    """The samples that are no silence."""
    sound = np.concatenate([step.sound for step in steps])
    (found,) = (np.abs(sound) > 0.003).nonzero()
    return sound[found[0] : found[-1] + 1]


def jaws(steps: list[Step]) -> Samples:
    return np.array([step.motion["jawOpen"] - step.motion["mouthClose"] for step in steps], np.float32)


def test_pieces_are_heard_as_one_sentence(service: Service, executor: ThreadPoolExecutor) -> None:
    service.always = lambda _: Answer(parts=PARTS, pause=0.05)
    session = Session(FPS, executor, None)
    session.say(Say("a", "Mama.", 7, speaker=RESEMBLE))
    steps = played(session)
    assert steps[-1].said == [7]
    spoken = loud(steps)
    assert abs(len(spoken) / LISTENING_RATE - SPOKEN) < 0.01
    period = spoken[4800:-4800]
    expected = np.sin(2 * np.pi * 220 * np.arange(len(period)) / LISTENING_RATE)
    turned = np.cos(2 * np.pi * 220 * np.arange(len(period)) / LISTENING_RATE)
    a, b = 2 * period @ expected / len(period), 2 * period @ turned / len(period)
    assert np.abs(period - a * expected - b * turned).max() < 0.02  # one tone: no click where pieces meet


def test_lips_follow_the_phonemes_over_all_pieces(service: Service, executor: ThreadPoolExecutor) -> None:
    service.always = lambda _: Answer(parts=PARTS, pause=0.05)
    session = Session(FPS, executor, None)
    session.say(Say("a", "Mama.", 7, speaker=RESEMBLE))
    steps = played(session)
    sound = np.concatenate([step.lead if i == 0 else step.sound for i, step in enumerate(steps)])
    start = float((np.abs(sound) > 0.003).nonzero()[0][0]) / LISTENING_RATE
    gap = jaws(steps)
    for number, (symbol, begin, stop) in enumerate(PHONEMES[:-1]):
        frame = round((start + (begin + stop) / 2 - 0.3) * 25 - 0.5)
        if symbol == "m":
            assert gap[frame] < 0.05, number
        else:
            assert gap[frame] > 0.1, number


def test_a_stall_is_a_pause_and_the_rest_follows(service: Service, executor: ThreadPoolExecutor) -> None:
    service.always = lambda _: Answer(parts=(DATA[:80_000], DATA[80_000:]), pause=1.2)
    session = Session(FPS, executor, None)
    session.say(Say("a", "Mama.", 7, speaker=RESEMBLE))
    steps = played(session)
    assert steps[-1].said == [7]
    sound = np.concatenate([step.sound for step in steps])
    assert abs((np.abs(sound) > 0.003).sum() / LISTENING_RATE - SPOKEN) < 0.1


def test_the_fallback_speaks_where_the_stream_breaks_off(service: Service, executor: ThreadPoolExecutor) -> None:
    service.always = lambda _: Answer(parts=(DATA[:80_000],), cut=True)
    session = Session(FPS, executor, None)
    speaker = SpeakerOptions("resemble", "25c7823f", fallback="flite")
    session.say(Say("a", "Hello.", 7, speaker=speaker))
    steps = played(session)
    assert steps[-1].said == [7]
    assert not any(step.unspoken for step in steps)
    session.say(Say("a", "Bye.", 8, speaker=speaker))
    assert played(session)[-1].said == [8]
    assert len(service.requests) == 1  # it rests


def test_without_a_fallback_the_session_goes_on_and_says_why(service: Service, executor: ThreadPoolExecutor) -> None:
    service.always = lambda _: Answer(401)
    session = Session(FPS, executor, None)
    session.say(Say("a", "Hello.", 7, speaker=RESEMBLE))
    (unspoken,) = played(session)[-1].unspoken
    assert "refuses the key" in (unspoken.error or "")
    session.say(Say("a", "Hello.", 8, speaker=SpeakerOptions("flite")))
    assert played(session)[-1].said == [8]


def test_a_session_does_not_wait_for_anothers_voice(executor: ThreadPoolExecutor) -> None:
    waiting = shlex.join([sys.executable, "-c", "import time; time.sleep(9)"])
    slow, quick = Session(FPS, executor, None), Session(FPS, executor, None)
    slow.say(Say("a", "Hello.", 1, speaker=SpeakerOptions("command", waiting)))
    quick.say(Say("b", "Hello.", 2, speaker=SpeakerOptions("flite")))
    assert played(quick, 7)[-1].said == [2]


def test_a_render_of_a_stream(service: Service) -> None:
    service.always = lambda _: Answer(parts=PARTS)
    voice = TextVoice("Mama. Mama.", RESEMBLE)
    assert voice.driver_name == "phonemes+speech"
    found = list(moments(voice, [voice.driver], FPS))
    sound = np.concatenate([each.sound[:, 0] for each in found])
    assert abs((np.abs(sound) > 0.003).sum() / LISTENING_RATE - 2 * SPOKEN) < 0.1
    gap = np.array([each.motion["jawOpen"] - each.motion["mouthClose"] for each in found])
    assert gap.max() > 0.1
    assert gap[-3:].max() < 0.02


def test_a_render_of_a_voice_that_tells_nothing(speech: Path) -> None:
    voice = TextVoice("Hello.", SpeakerOptions("command", f"cat {shlex.quote(str(speech))}"))
    assert voice.driver_name == "speech"
    found = list(moments(voice, [voice.driver], FPS))
    assert max(each.motion["jawOpen"] for each in found) > 0.05
