from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from txt2vid.errors import AudioError, MediaError, VideoError
from txt2vid.ffmpeg import AudioReader, VideoReader, probe

Make = Callable[..., Path]
BARS = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=1")
TONE = ("-f", "lavfi", "-i", "sine=sample_rate=44100:duration=1")


def test_a_film(make: Make) -> None:
    info = probe(make("film.mp4", *BARS, *TONE, "-pix_fmt", "yuv420p", "-ac", "2"))
    assert info.audio is not None
    assert info.video is not None
    assert (info.audio.codec, info.audio.rate, info.audio.channels, info.audio.layout) == ("aac", 44100, 2, "stereo")
    assert (info.video.codec, info.video.width, info.video.height, info.video.fps) == ("h264", 64, 48, Fraction(25))
    assert not info.video.variable
    assert info.duration == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("rate", "fps"), [("24000/1001", Fraction(24000, 1001)), ("30000/1001", Fraction(30000, 1001))]
)
def test_frame_rates_are_fractions(make: Make, rate: str, fps: Fraction) -> None:
    info = probe(make("film.mp4", "-f", "lavfi", "-i", f"testsrc=size=64x48:rate={rate}:duration=2"))
    assert info.video is not None
    assert info.video.fps == fps


def test_a_turned_film_is_seen_upright(make: Make) -> None:
    flat = make("flat.mp4", *BARS, "-pix_fmt", "yuv420p")
    turned = make("turned.mp4", "-i", str(flat), "-c", "copy", "-metadata:s:v", "rotate=90")
    info = probe(turned)
    assert info.video is not None
    assert (info.video.width, info.video.height) == (48, 64)


def test_wide_pixels_are_seen_square(make: Make) -> None:
    info = probe(make("wide.mp4", *BARS, "-vf", "setsar=3/2", "-pix_fmt", "yuv420p"))
    assert info.video is not None
    assert (info.video.width, info.video.height) == (96, 48)


def test_uneven_frames_are_told(make: Make) -> None:
    uneven = "testsrc=size=64x48:rate=50:duration=2,select='lt(n,20)+not(mod(n,5))'"
    info = probe(make("uneven.mp4", "-f", "lavfi", "-i", uneven, "-vsync", "vfr"))
    assert info.video is not None
    assert info.video.variable


def test_late_sound_is_told(make: Make) -> None:
    info = probe(make("late.mkv", *BARS, "-itsoffset", "0.5", *TONE, "-map", "0", "-map", "1", "-c:a", "pcm_s16le"))
    assert info.audio is not None
    assert info.audio.start == Fraction(1, 2)


def test_a_cover_is_no_film(make: Make) -> None:
    cover = make("cover.png", *BARS, "-frames:v", "1")
    song = make(
        "song.mp3", *TONE, "-i", str(cover), "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic"
    )
    assert probe(song).video is None
    with pytest.raises(VideoError, match="no moving pictures"):
        VideoReader(song)


@pytest.mark.parametrize(
    "name", ["-i.wav", "a:b.wav", "http:x.wav", "%d.wav", "a b'\"$(x).wav", "größe.wav", "pipe:0.wav"]
)
def test_odd_names(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    make(name, *TONE)
    monkeypatch.chdir(tmp_path)
    assert probe(Path(name)).container == "wav"
    with AudioReader(Path(name)) as reader:
        assert sum(map(len, reader)) == 44100


class TestWhatIsNoMedia:
    def expect(self, path: Path, words: str) -> None:
        with pytest.raises(MediaError, match=words) as caught:
            probe(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        with pytest.raises(AudioError, match=words):
            AudioReader(path)
        with pytest.raises(VideoError, match=words):
            VideoReader(path)

    def test_nothing_there(self, tmp_path: Path) -> None:
        self.expect(tmp_path / "no.wav", "does not exist")

    def test_an_impossible_name(self, tmp_path: Path) -> None:
        self.expect(tmp_path / ("n" * 300), "cannot be read: File name too long")

    def test_a_folder(self, tmp_path: Path) -> None:
        self.expect(tmp_path, "is a folder")

    def test_a_fifo(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.wav")
        self.expect(tmp_path / "pipe.wav", "pipe or a device")

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "empty.wav").touch()
        self.expect(tmp_path / "empty.wav", "is empty")

    @pytest.mark.parametrize("name", ["a.txt", "a.mp3", "a.wav", "a.mp4", "a.srt", "a.aac", "a"])
    def test_a_text(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("Guten Tag, schöne Welt!\n" * 400)
        self.expect(tmp_path / name, "is a text file: give a sound|is a text, not a picture or video: give --face")

    def test_a_still_picture(self, make: Make) -> None:
        for name in ("a.png", "a.jpg", "a.webp", "a.bmp"):
            self.expect(make(name, *BARS, "-frames:v", "1"), "is a still picture")

    def test_noise(self, tmp_path: Path) -> None:
        (tmp_path / "noise.mp4").write_bytes(bytes(range(255, 0, -1)) * 40)
        self.expect(tmp_path / "noise.mp4", "cannot be decoded|no sound|no moving")

    def test_a_film_cut_before_its_index(self, make: Make) -> None:
        film = make("film.mp4", *BARS, *TONE)
        film.write_bytes(film.read_bytes()[:2000])
        self.expect(film, "cannot be decoded")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_an_unreadable_file(self, make: Make) -> None:
        path = make("secret.wav", *TONE)
        path.chmod(0)
        self.expect(path, "may not be read")
