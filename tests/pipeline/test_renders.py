"""Whole renders: at any frame rate, into any container, of any sound, picture and sound end within one frame."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from txt2vid.core.clock import parse_fps
from txt2vid.core.options import FaceOptions, RenderOptions
from txt2vid.faces.face import Face
from txt2vid.ffmpeg import AudioReader
from txt2vid.pipeline.render import FaceCache, RenderResult, _needed, render
from txt2vid.pipeline.voice import FileVoice

AUDIO_FRAME = 1024 / 16_000  # seconds: the longest audio packet (AAC at 16 kHz), to which the end may be rounded up


@pytest.fixture(scope="module")
def faces() -> FaceCache:
    return FaceCache()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Path:
    """A driving video of 1 s at 15 frames a second."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    make(path, "-loop", "1", "-i", hero, "-t", "1", "-r", "15", "-s", "160x160", "-pix_fmt", "yuv420p")
    return path


def make(path: Path, *arguments: object) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *map(str, arguments), str(path)], check=True, timeout=60)
    return path


def ends(path: Path) -> dict[str, float]:
    """When the last packet of the pictures and of the sound ends, in seconds; and how many frames there are."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "packet=codec_type,pts_time,duration_time"]
    done = subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=60)
    packets = json.loads(done.stdout)["packets"]
    first = min(float(packet["pts_time"]) for packet in packets if packet["codec_type"] == "video")
    found = {"frames": float(sum(packet["codec_type"] == "video" for packet in packets))}
    for packet in packets:
        end = float(packet["pts_time"]) + float(packet.get("duration_time", 0)) - first
        found[packet["codec_type"]] = max(found.get(packet["codec_type"], 0), end)
    return found


def check(result: RenderResult, path: Path) -> None:
    found, frame = ends(path), float(1 / result.fps)
    assert found["frames"] == result.frames
    assert abs(result.frames / result.fps - result.duration) < Fraction(1, 8000)  # filled up to the last frame's end
    assert found["video"] == pytest.approx(float(result.duration), abs=frame + 0.002)
    assert abs(found["audio"] - found["video"]) < frame + AUDIO_FRAME


@pytest.mark.parametrize("fps", ["23.976", "29.97", "60", "12.5", "25", "1"])
def test_frame_rates(tmp_path: Path, hero: Path, speech: Path, faces: FaceCache, fps: str) -> None:
    out = tmp_path / "a.mp4"
    options = RenderOptions(FaceOptions(hero, size=64), out, speech, fps=parse_fps(fps), idle=fps != "25")
    result = render(options, faces=faces)
    assert result.fps == parse_fps(fps)
    check(result, out)


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".avi", ".ts", ".mov", ".m4v"])
def test_containers(tmp_path: Path, hero: Path, speech: Path, faces: FaceCache, suffix: str) -> None:
    out = tmp_path / f"a{suffix}"
    check(render(RenderOptions(FaceOptions(hero, size=64), out, speech), faces=faces), out)


SOUNDS = {
    "5.1": ["-ac", "6", "-c:a", "flac", "a.mka"],
    "8-bit": ["-ar", "8000", "-c:a", "pcm_u8", "a.wav"],
    "192kHz": ["-ar", "192000", "-c:a", "pcm_s24le", "a.wav"],
    "11025Hz": ["-ar", "11025", "a.wav"],
    "late": ["-af", "asetpts=PTS+0.5/TB", "-c:a", "aac", "a.mka"],
    "0.02s": ["-ss", "0.3", "-t", "0.02", "a.wav"],
    "odd": ["-af", "atrim=end_sample=12347", "a.wav"],
    "left": ["-af", "pan=stereo|c0=c0|c1=0*c0", "a.wav"],
    "right": ["-af", "pan=stereo|c0=0*c0|c1=c0", "-c:a", "libmp3lame", "a.mp3"],
}


@pytest.mark.parametrize("sound", SOUNDS)
def test_sounds(tmp_path: Path, hero: Path, speech: Path, faces: FaceCache, sound: str) -> None:
    source = SOUNDS[sound]
    audio, out = make(tmp_path / source[-1], "-i", speech, *source[:-1]), tmp_path / "out.mp4"
    result = render(RenderOptions(FaceOptions(hero, size=64), out, audio), faces=faces)
    check(result, out)
    with AudioReader(audio) as heard:
        length = sum(len(chunk) for chunk in heard)
        assert 0 <= result.duration - Fraction(length, heard.rate) < 1 / result.fps + Fraction(1, heard.rate)


@pytest.mark.parametrize(("fps", "size", "expected"), [(None, None, 15), (None, 96, 15), ("29.97", 96, None)])
def test_videos(
    tmp_path: Path, clip: Path, speech: Path, fps: str | None, size: int | None, expected: int | None
) -> None:
    out = tmp_path / "a.mp4"
    rate = None if fps is None else parse_fps(fps)
    result = render(RenderOptions(FaceOptions(clip, size=size), out, speech, fps=rate))
    assert result.fps == (rate or expected)
    assert (result.width, result.height) == (size or 160, size or 160)
    check(result, out)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.webm"])
def test_a_files_length_is_known_beforehand(
    tmp_path: Path, hero: Path, speech: Path, faces: FaceCache, name: str
) -> None:
    """Also where the file does not tell it, because it was written into a pipe."""
    audio = tmp_path / name
    command = ["ffmpeg", "-v", "error", "-i", str(speech), "-f", audio.suffix[1:], "pipe:1"]
    audio.write_bytes(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    totals: list[int | None] = []
    options = RenderOptions(FaceOptions(hero, size=64), tmp_path / "a.mp4", audio)
    result = render(options, lambda _done, total: totals.append(total), faces)
    assert len(totals) == result.frames
    assert set(totals) == {result.frames}


def test_a_still_is_prepared_once_whatever_the_frame_rate(hero: Path, clip: Path) -> None:
    from txt2vid.engines.mesh import MeshEngine

    faces, engine = FaceCache(), MeshEngine()

    def get(path: Path, fps: str | None, frames: int | None) -> Face:
        return faces.get(FaceOptions(path, size=128), parse_fps(fps) if fps else None, engine, frames)[0]

    assert get(hero, None, None) is get(hero, "25", 30) is get(hero, "30", 50)
    assert get(clip, None, 5) is get(clip, None, 5)
    assert get(clip, None, 5) is not get(clip, "30", 5)


def test_no_more_of_a_driving_video_is_looked_at_than_the_sound_is_long(tmp_path: Path, speech: Path) -> None:
    """Looking at all of an hour for a word would take as long as the hour."""
    video = Path(__file__).parents[2] / "sample_data" / "driving.mp4"
    options = RenderOptions(FaceOptions(video), tmp_path / "a.mp4", audio=speech)
    voice = FileVoice(speech)
    assert voice.duration is not None
    wanted = _needed(voice, options)
    assert wanted is not None
    assert 25 * voice.duration <= wanted <= 25 * voice.duration + 26  # and a second, for lengths that are not exact
