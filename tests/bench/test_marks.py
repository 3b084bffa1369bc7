"""Known marks in, the same numbers out."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from txt2vid.bench.marks import Seen, av_offset, in_stream, latencies, reach
from txt2vid.bench.spread import slope, spread
from txt2vid.bench.tone import AMPLITUDE, BURST, GAPS, Edge, Span, ToneFinder, Track, bursts
from txt2vid.core.clock import FrameTime
from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.ffmpeg.opus import PACKET, OpusDecoder, OpusEncoder

FPS = Fraction(25)
LOUD = 0.1
NEAR = 5  # samples, a tenth of a millisecond


def found(sound: Samples, piece: int = 1024) -> list[Edge]:
    finder = ToneFinder()
    return [edge for at in range(0, len(sound), piece) for edge in finder.push(sound[at : at + piece])]


def test_bursts_are_irregular_and_lie_evenly_within_frames() -> None:
    spans = bursts(60, FPS)
    gaps = np.diff([span.start for span in spans]) / LISTENING_RATE
    assert len(spans) > 40
    assert gaps.min() > GAPS[0] - 0.04
    assert gaps.max() < GAPS[1] + 0.04
    assert len(np.unique(gaps.round(2))) > 10
    phases = np.sort([span.start / 1920 % 1 for span in spans])
    assert np.diff(phases).max() < 3 / len(spans)


@pytest.mark.parametrize("piece", [160, 1024, 5000])
def test_edges_are_found_to_a_tenth_of_a_millisecond(piece: int) -> None:
    spans = bursts(6, FPS)
    edges = found(Track(spans).between(0, 6 * LISTENING_RATE), piece)
    assert [edge.rising for edge in edges] == [True, False] * len(spans)
    for edge, wanted in zip(edges, [place for span in spans for place in span], strict=True):
        assert abs(edge.position - wanted) <= NEAR


def test_clicks_dips_and_other_sounds_are_no_edges() -> None:
    sound = Track([Span(48_000, 96_000)]).between(0, 3 * LISTENING_RATE)
    sound[10_000:10_100] += AMPLITUDE  # a click
    sound[60_000:60_300] = 0  # a hole of 6 ms
    sound[110_000:130_000] += (0.3 * np.sin(2 * np.pi * 140 / 48_000 * np.arange(20_000))).astype(np.float32)  # a voice
    rising, falling = found(sound)
    assert (rising.rising, falling.rising) == (True, False)
    assert abs(rising.position - 48_000) <= NEAR
    assert abs(falling.position - 96_000) <= NEAR


def test_opus_moves_no_edge() -> None:
    spans = bursts(8, FPS)
    encoder, decoder = OpusEncoder(), OpusDecoder()
    sound = Track(spans).between(0, 8 * LISTENING_RATE)
    packets = [packet for at in range(0, len(sound), PACKET) for packet in encoder.push(sound[at : at + PACKET])]
    edges = found(np.concatenate([decoder.decode(packet.data) for packet in packets]))
    starts = [edge.position for edge in edges if edge.rising]
    assert len(starts) == len(spans)
    errors = np.subtract(starts, [span.start for span in spans]) / LISTENING_RATE
    assert np.abs(errors).max() < 0.002
    assert abs(errors.mean()) < 0.001


def whites(spans: list[Span], late: float = 0.0) -> list[tuple[float, float]]:
    """(onset, pts of the first white frame), the rule applied to the samples; pictures `late` seconds behind."""
    track = Track(spans)
    pairs = []
    for span in spans:
        index = span.start * FPS.numerator // (LISTENING_RATE * FPS.denominator)
        while True:
            part = track.between(*FrameTime(index, FPS).span(LISTENING_RATE))
            if np.sqrt(np.mean(part**2)) > LOUD:
                break
            index += 1
        pairs.append((span.start / LISTENING_RATE, float(FrameTime(index, FPS).time) + late))
    return pairs


@pytest.mark.parametrize("late", [0.0, 0.013, -0.02, 0.1])
def test_a_known_offset_comes_out(late: float) -> None:
    offset = av_offset(whites(bursts(60, FPS), late), float(1 / FPS), LOUD)
    assert offset.each.mean == pytest.approx(1000 * late, abs=1.0)
    assert offset.agreeing == offset.each.count
    assert abs(offset.best - 1000 * late) <= offset.slack < 2
    assert offset.each.error == pytest.approx(40 / 12**0.5 / offset.each.count**0.5, rel=0.2)


def test_a_few_torn_marks_do_not_move_the_offset() -> None:
    pairs = whites(bursts(60, FPS), 0.01)
    pairs[3] = (pairs[3][0], pairs[3][1] + 0.12)
    pairs[20] = (pairs[20][0], pairs[20][1] - 0.1)
    offset = av_offset(pairs, float(1 / FPS), LOUD)
    assert offset.agreeing == len(pairs) - 2
    assert abs(offset.best - 10) <= offset.slack < 2


def test_a_burst_reaches_what_the_rule_says() -> None:
    assert reach(0.04, LOUD) == pytest.approx(0.04 * 2 * LOUD**2 / AMPLITUDE**2, abs=0.0005)
    with pytest.raises(ValueError, match="too short"):
        reach(60.0, LOUD)


def test_marks_are_told_apart_though_some_are_lost_and_some_are_not_ours() -> None:
    captured = [100 + span.start / LISTENING_RATE for span in bursts(30, FPS)]
    jitter = np.random.default_rng(1).uniform(0, 0.05, len(captured))
    arrivals = [Seen(0.0, at + 2.3 + extra) for at, extra in zip(captured, jitter, strict=True)]
    seen = [*arrivals[:4], *arrivals[6:], Seen(0.0, 118.77)]
    result = latencies(captured, sorted(seen, key=lambda each: each.at))
    assert len(result) >= len(captured) - 2
    assert all(2.3 <= seconds <= 2.36 for at, seconds in result if at in captured[:4])
    assert np.median([seconds for _, seconds in result]) == pytest.approx(2.325, abs=0.01)
    assert latencies([], seen) == latencies(captured, []) == []


def test_a_sound_has_the_square_nearest_to_it() -> None:
    sounds = [Seen(1.0, 0), Seen(2.3, 0), Seen(9.0, 0)]
    squares = [Seen(2.28, 0), Seen(0.96, 0), Seen(5.0, 0)]
    assert [(a.time, b.time) for a, b in in_stream(sounds, squares, 0.5)] == [(1.0, 0.96), (2.3, 2.28)]


@pytest.mark.parametrize("container", ["mpegts", "mp4"])
def test_the_offset_survives_a_real_encoder(tmp_path: Path, container: str) -> None:
    spans = bursts(20, FPS)
    sound = Track(spans).between(0, 20 * LISTENING_RATE)
    white = {round(pts * FPS) for _, pts in whites(spans)}
    frames = b"".join(bytes([235 if at in white else 16]) * 4096 + b"\x80" * 2048 for at in range(500))
    (tmp_path / "sound").write_bytes(sound.tobytes())
    (tmp_path / "frames").write_bytes(frames)
    made = tmp_path / "made"
    video = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "64x64", "-r", "25", "-i", str(tmp_path / "frames")]
    audio = ["-f", "f32le", "-ar", "48000", "-ac", "1", "-i", str(tmp_path / "sound")]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "aac", "-f", container]
    subprocess.run(["ffmpeg", "-v", "error", *video, *audio, *codecs, str(made)], check=True, timeout=60)
    finder, squares, onsets, offset = ToneFinder(), [], [], None
    with av.open(str(made)) as file:
        for frame in file.decode():
            if isinstance(frame, av.AudioFrame):
                offset = frame.time if offset is None else offset
                edges = finder.push(frame.to_ndarray()[0])
                onsets += [Seen((offset or 0) + edge.position / LISTENING_RATE, 0) for edge in edges if edge.rising]
            elif isinstance(frame, av.VideoFrame) and bytes(frame.planes[0])[0] > 125:
                squares.append(Seen(frame.time or 0, 0))
    pairs = [(a.time, b.time) for a, b in in_stream(onsets, squares, 0.5)]
    assert len(pairs) == len(spans)
    measured = av_offset(pairs, 0.04, LOUD)
    assert abs(measured.each.mean) < 3
    assert abs(measured.best) < measured.slack + 2


def test_spread_and_slope() -> None:
    numbers = spread([0.1, 0.2, 0.3, 0.4], 1000)
    assert (numbers.count, numbers.mean, numbers.least, numbers.median, numbers.most) == (4, 250, 100, 250, 400)
    assert spread([]).count == 0
    assert slope([0, 1, 2, 3, 4], [5, 7, 9, 100, 13]) == pytest.approx(2)
    assert slope([0], [1]) == 0


def test_a_burst_lasts_a_quarter_of_a_second() -> None:
    assert BURST / LISTENING_RATE == 0.25
