from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from txt2vid import registry
from txt2vid.ffmpeg.probe import probe

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_text_from_stdin_becomes_a_video(txt2vid: Command, tmp_path: Path, hero: Path) -> None:
    done = txt2vid("render", "--face", hero, "--text-file", "-", "--size", 128, "--fps", "29.97", "--json", stdin="Hi!")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["output"] == "hero-text.mp4"
    assert said["fps"] == pytest.approx(29.97003)
    assert (said["fps_exact"], said["width"], said["height"]) == ("30000/1001", 128, 128)
    assert (said["engine"], said["driver"], said["voice"]) == ("mesh", "phonemes", "flite")
    info = probe(tmp_path / "hero-text.mp4")
    assert info.video is not None
    assert info.audio is not None
    assert [path.name for path in tmp_path.iterdir()] == ["hero-text.mp4"]


def test_sound_becomes_a_video_quietly(txt2vid: Command, tmp_path: Path, hero: Path, speech: Path) -> None:
    done = txt2vid("render", "--face", hero, "--audio", speech, "--size", 128)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "hero-hello.mp4").is_file()


def test_help_can_be_copied_and_names_what_there_is(txt2vid: Command) -> None:
    said = txt2vid("render", "--help").stdout
    assert '\n  txt2vid render --face me.jpg --text "Hello, world." -o hello.mp4\n' in said
    assert "\\b" not in said
    words = " ".join(said.split())
    for kind in ("engine", "tts"):
        assert f": auto, {', '.join(registry.names(kind))}. [default: auto]" in words


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--text", "Hi"], "no face: add --face"),
        (["--face", "a.png"], "needs one voice: add one of --audio FILE"),
        (["--face", "a.png", "--text", "Hi", "--audio", "a.wav"], "--audio and --text are more than one voice"),
        (["--face", "a.png", "--text", "Hi", "-o", "./a.png"], "would be overwritten"),
        (["--face", "a.png", "--text", "Hi", "-o", "link.png"], "would be overwritten"),
        (["--face", "a.png", "--text", "Hi", "--fps", "fast"], "frame rate 'fast'"),
        (["--face", "a.png", "--text", "Hi", "--size", "7"], "size 7 is out of range"),
        (["--face", "a.png", "--text", "Hi", "--face-box", "1,2"], "face box '1,2'"),
        (["--face", "a.png", "--text", "Hi", "--engine", "mush"], "engine 'mush' is not known"),
        (["--face", "a.png", "--text", "Hi", "--workers", "2"], "add --jobs JOBS.csv"),
        (["--jobs", "jobs.csv"], "add -O OUTDIR"),
        (["--jobs", "jobs.csv", "-O", "out", "--face", "a.png"], "--face is for one video"),
        (["--jobs", "none.csv", "-O", "out"], "none.csv cannot be read"),
    ],
)
def test_options_that_make_no_sense(
    txt2vid: Command, tmp_path: Path, hero: Path, arguments: list[str], why: str
) -> None:
    shutil.copy(hero, tmp_path / "a.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    before = sorted(tmp_path.iterdir())
    done = txt2vid("render", *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert why in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_unreadable_texts(txt2vid: Command, tmp_path: Path, hero: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"Gr\xfc\xdfe")
    for name, why in (("latin.txt", "not UTF-8"), ("none.txt", "No such file")):
        done = txt2vid("render", "--face", hero, "--text-file", name)
        assert done.returncode == 3
        assert why in done.stderr


@pytest.mark.slow
def test_a_list(txt2vid: Command, tmp_path: Path, hero: Path) -> None:
    shutil.copy(hero, tmp_path / "a.png")
    (tmp_path / "jobs.csv").write_text("face,text,output\na.png,Hi.,x.mp4\nnone.png,Hi.,y.mp4\n")
    done = txt2vid("render", "--jobs", "jobs.csv", "-O", "out", "--size", 128, "--json")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert (said["done"], said["skipped"], said["failed"]) == (1, 0, 1)
    assert [(row["row"], row["state"]) for row in said["rows"]] == [(2, "done"), (3, "failed")]
    assert "txt2vid: row 3: " in done.stderr
    assert (tmp_path / "out" / "x.mp4").is_file()
    again = txt2vid("render", "--jobs", "jobs.csv", "-O", "out", "--size", 128, "--json")
    assert [row["state"] for row in json.loads(again.stdout)["rows"]] == ["skipped", "failed"]
