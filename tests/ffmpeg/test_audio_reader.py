from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from txt2vid.errors import AudioError, FFmpegError
from txt2vid.ffmpeg import AudioReader

Make = Callable[..., Path]


def tone(seconds: float = 1, rate: int = 44100, frequency: int = 440) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=frequency={frequency}:sample_rate={rate}:duration={seconds}")


def read(path: Path) -> tuple[NDArray[np.float32], AudioReader]:
    with AudioReader(path) as reader:
        chunks = list(reader)
    ends = [0, *(chunk.end for chunk in chunks)]
    assert [chunk.position for chunk in chunks] == ends[:-1]
    assert all(0 < len(chunk) <= reader.rate // 10 for chunk in chunks)
    assert {(chunk.rate, chunk.channels) for chunk in chunks} == {(reader.rate, reader.channels)}
    samples = np.concatenate([chunk.samples for chunk in chunks])
    assert samples.dtype == np.float32
    assert float(np.abs(samples).max()) <= 1
    return samples, reader


def onset(samples: NDArray[np.float32], threshold: float = 0.02) -> int:
    return int(np.argmax(np.abs(samples).max(axis=1) > threshold))


@pytest.mark.parametrize(
    ("name", "options", "slack"),
    [
        ("a.wav", (), 0),
        ("8bit.wav", ("-c:a", "pcm_u8"), 0),
        ("24bit.wav", ("-c:a", "pcm_s24le"), 0),
        ("float.wav", ("-c:a", "pcm_f32le"), 0),
        ("a.flac", (), 0),
        ("a.aiff", (), 0),
        ("a.ogg", ("-c:a", "libvorbis"), 0),
        ("a.caf", ("-c:a", "pcm_s16le"), 0),
        ("a.mp3", (), 1152),  # whole MPEG frames
        ("a.m4a", (), 1024),  # whole AAC frames
        ("a.aac", (), 2048),  # besides, raw ADTS has no place to tell the encoder's delay
        ("a.wma", (), 4096),
    ],
)
def test_formats(make: Make, name: str, options: tuple[str, ...], slack: int) -> None:
    samples, reader = read(make(name, *tone(1.3), *options))
    assert (reader.rate, reader.channels) == (44100, 1)
    assert abs(len(samples) - 1.3 * 44100) <= slack
    power = np.abs(np.fft.rfft(samples[4410:48510, 0]))
    assert int(power.argmax()) == 440


@pytest.mark.parametrize(
    ("given", "kept"),
    [(16000, 16000), (22050, 22050), (24000, 24000), (32000, 32000), (44100, 44100), (48000, 48000),
     (8000, 48000), (11025, 48000), (96000, 48000), (192000, 48000)],
)  # fmt: skip
def test_rates(make: Make, given: int, kept: int) -> None:
    samples, reader = read(make("a.wav", *tone(1, given)))
    assert reader.rate == kept
    assert abs(len(samples) - kept) <= 1


def test_stereo_stays_stereo(make: Make) -> None:
    left_only = ("-af", "pan=stereo|c0=c0|c1=0*c0", "-c:a", "pcm_f32le")
    samples, reader = read(make("a.wav", *tone(), *left_only))
    assert reader.channels == 2
    assert not samples[:, 1].any()
    assert samples[:, 0].any()


def test_surround_is_mixed_down_without_clipping(make: Make) -> None:
    loud = "aevalsrc=" + "|".join(["sin(2*PI*440*t)"] * 6) + ":c=5.1:d=1"
    samples, reader = read(make("a.wav", "-f", "lavfi", "-i", loud, "-c:a", "pcm_f32le"))
    assert reader.channels == 2
    assert 0.9 < float(np.abs(samples).max()) <= 1
    assert len(np.flatnonzero(np.abs(samples) == 1)) < 10


def test_many_unlabelled_channels_are_averaged(make: Make) -> None:
    twelve = "aevalsrc=" + "|".join(["0.5*sin(2*PI*440*t)"] * 12) + ":d=1"
    samples, reader = read(make("a.wav", "-f", "lavfi", "-i", twelve, "-c:a", "pcm_s16le"))
    assert reader.channels == 1
    assert float(np.abs(samples).max()) == pytest.approx(0.5, abs=0.01)


def test_samples_out_of_range_are_bounded(make: Make, tmp_path: Path) -> None:
    wild = np.array([np.nan, np.inf, -np.inf, 7, -7, 0.25] * 2000, "<f4")
    (tmp_path / "raw").write_bytes(wild.tobytes())
    path = make("wild.wav", "-f", "f32le", "-ar", "48000", "-ac", "1", "-i", str(tmp_path / "raw"), "-c:a", "copy")
    samples, _ = read(path)
    assert samples[:6, 0].tolist() == [0, 1, -1, 1, -1, 0.25]


@pytest.mark.parametrize("name", ["late.mkv", "late.ts", "late.mp4"])
def test_late_sound_is_preceded_by_silence(make: Make, name: str) -> None:
    bars = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=2")
    codec = "pcm_s16le" if name.endswith("mkv") else "aac"
    path = make(name, *bars, "-itsoffset", "0.7", *tone(1, 48000), "-map", "0", "-map", "1", "-c:a", codec)
    samples, _ = read(path)
    assert onset(samples) == pytest.approx(0.7 * 48000, abs=1100)  # an AAC frame: where TS keeps the encoder's delay
    assert not samples[:28000].any()


def test_a_gap_is_silence_and_what_follows_is_in_its_place(make: Make) -> None:
    gap = ("-af", "aselect='lt(t,1)+gte(t,2.5)'", "-c:a", "pcm_s16le", "-fflags", "+genpts")
    samples, _ = read(make("gap.mkv", *tone(4, 48000), *gap))
    assert len(samples) == pytest.approx(4 * 48000, abs=48)  # Matroska counts milliseconds
    level = np.abs(np.resize(samples, 4 * 48000)).reshape(-1, 4800).max(axis=1)
    loud = (level > 0.02).tolist()
    assert loud[:10] + loud[26:] == [True] * 24
    assert not any(loud[11:24])  # whole blocks of samples were left out, not at the tenths exactly


def test_damage_in_the_middle_costs_only_what_is_damaged(make: Make) -> None:
    path = make("a.mp3", *tone(10))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(range(250)) * 12
    path.write_bytes(data)
    samples, _ = read(path)
    assert 9.5 <= len(samples) / 44100 <= 10.5


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a.ogg"])
def test_a_truncated_file_gives_what_is_there(make: Make, name: str) -> None:
    path = make(name, *tone(10))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    samples, _ = read(path)
    assert 3 <= len(samples) / 44100 <= 7


def test_no_sound_in_a_film(make: Make) -> None:
    film = make("film.mp4", "-f", "lavfi", "-i", "testsrc=size=64x48:duration=1")
    with pytest.raises(AudioError, match="holds no sound: give"):
        AudioReader(film)


def test_no_samples_in_a_file(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "none.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", "not compressed"))
    with AudioReader(tmp_path / "none.wav") as reader, pytest.raises(AudioError, match="no sound that can be decoded"):
        next(reader)


