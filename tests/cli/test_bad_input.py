"""Input that is wrong in every way we could think of, through the real command: one line that helps, nothing left."""

from __future__ import annotations

import json
import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import pytest
from PIL import Image

SMALL = ("--size", "128")


class Command:
    """`txt2vid render` in a folder of its own, with a TMPDIR of its own; looks at what it leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.temporary = folder / "work", folder / "tmp"
        self.folder.mkdir()
        self.temporary.mkdir()

    def path(self, name: str) -> Path:
        """A file in the folder."""
        return self.folder / name

    def run(
        self, *arguments: object, prepare: Callable[[], None] | None = None, stdin: str | None = ""
    ) -> subprocess.CompletedProcess[str]:
        """Runs it to its end; a stdin of None is closed."""
        close = [] if stdin is not None else ["sh", "-c", 'exec "$@" <&-', "sh"]
        return subprocess.run(
            [*close, sys.executable, "-m", "txt2vid", "render", *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            input=stdin,
            preexec_fn=prepare,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def refuses(self, *arguments: object, code: int, says: Iterable[str], **options: object) -> None:
        """Runs it, and sees that it ends in one line and this code, and leaves nothing."""
        before = self._files()
        done = self.run(*arguments, **options)  # type: ignore[arg-type]
        assert done.returncode == code, done.stderr
        lines = done.stderr.splitlines()
        assert len(lines) == 1, done.stderr
        assert lines[0].startswith("txt2vid: ")
        for words in says:
            assert words in lines[0]
        assert done.stdout == ""
        self.left_nothing(before)

    def left_nothing(self, before: list[Path]) -> None:
        """No new file in the folder or in TMPDIR, and no process that was started there."""
        assert self._files() == before
        assert list(self.temporary.iterdir()) == []
        assert children_in(self.folder) == []

    def _files(self) -> list[Path]:
        return sorted(self.folder.rglob("*"))


def children_in(folder: Path) -> list[str]:
    """The processes that work in a folder."""
    processes = psutil.process_iter(["cwd", "name", "status"])
    found = [process.info for process in processes if process.info["cwd"] == str(folder)]
    return [info["name"] for info in found if info["status"] != psutil.STATUS_ZOMBIE]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *map(str, arguments)], check=True, timeout=60)


def bmp(width: int, height: int) -> bytes:
    """A bitmap's header, without the bitmap."""
    size = width * height * 3
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, size & 0xFFFFFFFF, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", (size + 54) & 0xFFFFFFFF, 0, 0, 54) + info


def one_colour(path: Path, width: int, height: int) -> None:
    Image.new("1", (width, height)).save(path)


def truncated(path: Path, hero: Path) -> None:
    Image.open(hero).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


FACES: dict[str, tuple[Callable[[Path, Path], object], int, str]] = {
    "text.png": (lambda path, _hero: path.write_text("I am no picture."), 3, "is not a picture: give a JPEG"),
    "text.mp4": (
        lambda path, _hero: path.write_text("I am no video."),
        3,
        "is a text, not a picture or video: give --face",
    ),
    "text.txt": (
        lambda path, _hero: path.write_text("I am a text."),
        3,
        "is a text, not a picture or video: give --face",
    ),
    "text.svg": (
        lambda path, _hero: path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>"),
        3,
        "give --face a picture",
    ),
    "empty.png": (lambda path, _hero: path.touch(), 3, "is empty (0 bytes)"),
    "empty.mp4": (lambda path, _hero: path.touch(), 3, "is empty (0 bytes)"),
    "half.jpg": (truncated, 3, "is damaged"),
    "dot.png": (lambda path, _hero: one_colour(path, 1, 1), 3, "is too small"),
    "huge.bmp": (lambda path, _hero: path.write_bytes(bmp(20_000, 20_000)), 3, "is too large"),
    "huge.png": (lambda path, _hero: one_colour(path, 20_000, 20_000), 3, "is too large"),
    "endless.bmp": (lambda path, _hero: path.write_bytes(bmp(1 << 30, 1 << 30)), 3, "is too large"),
    "nobody.png": (lambda path, _hero: one_colour(path, 200, 200), 4, "--face-box"),
    "folder.png": (lambda path, _hero: path.mkdir(), 3, "is a folder"),
    "pipe.png": (lambda path, _hero: os.mkfifo(path), 3, "is a pipe or a device"),
    "none.png": (lambda _path, _hero: None, 3, "does not exist: check the name"),
    "loop.png": (lambda path, _hero: path.symlink_to(path), 3, "cannot be read"),
    "list.m3u8": (lambda path, hero: playlist(path, hero), 3, "is a playlist or script (hls)"),
    "noise.mp4": (lambda path, _hero: path.write_bytes(bytes(range(256)) * 100), 3, "cannot be decoded"),
}


