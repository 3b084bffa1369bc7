"""A live session on its sample clock; there is no wall clock in these tests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.core.options import SpeakerOptions
from txt2vid.core.wire import AudioFormat, Packet
from txt2vid.errors import AudioError
from txt2vid.pipeline.live import AHEAD, CUT_FADE, EARLY, Session, Step
from txt2vid.pipeline.messages import Say

PCM = AudioFormat("pcm_s16le", LISTENING_RATE)
PACKET = LISTENING_RATE // 50
FPS = Fraction(25)


def packets(sound: Samples, *, epoch: int = 0, start: int = 0) -> list[Packet]:
    data = (sound * 32767).astype("<i2")
    return [
        Packet(epoch, start + at, data[at : at + PACKET].tobytes())
        for at in range(0, len(data) // PACKET * PACKET, PACKET)
    ]


def run(session: Session, sound: Samples, *, epoch: int = 0, start: int = 0) -> list[Step]:
    """Plays sound into the session at real-time pace: two packets a frame at 25 fps."""
    waiting = packets(sound, epoch=epoch, start=start)
    steps = []
    for at in range(0, len(waiting), 2):
        for packet in waiting[at : at + 2]:
            session.hear(packet)
        steps.append(session.step())
    return steps


def heard(steps: list[Step]) -> Samples:
    return np.concatenate([step.sound for step in steps])


def bursts(seconds: float) -> Samples:
    """Half a second of noise, half a second of nothing, and so on."""
    count = int(seconds * LISTENING_RATE)
    on = (np.arange(count) // (LISTENING_RATE // 2)) % 2 == 0
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, count).astype(np.float32)
    return np.asarray(noise * on, np.float32)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(1)])
def test_sound_and_frames_keep_step_to_the_sample(executor: ThreadPoolExecutor, fps: Fraction) -> None:
    session = Session(fps, executor)
    session.source(PCM, fresh=True)
    total = 0
    for index in range(100):
        step = session.step()
        total += len(step.sound)
        assert step.frame.index == index
        assert len(step.lead) == EARLY
        assert total == -(-(index + 1) * LISTENING_RATE * fps.denominator // fps.numerator)


def test_the_voice_comes_out_unchanged_after_a_bounded_delay(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    session.source(PCM, fresh=True)
    sound = bursts(6)
    out = heard(run(session, sound))
    begin = int(np.argmax(np.abs(out) > 0.01))
    assert AHEAD - EARLY <= begin <= AHEAD - EARLY + LISTENING_RATE // 5
    piece = slice(LISTENING_RATE * 2 + 1000, LISTENING_RATE * 2 + 20_000)  # within the third burst
    spectrum = np.fft.rfft(sound[piece], 2**19) * np.fft.rfft(out, 2**19).conj()
    best = int(np.argmax(np.fft.irfft(spectrum.conj())))
    assert np.allclose(out[best : best + 19_000], sound[piece], atol=1e-3)


def test_silence_has_life_but_no_lips(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    steps = [session.step() for _ in range(500)]
    assert not heard(steps).any()
    assert max(step.motion["jawOpen"] for step in steps) == 0.0
    assert max(step.motion["eyeBlinkLeft"] for step in steps) > 0.8
    assert np.ptp([step.motion.rotation[1] for step in steps]) > 0.01


def test_lips_move_with_the_voice_and_rest_after_it(executor: ThreadPoolExecutor, voice: Samples) -> None:
    session = Session(FPS, executor)
    session.source(PCM, fresh=True)
    steps = run(session, np.concatenate([voice, np.zeros(LISTENING_RATE, np.float32)]))
    jaws = np.array([step.motion["jawOpen"] for step in steps])
    loud = np.array([step.loud for step in steps])
    assert jaws.max() > 0.1
    assert jaws[-8:].max() == 0.0
    assert jaws[loud].mean() > 2 * jaws[~loud].mean()


def test_a_text_is_spoken_with_its_phonemes(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    quiet = [session.quiet]
    assert session.say(Say("a", "Hello, my friend. Good morning!", id=7, speaker=SpeakerOptions("flite")))
    quiet.append(session.quiet)
    steps = [session.step() for _ in range(150)]
    said = [index for index, step in enumerate(steps) if step.said]
    assert [steps[index].said for index in said] == [[7]]
    out = heard(steps)
    audible = np.flatnonzero(np.abs(out) > 0.02) / LISTENING_RATE
    assert audible[0] < 0.5  # of a second after it was asked for
    assert abs(said[0] / 25 - audible[-1]) < 0.7  # a voice ends with a breath of silence
    jaws = np.array([step.motion["jawOpen"] for step in steps])
    assert jaws.max() > 0.15
    assert jaws[said[0] + 5 :].max() == 0.0
    assert [*quiet, session.quiet] == [True, False, True]


def test_a_text_that_cannot_be_spoken_is_told(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    session.say(Say("a", "…", id=3))
    unspoken = [each for _ in range(10) for each in session.step().unspoken]
    assert [each.id for each in unspoken] == [3]
    assert unspoken[0].error


def test_an_interruption_is_heard_and_seen_at_once(executor: ThreadPoolExecutor, voice: Samples) -> None:
    session = Session(FPS, executor)
    session.source(PCM, fresh=True)
    run(session, np.tile(voice, 3)[: LISTENING_RATE * 2])
    session.cut(1)
    after = run(session, np.tile(voice, 2)[:LISTENING_RATE], start=LISTENING_RATE * 2)  # of the old epoch
    out = heard(after)
    assert not out[CUT_FADE:].any()
    assert max(step.motion["jawOpen"] for step in after[3:]) < 0.01
    new = heard(run(session, bursts(1), epoch=1, start=LISTENING_RATE * 4))
    assert np.abs(new).max() > 0.3


def test_an_interrupted_text_is_told_as_dropped(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    session.say(Say("a", "One two three four five six seven eight nine ten.", id=1))
    session.say(Say("a", "And this comes after it.", id=2))
    for _ in range(30):
        session.step()
    assert session.cut(1) == [1, 2]
    steps = [session.step() for _ in range(100)]
    assert not heard(steps)[CUT_FADE:].any()
    assert max(step.motion["jawOpen"] for step in steps[6:]) == 0.0
    assert all(not step.said for step in steps)


def test_no_click_at_an_interruption(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    session.source(PCM, fresh=True)
    tone = (0.5 * np.sin(2 * np.pi * 200 * np.arange(LISTENING_RATE * 2) / LISTENING_RATE)).astype(np.float32)
    before = run(session, tone)
    session.cut(1)
    out = heard(before + [session.step() for _ in range(20)])
    assert np.abs(np.diff(out[LISTENING_RATE:])).max() < 1.3 * np.abs(np.diff(tone)).max()


def test_drained_comes_when_all_is_shown(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    session.source(PCM, fresh=True)
    steps = run(session, bursts(0.5))
    session.drain()
    while not steps[-1].drained:
        assert len(steps) < 60
        steps.append(session.step())
    out = heard(steps)
    last = int(np.flatnonzero(np.abs(out) > 0.01)[-1])
    assert len(out) - last <= LISTENING_RATE // 5
    assert np.count_nonzero(np.abs(out) > 0.01) > 0.9 * 0.98 * LISTENING_RATE // 2


def test_a_broken_packet_is_refused_and_the_next_is_heard(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    session.source(PCM, fresh=True)
    with pytest.raises(AudioError, match="half a sample"):
        session.hear(Packet(0, 0, b"abc"))
    assert np.abs(heard(run(session, bursts(0.5)))).max() > 0.3


def test_sound_without_a_source_is_nothing(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    for packet in packets(bursts(0.5)):
        session.hear(packet)
    assert not heard([session.step() for _ in range(20)]).any()


def test_opus_goes_through(executor: ThreadPoolExecutor, voice: Samples) -> None:
    from txt2vid.ffmpeg.opus import OpusEncoder

    session = Session(FPS, executor)
    session.source(AudioFormat(), fresh=True)
    encoder = OpusEncoder()
    out = []
    for at in range(0, len(voice), PACKET):
        for packet in encoder.push(voice[at : at + PACKET]):
            session.hear(Packet(0, packet.position, packet.data))
        if at // PACKET % 2:
            out.append(session.step())
    assert np.sqrt(np.mean(heard(out) ** 2)) > 0.3 * np.sqrt(np.mean(voice**2))


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_pcm_of_any_rate_goes_through_at_its_speed(executor: ThreadPoolExecutor, rate: int) -> None:
    session = Session(FPS, executor)
    session.source(AudioFormat("pcm_s16le", rate), fresh=True)
    tone = (16_000 * np.sin(2 * np.pi * 500 * np.arange(rate * 3) / rate)).astype("<i2")
    out = []
    for at in range(0, len(tone), rate // 25):
        session.hear(Packet(0, at, tone[at : at + rate // 25].tobytes()))
        out.append(session.step())
    sound = heard(out)[LISTENING_RATE : 2 * LISTENING_RATE]
    assert int(np.argmax(np.abs(np.fft.rfft(sound)))) == 500
    assert np.abs(sound).max() == pytest.approx(0.49, abs=0.05)
