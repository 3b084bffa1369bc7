from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime
from txt2vid.core.media import SPEECH_RATE
from txt2vid.core.motion import INDEX
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.drivers.phonemes import LOOKAHEAD, PhonemeDriver

RATE = 16000
FPS = [Fraction(5), Fraction(12), Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(60)]
BILABIALS = "pbm"
SYMBOLS = [*"pbmptkfvszwlɹhjŋθ", "aː", "iː", "uː", "ə", "ɔ", "aɪ", "oʊ", "tʃ", "pf", "ʘ", "§", "ɖ̪ʲ", SILENCE]
PARTED = [i for name, i in INDEX.items() if name.startswith(("mouthFunnel", "mouthUpperUp", "mouthLowerDown"))]
NOTHING = np.zeros(1, np.float32)

Curves = NDArray[np.float32]


def timed(*items: tuple[str, float], stress: int = 2) -> list[TimedPhoneme]:
    """Phonemes one after the other, from (symbol, ms)."""
    phonemes, at = [], 0
    for symbol, ms in items:
        phonemes.append(TimedPhoneme(symbol, at, at + round(ms * RATE / 1000), stress))
        at = phonemes[-1].stop
    return phonemes


def motion(phonemes: list[TimedPhoneme], fps: Fraction, frames: int | None = None) -> Curves:
    driver = PhonemeDriver()
    driver.feed(phonemes, RATE)
    count = frames or int(phonemes[-1].stop * fps / RATE) + 2
    return np.array([driver.drive(FrameTime(i, fps), NOTHING).blendshapes for i in range(count)])


def at(curves: Curves, name: str, ms: float, fps: int = 100) -> float:
    return float(curves[int(ms * fps / 1000), INDEX[name]])


speech = st.lists(st.tuples(st.sampled_from(SYMBOLS), st.integers(0, 300)), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@given(speech, st.sampled_from(FPS))
def test_every_bilabial_closes_at_any_frame_rate(items: list[tuple[str, int]], fps: Fraction) -> None:
    phonemes = timed(*items)
    curves = motion(phonemes, fps)
    assert curves.min() >= 0
    assert curves.max() <= 1
    for phoneme in phonemes:
        if phoneme.symbol and phoneme.symbol in BILABIALS:
            frame = int(Fraction(phoneme.start + phoneme.stop, 2 * RATE) * fps)
            assert curves[frame, INDEX["mouthClose"]] >= curves[frame, INDEX["jawOpen"]]
            assert not curves[frame, PARTED].any()


@settings(max_examples=30, deadline=None)
@given(speech, st.sampled_from(FPS))
def test_nothing_beyond_the_lookahead_is_used(items: list[tuple[str, int]], fps: Fraction) -> None:
    phonemes = timed(*items)
    whole = motion(phonemes, fps)
    driver, fed = PhonemeDriver(), 0
    for i, expected in enumerate(whole):
        horizon = (i + 1) / fps + Fraction(LOOKAHEAD).limit_denominator(1000)
        while fed < len(phonemes) and phonemes[fed].start < horizon * RATE:
            driver.feed([phonemes[fed]], RATE)
            fed += 1
        assert np.array_equal(driver.drive(FrameTime(i, fps), NOTHING).blendshapes, expected)


def test_mama_opens_between_its_closures() -> None:
    curves = motion(timed((SILENCE, 200), ("m", 70), ("aː", 160), ("m", 70), ("ə", 90), (SILENCE, 400)), Fraction(100))
    assert 0.3 < at(curves, "jawOpen", 350) < 0.6
    assert at(curves, "mouthClose", 350) == 0
    for closed in (235, 465):
        assert at(curves, "mouthClose", closed) == at(curves, "jawOpen", closed) > 0
    assert at(curves, "mouthClose", 560) == 0


def test_the_mouth_rests_in_long_pauses_only() -> None:
    curves = motion(timed(("aː", 200), (SILENCE, 400), ("aː", 200), (SILENCE, 60), ("aː", 200)), Fraction(100))
    assert not curves[32:48].any()
    assert curves[82, INDEX["jawOpen"]] > 0
    assert not motion(timed(("aː", 100)), Fraction(100), 60)[25:].any()


def test_rounding_is_prepared_before_the_sound() -> None:
    curves = motion(timed(("s", 200), ("uː", 200), ("t", 100)), Fraction(100))
    assert at(curves, "mouthPucker", 60) < 0.1
    assert at(curves, "mouthPucker", 150) > 0.05
    assert at(curves, "mouthPucker", 300) > 0.4


@pytest.mark.parametrize(
    ("symbol", "name", "low", "high"),
    [
        ("f", "mouthRollLower", 0.25, 0.6),
        ("f", "jawOpen", 0.0, 0.15),
        ("s", "jawOpen", 0.0, 0.15),
        ("ʃ", "mouthFunnel", 0.25, 0.6),
        ("w", "mouthPucker", 0.4, 0.8),
        ("aː", "jawOpen", 0.35, 0.6),
        ("iː", "mouthSmileLeft", 0.1, 0.4),
        ("θ", "tongueOut", 0.05, 0.3),
        ("§", "jawOpen", 0.02, 0.25),
    ],
)
def test_sounds_look_like_themselves(symbol: str, name: str, low: float, high: float) -> None:
    curves = motion(timed(("ə", 150), (symbol, 150), ("ə", 150)), Fraction(100))
    assert low <= at(curves, name, 225) <= high


def lips_apart(symbol: str) -> float:
    """In the middle of a long sound, as wide as a jaw: see GAP in scripts/train_speech_driver.py."""
    curves = motion(timed((symbol, 400)), Fraction(100))
    lips = at(curves, "mouthUpperUpLeft", 205) + at(curves, "mouthLowerDownLeft", 205)
    return at(curves, "jawOpen", 205) + 0.35 * lips + 0.15 * at(curves, "mouthFunnel", 205)


@pytest.mark.parametrize(
    ("symbol", "low", "high"),
    [("iː", 0.35, 0.65), ("ɛ", 0.65, 0.9), ("ʌ", 0.6, 0.85), ("oː", 0.2, 0.45), ("uː", 0.1, 0.3), ("s", 0.2, 0.5)],
)
def test_lips_part_as_peoples_do(symbol: str, low: float, high: float) -> None:
    """Against an open vowel's: spread vowels show half of it, rounded ones a quarter."""
    assert low <= lips_apart(symbol) / lips_apart("ɑː") <= high


def test_a_diphthong_glides() -> None:
    curves = motion(timed(("t", 50), ("aɪ", 240), ("t", 50)), Fraction(100))
    assert at(curves, "jawOpen", 110) > at(curves, "jawOpen", 250) + 0.1


def test_stress_opens_the_jaw() -> None:
    weak, strong = (motion(timed(("t", 80), ("aː", 160), ("t", 80), stress=s), Fraction(100)) for s in (0, 2))
    assert strong[:, INDEX["jawOpen"]].max() > 1.1 * weak[:, INDEX["jawOpen"]].max()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(SYMBOLS), st.integers(40, 300)), min_size=1, max_size=25))
