"""Subtitles that are said, and captions of what is said, in files that other programs read."""

from __future__ import annotations

import json
import logging
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pysubs2
import pytest

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.core.options import FaceOptions, RenderOptions, SpeakerOptions
from txt2vid.errors import MediaError, UsageError
from txt2vid.pipeline.render import render
from txt2vid.pipeline.subtitles import FASTEST, SubtitleVoice, read_subtitles

TALK = """1
00:00:01,000 --> 00:00:02,500
<i>Papa</i> and mama.

2
00:00:04,000 --> 00:00:05,000
[happy] Tom &amp; Tim take a big
potato pie.
"""
FLITE = SpeakerOptions("flite")


def written(folder: Path, text: str, name: str = "talk.srt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def heard(voice: SubtitleVoice) -> Samples:
    chunks = list(voice.chunks())
    assert [chunk.position for chunk in chunks] == list(np.cumsum([0, *(len(chunk) for chunk in chunks[:-1])]))
    return np.concatenate([chunk.samples[:, 0] for chunk in chunks])


def loud(sound: Samples, start: float, stop: float) -> bool:
    return bool(np.abs(sound[int(start * LISTENING_RATE) : int(stop * LISTENING_RATE)]).max(initial=0) > 0.01)


def test_each_cue_is_said_at_its_time(tmp_path: Path) -> None:
    voice = SubtitleVoice(written(tmp_path, TALK), FLITE)
    sound = heard(voice)
    assert len(sound) >= 5 * LISTENING_RATE
    assert not loud(sound, 0, 0.95)
    assert loud(sound, 1.0, 1.2)
    assert not loud(sound, 2.6, 3.95)
    assert loud(sound, 4.0, 4.2)
    first, second = voice.captions or []
    assert first.start == pytest.approx(1.0, abs=0.03)
    assert second.start == pytest.approx(4.0, abs=0.03)
    assert second.text == "Tom & Tim take a big potato pie."


def test_what_has_too_little_time_is_said_faster_and_then_late(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = "The quick brown fox jumps over the lazy dog and runs away."
    cue = "1\n00:00:00,500 --> 00:00:{},000\n{}\n\n2\n00:00:{},000 --> 00:00:09,000\nThe end.\n"
    starts = {}
    with caplog.at_level(logging.WARNING):
        for second in ("08", "03", "01"):
            voice = SubtitleVoice(written(tmp_path, cue.format(second, words, second)), FLITE)
            heard(voice)
            first, last = voice.captions or []
            starts[second] = (first.stop - first.start, last.start)
    usual = starts["08"][0]
    assert starts["03"][0] == pytest.approx(min(usual, 2.5), abs=0.25)
    assert starts["03"][1] == pytest.approx(3.0, abs=0.25)
    assert starts["01"][0] == pytest.approx(usual / FASTEST, rel=0.12)
    assert starts["01"][1] > 1.5
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'talk.srt'}: 1 of 2 subtitles begin late, for want of time"
    ]


def test_webvtt_and_languages_by_text(tmp_path: Path) -> None:
    path = written(tmp_path, "WEBVTT\n\n00:00.500 --> 00:01.500\n<v Bob>Привет, мир.</v>\n", "talk.vtt")
    assert [(cue.start, cue.text) for cue in read_subtitles(path)] == [(Fraction(1, 2), "Привет, мир.")]
    assert SubtitleVoice(path).name == "espeak"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no subtitles that can be read"),
        ("just words", "no subtitles that can be read"),
        ("1\n00:00:01,000 --> 00:00:02,000\n…\n", "no subtitles with words"),
        ("1\n00:00:01,000 --> 99:00:02,000\nHello\n", "24 hours"),
        ("1\n00:00:01,000 --> 00:00:02,000\n" + "word " * 2000, "more than 5000 characters"),
    ],
)
def test_what_is_no_subtitle_file_is_refused_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(MediaError, match=why) as caught:
        SubtitleVoice(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_bytes_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_bytes(b"\xff\xfe\x00\x01" * 10)
    with pytest.raises(MediaError, match="not UTF-8"):
        read_subtitles(tmp_path / "talk.srt")
    with pytest.raises(MediaError, match="cannot be read"):
        read_subtitles(tmp_path / "none.srt")


@pytest.mark.parametrize("kind", ["mp4", "mkv", "webm", "avi"])
def test_captions_are_in_the_video_and_beside_it(tmp_path: Path, hero: Path, kind: str) -> None:
    output = tmp_path / f"out.{kind}"
    render(RenderOptions(FaceOptions(hero, size=128), output, text="Hello there, my friend.", speaker=FLITE,
                         fps=Fraction(10), captions=True))  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {f"out.{kind}", "out.vtt"}
    (beside,) = pysubs2.load(str(tmp_path / "out.vtt"))
    words = re.sub("<[^>]*>", "", beside.plaintext)  # pysubs2 keeps the words' times
    assert words == "Hello there, my friend."
    asked = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_type", "-of", "json", str(output)]
    found = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)["streams"]
    assert [each["codec_type"] for each in found] == ["video", "audio", *(["subtitle"] if kind != "avi" else [])]
    if kind != "avi":
        take = ["ffmpeg", "-v", "error", "-i", str(output), "-map", "0:s", "-f", "srt", "-"]
        (inside,) = pysubs2.SSAFile.from_string(subprocess.run(take, check=True, capture_output=True, text=True).stdout)
        assert inside.plaintext == words
        assert inside.start == pytest.approx(beside.start, abs=30)


def test_captions_of_a_recording_are_not_known(tmp_path: Path, hero: Path, speech: Path) -> None:
    with pytest.raises(UsageError, match="leave --captions out"):
        render(RenderOptions(FaceOptions(hero, size=128), tmp_path / "out.mp4", audio=speech, captions=True))


def test_captions_do_not_overwrite_the_subtitles(tmp_path: Path, hero: Path) -> None:
    path = written(tmp_path, "WEBVTT\n\n00:00.500 --> 00:01.500\nHello.\n", "out.vtt")
    with pytest.raises(UsageError, match="would overwrite"):
        render(RenderOptions(FaceOptions(hero, size=128), tmp_path / "out.mp4", subtitles=path, captions=True))