@pytest.mark.parametrize("name", FACES)
def test_faces(command: Command, hero: Path, name: str) -> None:
    make, code, says = FACES[name]
    make(command.path(name), hero)
    command.refuses("--face", name, "--text", "Hello.", "-o", "a.mp4", code=code, says=[name, says])


def sound(path: Path, source: str, *arguments: str) -> None:
    ffmpeg("-f", "lavfi", "-i", source, *arguments, path)


def without_sound(path: Path, _speech: Path) -> None:
    sound(path, "testsrc=size=64x64:duration=0.2")


def concat(path: Path, speech: Path) -> None:
    path.write_text(f"ffconcat version 1.0\nfile '{speech}'\n")


def playlist(path: Path, speech: Path) -> None:
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{speech}\n#EXT-X-ENDLIST\n")


def damaged(path: Path, speech: Path) -> None:
    """A WAV header, then a hundred bytes of a codec that they do not make sense in."""
    ffmpeg("-i", speech, "-f", "mp4", "-c:a", "aac", path)
    path.write_bytes(path.read_bytes()[:2000])


SOUNDS: dict[str, tuple[Callable[[Path, Path], object], int, str]] = {
    "silent.wav": (lambda path, _speech: sound(path, "anullsrc=duration=1"), 3, "is silent from start to end: give"),
    "empty.wav": (lambda path, _speech: path.touch(), 3, "is empty (0 bytes): record"),
    "header.wav": (lambda path, speech: path.write_bytes(speech.read_bytes()[:44]), 3, ": "),
    "noise.mp3": (lambda path, _speech: path.write_bytes(bytes(range(256)) * 100), 3, "cannot be decoded"),
    "damaged.m4a": (damaged, 3, "cannot be decoded"),
    "text.wav": (lambda path, _speech: path.write_text("Hello."), 3, "is a text file: give a sound"),
    "mute.mp4": (without_sound, 3, "holds no sound: give"),
    "picture.png": (lambda path, _speech: one_colour(path, 64, 64), 3, "is a still picture"),
    "list.m3u8": (playlist, 3, "is a playlist or script (hls)"),
    "list.wav": (concat, 3, "is a playlist or script (concat)"),
    "folder.wav": (lambda path, _speech: path.mkdir(), 3, "is a folder"),
    "pipe.wav": (lambda path, _speech: os.mkfifo(path), 3, "is a pipe or a device"),
    "none.wav": (lambda _path, _speech: None, 3, "does not exist"),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_sounds(command: Command, hero: Path, speech: Path, name: str) -> None:
    make, code, says = SOUNDS[name]
    make(command.path(name), speech)
    command.refuses("--face", hero, "--audio", name, "-o", "a.mp4", *SMALL, code=code, says=[name, says])


@pytest.mark.parametrize(
    ("name", "content", "code", "says"),
    [
        ("emoji.txt", "😀🎉❤️".encode(), 6, "nothing in the text can be spoken"),
        ("empty.txt", b"", 6, "the text is empty: write some words"),
        ("blank.txt", b" \n\t\n", 6, "the text is empty: write some words"),
        ("marks.txt", b"... !?", 6, "nothing in the text can be spoken"),
        (
            "binary.txt",
            bytes(range(256)),
            3,
            "binary.txt is not UTF-8: convert it, for instance with iconv -f LATIN1 -t UTF-8",
        ),
        ("zeros.txt", bytes(1000), 6, "nothing in the text can be spoken"),
        ("long.txt", b"a" * ((4 << 20) + 1), 3, "long.txt is longer than 4 MiB"),
    ],
)
def test_texts(command: Command, hero: Path, name: str, content: bytes, code: int, says: str) -> None:
    command.path(name).write_bytes(content)
    command.refuses("--face", hero, "--text-file", name, "-o", "a.mp4", code=code, says=[says])


def test_texts_that_cannot_be_read(command: Command, hero: Path) -> None:
    command.path("folder.txt").mkdir()
    for name, says in (("none.txt", "cannot be read"), ("folder.txt", "cannot be read")):
        command.refuses("--face", hero, "--text-file", name, code=3, says=[name, says])
    command.refuses("--face", hero, "--text", "", code=6, says=["the text is empty: write some words"])
    command.refuses("--face", hero, "--text-file", "-", code=6, says=["the text is empty: write some words"])


def test_stdin_is_closed(command: Command, hero: Path) -> None:
    command.refuses("--face", hero, "--text-file", "-", code=3, says=["stdin", "closed"], stdin=None)


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
        (["--voice", "nope"], 2, "has no voice 'nope'"),
        (["--tts", "flite", "--voice", "de"], 2, "flite has no voice 'de'"),
        (["--checkpoint", "none.pth"], 2, "none.pth does not exist"),
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