def test_nothing_pops_at_60_frames_a_second(items: list[tuple[str, int]]) -> None:
    steps = np.abs(np.diff(motion(timed(*items), Fraction(60)), axis=0))
    assert steps.max() < 0.3


def test_utterances_at_other_rates_and_places() -> None:
    driver, whole = PhonemeDriver(), timed((SILENCE, 500), ("m", 80), ("aː", 200))
    driver.feed([TimedPhoneme("m", 0, 1764, 2), TimedPhoneme("aː", 1764, 6174, 2)], 22050, Fraction(24000, 48000))
    curves = [driver.drive(FrameTime(i, Fraction(25)), NOTHING).blendshapes for i in range(25)]
    assert np.allclose(curves, motion(whole, Fraction(25), 25), atol=1e-6)
    with pytest.raises(ValueError, match="must follow one another"):
        driver.feed(whole, RATE)


def test_the_past_is_forgotten() -> None:
    driver = PhonemeDriver()
    for second in range(300):
        driver.feed(timed(("m", 100), ("aː", 400), ("s", 500)), RATE, second)
        driver.drive(FrameTime(second, Fraction(1)), NOTHING)
        assert len(driver._segments) <= 12
    assert driver.lookahead == SPEECH_RATE // 5


def test_a_cut_ends_the_speech_there() -> None:
    driver, whole = PhonemeDriver(), timed(("aː", 400), ("m", 300), ("aː", 600))
    driver.feed(whole, RATE)
    driver.cut(Fraction(1, 2))
    other = PhonemeDriver()
    other.feed(timed(("aː", 400), ("m", 100)), RATE)
    fps = Fraction(25)
    for i in range(60):
        frame = FrameTime(i, fps)
        np.testing.assert_array_equal(driver.drive(frame, NOTHING).blendshapes, other.drive(frame, NOTHING).blendshapes)


def test_what_follows_a_cut_begins_there() -> None:
    driver, fps = PhonemeDriver(), Fraction(100)
    driver.feed(timed(("aː", 3000), ("m", 300)), RATE)
    before = [driver.drive(FrameTime(i, fps), NOTHING)["jawOpen"] for i in range(50)]
    driver.cut(Fraction(1, 2))
    driver.feed(timed(("m", 100), ("aː", 400)), RATE, Fraction(1, 2))
    after = np.array([driver.drive(FrameTime(i, fps), NOTHING).blendshapes for i in range(50, 250)])
    assert before[40] > 0.3
    assert after[5, INDEX["mouthClose"]] >= after[5, INDEX["jawOpen"]]
    assert after[30, INDEX["jawOpen"]] > 0.3
    assert not after[80:].any()


def test_a_cut_of_all_or_of_nothing() -> None:
    driver = PhonemeDriver()
    driver.cut(Fraction(0))
    driver.feed(timed(("aː", 400)), RATE, Fraction(1, 2))
    driver.cut(Fraction(9, 10))
    driver.cut(Fraction(1, 2))
    assert not any(driver.drive(FrameTime(i, Fraction(25)), NOTHING).blendshapes.any() for i in range(50))
    driver.feed(timed(("aː", 400)), RATE, Fraction(2))
    with pytest.raises(ValueError, match="must follow one another"):
        driver.feed(timed(("aː", 400)), RATE, Fraction(2))


def test_a_mouth_rests_at_once_where_it_spoke_long_ago() -> None:
    driver, fps = PhonemeDriver(), Fraction(25)
    driver.feed(timed(("m", 100), ("aː", 400)), RATE)
    heard = [driver.drive(FrameTime(i, fps), NOTHING)["jawOpen"] for i in range(100)]
    assert max(heard) > 0.3
    assert not any(heard[20:])