def test_nothing_that_can_be_decoded(make: Make) -> None:
    path = make("a.flac", *tone(1))
    data = path.read_bytes()
    at = data.index(b"\xff\xf8")
    path.write_bytes(data[:at] + b"\x55" * (len(data) - at))
    with pytest.raises(AudioError), AudioReader(path) as reader:
        next(reader)


def test_closing_early_stops_ffmpeg(make: Make) -> None:
    path = make("a.wav", *tone(60))
    with AudioReader(path) as reader:
        next(reader)
        assert len(psutil.Process().children()) == 1
    assert psutil.Process().children() == []
    assert list(reader) == []
    reader.close()


def test_a_killed_ffmpeg_is_not_the_end_of_the_sound(make: Make) -> None:
    with AudioReader(make("a.wav", *tone(60))) as reader:
        next(reader)
        psutil.Process().children()[0].kill()
        with pytest.raises(FFmpegError, match="killed by SIGKILL"):
            list(reader)


def test_a_terminals_ctrl_c_does_not_reach_ffmpeg(make: Make) -> None:
    with AudioReader(make("a.wav", *tone(60))) as reader:
        next(reader)
        child = psutil.Process().children()[0].pid
        assert os.getsid(child) != os.getsid(0)


def test_an_hour_takes_no_more_memory_than_a_minute(make: Make) -> None:
    path = make("hour.flac", "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo:d=3600")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with AudioReader(path) as reader:
        total = sum(len(chunk) for chunk in reader)
    assert total == 3600 * 48000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB (bytes on macOS: less still)


def test_a_gap_of_hours_is_a_damaged_timestamp(make: Make) -> None:
    jump = ("-af", "asetpts='PTS+gte(T,2)*36000/TB'", "-c:a", "pcm_s16le")
    samples, _ = read(make("jump.mkv", *tone(4, 48000), *jump))
    assert len(samples) == pytest.approx(4 * 48000, abs=4800)


def test_ctrl_c_leaves_nothing(make: Make) -> None:
    path = make("a.wav", *tone(60))
    program = (
        "import sys, pathlib, time; from txt2vid.ffmpeg import AudioReader\n"
        "with AudioReader(pathlib.Path(sys.argv[1])) as reader:\n"
        "    next(reader); print('going', flush=True)\n"
        "    while True: time.sleep(1)\n"
    )
    python = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with python:
        assert python.stdout is not None
        assert python.stdout.readline() == b"going\n"
        children = psutil.Process(python.pid).children(recursive=True)
        assert len(children) == 1
        python.send_signal(signal.SIGINT)
        python.wait(20)
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() for child in children)
