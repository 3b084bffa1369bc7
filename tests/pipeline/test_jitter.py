"""The jitter buffer on simulated networks: nothing lost or doubled, delay bounded and won back, no clicks."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.pipeline.jitter import BACK, LIMIT, MOST, TARGET, JitterBuffer
from txt2vid.pipeline.splice import FADE

MS = LISTENING_RATE // 1000
PACKET = 20 * MS
FRAME = 40 * MS
NTSC = (1602, 1601, 1602, 1601, 1602)

Arrival = tuple[float, int, Samples]  # when (samples), position, sound


@dataclass
class Run:
    """What a schedule of arrivals came out as: sound, and of each take whether a voice is in it and the delay."""

    buffer: JitterBuffer
    sound: Samples
    voice: list[bool]
    delays: Samples  # samples

    @property
    def conserved(self) -> bool:
        counters = self.buffer.counters
        out = counters.played + counters.trimmed + counters.dropped + self.buffer.depth
        return counters.heard == out


def run(arrivals: Iterable[Arrival], samples: int, pieces: Sequence[int] = (FRAME,)) -> Run:
    """Takes pieces at the time when their last sample is over, after all that had arrived by then."""
    buffer, clock = JitterBuffer(), 0
    sound: list[Samples] = []
    voice: list[bool] = []
    delays: list[int] = []
    waiting = iter(arrivals)
    arrival = next(waiting, None)
    while clock < samples:
        piece = pieces[len(sound) % len(pieces)]
        while arrival is not None and arrival[0] <= clock + piece:
            buffer.put(arrival[1], arrival[2])
            arrival = next(waiting, None)
        taken = buffer.take(piece)
        assert taken.samples.shape == (piece,)
        assert taken.samples.dtype == np.float32
        clock += piece
        sound.append(taken.samples)
        voice.append(taken.voice)
        delays.append(taken.delay)
    return Run(buffer, np.concatenate(sound), voice, np.array(delays, np.float32))


def sent(sound: Samples, when: Callable[[int], float] = lambda end: end + 5 * MS) -> list[Arrival]:
    """Packets of 20 ms; `when` says at what time the one that ends at a sample is there. None overtakes another."""
    starts = range(0, len(sound) - PACKET + 1, PACKET)
    times = np.maximum.accumulate([when(start + PACKET) for start in starts])
    return [(time, start, sound[start : start + PACKET]) for time, start in zip(times, starts, strict=True)]


def tone(seconds: float, frequency: float = 200) -> Samples:
    time = np.arange(round(seconds * LISTENING_RATE)) / LISTENING_RATE
    return np.asarray(0.3 * np.sin(2 * np.pi * frequency * time + 0.5), np.float32)


def talk(seconds: float) -> Samples:
    """A buzz that rises and falls like a voice, with pauses of about a second every three, over a soft noise."""
    time = np.arange(round(seconds * LISTENING_RATE)) / LISTENING_RATE
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(4.4 * time)) / LISTENING_RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 9)) * 0.12
    loud = np.clip(4 * np.sin(2 * np.pi * time / 3.1) + 2, 0, 1)
    return np.asarray(voice * loud + np.random.default_rng(3).normal(0, 3e-4, len(time)), np.float32)


def steepest(sound: Samples) -> float:
    return float(np.abs(np.diff(sound)).max())


def frequency(sound: Samples) -> float:
    """Of a tone: upward zero crossings a second."""
    ups = np.flatnonzero((sound[:-1] < 0) & (sound[1:] >= 0))
    return float((len(ups) - 1) / (ups[-1] - ups[0]) * LISTENING_RATE)


@pytest.mark.parametrize("pieces", [(FRAME,), NTSC, (800,), (LISTENING_RATE,)], ids=["25", "29.97", "60", "1"])
def test_steady_sound_comes_out_as_it_went_in(pieces: Sequence[int]) -> None:
    sound = tone(20)
    made = run(sent(sound), 20 * LISTENING_RATE, pieces)
    start = int(np.flatnonzero(made.sound)[0])
    assert np.array_equal(made.sound[start + FADE :], sound[FADE : len(made.sound) - start])
    assert np.abs(made.sound[start : start + FADE]).max() < np.abs(sound[:FADE]).max()  # it fades in
    assert start <= max(TARGET, max(pieces) + PACKET) + PACKET
    assert (made.buffer.counters.trimmed, made.buffer.counters.dropped, made.buffer.counters.concealed) == (0, 0, 0)
    assert made.delays.max() <= TARGET
    assert made.conserved


@pytest.mark.parametrize("milliseconds", [5, 20, 30])
def test_a_short_word_comes_out(milliseconds: int) -> None:
    word = tone(milliseconds / 1000)
    made = run([(0.0, 0, word)], LISTENING_RATE // 2)
    start = int(np.flatnonzero(made.sound)[0])
    assert start <= TARGET
    assert np.array_equal(made.sound[start + FADE : start + len(word)], word[FADE:])
    assert made.buffer.drained
    assert made.voice.count(True) <= 2
    assert not made.voice[-1]
    assert np.abs(made.sound[start + len(word) + 30 * MS :]).max() == 0
    assert steepest(made.sound) < steepest(word) * 1.2


def test_nothing_is_silence() -> None:
    taken = JitterBuffer().take(1601)
    assert taken.samples.tolist() == [0] * 1601
    assert not taken.voice
    assert taken.delay <= TARGET


NETWORKS: dict[str, Callable[[int], float]] = {
    "bursts of 100 ms": lambda end: -(-end // (100 * MS)) * 100 * MS + 5.0 * MS,
    "half a second's stall": lambda end: max(end + 5 * MS, 10.5 * LISTENING_RATE) if end > 480_000 else end + 5.0 * MS,
    "two seconds' stall": lambda end: max(end + 5 * MS, 12 * LISTENING_RATE) if end > 480_000 else end + 5.0 * MS,
    "three seconds later from then on": lambda end: end + (3.0 * LISTENING_RATE if end > 480_000 else 0),
    "0.1 % quick": lambda end: end / 1.001,
    "0.1 % slow": lambda end: end / 0.999,
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("sound", [talk(30), tone(30)], ids=["talk", "tone"])
def test_networks(network: str, sound: Samples) -> None:
    made = run(sent(sound, NETWORKS[network]), 29 * LISTENING_RATE)
    assert made.conserved
    assert made.delays.max() <= LIMIT
    assert steepest(made.sound) < steepest(sound) * 1.25
    late = made.delays[-5 * 25 :]  # long after whatever happened
    assert np.percentile(late, 95) <= 120 * MS
    assert np.mean(made.delays > MOST) < 0.15
    lost = made.buffer.counters.dropped
    assert lost == 0 or (network == "two seconds' stall" and lost <= 2 * LISTENING_RATE - MOST)


def test_the_pitch_stays_while_delay_is_won_back() -> None:
    made = run(sent(tone(30), NETWORKS["half a second's stall"]), 29 * LISTENING_RATE)
    assert made.buffer.counters.trimmed > 300 * MS
    assert made.delays[-1] <= 60 * MS
    for start in range(11_000 * MS, 28_000 * MS, 500 * MS):
        part = made.sound[start : start + 500 * MS]
        assert frequency(part) == pytest.approx(200, abs=1)


def test_delay_in_speech_is_won_back_slowly() -> None:
    sound = tone(30)
    made = run(sent(sound, lambda end: end + (250.0 * MS if end <= 480_000 else 0)), 29 * LISTENING_RATE)
    delays = made.delays[25 * 11 :]
    gone = -np.diff(delays)
    assert delays[0] > 200 * MS
    assert delays[-1] <= 60 * MS
    assert gone[: 25 * 17].sum() > 150 * MS
    for second in range(len(gone) // 25):
        assert gone[second * 25 : second * 25 + 25].sum() <= 0.1 * LISTENING_RATE + 12 * MS


def test_in_talk_only_pauses_are_shortened() -> None:
    sound = talk(30)
    made = run(sent(sound, lambda end: end + (120.0 * MS if end <= 96_000 else 0)), 29 * LISTENING_RATE)
    loud = np.abs(sound) > 0.02
    assert made.buffer.counters.trimmed > 50 * MS
    assert np.count_nonzero(np.abs(made.sound) > 0.02) > 0.97 * np.count_nonzero(loud[: 28 * LISTENING_RATE])


@pytest.mark.parametrize(("rate", "make"), [(48_005, tone), (47_995, talk), (48_048, talk), (47_952, tone)])
@pytest.mark.slow
def test_an_hour_of_a_clock_that_is_not_ours(rate: int, make: Callable[[float], Samples]) -> None:
    minute = make(62)[: 62 * LISTENING_RATE]  # both go on after 62 s where they began: 20 pauses, whole periods
    packets = [minute[start : start + PACKET] for start in range(0, len(minute), PACKET)]
    hour = (
        ((j + 1) * PACKET * LISTENING_RATE / rate, j * PACKET, packets[j % len(packets)])
        for j in range(3600 * rate // PACKET)
    )
    made = run(hour, 3590 * LISTENING_RATE)
    surplus = 3590 * (rate - LISTENING_RATE)
    counters = made.buffer.counters
    assert made.conserved
    assert made.delays.max() <= 100 * MS
    assert counters.dropped == 0
    assert counters.trimmed - counters.concealed == pytest.approx(surplus, abs=100 * MS)
    assert np.mean(made.voice[5:]) == 1


def test_the_target_rises_with_jitter_and_falls_again() -> None:
    random = np.random.default_rng(4)

    def when(end: int) -> float:
        return end + (random.exponential(40) * MS if 5 < end / LISTENING_RATE < 25 else 0.0)

    made = run(sent(talk(60), when), 59 * LISTENING_RATE)
    jittery, calm = made.delays[25 * 15 : 25 * 25], made.delays[25 * 40 :]
    assert np.median(jittery) > 1.5 * np.median(calm)
    assert made.delays.max() <= MOST
    assert calm.max() <= 60 * MS


@pytest.mark.parametrize("lump", [200, 400, 600])
def test_sound_that_comes_in_lumps_is_played_whole(lump: int) -> None:
    sound = talk(30)
    made = run(sent(sound, lambda end: -(-end // (lump * MS)) * lump * MS + 5 * MS), 29 * LISTENING_RATE)
    counters = made.buffer.counters
    assert counters.dropped == 0
    assert counters.concealed < 200 * MS
    assert counters.trimmed < 200 * MS
    assert made.delays.mean() <= MOST
    assert made.delays.max() <= lump * MS


def test_a_sender_that_is_twice_too_quick() -> None:
    sound = talk(30)
    made = run(sent(sound, lambda end: end / 2), 14 * LISTENING_RATE)
    assert made.conserved
    assert made.delays.max() <= LIMIT + 2 * PACKET
    assert made.buffer.counters.concealed < LISTENING_RATE
    assert np.mean(made.voice[5:]) == 1


def test_missing_sound_within_a_burst_keeps_its_time() -> None:
    sound = talk(10)
    made = run([arrival for arrival in sent(sound) if arrival[1] // PACKET != 100], 9 * LISTENING_RATE)
    whole = run(sent(sound), 9 * LISTENING_RATE)
    differ = np.flatnonzero(made.sound != whole.sound)
    assert 0 < differ[-1] - differ[0] < PACKET + 2 * FADE
    assert steepest(made.sound) < steepest(sound) * 1.25


def test_a_long_gap_in_positions_is_not_played() -> None:
    sound = tone(6)
    resumed = [
        (time, position + (3600 * LISTENING_RATE if time > 144_000 else 0), part)
        for time, position, part in sent(sound)
    ]
    made = run(resumed, 5 * LISTENING_RATE)
    assert made.buffer.counters.dropped == 0
    assert made.delays.max() <= TARGET
    assert steepest(made.sound) < steepest(sound) * 1.2


def test_gaps_of_a_muted_sender() -> None:
    sound = tone(20)
    made = run([arrival for arrival in sent(sound) if arrival[1] // LISTENING_RATE % 4 != 3], 19 * LISTENING_RATE)
    assert made.delays.max() <= TARGET
    for second in (0, 1, 2, 4, 5, 6):  # all come as late as the first
        a, b = (made.sound[x * LISTENING_RATE + 200 * MS :][: 500 * MS] for x in (second, second + 4))
        assert np.abs(a - b).max() < 1e-3
    assert np.abs(made.sound[3200 * MS :][: 500 * MS]).max() == 0


def test_late_and_double_packets() -> None:
    sound = talk(4)
    straight = sent(sound)
    shuffled = straight[:2] * 2
    for j in range(2, len(straight) - 1, 2):
        shuffled += [straight[j + 1], straight[j], straight[j], straight[j + 1]]  # each pair the wrong way round, twice
    shuffled = [(straight[2 * (j // 4) + 1][0], position, part) for j, (_, position, part) in enumerate(shuffled)]
    made = run(shuffled, 3 * LISTENING_RATE)
    start = int(np.flatnonzero(made.sound)[0])
    assert np.array_equal(made.sound[start + FADE :], sound[FADE : len(made.sound) - start])
    assert made.conserved


def test_sound_of_before_is_not_played_again() -> None:
    buffer = JitterBuffer()
    for j in range(50):
        buffer.put(j * PACKET, tone(0.02))
        buffer.take(PACKET)
    played = buffer.counters.played
    for j in range(40):
        buffer.put(j * PACKET, tone(0.02))
    assert buffer.counters.dropped == 40 * PACKET
    assert buffer.depth == 50 * PACKET - played


def test_positions_that_stay_far_back_are_another_numbering() -> None:
    buffer = JitterBuffer()
    buffer.put(10 * BACK, tone(0.02))
    for j in range(100):
        buffer.put(j * PACKET, tone(0.02))
        buffer.take(PACKET)
    assert buffer.counters.dropped < LISTENING_RATE
    assert buffer.counters.played > LISTENING_RATE // 2


def test_restart_keeps_what_waits_and_the_counters() -> None:
    buffer = JitterBuffer()
    buffer.put(10**9, tone(0.1))
    buffer.restart()
    buffer.put(0, tone(0.1))
    for _ in range(20):
        buffer.take(FRAME)
    assert buffer.counters.heard == buffer.counters.played == 200 * MS


def test_cut_ends_softly_and_at_once() -> None:
    buffer, sound, before = JitterBuffer(), tone(1), tone(0)
    for j in range(0, 20, 2):
        buffer.put(j * PACKET, sound[j * PACKET : (j + 2) * PACKET])
        before = buffer.take(FRAME).samples
    buffer.cut()
    after = buffer.take(FRAME)
    assert steepest(np.concatenate([before, after.samples])) < steepest(sound) * 1.5
    assert np.abs(after.samples[2 * FADE :]).max() == 0
    assert (after.voice, buffer.drained, buffer.depth) == (False, True, 0)
    buffer.put(20 * PACKET, sound[:FRAME])
    buffer.put(22 * PACKET, sound[:FRAME])
    assert buffer.take(FRAME).voice


def test_bad_samples_are_cleaned() -> None:
    made = run([(0.0, 0, np.array([np.nan, np.inf, -np.inf, 7, -7] * 1000, np.float32))], LISTENING_RATE)
    assert np.abs(made.sound).max() <= 1
    assert np.isfinite(made.sound).all()


def test_a_flood_is_bounded() -> None:
    buffer = JitterBuffer()
    for j in range(1000):
        buffer.put(j * LISTENING_RATE, np.full(LISTENING_RATE, 0.1, np.float32))
        assert buffer.depth <= 3 * LIMIT
    buffer.take(FRAME)
    assert buffer.depth <= LIMIT + MOST


def test_shreds_are_bounded() -> None:
    buffer = JitterBuffer()
    for j in range(5000):
        buffer.put(2 * j, np.full(1, 0.1, np.float32))
    assert buffer.counters.dropped > 4000


STEP = st.one_of(
    st.tuples(st.just("put"), st.integers(-30_000, 30_000), st.integers(0, 5000)),
    st.tuples(st.just("next"), st.just(0), st.sampled_from([480, 960, 1920])),
    st.tuples(st.just("jump"), st.integers(-(1 << 47), 1 << 47), st.integers(1, 48_000)),
    st.tuples(st.just("take"), st.sampled_from([1, 200, 1601, 1920, 1920, 48_000]), st.just(0)),
    st.tuples(st.sampled_from(["cut", "restart"]), st.just(0), st.just(0)),
)


@given(steps=st.lists(STEP, max_size=80))
@settings(deadline=None)
def test_whatever_arrives(steps: list[tuple[str, int, int]]) -> None:
    buffer, position, longest = JitterBuffer(), 0, 0
    sound = np.sin(np.arange(48_000, dtype=np.float32) / 40) / 2
    for what, value, count in steps:
        if what == "take":
            taken = buffer.take(value)
            longest = max(longest, value)
            assert len(taken.samples) == value
            assert np.abs(taken.samples).max() <= 1.5
            assert 0 <= taken.delay <= LIMIT + MOST + longest
        elif what == "cut":
            buffer.cut()
            assert buffer.drained
        elif what == "restart":
            buffer.restart()
        else:
            start = value if what == "jump" else position + value
            buffer.put(start, sound[:count])
            position = start + count
        counters = buffer.counters
        assert counters.heard == counters.played + counters.trimmed + counters.dropped + buffer.depth
        assert 0 <= buffer.depth <= LIMIT + 2 * MOST + longest
    for _ in range(60):
        buffer.take(FRAME)
    assert buffer.drained


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Some seconds of speech at 48 kHz."""
    path = Path(tmp_path_factory.mktemp("speech") / "words.wav")
    text = "The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore, does she not?"
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True)
    with wave.open(str(path)) as file:
        told = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        rate = file.getframerate()
    times = np.arange(len(told) * LISTENING_RATE // rate) * rate / LISTENING_RATE
    return np.asarray(np.interp(times, np.arange(len(told)), told), np.float32)


def test_speech_stays_whole_on_a_jittery_network(words: Samples) -> None:
    random = np.random.default_rng(5)
    sound = np.concatenate([words, words])
    made = run(sent(sound, lambda end: end + random.exponential(15) * MS), len(sound) + LISTENING_RATE)
    matched, size = [], 100 * MS
    for start in range(LISTENING_RATE, len(sound) - 2 * size, size):
        part = sound[start : start + size]
        if np.dot(part, part) / size < 1e-4:
            continue
        found = made.sound[start : start + size + 400 * MS]
        energy = np.concatenate([np.zeros(1), np.cumsum(found.astype(np.float64) ** 2)])
        power = np.sqrt((energy[size:] - energy[:-size]) * float(np.dot(part, part)) + 1e-9)
        spectrum = np.fft.rfft(found, 1 << 15) * np.conj(np.fft.rfft(part, 1 << 15))
        match = np.fft.irfft(spectrum)[: len(power)] / power
        matched.append(float(match.max()))
    assert len(matched) > 40
    assert np.mean(np.array(matched) > 0.95) > 0.75
    assert np.quantile(matched, 0.05) > 0.5
    assert made.buffer.counters.dropped == 0
