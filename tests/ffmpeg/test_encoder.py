from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from txt2vid.core.clock import first_sample, frame_count
from txt2vid.engines.i420 import to_i420
from txt2vid.errors import OutputError, UsageError
from txt2vid.ffmpeg import AudioReader, Encoder, VideoReader, probe

Ask = Callable[[Path], dict[str, Any]]
NTSC_FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)
GREY = np.full((48, 64, 3), 128, np.uint8)


def write(encoder: Encoder, frames: int, samples: int, step: int = 1000) -> None:
    """Both in step, as pipelines do."""
    tone = np.sin(np.arange(step, dtype=np.float32) * 0.1)[:, None].repeat(encoder.channels, 1) * np.float32(0.3)
    while encoder.frames < frames or encoder.samples < samples:
        if encoder.frames < frames:
            encoder.write_frame(GREY)
        if encoder.samples < samples:
            encoder.write_audio(tone[: samples - encoder.samples])


def stream(found: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(each for each in found["streams"] if each["codec_type"] == kind)


@pytest.mark.parametrize("fps", [NTSC_FILM, Fraction(25), NTSC, Fraction(30), Fraction(60), Fraction(25, 2)])
@pytest.mark.parametrize(("rate", "samples"), [(44100, 100_003), (48000, 96_001), (16000, 30_011)])
def test_sound_and_picture_end_together(tmp_path: Path, ask: Ask, fps: Fraction, rate: int, samples: int) -> None:
    path = tmp_path / "a.mp4"
    frames = frame_count(samples, fps, rate)
    with Encoder(path, 64, 48, fps, rate) as encoder:
        write(encoder, frames, samples)
    found = ask(path)
    video, audio = stream(found, "video"), stream(found, "audio")
    assert int(video["nb_read_packets"]) == frames
    assert Fraction(video["r_frame_rate"]) == Fraction(video["avg_frame_rate"]) == fps
    assert float(video["duration"]) == pytest.approx(float(frames / fps), abs=1e-4)
    assert float(audio["duration"]) == pytest.approx(
        first_sample(frames, fps, rate) / rate, abs=0.0011
    )  # MP4 edit lists count ms
    assert float(video["start_time"]) == float(audio["start_time"]) == 0


@pytest.mark.parametrize(
    ("name", "codecs"),
    [
        ("a.mp4", ("h264", "aac")),
        ("a.M4V", ("h264", "aac")),
        ("a.mov", ("h264", "aac")),
        ("a.mkv", ("h264", "flac")),
        ("a.webm", ("vp9", "opus")),
        ("a.avi", ("mpeg4", "pcm_s16le")),
        ("a.ts", ("h264", "aac")),
    ],
)
@pytest.mark.parametrize("fps", [Fraction(25), NTSC])
def test_containers(tmp_path: Path, ask: Ask, name: str, codecs: tuple[str, str], fps: Fraction) -> None:
    path = tmp_path / name
    with Encoder(
        path, 64, 48, fps, 44100, 2, metadata={"comment": "synthetic media: made=here; 'x'", "title": "T"}
    ) as encoder:
        write(encoder, 50, first_sample(50, fps, 44100))
    found = ask(path)
    video = stream(found, "video")
    assert (video["codec_name"], stream(found, "audio")["codec_name"]) == codecs
    assert video["pix_fmt"] == "yuv420p"
    assert int(video["nb_read_packets"]) == 50
    with VideoReader(path) as pictures, AudioReader(path) as sound:
        assert pictures.fps == fps
        seconds = sum(1 for _ in pictures) / pictures.fps
        assert sum(map(len, sound)) / sound.rate == pytest.approx(float(seconds), abs=0.06)
    tags = {key.lower(): value for key, value in found["format"].get("tags", {}).items()}
    if name.endswith("ts"):
        assert found["programs"][0]["tags"]["service_name"] == "synthetic media: made=here; 'x'"
    else:
        assert (tags["comment"], tags["title"]) == ("synthetic media: made=here; 'x'", "T")


def test_what_players_want_of_an_mp4(tmp_path: Path, ask: Ask) -> None:
    path = tmp_path / "a.mp4"
    before = os.umask(0o027)
    try:
        with Encoder(path, 64, 48, Fraction(25), 48000, 2) as encoder:
            write(encoder, 250, 480_000)
    finally:
        os.umask(before)
    video = stream(ask(path), "video")
    assert (video["color_space"], video["color_transfer"], video["color_primaries"]) == ("bt709", "bt709", "bt709")
    assert video["color_range"] == "tv"
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert path.stat().st_mode & 0o777 == 0o640


def test_keyframes_every_two_seconds(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with Encoder(path, 64, 48, Fraction(30)) as encoder:
        write(encoder, 300, 0)
    info = probe(path)
    assert info.audio is None
    with VideoReader(path) as reader:
        assert sum(1 for _ in reader) == 300
    keys = _keyframes(path)
    assert keys == [0, 60, 120, 180, 240]


def test_colours_survive(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    colours = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (40, 60, 220), (200, 120, 30), (90, 140, 190)]
    with Encoder(path, 64, 48, Fraction(25)) as encoder:
        for colour in colours:
            for _ in range(5):
                encoder.write_frame(np.full((48, 64, 3), colour, np.uint8))
    with VideoReader(path) as reader:
        seen = [frame.pixels.reshape(-1, 3).mean(axis=0) for frame in reader]
    assert len(seen) == 30
    for i, colour in enumerate(colours):
        assert np.abs(seen[5 * i + 4] - colour).max() <= 3


@pytest.mark.parametrize(("frames", "samples"), [(10, 48000), (50, 3), (50, 0), (1, 1)])
def test_the_shorter_one_is_filled_up(tmp_path: Path, ask: Ask, frames: int, samples: int) -> None:
    path = tmp_path / "a.mp4"
    with Encoder(path, 64, 48, Fraction(25), 48000) as encoder:
        write(encoder, frames, samples)
    found = ask(path)
    seconds = max(frames / 25, samples / 48000)
    assert float(stream(found, "video")["duration"]) == pytest.approx(seconds, abs=0.001)
    assert float(stream(found, "audio")["duration"]) == pytest.approx(seconds, abs=0.001)


@pytest.mark.parametrize("order", ["pictures first", "sound first", "two threads"])
def test_any_order(tmp_path: Path, ask: Ask, order: str) -> None:
    path = tmp_path / "a.mp4"
    pixels = np.full((240, 320, 3), 99, np.uint8)
    sound = np.zeros((48000, 2), np.float32)

    def pictures(encoder: Encoder) -> None:
        for _ in range(200):
            encoder.write_frame(pixels)

    def audio(encoder: Encoder) -> None:
        for _ in range(8):
            encoder.write_audio(sound)

    with Encoder(path, 320, 240, Fraction(25), 48000, 2) as encoder:
        if order == "two threads":
            thread = threading.Thread(target=audio, args=(encoder,))
            thread.start()
            pictures(encoder)
            thread.join()
        else:
            for each in (pictures, audio) if order == "pictures first" else (audio, pictures):
                each(encoder)
    found = ask(path)
    assert int(stream(found, "video")["nb_read_packets"]) == 200
    assert float(stream(found, "audio")["duration"]) == pytest.approx(8, abs=0.001)


def test_the_callers_buffers_are_copied(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with Encoder(path, 64, 48, Fraction(25)) as encoder:
        pixels = np.empty((48, 64, 3), np.uint8)
        for i in range(40):
            pixels[:] = 200 if i % 2 else 50
            encoder.write_frame(pixels)
    with VideoReader(path) as reader:
        levels = [float(frame.pixels.mean()) for frame in reader]
    assert [level > 125 for level in levels] == [bool(i % 2) for i in range(40)]


def test_views_may_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    wide = np.zeros((48, 128, 3), np.uint8)
    with Encoder(path, 64, 48, Fraction(25), 48000) as encoder:
        encoder.write_frame(wide[:, ::2][:, ::-1])
        encoder.write_audio(np.zeros(4000, np.float32)[::2])
        encoder.write_audio(np.zeros((500, 1), np.float32))
        assert (encoder.frames, encoder.samples) == (1, 2500)


def test_wrong_calls(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    for size in ((63, 48), (64, 47), (0, 48)):
        with pytest.raises(ValueError, match="even"):
            Encoder(path, *size, Fraction(25))
    with pytest.raises(ValueError, match="channels"):
        Encoder(path, 64, 48, Fraction(25), 48000, 6)
    with pytest.raises(UsageError, match=r"choose one of \.mp4 \.m4v \.mov \.mkv \.webm \.avi \.ts"):
        Encoder(tmp_path / "a.mpx", 64, 48, Fraction(25))
    encoder = Encoder(path, 64, 48, Fraction(25), 48000, 2)
    with pytest.raises(ValueError, match="not open"):
        encoder.write_frame(GREY)
    with encoder:
        encoder.write_frame(GREY)
        for bad in (GREY[:10], GREY.astype(np.float32), GREY[..., 0]):
            with pytest.raises(ValueError, match="a frame must be"):
                encoder.write_frame(bad)  # type: ignore[arg-type]
        for sound in (np.zeros(10, np.float32), np.zeros((10, 1), np.float32)):
            with pytest.raises(ValueError, match="samples must be"):
                encoder.write_audio(sound)
        encoder.close()
        encoder.close()
        with pytest.raises(ValueError, match="not open"):
            encoder.write_frame(GREY)
    assert probe(path).duration is not None
    with Encoder(tmp_path / "b.mp4", 64, 48, Fraction(25)) as silent:
        silent.write_frame(GREY)
        with pytest.raises(ValueError, match="no sound"):
            silent.write_audio(np.zeros(10, np.float32))


def test_nothing_written_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not one picture"), Encoder(tmp_path / "a.mp4", 64, 48, Fraction(25), 48000):
        pass
    assert list(tmp_path.iterdir()) == []


def _keyframes(path: Path) -> list[int]:
    command = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "v",
        "-show_entries",
        "packet=pts_time,flags",
        "-of",
        "csv=p=0",
    ]
    done = subprocess.run([*command, str(path)], check=True, capture_output=True, text=True, timeout=30)
    rows = [line.split(",") for line in done.stdout.split()]
    return sorted(round(float(time) * 30) for time, flags, *_ in rows if "K" in flags)


def test_planes_keep_their_colours(tmp_path: Path, ask: Ask) -> None:
    path = tmp_path / "a.mp4"
    colours = [(255, 255, 255), (40, 60, 220), (200, 120, 30), (90, 140, 190)]
    with Encoder(path, 64, 48, Fraction(25), planar=True, search=1) as encoder:
        for colour in colours:
            for _ in range(5):
                encoder.write_frame(to_i420(np.full((48, 64, 3), colour, np.uint8)))
        with pytest.raises(ValueError, match=r"a frame must be uint8 \(72, 64\), not uint8 \(48, 64, 3\)"):
            encoder.write_frame(np.zeros((48, 64, 3), np.uint8))
    video = stream(ask(path), "video")
    assert (video["color_space"], video["color_range"]) == ("smpte170m", "tv")
    with VideoReader(path) as reader:
        seen = [frame.pixels.reshape(-1, 3).mean(axis=0) for frame in reader]
    for i, colour in enumerate(colours):
        assert np.abs(seen[5 * i + 4] - colour).max() <= 3


def test_planes_come_back_as_they_are(tmp_path: Path) -> None:
    path, planes = tmp_path / "a.mp4", to_i420(np.full((48, 64, 3), (200, 120, 30), np.uint8))
    with Encoder(path, 64, 48, Fraction(25), planar=True) as encoder:
        encoder.write_frame(planes)
    with VideoReader(path, planar=True) as reader:
        (frame,) = list(reader)
    assert frame.pixels.shape == (72, 64)
    assert np.abs(frame.pixels.astype(int) - planes).max() <= 2
