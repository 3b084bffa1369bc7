"""Orders that make no sense, and places where nothing can be written: one line that helps, and nothing left."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL, Command, ffmpeg


@pytest.mark.parametrize(
    ("output", "code", "says"),
    [
        ("none/a.mp4", 7, "does not exist. mkdir -p it"),
        ("file/a.mp4", 7, "is a file"),
        ("folder.mp4", 7, "is a folder: name a file in it"),
        ("/proc/self/a.mp4", 7, "-o"),
        ("/dev/null", 2, "/dev/null"),
        ("pipe.mp4", 7, "is no regular file"),
        ("a.xyz", 2, "a.xyz has no known video extension"),
        ("a", 2, "a has no known video extension"),
        ("a.gif", 2, "a.gif has no known video extension"),
    ],
)
def test_outputs(command: Command, hero: Path, output: str, code: int, says: str) -> None:
    command.path("file").touch()
    command.path("folder.mp4").mkdir()
    os.mkfifo(command.path("pipe.mp4"))
    command.refuses("--face", hero, "--text", "Hi.", "-o", output, *SMALL, code=code, says=[output, says])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--fps", "0"], 2, "frame rate 0 is out of range: choose 1 to 240"),
        (["--fps", "-25"], 2, "frame rate -25 is out of range"),
        (["--fps", "1e9"], 2, "frame rate '1e9' is no number: write 25"),
        (["--fps", "nan"], 2, "frame rate 'nan' is no number"),
        (["--fps", "inf"], 2, "frame rate 'inf' is no number"),
        (["--fps", "25/0"], 2, "frame rate '25/0' is no number"),
        (["--fps", "1e999999999"], 2, "frame rate '1e999999999' is no number"),
        (["--fps", "9" * 5000], 2, "is no number"),
        (["--fps", ""], 2, "frame rate '' is no number"),
        (["--size", "3"], 2, "size 3 is out of range: choose 64 to 4096"),
        (["--size", "99999999999999999999"], 2, "is out of range"),
        (["--size", ""], 2, "size '' is no whole number: choose 64 to 4096"),
        (["--size", "abc"], 2, "size 'abc' is no whole number: choose 64 to 4096"),
        (["--size", "-3"], 2, "size -3 is out of range: choose 64 to 4096"),
        (["--engine", "nope"], 2, "engine 'nope' is not known"),
        (["--tts", "nope"], 2, "'nope' is not known"),
        (["--expression", "hapy"], 2, "expression 'hapy' is not known: did you mean happy?"),
        (["--expression", "happy:3"], 2, "strength 3 of joy is out of range: write 0 to 1"),
        (["--expression", "nod"], 2, "nod is a gesture, which passes: choose a mood of neutral"),
        (["--expression", ""], 2, "choose one of neutral"),
        (["--unknown-tags", "sing"], 2, "unknown_tags 'sing' is not known: choose one of speak, refuse, drop"),
        (["--voice", "nope"], 2, "has no voice 'nope'"),
        (["--tts", "flite", "--voice", "de"], 2, "flite has no voice 'de'"),
        (["--checkpoint", "none.pth"], 2, "none.pth is no file"),
        (["--audio", "speech.wav"], 2, "--audio and --text are more than one voice: leave all but one out"),
        (["--text", "Привет", "--tts", "flite"], 6, "--tts espeak --voice ru"),
        (["--face-index", "7"], 4, "--face-index 0"),
        (["--face-box", "9000,9000,10,10"], 4, "lies outside the picture of 1024x1024"),
        (["--face-box", "10,10,3,3"], 4, "face box 10,10,3,3 is too small"),
        (["--face", "https://example.org/a.png"], 3, "https://example.org/a.png: URLs are not read: download it first"),
        (["--face", "https://example.org/a.mp4"], 3, "URLs are not read: download it first"),
        (["--landmarks", "none.txt"], 3, "none.txt"),
        (["--seed", "-1"], 2, "--seed"),
        (["extra"], 2, "extra"),
        (["-O", "out"], 2, "--jobs"),
    ],
)
def test_options(command: Command, hero: Path, arguments: list[str], code: int, says: str) -> None:
    command.refuses("--face", hero, "--text", "Hi.", "-o", "a.mp4", *arguments, code=code, says=[says])


def test_sound_from_a_url(command: Command, hero: Path) -> None:
    arguments = ("--face", hero, "--audio", "https://example.org/a.wav", "-o", "a.mp4")
    command.refuses(*arguments, code=3, says=["URLs are not read: download it first"])


def test_a_box_outside_a_video_is_refused_at_once(command: Command, hero: Path) -> None:
    ffmpeg("-loop", 1, "-i", hero, "-t", 0.4, "-s", "128x96", "-pix_fmt", "yuv420p", command.path("face.mp4"))
    arguments = ("--face", "face.mp4", "--text", "Hi.", "-o", "a.mp4", "--face-box")
    command.refuses(*arguments, "128,0,50,50", code=4, says=["128,0,50,50 lies outside the picture of 128x96"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--size", "3"], 2), (["--nope"], 2), (["--face", "none.png"], 3), (["--jobs", "none.csv", "-O", "out"], 2)],
)
def test_errors_as_json(command: Command, arguments: list[str], code: int) -> None:
    """One object on stdout, beside the line on stderr."""
    voice = [] if "--jobs" in arguments else ["--text", "Hi.", "--face", "a.png"]
    done = command.run(*voice, *arguments, "--json")
    assert done.returncode == code
    error = json.loads(done.stdout)
    assert error["exit_code"] == code
    assert done.stderr == f"txt2vid: {error['error']}\n"


def test_the_output_is_an_input(command: Command, hero: Path, speech: Path) -> None:
    command.path("face.mp4").write_bytes(hero.read_bytes())
    command.path("voice.mp4").write_bytes(speech.read_bytes())
    os.link(command.path("voice.mp4"), command.path("same.mp4"))
    for output in ("face.mp4", "voice.mp4", "same.mp4", "./voice.mp4"):
        command.refuses("--face", "face.mp4", "--audio", "voice.mp4", "-o", output, code=2, says=[output.lstrip("./")])
    assert command.path("voice.mp4").read_bytes() == speech.read_bytes()


def test_a_limit_on_files(command: Command, hero: Path, speech: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    arguments = ("--face", hero, "--audio", speech, "-o", "a.mp4")
    command.refuses(*arguments, code=7, says=["a.mp4 cannot be written"], prepare=limit)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
@pytest.mark.parametrize("where", ["work", "tmp"])
def test_a_full_disk(command: Command, hero: Path, speech: Path, where: str) -> None:
    place = command.path("small") if where == "work" else command.temporary
    place.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20k", "tmpfs", place], check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        if where == "work":
            small = ("--face", hero, "--audio", speech, "-o", "small/a.mp4", *SMALL)
            command.refuses(*small, code=7, says=["small/a.mp4 cannot be written: the disk is full"])
        else:
            ffmpeg("-loop", 1, "-i", hero, "-t", 2, "-s", "256x256", "-pix_fmt", "yuv420p", command.path("face.mp4"))
            arguments = ("--face", "face.mp4", "--audio", speech, "-o", "a.mp4")
            command.refuses(*arguments, code=7, says=["set TMPDIR to a folder with space"])
            command.refuses(
                "--face", hero, "--text", "Hello, my dear friend.", "-o", "a.mp4", code=6, says=["disk full", "TMPDIR"]
            )
    finally:
        subprocess.run(["umount", place], check=True)


ODD_NAMES = [
    "with space", "quo'te", 'quo"te', "größe ☺ 名", "-dash", "%d", "a%03dz", "a:b", "http:", "[x]*?", "back\\slash",
    "$HOME;`x`", "n\nl",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_work(command: Command, hero: Path, speech: Path, name: str) -> None:
    command.path(f"{name}.png").write_bytes(hero.read_bytes())
    command.path(f"{name}.wav").write_bytes(speech.read_bytes())
    done = command.run(f"--face={name}.png", f"--audio={name}.wav", f"--output={name}.mp4", "--size", "64", "--fps", 5)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.suffix for path in command.folder.iterdir()) == [".mp4", ".png", ".wav"]


def test_every_voice_speaks_quietly(command: Command, hero: Path) -> None:
    """Nothing on stderr, nothing lying about; espeak-ng's sound library would leave a folder in TMPDIR."""
    for tts in ("flite", "espeak"):
        done = command.run("--face", hero, "--text", "Hi.", "--tts", tts, "-o", f"{tts}.mp4", "--size", "64")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in command.folder.iterdir()) == ["espeak.mp4", "flite.mp4"]
    assert list(command.temporary.iterdir()) == []


def test_nobody_reads_stdout(command: Command, hero: Path, speech: Path) -> None:
    """`txt2vid render --json | head -0`: the video is made, and no traceback follows."""
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ["--face", str(hero), "--audio", str(speech), "-o", "a.mp4", "--size", "64", "--json"]
    with open(writing, "wb") as stdout:  # noqa: PTH123 - a descriptor
        done = subprocess.run(
            [sys.executable, "-m", "txt2vid", "render", *arguments],
            cwd=command.folder,
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.stderr == b""
    assert command.path("a.mp4").stat().st_size > 1000
