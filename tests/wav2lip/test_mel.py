"""The mel windows against straightforward code in float64, and streams against whole files."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wav2lip import mel


def noise(seconds: float, seed: int = 0) -> mel.Samples:
    rng = np.random.default_rng(seed)
    count = int(seconds * mel.RATE)
    swell = np.abs(np.sin(np.arange(count) / mel.RATE * 2 * np.pi * 1.5))
    samples: mel.Samples = (rng.standard_normal(count) * 0.1 * swell).astype(np.float32)
    return samples


def to_mel(hertz: float) -> float:
    return hertz / (200 / 3) if hertz < 1000 else 15 + float(np.log(hertz / 1000)) / (np.log(6.4) / 27)


def to_hertz(mels: float) -> float:
    return mels * 200 / 3 if mels < 15 else 1000 * float(np.exp((mels - 15) * np.log(6.4) / 27))


def reference(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """One frame after the other, by sums written out from the facts: (frames, 80)."""
    emphasised = samples - 0.97 * np.concatenate([[0.0], samples[:-1]])
    padded = np.concatenate([emphasised[400:0:-1], emphasised, emphasised[-2:-402:-1]])
    n = np.arange(800)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / 800)
    bins = np.arange(401)
    turns = np.exp(-2j * np.pi * np.outer(bins, n) / 800)
    edges = [to_hertz(m) for m in np.linspace(to_mel(55.0), to_mel(7600.0), 82)]
    rows = []
    for frame in range(len(samples) // 200 + 1):
        magnitude = np.abs(turns @ (hann * padded[200 * frame : 200 * frame + 800]))
        row = []
        for band in range(80):
            low, middle, high = edges[band : band + 3]
            total = 0.0
            for k in bins:
                f = k * 20.0
                weight = max(0.0, min((f - low) / (middle - low), (high - f) / (high - middle)))
                total += weight * 2 / (high - low) * magnitude[k]
            level = 20 * np.log10(max(1e-5, total)) - 20
            row.append(np.clip(8 * ((level + 100) / 100) - 4, -4, 4))
        rows.append(row)
    return np.array(rows)


def test_frames_are_those_of_the_reference() -> None:
    samples = noise(0.3)
    got = mel.spectrogram(samples)
    assert got.shape == (len(samples) // 200 + 1, 80)
    np.testing.assert_allclose(got, reference(samples.astype(np.float64)), atol=2e-6)


def test_silence_is_the_lowest_value() -> None:
    assert (mel.spectrogram(np.zeros(16_000, np.float32)) == -4).all()


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=20), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_stream_is_bit_for_bit_the_file_away_from_its_ends(sizes: list[int], seed: int) -> None:
    samples = noise(1.2, seed)
    stream, pieces, at = mel.MelStream(), [], 0
    for size in [*sizes, len(samples)]:
        pieces.append(stream.push(samples[at : at + size]))
        at += size
    got, whole = np.concatenate(pieces), mel.spectrogram(samples)
    assert len(got) == len(whole) - 2  # the last two see the mirrored end
    np.testing.assert_array_equal(got[2:], whole[2 : len(got)])


def test_a_frame_is_there_as_soon_as_its_samples_are() -> None:
    stream = mel.MelStream()
    for frame in range(5):
        assert len(stream.push(np.zeros(200 if frame else 399, np.float32))) == 0 or frame
    stream = mel.MelStream()
    assert len(stream.push(np.zeros(399, np.float32))) == 0
    assert len(stream.push(np.zeros(1, np.float32))) == 1
    assert len(stream.push(np.zeros(199, np.float32))) == 0
    assert len(stream.push(np.zeros(1, np.float32))) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_an_error_and_is_not_heard(bad: float) -> None:
    samples = noise(0.2)
    broken = samples.copy()
    broken[100] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        mel.spectrogram(broken)
    stream, other = mel.MelStream(), mel.MelStream()
    with pytest.raises(ValueError, match="NaN or infinity"):
        stream.push(broken)
    np.testing.assert_array_equal(stream.push(samples), other.push(samples))


def test_too_few_samples() -> None:
    with pytest.raises(ValueError, match="too few"):
        mel.spectrogram(np.zeros(400, np.float32))
    with pytest.raises(ValueError, match="too few"):
        mel.windows(np.zeros((15, 80), np.float32), Fraction(25))


@pytest.mark.parametrize(("fps", "index", "start"), [(25, 0, 0), (25, 1, 3), (25, 5, 16), (30, 7, 18), (12.5, 3, 19)])
def test_windows_begin_as_published_or_a_frame_earlier(fps: float, index: int, start: int) -> None:
    rate = Fraction(fps)
    assert mel.first_frame(index, rate, as_published=True) == start == int(index * 80 / fps)
    assert mel.first_frame(index, rate) == int(np.floor((index / fps - 0.04) * 80 + 1e-9))


def test_exact_at_rates_whose_floats_are_not() -> None:
    fps = Fraction(30_000, 1001)
    starts = [mel.first_frame(i, fps, as_published=True) for i in range(3000)]
    assert starts == [i * 80 * 1001 // 30_000 for i in range(3000)]


def test_windows_of_a_recording_end_with_its_last_frames() -> None:
    spectrum = mel.spectrogram(noise(1.0))
    published = mel.windows(spectrum, Fraction(25), as_published=True)
    assert published.shape[1:] == (1, 80, 16)
    np.testing.assert_array_equal(published[3, 0], spectrum[9:25].T)
    np.testing.assert_array_equal(published[-1, 0], spectrum[-16:].T)
    trained = mel.windows(spectrum, Fraction(25))
    assert (trained[0, 0, :, :4] == -4).all()  # before the start is silence
    np.testing.assert_array_equal(trained[0, 0, :, 4:], spectrum[:12].T)
