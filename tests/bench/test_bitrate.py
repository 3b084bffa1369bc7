"""What a talking clip costs, by its own encoders' counts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import pytest

from tests.cli.conftest import ffmpeg
from txt2vid.bench import bitrate
from txt2vid.bench.bitrate import FRAME_BYTES, SEGMENT_BYTES, Result, measure
from txt2vid.bench.bitrate_clips import side_by_side
from txt2vid.bench.bitrate_plot import draw
from txt2vid.errors import OutputError, VideoError
from txt2vid.ffmpeg import probe
from txt2vid.textwire.codec import Encoder
from txt2vid.tts.sentences import sentences

TEXT = "Hello there. How are you today?"
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Path:
    """The hero, shaken a little, and a voice."""
    folder = tmp_path_factory.mktemp("clip")
    subprocess.run(["flite", "-voice", "slt", "-t", TEXT, "-o", str(folder / "said.wav")], check=True)
    shaken = "scale=340:340,crop=320:320:10+8*sin(3*t):10+8*cos(5*t)"
    ffmpeg("-loop", 1, "-i", hero, "-i", folder / "said.wav", "-vf", shaken, "-r", 25, "-t", 2, folder / "talk.mp4")
    return folder / "talk.mp4"


@pytest.fixture(scope="module")
def result(clip: Path) -> Result:
    return measure([(clip, TEXT)])


def test_text_is_what_the_text_wire_sends(result: Result) -> None:
    (clip,) = result.clips
    encoder = Encoder()
    sizes = [len(encoder.encode(sentence.text)) for sentence in sentences(TEXT)]
    assert (clip.words, clip.characters, len(sizes)) == (6, len(TEXT), 2)
    assert clip.text.payload == pytest.approx(8 * sum(sizes) / clip.seconds, abs=0.1)
    around = 8 * len(sizes) * (FRAME_BYTES + 2 * SEGMENT_BYTES) / clip.seconds
    assert clip.text.wire == pytest.approx(clip.text.payload + around, abs=0.2)


def test_voice_costs_what_it_was_told_to_and_video_more_the_finer_it_is(result: Result) -> None:
    (clip,) = result.clips
    rates = {rate.name: rate.payload for rate in clip.rates}
    assert list(rates.values()) == sorted(rates.values())
    assert next(iter(rates)) == "text"
    for bits in bitrate.VOICES:
        assert rates[f"Opus {bits / 1000:g} kbit/s"] == pytest.approx(bits, rel=0.35)
    for size in ("640x360", "320x180"):
        fine, coarse = (rates[f"H.264 {size} CRF {crf}, Opus 5"] for crf in (26, 32))
        assert coarse < fine
    assert rates["H.264 320x180 CRF 26, AAC 10"] < rates["H.264 640x360 CRF 26, AAC 10"]
    if bitrate.av1() is not None:
        assert rates["AV1 320x180 CRF 63, Opus 5"] < rates["H.264 320x180 CRF 32, Opus 5"]


def test_plot_is_a_picture(result: Result, tmp_path: Path) -> None:
    draw(tmp_path / "rates.png", result)
    assert min(cv2.imread(str(tmp_path / "rates.png")).shape[:2]) > 500
    with pytest.raises(OutputError, match="no kind of picture"):
        draw(tmp_path / "rates.wrong", result)
    with pytest.raises(OutputError, match="cannot be written"):
        draw(tmp_path / "nowhere" / "rates.png", result)


@pytest.mark.slow
def test_ways_stand_beside_one_another(result: Result, clip: Path, tmp_path: Path) -> None:
    side_by_side(clip, result.clips[0], tmp_path / "beside.mp4")
    info = probe(tmp_path / "beside.mp4")
    assert info.video is not None
    assert info.audio is not None
    assert info.video.width == 1280
    with av.open(str(tmp_path / "beside.mp4")) as file:
        assert file.streams.video[0].frames == pytest.approx(25 * result.clips[0].seconds, abs=2)


def test_what_is_no_talking_clip_is_refused(speech: Path) -> None:
    with pytest.raises(VideoError, match="no picture or no sound"):
        measure([(speech, TEXT)])


@pytest.mark.slow
def test_command(txt2vid: Command, clip: Path, tmp_path: Path) -> None:
    done = txt2vid("bench", "bitrate", clip)
    assert done.returncode == 2
    assert (
        done.stderr == f"txt2vid: what is said in {clip} is needed: write its words into {clip.with_suffix('.txt')}\n"
    )
    clip.with_suffix(".txt").write_text(TEXT)
    done = txt2vid("bench", "bitrate", clip, "--plot", "rates.svg", "-o", "rates.json", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads((tmp_path / "rates.json").read_text())
    assert json.loads(done.stdout)["clips"][0]["rates"][0]["name"] == "text"
    assert (tmp_path / "rates.svg").stat().st_size > 10_000
    clip.with_suffix(".txt").unlink()
